/* tls_session: one connection's SSL object, prepared from a context of io/tls. For stream alone. */
#ifndef IO_TLS_SESSION_H
#define IO_TLS_SESSION_H

#include "io/tls.h"

SSL *tls_session_server(SSL_CTX *ctx, int fd);
/* NULL where the context verifies names and `name` is none that can be verified; why says so. */
SSL *tls_session_client(SSL_CTX *ctx, int fd, const char *name, struct buf *why);

#endif
