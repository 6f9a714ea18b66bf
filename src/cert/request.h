/* request: keys and certificate signing requests (PKCS#10). */
#ifndef CERT_REQUEST_H
#define CERT_REQUEST_H

#include "cert/certificate.h"

enum { REQUEST_MAX = 1024 * 1024 /* bytes of a request or key that is read */ };

enum key_kind { KEY_P256, KEY_P384, KEY_RSA_2048, KEY_RSA_3072, KEY_RSA_4096 };

enum err key_kind_parse(struct span text,
                        enum key_kind *kind) MUST_USE; /* "p256", "rsa2048", ... */
const char *key_kind_name(enum key_kind kind);
enum err key_new(enum key_kind kind, EVP_PKEY **key) MUST_USE;
/* PKCS#8, not encrypted. */
enum err key_write_pem(EVP_PKEY *key, struct buf *out) MUST_USE;
/* Any PEM with exactly one private key in it. ERR_DENIED: the passphrase is missing or wrong. */
enum err key_read_pem(struct span pem, struct span passphrase, EVP_PKEY **key,
                      struct buf *why) MUST_USE;
/* SHA-256 of the SubjectPublicKeyInfo, lower-case hex. */
void key_spki_hash(EVP_PKEY *key, char hex[65]);

/* PEM of a PKCS#10 with the names as SAN (the first as CN where it fits), each once. IDNs become
 * A-labels; wildcards are allowed. ERR_RANGE: no names; ERR_SYNTAX: one is no host name; ERR_LIMIT:
 * more than CERT_NAMES_MAX. */
enum err request_new(EVP_PKEY *key, const struct span *names, size_t count,
                     struct buf *pem) MUST_USE;
/* PEM (also Windows' "NEW CERTIFICATE REQUEST") or DER. Verifies the self-signature (else
 * ERR_CORRUPT); names in the arena: the SAN's dNSNames, or the CN where there are none. */
enum err request_parse(struct arena *arena, struct span pem, struct span **names, size_t *count,
                       char spki[65], struct buf *why) MUST_USE;

#endif
