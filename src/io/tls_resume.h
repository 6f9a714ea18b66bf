/* tls_resume: sessions of a client's context, kept so that the next connection to the same peer
 * needs no full handshake. They belong to the context, hence to one policy, one set of roots and
 * one revision of the document: none of them is resumed under another. Within a context a session
 * is for one name and one address, for an hour at most and not beyond its certificate's end; it is
 * used until the peer gives a newer one, as not every peer gives one each time, and mail servers
 * have nothing to hide by tickets that are used once (RFC 8446 appendix C.4). Bounded. A context
 * that keeps sessions is for one thread. */
#ifndef IO_TLS_RESUME_H
#define IO_TLS_RESUME_H

#include <stdbool.h>

#include <openssl/ssl.h>

/* From now on sessions of the context are kept. */
void tls_resume_use(SSL_CTX *ctx);
/* Offers a session that was kept for this name (NULL: none) and the peer that fd is connected to,
 * and takes note of whom later sessions are for. */
void tls_resume_offer(SSL *ssl, int fd, const char *name);
/* Whether one was offered. Where the handshake failed, the sessions of this peer may be to blame:
 * they are forgotten, so the next handshake is a full one. */
bool tls_resume_give_up(SSL *ssl);

#endif
