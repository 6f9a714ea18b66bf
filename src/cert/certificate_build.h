/* certificate_build: puts the value together from its OpenSSL parts. For this folder alone. */
#ifndef CERT_CERTIFICATE_BUILD_H
#define CERT_CERTIFICATE_BUILD_H

#include "cert/certificate.h"

/* Takes over leaf, chain and key in every case. `why` gets one sentence on failure. */
enum err certificate_build(X509 *leaf, STACK_OF(X509) * chain, EVP_PKEY *key,
                           struct certificate **certificate, struct buf *why) MUST_USE;

/* A dNSName or host name as it is compared: lower-case A-labels, no trailing dot. ERR_SYNTAX where
 * it is none. A "*" as the whole left-most label is allowed where `wildcard` is. */
enum err host_name_normalise(struct arena *arena, struct span name, bool wildcard,
                             struct span *normal) MUST_USE;

/* "CN=R11, O=Let's Encrypt, C=US": most specific first, quoted as .NET does, which Exchange prints.
 */
struct span x500_text(struct arena *arena, const X509_NAME *name);
/* The most specific commonName; empty: none. */
struct span x500_common_name(struct arena *arena, const X509_NAME *name);

/* The reason that OpenSSL queued first, and an empty queue. */
const char *openssl_reason(void);

#endif
