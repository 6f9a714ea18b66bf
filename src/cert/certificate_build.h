/* certificate_build: puts the value together from its OpenSSL parts. For this folder alone. */
#ifndef CERT_CERTIFICATE_BUILD_H
#define CERT_CERTIFICATE_BUILD_H

#include <openssl/x509v3.h>

#include "cert/certificate.h"

/* Takes over leaf, chain and key in every case. `why` gets one sentence on failure. */
enum err certificate_build(X509 *leaf, STACK_OF(X509) * chain, EVP_PKEY *key,
                           struct certificate **certificate, struct buf *why) MUST_USE;

/* A dNSName or host name as it is compared: lower-case A-labels, no trailing dot. ERR_SYNTAX where
 * it is none. A "*" as the whole left-most label is allowed where `wildcard` is. */
enum err host_name_normalise(struct arena *arena, struct span name, bool wildcard,
                             struct span *normal) MUST_USE;

/* The dNSNames, normalised; false where there is no such entry at all. Entries that are no host
 * name (embedded NUL, spaces, partial wildcards, UTF-8) are left out: no peer may match them.
 * `entries` may be NULL. */
bool dns_names_read(struct arena *arena, const GENERAL_NAMES *entries, struct span **names,
                    size_t *count);
/* The commonName as a host name, in an array of one; false where it is none. */
bool common_name_host(struct arena *arena, const X509_NAME *subject, struct span **names);
/* As an extension of a certificate, or of a request; `names` are normal. */
GENERAL_NAMES *dns_names_make(const struct span *names, size_t count);

/* "CN=R11, O=Let's Encrypt, C=US": most specific first, quoted as .NET does, which Exchange prints.
 */
struct span x500_text(struct arena *arena, const X509_NAME *name);
/* The most specific commonName; empty: none. */
struct span x500_common_name(struct arena *arena, const X509_NAME *name);

enum { COMMON_NAME_MAX = 64 }; /* ub-common-name, RFC 5280 appendix A.1 */

/* The reason that OpenSSL queued first, and an empty queue. */
const char *openssl_reason(void);

#endif
