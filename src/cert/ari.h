/* ari: what ACME Renewal Information (RFC 9773) needs of certificates and times. */
#ifndef CERT_ARI_H
#define CERT_ARI_H

#include <openssl/x509.h>

#include "base/buf.h"

/* The certificate's identifier in renewal URLs: base64url of the authority key identifier, a dot,
 * base64url of the serial number (section 4.1). ERR_UNSUPPORTED: it names no authority key. */
enum err ari_certificate_id(X509 *leaf, struct buf *out) MUST_USE;

/* An RFC 3339 time with any fraction and offset. */
enum err ari_parse_time(struct span text, int64_t *ms) MUST_USE;

#endif
