/* transport: one non-blocking read, write or handshake step on a socket, clear or TLS, with the
 * outcome in one enumeration and the cause in words. For stream alone. */
#ifndef IO_TRANSPORT_H
#define IO_TRANSPORT_H

#include <openssl/ssl.h>

#include "base/buf.h"

enum transport_result {
    TRANSPORT_DONE,
    TRANSPORT_WANTS_READ,  /* again, once the socket is readable */
    TRANSPORT_WANTS_WRITE, /* again, once the socket is writable */
    TRANSPORT_EOF,
    TRANSPORT_FAILED,     /* the socket: why says how */
    TRANSPORT_TLS_FAILED, /* the TLS layer: why says how */
};

/* ssl: NULL where the connection is clear. Both are TRANSPORT_DONE with at least one byte moved. */
enum transport_result transport_read(int fd, SSL *ssl, char *p, size_t room, size_t *got,
                                     struct buf *why);
enum transport_result transport_write(int fd, SSL *ssl, struct span bytes, size_t *written,
                                      struct buf *why);
/* EOF here is a failed handshake, not an end. */
enum transport_result transport_handshake(SSL *ssl, struct buf *why);
void transport_add_errno(struct buf *why, int error);

#endif
