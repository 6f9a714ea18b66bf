/* stream: one TCP connection, clear or TLS, non-blocking, on one loop. Idle streams hold no
 * buffers.
 *
 * Input is offered to on_input as it arrives; what is not used is kept and offered again together
 * with more, or after stream_resume. Output is written at once as far as the socket takes it. No
 * callback is called from within a call of these functions, except on_input from stream_resume.
 * After on_end nothing is called; the owner then frees it. */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include <openssl/ssl.h>

#include "base/buf.h"
#include "base/ip.h"
#include "io/loop.h"

struct stream;

/* Unused input beyond this stops reading until stream_resume, as if the owner had paused. */
enum { STREAM_KEPT_MAX = 64 * 1024 };

enum stream_end {
    STREAM_EOF,        /* the peer closed */
    STREAM_ERROR,      /* reset, unreachable, refused: see text */
    STREAM_TIMEOUT,    /* stream_set_deadline passed */
    STREAM_TLS_FAILED, /* handshake or record failure: see text */
    STREAM_DRAINED,    /* stream_close_when_drained is done */
};

struct stream_tls_info {
    const char *version; /* "TLSv1.3" */
    const char *cipher;
    const char *group;           /* "x25519"; may be NULL */
    struct span sni;             /* server side: what the client asked for, else empty */
    X509 *peer;                  /* borrowed; NULL: none */
    STACK_OF(X509) * peer_chain; /* client side: all that the server sent; borrowed, may be NULL */
    long verify_result;          /* X509_V_OK where the chain was verified */
    bool resumed;
};

struct stream_owner {
    size_t (*on_input)(void *context, struct span input); /* returns bytes used */
    void (*on_writable)(void *context);  /* all pending output was written; not called where
                                          * stream_write left nothing pending */
    void (*on_connected)(void *context); /* clients: TCP connection is there */
    void (*on_tls)(void *context);       /* handshake done, see stream_tls_info */
    void (*on_end)(void *context, enum stream_end end, struct span text);
    void *context;
};

/* peer and local as the listener gave them. */
struct stream *stream_accept(struct loop *loop, int fd, const struct endpoint *peer,
                             const struct endpoint *local, const struct stream_owner *owner);
/* Connects; on_connected or on_end follows. source: bind to this address first, NULL for none. */
struct stream *stream_connect(struct loop *loop, const struct endpoint *to, const struct ip *source,
                              const struct stream_owner *owner);
/* The same to a Unix socket; stream_peer is then all zero. */
struct stream *stream_connect_path(struct loop *loop, const char *path,
                                   const struct stream_owner *owner);
/* Closes at once (no TLS close_notify wait) and frees. Safe within any of its callbacks. */
void stream_free(struct stream *s);

/* Takes a copy of what the socket does not take now. */
void stream_write(struct stream *s, struct span bytes);
size_t stream_pending(const struct stream *s);
/* While paused nothing is read, so the kernel slows the peer down. */
void stream_pause(struct stream *s);
void stream_resume(struct stream *s);
/* Ends the connection by itself: on_end(STREAM_TIMEOUT) after this time unless set again; 0: never.
 */
void stream_set_deadline(struct stream *s, int64_t after_ms);
/* Writes what is pending, sends close_notify and FIN, then on_end(STREAM_DRAINED). Input is
 * ignored. */
void stream_close_when_drained(struct stream *s);

/* Starts the handshake once pending output is written. Takes its own reference of ctx. Input that
 * was kept unused is dropped by the server side only if the owner asked for it before: it must be
 * empty. */
void stream_start_tls_server(struct stream *s, SSL_CTX *ctx);
/* sni: host name to ask for and, if ctx verifies names, to check (RFC 9525); NULL: none. */
void stream_start_tls_client(struct stream *s, SSL_CTX *ctx, const char *sni);
bool stream_is_tls(const struct stream *s);
void stream_tls_info(const struct stream *s, struct stream_tls_info *info);

/* Within on_end, after a handshake that failed: a kept session was offered and may be why. What is
 * kept of this peer is forgotten, so another connection makes a full handshake. */
bool stream_gives_up_resumption(struct stream *s);

const struct endpoint *stream_peer(const struct stream *s);
const struct endpoint *stream_local(const struct stream *s);

#endif
