/* bundle: what a file with certificates holds, in any form an administrator may have: PEM in any order, DER, PKCS#7, PKCS#12 (with the
 * old RC2 and 3DES as well), encrypted keys. */
#ifndef CERT_BUNDLE_H
#define CERT_BUNDLE_H

#include "cert/certificate.h"

struct bundle {
    STACK_OF(X509) * certificates; /* all that were found */
    EVP_PKEY **keys;
    size_t key_count;
    struct span friendly_name; /* PKCS#12; may be empty */
    const char *form;          /* "PEM", "DER", "PKCS#7", "PKCS#12" */
    struct arena arena;
};

/* ERR_DENIED: a passphrase is missing or wrong; ERR_SYNTAX: none of the forms; ERR_LIMIT. `why` gets one sentence. */
enum err bundle_read(struct span bytes, struct span passphrase, struct bundle **bundle, struct buf *why) MUST_USE;
void bundle_free(struct bundle *bundle);

/* The certificates of the bundle that are leaves (each with its key, from the bundle or from extra_keys, where there is one) and their
 * chains, completed from `known` (intermediates; may be NULL). */
enum err bundle_certificates(const struct bundle *bundle, EVP_PKEY *const *extra_keys, size_t extra_key_count,
                             STACK_OF(X509) * known, struct arena *arena, struct certificate ***certificates, size_t *count,
                             struct buf *why) MUST_USE;

/* PKCS#12 with AES-256 and PBKDF2, for export; an empty passphrase is refused. */
enum err bundle_write_pkcs12(const struct certificate *c, struct span passphrase, struct span friendly_name,
                             struct buf *out) MUST_USE;

#endif
