/* bundle: what a file with certificates holds, in any form an administrator may have: PEM in any
 * order (also as UTF-16, which PowerShell writes), DER, PKCS#7, PKCS#12 (with the old RC2 and 3DES
 * as well), encrypted keys. */
#ifndef CERT_BUNDLE_H
#define CERT_BUNDLE_H

#include "cert/certificate.h"

enum {
    BUNDLE_MAX = 4 * 1024 * 1024, /* bytes of a file */
    BUNDLE_PASSPHRASE_MAX = 1024,
    BUNDLE_PKCS12_ROUNDS = 200000, /* of PBKDF2 with SHA-256, on export */
};

struct bundle {
    STACK_OF(X509) * certificates; /* all that were found */
    EVP_PKEY **keys;
    size_t key_count;
    struct span friendly_name; /* PKCS#12; may be empty */
    const char *form;          /* "PEM", "DER", "PKCS#7", "PKCS#12" */
    struct arena arena;
};

/* ERR_DENIED: a passphrase is missing or wrong; ERR_SYNTAX: none of the forms, or damaged;
 * ERR_LIMIT: too large, too many parts, or a key derivation that would take too long;
 * ERR_UNSUPPORTED. `why` gets one sentence. */
enum err bundle_read(struct span bytes, struct span passphrase, struct bundle **bundle,
                     struct buf *why) MUST_USE;
void bundle_free(struct bundle *bundle);

/* The certificates of the bundle that are leaves (each with its key, from the bundle or from
 * extra_keys, where there is one) and their chains, completed from `known` (intermediates; may be
 * NULL). A leaf has a key here, or is no authority and issued none of the others. Where the one
 * leaf and the one key do not belong together, they are put together all the same, and key_matches
 * says so. The caller frees each with certificate_free; the array is the arena's. ERR_NOT_FOUND:
 * there is no leaf in it. */
enum err bundle_certificates(const struct bundle *bundle, EVP_PKEY *const *extra_keys,
                             size_t extra_key_count, STACK_OF(X509) * known, struct arena *arena,
                             struct certificate ***certificates, size_t *count,
                             struct buf *why) MUST_USE;

/* PKCS#12 with AES-256 and PBKDF2, for export. ERR_REFUSED: an empty passphrase; ERR_NOT_FOUND: the
 * key is missing; ERR_UNSUPPORTED: the key is not the certificate's; ERR_LIMIT, ERR_SYNTAX:
 * passphrase or name too long, or with NUL. */
enum err bundle_write_pkcs12(const struct certificate *c, struct span passphrase,
                             struct span friendly_name, struct buf *out) MUST_USE;

#endif
