/* tls_rehearsal: handshakes in memory against a new server context, before any peer meets it. */
#ifndef IO_TLS_REHEARSAL_H
#define IO_TLS_REHEARSAL_H

#include "io/tls.h"

/* A current client and one that knows TLS 1.2 only must both complete the handshake, exchange a
 * byte and see `leaf`. keys: these clients verify no other kind; NULL: any. */
enum err tls_rehearse(SSL_CTX *server, X509 *leaf, const enum tls_keys *keys,
                      struct buf *why) MUST_USE;

#endif
