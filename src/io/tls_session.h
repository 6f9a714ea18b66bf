/* tls_session: one connection's SSL object, prepared from a context of io/tls and put upon its
 * socket, which must outlive it. For stream alone. */
#ifndef IO_TLS_SESSION_H
#define IO_TLS_SESSION_H

#include "io/tls.h"
#include "io/tls_socket.h"

SSL *tls_session_server(SSL_CTX *ctx, struct tls_socket *socket);
/* NULL where the context verifies names and `name` is none that can be verified; why says so. */
SSL *tls_session_client(SSL_CTX *ctx, struct tls_socket *socket, const char *name, struct buf *why);

#endif
