/* certificates: the certificate files of the data folder and of the folder that the document names.
 * A set is loaded completely and never changes; it is counted. */
#ifndef STORE_CERTIFICATES_H
#define STORE_CERTIFICATES_H

#include <stdatomic.h>

#include "cert/certificate.h"

struct certificate_file_fault {
    struct span path, text;
};

struct certificate_set {
    _Atomic unsigned references;
    struct arena arena;
    struct certificate **items;
    struct span *paths; /* the file of each */
    size_t count;
    struct certificate_file_fault
        *faults; /* files that look like certificates and cannot be used */
    size_t fault_count;
};

/* Reads DIR/certificates and, where it is not empty, `directory`, one level of folders deep. A file
 * *.pem or *.crt holds a certificate with its chain; its key stands in the same file, in the same
 * name with .key, or beside it in privkey.pem (certbot's layout). The same certificate in two files
 * is taken once. Unusable files become faults. */
struct certificate_set *certificates_load(const char *data_directory, struct span directory);
struct certificate_set *certificate_set_keep(struct certificate_set *set);
void certificate_set_release(struct certificate_set *set);

/* Writes leaf, chain and key to DIR/certificates/NAME.pem, mode 0600, durably, whole or not at all.
 */
enum err certificates_save(const char *data_directory, const char *name,
                           const struct certificate *certificate) MUST_USE;

#endif
