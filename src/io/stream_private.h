/* stream_private: a stream's state and the steps that both the calls of its owner and its events
 * take. For stream.c and stream_steps.c alone. */
#ifndef IO_STREAM_PRIVATE_H
#define IO_STREAM_PRIVATE_H

#include <event2/event_struct.h>
#include <sys/socket.h>

#include "io/stream.h"
#include "io/tls_socket.h"

enum {
    READ_PER_WAKE_UP = 64 * 1024, /* then the loop's other connections get their turn */
    WHY_MAX = 1024,
    LINGER_MS = 1000,
};

enum state {
    STATE_CONNECTING,
    STATE_OPEN,
    STATE_LINGERING, /* FIN is sent; what still comes is thrown away until the peer's FIN */
    STATE_ENDED,
};

enum tls_phase { TLS_CLEAR, TLS_WAITING, TLS_SHAKING, TLS_ON };

struct stream {
    struct event_base *base;
    int fd;
    struct tls_socket socket;
    enum state state;
    enum tls_phase tls;
    struct stream_owner owner;
    struct event readable, writable, deadline;
    SSL *ssl;
    struct buf in;  /* what the owner did not use */
    struct buf out; /* what the socket did not take; from out_sent on */
    size_t out_sent;
    size_t out_clear; /* of it, how much goes out before the handshake */
    struct buf why;
    enum stream_end end;
    int calls;   /* callbacks that have not returned */
    short wants; /* what the handshake waits for */
    bool watches_read, watches_write;
    bool write_wants_read, read_wants_write;
    bool kicked;     /* progress will be called soon */
    bool stepping;   /* within progress: a step that is due still gets its turn, without a kick */
    bool tls_unread; /* OpenSSL may hold input that epoll does not see */
    bool paused, reoffer, eof, write_failed, closing, end_due, freed;
    struct endpoint peer, local;
};

/* What a step has gathered is as good as sent, unless the socket did not take it. */
static inline size_t pending_bytes(const struct stream *s)
{
    size_t gathered = s->socket.is_full ? tls_socket_gathered(&s->socket) : 0;
    return s->out.n - s->out_sent + gathered;
}

/* Callbacks are called from the loop alone, so what a public function finds out is told a little
 * later. */
void stream_kick(struct stream *s);
void stream_finish_soon(struct stream *s, enum stream_end end);
void stream_update_watches(struct stream *s);

/* Around every callback. The owner may free the stream within; its memory is released by the
 * outermost of these functions (an event's handler or stream_resume), once all have returned. */
void stream_enter(struct stream *s);
void stream_leave(struct stream *s);
void stream_release(struct stream *s);
void stream_close_down(struct stream *s);

bool stream_may_write(const struct stream *s);
/* One write. True where it may go on. */
bool stream_write_some(struct stream *s, struct span bytes, size_t *written);
/* What was gathered of TLS goes out; at the end of each step, and of a call from outside. */
void stream_send_gathered(struct stream *s);
void stream_offer_kept(struct stream *s);

/* The handlers of the events. */
void stream_progress(evutil_socket_t fd, short what, void *context);
void stream_deadline_passed(evutil_socket_t fd, short what, void *context);

typedef int name_fn(int fd, struct sockaddr *address,
                    socklen_t *n); /* getsockname or getpeername */
bool stream_take_name(int fd, name_fn *name_of, struct endpoint *endpoint);

#endif
