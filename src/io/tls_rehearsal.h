/* tls_rehearsal: handshakes in memory against a new server context, before any peer meets it. */
#ifndef IO_TLS_REHEARSAL_H
#define IO_TLS_REHEARSAL_H

#include <openssl/ssl.h>

#include "base/buf.h"

/* A current client and one that knows TLS 1.2 only must both complete the handshake, exchange a
 * byte and see `leaf`. */
enum err tls_rehearse(SSL_CTX *server, X509 *leaf, struct buf *why) MUST_USE;

#endif
