/* tls_socket: what lies between a TLS session and its socket, so that the kernel is asked as seldom
 * as can be. It reads as much as there is room for and, where that left nothing, not again before
 * the socket is readable; what OpenSSL writes piece by piece - a ticket and the reply behind it,
 * the last reply and close_notify - is gathered, until its owner sends it. For stream and tls
 * alone. */
#ifndef IO_TLS_SOCKET_H
#define IO_TLS_SOCKET_H

#include <openssl/bio.h>

#include "base/buf.h"

struct tls_socket {
    int fd;
    bool
        is_dry; /* all that had arrived was read; the owner unsets it when the socket is readable */
    bool is_full; /* the socket did not take all that was gathered */
    bool eof;
    struct buf out; /* what was gathered; from out_sent on */
    size_t out_sent;
};

void tls_socket_init(struct tls_socket *s, int fd);
/* Does not close the descriptor. */
void tls_socket_done(struct tls_socket *s);

/* For SSL_set_bio; s must outlive it. */
BIO *tls_socket_bio(struct tls_socket *s);

static inline size_t tls_socket_gathered(const struct tls_socket *s)
{
    return s->out.n - s->out_sent;
}

/* Sends what was gathered as far as the socket takes it: 0, also where something is left (is_full),
 * or an errno; nothing is then left. */
int tls_socket_send(struct tls_socket *s);

#endif
