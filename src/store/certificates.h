/* certificates: the certificate files of the data folder and of the folder that the document names.
 * A set is loaded completely and never changes; it is counted. */
#ifndef STORE_CERTIFICATES_H
#define STORE_CERTIFICATES_H

#include <stdatomic.h>

#include "cert/certificate.h"

struct certificate_file_fault {
    struct span path, text;
    unsigned mode; /* of a key file that others can read; 0: fine */
};

/* What belongs to a certificate besides itself; kept in THUMBPRINT.notes beside THUMBPRINT.pem. */
struct certificate_meta {
    unsigned services; /* enum cert_service; copied into certificate->services */
    struct span friendly_name, notes;
    struct span source; /* "import", "acme", "request", "self-signed", "watch /path" */
    struct span author;
    int64_t added_ms;
    bool managed; /* in the data folder: can be changed and removed; otherwise a file of the named
                     folder */
};

/* A key whose certificate has not come yet. */
struct certificate_request {
    struct span id; /* first 16 hex digits of the SPKI hash */
    struct span *names;
    size_t name_count;
    struct span key_type, spki, friendly_name, pem /* the CSR */;
    int64_t made_ms;
};

struct certificate_set {
    _Atomic unsigned references;
    struct arena arena;
    struct certificate **items;
    struct certificate_meta *meta;
    struct span *paths; /* the file of each */
    size_t count;
    struct certificate_request *requests;
    size_t request_count;
    struct certificate_file_fault
        *faults; /* files that look like certificates and cannot be used */
    size_t fault_count;
};

/* Reads DIR/certificates, DIR/certificates/requests and, where it is not empty, `directory`, one
 * level of folders deep. In the named folder a file *.pem or *.crt holds a certificate with its
 * chain; its key stands in the same file, in the same name with .key, or beside it in privkey.pem
 * (certbot's layout). The same certificate in two files is taken once. Unusable files become
 * faults. Chains are completed from the intermediates of the other certificates. */
struct certificate_set *certificates_load(const char *data_directory, struct span directory);
/* One folder alone, as the named one is read. */
struct certificate_set *certificates_read_folder(struct span directory);
/* Last known good: where a file of `before` is still there but holds nothing usable now (half of a
 * renewal, a key of another certificate), its certificate of before is taken into the set, at its
 * end. Returns how many. A file that is gone takes its certificate with it. Only before the set is
 * shared. */
size_t certificates_carry_over(struct certificate_set *set, const struct certificate_set *before);
/* So that this holds beyond a restart, the usable certificates of the named folder are copied to
 * DIR/certificates/kept, and those of files that are gone are removed there. A failure is made good
 * by the next call. */
void certificates_keep(const char *data_directory, const struct certificate_set *set);
/* What was copied there, each with the path of its file: a `before` for certificates_carry_over. */
struct certificate_set *certificates_kept(const char *data_directory);
struct certificate_set *certificate_set_keep(struct certificate_set *set);
void certificate_set_release(struct certificate_set *set);

/* Adds the content of a file that may hold a private key, at most the buf's limit. Neither waits
 * for the other end of a pipe nor leaves a copy behind. */
enum err certificate_file_read(const char *path, struct buf *text) MUST_USE;

/* Each writes whole files or nothing, mode 0600, durably. */
enum err certificates_add(const char *data_directory, const struct certificate *certificate,
                          const struct certificate_meta *meta) MUST_USE;
enum err certificates_set_meta(const char *data_directory, struct span thumbprint,
                               const struct certificate_meta *meta) MUST_USE;
/* Moves the files into certificates/removed/, from where an administrator can take them back. */
enum err certificates_remove(const char *data_directory, struct span thumbprint) MUST_USE;
enum err certificates_add_request(const char *data_directory, EVP_PKEY *key,
                                  const struct certificate_request *request) MUST_USE;
enum err certificates_request_key(const char *data_directory, struct span id, EVP_PKEY **key,
                                  struct buf *why) MUST_USE;
enum err certificates_remove_request(const char *data_directory, struct span id) MUST_USE;

#endif
