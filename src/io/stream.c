#include "io/stream.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "io/stream_private.h"
#include "io/tls_resume.h"
#include "io/tls_session.h"
#include "io/transport.h"

static struct stream *new_stream(struct loop *loop, int fd, const struct stream_owner *owner)
{
    struct stream *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    s->base = loop_base(loop);
    s->fd = fd;
    tls_socket_init(&s->socket, fd);
    s->owner = *owner;
    buf_init(&s->in, STREAM_KEPT_MAX + READ_PER_WAKE_UP);
    buf_init(&s->out, BUF_UNLIMITED);
    buf_init(&s->why, WHY_MAX);
    event_assign(&s->readable, s->base, fd, EV_READ | EV_PERSIST, stream_progress, s);
    event_assign(&s->writable, s->base, fd, EV_WRITE | EV_PERSIST, stream_progress, s);
    evtimer_assign(&s->deadline, s->base, stream_deadline_passed, s);
    return s;
}

/* The listener has set TCP_NODELAY, which what it accepts inherits. */
struct stream *stream_accept(struct loop *loop, int fd, const struct endpoint *peer,
                             const struct endpoint *local, const struct stream_owner *owner)
{
    struct stream *s = new_stream(loop, fd, owner);
    s->state = STATE_OPEN;
    s->peer = *peer;
    s->local = *local;
    stream_update_watches(s);
    return s;
}

/* Returns 0 or an errno. */
static int start_connect(int fd, const struct endpoint *to, const struct ip *source)
{
    struct sockaddr_storage address;
    socklen_t n;
    if (source) {
        /* The port is chosen with the connection, not with the address: else they run out (ip(7)).
         */
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
        n = endpoint_to_sockaddr(&(struct endpoint){.ip = *source}, &address);
        if (bind(fd, (struct sockaddr *)&address, n) != 0)
            return errno;
    }
    n = endpoint_to_sockaddr(to, &address);
    if (connect(fd, (struct sockaddr *)&address, n) != 0 && errno != EINPROGRESS)
        return errno;
    return 0;
}

/* error: an errno that stands in the way already, or 0. */
static struct stream *new_connecting(struct loop *loop, int fd, int error,
                                     const struct stream_owner *owner)
{
    struct stream *s = new_stream(loop, fd, owner);
    s->state = STATE_CONNECTING;
    if (error) {
        transport_add_errno(&s->why, error);
        stream_finish_soon(s, STREAM_ERROR);
    } else {
        stream_update_watches(s);
    }
    return s;
}

struct stream *stream_connect(struct loop *loop, const struct endpoint *to, const struct ip *source,
                              const struct stream_owner *owner)
{
    int family = to->ip.v6 ? AF_INET6 : AF_INET;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = fd < 0 ? errno : start_connect(fd, to, source);
    if (!error)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct stream *s = new_connecting(loop, fd, error, owner);
    s->peer = *to;
    return s;
}

/* EAGAIN: the listener's backlog is full, which a local socket says at once. */
static int start_connect_path(int fd, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    if (n >= sizeof(address.sun_path))
        return ENAMETOOLONG;
    memcpy(address.sun_path, path, n);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 && errno != EINPROGRESS)
        return errno;
    return 0;
}

struct stream *stream_connect_path(struct loop *loop, const char *path,
                                   const struct stream_owner *owner)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = fd < 0 ? errno : start_connect_path(fd, path);
    return new_connecting(loop, fd, error, owner);
}

void stream_free(struct stream *s)
{
    if (!s)
        return;
    stream_close_down(s);
    s->freed = true;
    if (s->calls == 0)
        stream_release(s);
}

/* What was sent long ago is dropped where it is most of the buffer, so that a peer that always lags
 * a little does not make it grow. */
static void keep_output(struct stream *s, struct span bytes)
{
    if (s->out_sent > READ_PER_WAKE_UP && s->out_sent > pending_bytes(s)) {
        buf_consume(&s->out, s->out_sent);
        s->out_sent = 0;
    }
    buf_add(&s->out, bytes);
}

void stream_write(struct stream *s, struct span bytes)
{
    if (s->end_due || s->state == STATE_LINGERING || s->state == STATE_ENDED)
        return;
    bool direct = pending_bytes(s) == 0 && stream_may_write(s);
    while (direct && bytes.n > 0) {
        size_t written = 0;
        direct = stream_write_some(s, bytes, &written);
        bytes = span_skip(bytes, written);
    }
    if (bytes.n > 0 && !s->end_due)
        keep_output(s, bytes);
    if (!s->stepping)
        stream_send_gathered(s);
    stream_update_watches(s);
}

size_t stream_pending(const struct stream *s)
{
    return pending_bytes(s);
}

void stream_pause(struct stream *s)
{
    s->paused = true;
    stream_update_watches(s);
}

void stream_resume(struct stream *s)
{
    s->paused = false;
    if (s->state != STATE_OPEN || s->end_due || s->freed)
        return;
    if (s->calls > 0 || s->tls == TLS_WAITING || s->tls == TLS_SHAKING || s->closing) {
        s->reoffer = true;
        stream_kick(s);
        return;
    }
    stream_enter(s);
    stream_offer_kept(s);
    if (s->eof || s->tls_unread)
        stream_kick(s);
    stream_update_watches(s);
    stream_leave(s);
    if (s->freed)
        stream_release(s);
}

void stream_set_deadline(struct stream *s, int64_t after_ms)
{
    if (s->state == STATE_LINGERING || s->state == STATE_ENDED || s->freed)
        return;
    if (after_ms <= 0) {
        event_del(&s->deadline);
        return;
    }
    struct timeval after = {.tv_sec = after_ms / 1000, .tv_usec = after_ms % 1000 * 1000};
    evtimer_add(&s->deadline, &after);
}

void stream_close_when_drained(struct stream *s)
{
    if (s->closing || s->state == STATE_ENDED)
        return;
    s->closing = true;
    stream_kick(s);
}

static void start_tls(struct stream *s)
{
    s->tls = TLS_WAITING;
    s->out_clear = pending_bytes(s);
    stream_kick(s);
    stream_update_watches(s);
}

void stream_start_tls_server(struct stream *s, SSL_CTX *ctx)
{
    assert(s->tls == TLS_CLEAR);
    if (s->state == STATE_ENDED || s->end_due)
        return;
    s->ssl = tls_session_server(ctx, &s->socket);
    start_tls(s);
}

void stream_start_tls_client(struct stream *s, SSL_CTX *ctx, const char *sni)
{
    assert(s->tls == TLS_CLEAR);
    if (s->state == STATE_ENDED || s->end_due)
        return;
    s->ssl = tls_session_client(ctx, &s->socket, sni, &s->why);
    if (s->ssl)
        start_tls(s);
    else
        stream_finish_soon(s, STREAM_TLS_FAILED);
}

bool stream_is_tls(const struct stream *s)
{
    return s->tls == TLS_ON;
}

void stream_tls_info(const struct stream *s, struct stream_tls_info *info)
{
    *info = (struct stream_tls_info){0};
    if (s->tls != TLS_ON || !s->ssl)
        return;
    info->version = SSL_get_version(s->ssl);
    info->cipher = SSL_get_cipher_name(s->ssl);
    int group = (int)SSL_get_negotiated_group(s->ssl);
    info->group = group ? SSL_group_to_name(s->ssl, group) : NULL;
    if (!SSL_is_server(s->ssl))
        info->peer_chain = SSL_get_peer_cert_chain(s->ssl);
    else
        info->sni = span_of(SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name));
    info->peer = SSL_get0_peer_certificate(s->ssl);
    info->verify_result = SSL_get_verify_result(s->ssl);
    info->resumed = SSL_session_reused(s->ssl);
}

bool stream_gives_up_resumption(struct stream *s)
{
    return s->ssl && tls_resume_give_up(s->ssl);
}

const struct endpoint *stream_peer(const struct stream *s)
{
    return &s->peer;
}

const struct endpoint *stream_local(const struct stream *s)
{
    return &s->local;
}
