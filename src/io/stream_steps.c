#include "io/stream_private.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/transport.h"

/* Reading needs memory only while it happens: one buffer for all connections of a loop's thread. */
static _Thread_local char scratch[READ_PER_WAKE_UP];

void stream_kick(struct stream *s)
{
    if (s->kicked || s->freed)
        return;
    s->kicked = true;
    if (!s->stepping)
        event_active(&s->writable, EV_WRITE, 1);
}

static bool wants_input(const struct stream *s)
{
    return s->state == STATE_OPEN && (s->tls == TLS_CLEAR || s->tls == TLS_ON) && !s->paused &&
           !s->eof && !s->closing && !s->end_due && s->in.n < STREAM_KEPT_MAX;
}

static bool wants_readable(const struct stream *s)
{
    if (s->state == STATE_LINGERING)
        return true;
    if (s->tls == TLS_SHAKING)
        return s->wants & EV_READ;
    return s->state == STATE_OPEN &&
           (s->write_wants_read || (wants_input(s) && !s->read_wants_write));
}

static bool wants_writable(const struct stream *s)
{
    if (s->state == STATE_CONNECTING)
        return true;
    if (s->state != STATE_OPEN)
        return false;
    if (s->tls == TLS_SHAKING)
        return s->wants & EV_WRITE || s->socket.is_full;
    return (pending_bytes(s) > 0 && !s->write_wants_read) ||
           (s->read_wants_write && wants_input(s));
}

static void watch(struct event *event, bool *watches, bool wanted)
{
    if (*watches == wanted)
        return;
    *watches = wanted;
    if (wanted)
        event_add(event, NULL);
    else
        event_del(event);
}

/* Input that is not wanted for the moment mostly does not come before it is wanted again, as when a
 * message waits for its flush: its watch stays, and goes only where input did come
 * (stream_progress). That spares two calls of the kernel for each message. */
void stream_update_watches(struct stream *s)
{
    if (s->freed || s->fd < 0)
        return;
    if (wants_readable(s))
        watch(&s->readable, &s->watches_read, true);
    bool deletes = s->watches_write;
    watch(&s->writable, &s->watches_write, wants_writable(s));
    deletes = deletes && !s->watches_write;
    if (deletes && s->kicked && !s->stepping)
        event_active(&s->writable, EV_WRITE, 1);
}

void stream_close_down(struct stream *s)
{
    event_del(&s->readable);
    event_del(&s->writable);
    event_del(&s->deadline);
    tls_socket_send(&s->socket);
    tls_socket_done(&s->socket);
    SSL_free(s->ssl);
    s->ssl = NULL;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

void stream_release(struct stream *s)
{
    buf_done(&s->in);
    buf_done(&s->out);
    buf_done(&s->why);
    free(s);
}

void stream_enter(struct stream *s)
{
    s->calls++;
}

void stream_leave(struct stream *s)
{
    s->calls--;
}

/* From the loop alone. The owner frees the stream now or later. */
static void finish(struct stream *s, enum stream_end end)
{
    s->state = STATE_ENDED;
    s->end_due = false;
    event_del(&s->readable);
    event_del(&s->writable);
    event_del(&s->deadline);
    s->watches_read = s->watches_write = false;
    stream_enter(s);
    s->owner.on_end(s->owner.context, end, buf_span(&s->why));
    stream_leave(s);
}

/* From anywhere. */
void stream_finish_soon(struct stream *s, enum stream_end end)
{
    if (s->end_due || s->state == STATE_ENDED)
        return;
    s->end_due = true;
    s->end = end;
    stream_kick(s);
}

static enum stream_end end_of(enum transport_result result)
{
    if (result == TRANSPORT_TLS_FAILED)
        return STREAM_TLS_FAILED;
    return result == TRANSPORT_EOF ? STREAM_EOF : STREAM_ERROR;
}

/* Takes what was sent off the pending output, which holds memory only while there is some. */
static void note_sent(struct stream *s, size_t n)
{
    s->out_sent += n;
    s->out_clear -= n < s->out_clear ? n : s->out_clear;
    if (pending_bytes(s) == 0) {
        buf_done(&s->out);
        s->out_sent = 0;
    }
}

bool stream_write_some(struct stream *s, struct span bytes, size_t *written)
{
    enum transport_result result =
        transport_write(s->fd, s->tls == TLS_ON ? s->ssl : NULL, bytes, written, &s->why);
    s->write_wants_read = result == TRANSPORT_WANTS_READ;
    if (result == TRANSPORT_DONE)
        return true;
    if (result != TRANSPORT_WANTS_READ && result != TRANSPORT_WANTS_WRITE) {
        s->write_failed = true;
        stream_finish_soon(s, end_of(result));
    }
    return false;
}

bool stream_may_write(const struct stream *s)
{
    return s->state == STATE_OPEN && !s->end_due &&
           (s->tls == TLS_CLEAR || s->tls == TLS_ON || (s->tls == TLS_WAITING && s->out_clear > 0));
}

void stream_send_gathered(struct stream *s)
{
    int error = tls_socket_send(&s->socket);
    if (!error || s->end_due || s->state == STATE_ENDED)
        return;
    transport_add_errno(&s->why, error);
    s->write_failed = true;
    stream_finish_soon(s, STREAM_ERROR);
}

static void flush(struct stream *s)
{
    if (pending_bytes(s) == 0)
        return;
    stream_send_gathered(s);
    while (stream_may_write(s) && pending_bytes(s) > 0) {
        struct span rest = span_skip(buf_span(&s->out), s->out_sent);
        if (s->tls == TLS_WAITING)
            rest = span_head(rest, s->out_clear);
        size_t written = 0;
        if (!stream_write_some(s, rest, &written))
            return;
        note_sent(s, written);
    }
    bool tells = !s->closing && !s->end_due && s->tls != TLS_SHAKING && s->owner.on_writable;
    if (pending_bytes(s) == 0 && tells) {
        stream_enter(s);
        s->owner.on_writable(s->owner.context);
        stream_leave(s);
    }
}

static size_t offer(struct stream *s, struct span input)
{
    stream_enter(s);
    size_t used = s->owner.on_input(s->owner.context, input);
    assert(used <= input.n);
    stream_leave(s);
    return used;
}

void stream_offer_kept(struct stream *s)
{
    s->reoffer = false;
    if (s->in.n == 0)
        return;
    buf_consume(&s->in, offer(s, buf_span(&s->in)));
    if (s->in.n == 0)
        buf_done(&s->in);
}

/* Fills the buffer as far as there is input. TLS gives a record at a time. It is asked only while a
 * whole record has room, so that no decrypted bytes stay behind in OpenSSL, where epoll does not
 * see them. */
static enum transport_result read_many(struct stream *s, char *p, size_t room, size_t *got)
{
    enum transport_result result = TRANSPORT_DONE;
    *got = 0;
    do {
        size_t n = 0;
        result = transport_read(s->fd, s->ssl, p + *got, room - *got, &n, &s->why);
        *got += n;
    } while (s->ssl && result == TRANSPORT_DONE && room - *got >= SSL3_RT_MAX_PLAIN_LENGTH);
    return result;
}

static void receive(struct stream *s)
{
    if (!wants_input(s) || (s->tls == TLS_CLEAR && s->socket.is_dry))
        return;
    bool keeps = s->in.n > 0;
    char *p = keeps ? buf_room(&s->in, READ_PER_WAKE_UP) : scratch;
    size_t got = 0;
    enum transport_result result = read_many(s, p, READ_PER_WAKE_UP, &got);
    s->read_wants_write = result == TRANSPORT_WANTS_WRITE;
    s->tls_unread = s->ssl && result == TRANSPORT_DONE;
    if (!s->ssl)
        s->socket.is_dry = got < READ_PER_WAKE_UP;
    if (keeps) {
        buf_grow(&s->in, got);
        if (got)
            stream_offer_kept(s);
    } else if (got) {
        size_t used = offer(s, span_make(scratch, got));
        if (!s->freed)
            buf_add(&s->in, span_make(scratch + used, got - used));
    }
    if (s->freed)
        return;
    if (result == TRANSPORT_EOF)
        s->eof = true;
    else if (result == TRANSPORT_FAILED || result == TRANSPORT_TLS_FAILED)
        stream_finish_soon(s, end_of(result));
}

/* A peer that refuses says why and closes. A write that fails for it must not hide those words. */
static void offer_last_words(struct stream *s)
{
    if (s->tls != TLS_CLEAR || s->paused || s->closing || s->state != STATE_OPEN)
        return;
    struct buf ignored = BUF_INIT(0);
    size_t got = 0;
    char *p = buf_room(&s->in, READ_PER_WAKE_UP);
    if (transport_read(s->fd, NULL, p, READ_PER_WAKE_UP, &got, &ignored) == TRANSPORT_DONE) {
        buf_grow(&s->in, got);
        stream_offer_kept(s);
    }
}

/* A peer that half-closes still gets the answers to what it had sent before. */
static void end_after_eof(struct stream *s)
{
    if (s->eof && !s->paused && !s->closing && s->state == STATE_OPEN && pending_bytes(s) == 0)
        stream_finish_soon(s, STREAM_EOF);
}

static void start_linger(struct stream *s)
{
    if (s->tls == TLS_ON && !(SSL_get_shutdown(s->ssl) & SSL_SENT_SHUTDOWN)) {
        ERR_clear_error();
        SSL_shutdown(s->ssl);
    }
    stream_send_gathered(s);
    if (s->end_due || s->socket.is_full)
        return;
    shutdown(s->fd, SHUT_WR);
    if (s->eof) {
        stream_finish_soon(s, STREAM_DRAINED);
        return;
    }
    s->state = STATE_LINGERING;
    struct timeval after = {.tv_sec = LINGER_MS / 1000, .tv_usec = LINGER_MS % 1000 * 1000};
    evtimer_add(&s->deadline, &after);
}

/* Closing a socket with unread input resets the connection, which would destroy the last reply on
 * its way. */
static void linger(struct stream *s)
{
    if (s->socket.is_dry)
        return;
    size_t got = 0;
    struct buf ignored = BUF_INIT(0);
    enum transport_result result =
        transport_read(s->fd, NULL, scratch, sizeof(scratch), &got, &ignored);
    if (result == TRANSPORT_EOF || result == TRANSPORT_FAILED)
        stream_finish_soon(s, STREAM_DRAINED);
}

static void shake_hands(struct stream *s)
{
    if (s->tls == TLS_WAITING && s->out_clear == 0) {
        /* Clear text behind STARTTLS or its answer was put there by somebody between us
         * (CVE-2011-0411). */
        if (s->in.n > 0) {
            buf_add_text(&s->why, "clear text was received after TLS was agreed on");
            stream_finish_soon(s, STREAM_TLS_FAILED);
            return;
        }
        s->tls = TLS_SHAKING;
    }
    if (s->tls != TLS_SHAKING || s->end_due)
        return;
    enum transport_result result = transport_handshake(s->ssl, &s->why);
    if (result == TRANSPORT_WANTS_READ || result == TRANSPORT_WANTS_WRITE) {
        s->wants = result == TRANSPORT_WANTS_READ ? EV_READ : EV_WRITE;
    } else if (result != TRANSPORT_DONE) {
        stream_finish_soon(s, STREAM_TLS_FAILED);
    } else {
        s->tls = TLS_ON;
        s->tls_unread = true;
        stream_enter(s);
        if (s->owner.on_tls)
            s->owner.on_tls(s->owner.context);
        stream_leave(s);
        if (!s->freed)
            receive(s);
    }
}

bool stream_take_name(int fd, name_fn *name_of, struct endpoint *endpoint)
{
    struct sockaddr_storage address = {0};
    socklen_t n = sizeof(address);
    if (name_of(fd, (struct sockaddr *)&address, &n) != 0)
        return false;
    if (address.ss_family != AF_UNIX)
        endpoint_of_sockaddr((struct sockaddr *)&address, endpoint);
    return true;
}

static void finish_connect(struct stream *s)
{
    int error = 0;
    socklen_t n = sizeof(error);
    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
        error = errno;
    if (error) {
        transport_add_errno(&s->why, error);
        stream_finish_soon(s, STREAM_ERROR);
        return;
    }
    struct endpoint peer;
    if (!stream_take_name(s->fd, getpeername, &peer))
        return; /* not yet */
    stream_take_name(s->fd, getsockname, &s->local);
    s->state = STATE_OPEN;
    stream_enter(s);
    if (s->owner.on_connected)
        s->owner.on_connected(s->owner.context);
    stream_leave(s);
}

/* The steps in their order; each does nothing where it is not its turn. */
static void take_steps(struct stream *s)
{
    if (s->state == STATE_CONNECTING)
        finish_connect(s);
    if (s->state == STATE_LINGERING)
        linger(s);
    if (s->state != STATE_OPEN || s->freed)
        return;
    flush(s);
    if (!s->freed && s->reoffer && !s->paused && !s->closing)
        stream_offer_kept(s);
    if (!s->freed)
        receive(s);
    if (!s->freed && !s->end_due)
        shake_hands(s);
    if (s->freed || s->end_due)
        return;
    if (s->closing && pending_bytes(s) == 0) {
        start_linger(s);
    } else {
        stream_send_gathered(s);
        end_after_eof(s);
    }
}

/* What the steps could not do, because it was agreed on after its turn, or to let others have
 * theirs. */
static void kick_for_rest(struct stream *s)
{
    bool due = s->kicked && s->reoffer && s->in.n > 0;
    s->kicked = false;
    if (due || (s->tls_unread && s->tls == TLS_ON && wants_input(s)))
        stream_kick(s);
}

void stream_progress(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    struct stream *s = context;
    if (what & EV_READ && !wants_readable(s))
        watch(&s->readable, &s->watches_read, false);
    if (what & EV_READ)
        s->socket.is_dry = false;
    s->kicked = false;
    s->stepping = true;
    stream_enter(s);
    if (!s->end_due)
        take_steps(s);
    if (!s->freed)
        stream_send_gathered(s);
    if (!s->freed && s->end_due && s->write_failed)
        offer_last_words(s);
    s->stepping = false;
    if (!s->freed && s->end_due) {
        finish(s, s->end);
    } else if (!s->freed) {
        stream_update_watches(s);
        kick_for_rest(s);
    }
    stream_leave(s);
    if (s->freed)
        stream_release(s);
}

void stream_deadline_passed(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    struct stream *s = context;
    if (s->end_due)
        return; /* another end is on its way */
    if (s->state == STATE_CONNECTING)
        buf_add_text(&s->why, "no answer to the connection attempt");
    else if (s->tls == TLS_SHAKING)
        buf_add_text(&s->why, "the TLS handshake was not completed in time");
    else
        buf_add_text(&s->why, "the peer did not answer in time");
    stream_enter(s);
    finish(s, s->state == STATE_LINGERING ? STREAM_DRAINED : STREAM_TIMEOUT);
    stream_leave(s);
    if (s->freed)
        stream_release(s);
}
