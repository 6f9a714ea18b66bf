#include "service/receive.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "policy/accept.h"
#include "policy/pressure.h"
#include "service/receive_limits.h"
#include "service/receive_session.h"

enum {
    UNREAD_REPLIES_MAX = 64 * 1024,
    STOP_GRACE_MS = 5000,    /* for messages that are arriving when the server stops */
    COMMAND_LINE_MAX = 4096, /* RFC 5321 section 4.5.3.1.4 (512) plus SIZE, DSN, SMTPUTF8 and
                                8BITMIME parameters */
    RECIPIENTS_LEAST = 100,  /* RFC 5321 section 4.5.3.1.8 */
};

static void pump(struct receive_session *s, struct span input, size_t *used);

void receive_peer_text(const struct receive_session *s, char text[ENDPOINT_TEXT])
{
    endpoint_format(stream_peer(s->stream), text);
}

/* ---- beginning and end ---- */

static void session_free(struct receive_session *s)
{
    struct receive_home *home = s->home;
    receive_message_drop(s);
    receive_limits_leave(home->world->limits, s->connector->name, &stream_peer(s->stream)->ip);
    COUNT(home->world, connections_now, -1);
    loop_timer_free(s->timer);
    stream_free(s->stream);
    smtp_server_free(s->machine);
    snapshot_release(s->snapshot);
    arena_done(&s->arena);
    list_remove(&s->node);
    free(s);
    if (home->stopping && list_is_empty(&home->sessions))
        atomic_store(&home->empty, true);
}

static void log_end(const struct receive_session *s, enum log_level level, const char *reason,
                    struct span detail)
{
    char peer[ENDPOINT_TEXT];
    if (!log_wants(level))
        return; /* the end of most sessions, which then costs no text */
    receive_peer_text(s, peer);
    LOG(level, "session-ended", LOG_S("connector", s->connector->name), LOG_T("peer", peer),
        LOG_S("helo", s->helo), LOG_T("reason", reason), LOG_S("detail", detail),
        LOG_S("tls", s->tls), LOG_N("messages", s->accepted),
        LOG_N("ms", clock_monotonic_ms() - s->began_ms));
}

static void on_end(void *context, enum stream_end end, struct span text)
{
    struct receive_session *s = context;
    struct world *world = s->home->world;
    if (end == STREAM_TLS_FAILED) {
        COUNT(world, tls_receive_failed, 1);
        log_end(s, LOG_WARNING, "tls-failed", text);
    } else if (end != STREAM_DRAINED) {
        COUNT(world, sessions_closed_by_peer, 1);
        log_end(s, end == STREAM_ERROR ? LOG_INFO : LOG_DEBUG, "closed-by-peer", text);
    }
    if (s->wait == RECEIVE_WAIT_COMMIT) {
        s->gone = true; /* receive_answer_later frees it */
        loop_timer_stop(s->timer);
        return;
    }
    session_free(s);
}

static void close_after(struct receive_session *s, enum smtp_server_close reason)
{
    struct world *world = s->home->world;
    switch (reason) {
    case SMTP_SERVER_CLOSE_QUIT:
        COUNT(world, sessions_closed_quit, 1);
        log_end(s, LOG_DEBUG, "quit", SPAN_NONE);
        break;
    case SMTP_SERVER_CLOSE_ERRORS:
    case SMTP_SERVER_CLOSE_TOO_LONG:
        COUNT(world, sessions_closed_errors, 1);
        log_end(s, LOG_INFO, "protocol-errors", SPAN_NONE);
        break;
    case SMTP_SERVER_CLOSE_PLAINTEXT_AFTER_STARTTLS:
        COUNT(world, sessions_closed_injection, 1);
        log_end(s, LOG_WARNING, "plaintext-after-starttls", SPAN_NONE);
        break;
    case SMTP_SERVER_CLOSE_REFUSED:
    case SMTP_SERVER_CLOSE_ANSWER: log_end(s, LOG_INFO, "refused", SPAN_NONE); break;
    }
    s->wait = RECEIVE_WAIT_CLOSE;
}

/* ---- time ---- */

/* Idle sessions and those that last too long end with 421 (RFC 5321 section 3.8). */
static int64_t time_left(const struct receive_session *s)
{
    int64_t idle_end = s->active_ms + (int64_t)s->connector->idle_timeout_ms;
    int64_t end = s->began_ms + (int64_t)s->connector->timeout_ms;
    return (idle_end < end ? idle_end : end) - clock_monotonic_ms();
}

static void flush(struct receive_session *s)
{
    struct span out = smtp_server_out(s->machine);
    if (out.n) {
        stream_write(s->stream, out);
        smtp_server_sent(s->machine, out.n);
    }
    if (s->wait == RECEIVE_WAIT_CLOSE)
        stream_close_when_drained(s->stream);
}

static void answer_held(struct receive_session *s)
{
    struct reply held = s->held;
    s->wait = RECEIVE_NOT_WAITING;
    s->held = (struct reply){0};
    smtp_server_answer(s->machine, &held);
    s->active_ms = clock_monotonic_ms();
    loop_timer_start(s->timer, time_left(s));
    size_t used = 0;
    pump(s, SPAN_NONE, &used);
    if (s->wait == RECEIVE_NOT_WAITING)
        stream_resume(s->stream);
}

static void on_timer(void *context)
{
    struct receive_session *s = context;
    if (s->wait == RECEIVE_WAIT_TARPIT) {
        answer_held(s);
        return;
    }
    int64_t left = time_left(s);
    if (left > 0 || s->wait == RECEIVE_WAIT_COMMIT) {
        loop_timer_start(s->timer, left > 0 ? left : SECOND_MS);
        return;
    }
    COUNT(s->home->world, sessions_closed_timeout, 1);
    if (s->wait == RECEIVE_WAIT_TLS || s->wait == RECEIVE_WAIT_CLOSE) {
        log_end(s, LOG_INFO, "timeout", SPAN("in the TLS handshake or while closing"));
        session_free(s);
        return;
    }
    static const struct reply timeout =
        REPLY_INIT(421, "4.4.2", "Idle for too long, or the session lasted too long");
    smtp_server_terminate(s->machine, &timeout);
    log_end(s, LOG_INFO, "timeout", SPAN_NONE);
    s->wait = RECEIVE_WAIT_CLOSE;
    flush(s);
}

/* ---- the conversation ---- */

void receive_refuse(struct receive_session *s, const struct reply *reply)
{
    if (s->connector->tarpit_ms == 0 || !reply_is_permanent(reply)) {
        smtp_server_answer(s->machine, reply);
        return;
    }
    s->held = *reply;
    s->held.text = arena_copy(&s->arena, reply->text);
    s->wait = RECEIVE_WAIT_TARPIT;
    loop_timer_start(s->timer, (int64_t)s->connector->tarpit_ms);
}

static void on_helo(struct receive_session *s, const struct smtp_server_event *event)
{
    receive_message_drop(s); /* its envelope borrows helo */
    s->helo = span_head(event->helo.domain, ADDRESS_DOMAIN_MAX);
    memcpy(s->helo_text, s->helo.p, s->helo.n);
    s->helo.p = s->helo_text;
    s->extended = event->helo.extended;
    smtp_server_answer(s->machine, NULL);
}

/* Where the client gave up, or the session ends, there is nothing to count. */
static void on_abort(struct receive_session *s, enum smtp_server_abort why)
{
    if (why == SMTP_SERVER_ABORT_FORM) {
        COUNT(s->home->world, messages_refused_content, 1);
        log_end(s, LOG_INFO, "content-refused", SPAN("a bare CR or LF, or a NUL octet"));
    } else if (why == SMTP_SERVER_ABORT_SIZE) {
        COUNT(s->home->world, messages_refused_size, 1);
        log_end(s, LOG_INFO, "content-refused", SPAN("larger than max-message-size"));
    }
    receive_message_drop(s);
}

/* Refused before anything of it was sent (RFC 1870 section 6.1). */
static void on_too_large(struct receive_session *s)
{
    COUNT(s->home->world, messages_refused_size, 1);
    log_end(s, LOG_INFO, "mail-refused", SPAN("declared larger than max-message-size"));
}

static void handle(struct receive_session *s, const struct smtp_server_event *event)
{
    switch (event->kind) {
    case SMTP_SERVER_HELO: on_helo(s, event); break;
    case SMTP_SERVER_MAIL: receive_message_mail(s, event); break;
    case SMTP_SERVER_RCPT: receive_message_rcpt(s, event); break;
    case SMTP_SERVER_DATA: receive_message_data(s, event->data.chunked); break;
    case SMTP_SERVER_CONTENT: receive_message_content(s, event->content); break;
    case SMTP_SERVER_DATA_END: receive_message_end(s); break;
    case SMTP_SERVER_DATA_ABORT: on_abort(s, event->abort); break;
    case SMTP_SERVER_TOO_LARGE: on_too_large(s); break;
    case SMTP_SERVER_RESET: receive_message_drop(s); break;
    case SMTP_SERVER_VRFY: smtp_server_answer(s->machine, NULL); break;
    case SMTP_SERVER_STARTTLS: s->start_tls = true; break;
    case SMTP_SERVER_CLOSE: close_after(s, event->close); break;
    }
}

/* Moves the conversation as far as it goes: until input is used up, or an answer has to wait. */
static void pump(struct receive_session *s, struct span input, size_t *used)
{
    struct smtp_server_event event;
    for (;;) {
        while (s->wait == RECEIVE_NOT_WAITING && smtp_server_next(s->machine, &event))
            handle(s, &event);
        if (s->wait != RECEIVE_NOT_WAITING || *used == input.n)
            break;
        size_t n = smtp_server_feed(s->machine, span_skip(input, *used));
        *used += n;
        if (n == 0 && !smtp_server_next(s->machine, &event)) {
            /* The machine's replies fill its room: on with it, unless the peer does not read them.
             */
            if (smtp_server_out(s->machine).n == 0 ||
                stream_pending(s->stream) > UNREAD_REPLIES_MAX)
                break;
            flush(s);
        } else if (n == 0) {
            handle(s, &event);
        }
    }
    if (s->wait == RECEIVE_WAIT_TARPIT || s->wait == RECEIVE_WAIT_COMMIT)
        stream_pause(s->stream);
    if (s->start_tls && s->wait == RECEIVE_NOT_WAITING) {
        s->start_tls = false;
        s->wait = RECEIVE_WAIT_TLS;
        flush(s);
        stream_start_tls_server(s->stream,
                                snapshot_receive_tls(s->snapshot, s->connector)->context);
        return;
    }
    flush(s);
}

static size_t on_input(void *context, struct span input)
{
    struct receive_session *s = context;
    size_t used = 0;
    if (s->wait == RECEIVE_WAIT_CLOSE)
        return input.n;
    if (s->wait != RECEIVE_NOT_WAITING)
        return 0;
    s->active_ms = clock_monotonic_ms();
    pump(s, input, &used);
    return s->wait == RECEIVE_WAIT_CLOSE ? input.n : used;
}

void receive_answer_later(struct receive_session *s, const struct reply *reply)
{
    assert(s->wait == RECEIVE_WAIT_COMMIT);
    s->wait = RECEIVE_NOT_WAITING;
    if (s->gone) {
        session_free(s);
        return;
    }
    smtp_server_answer(s->machine, reply);
    s->active_ms = clock_monotonic_ms();
    if (s->home->stopping) {
        static const struct reply stopping =
            REPLY_INIT(421, "4.3.2", "Shutting down; try again soon");
        smtp_server_terminate(s->machine, &stopping);
        s->wait = RECEIVE_WAIT_CLOSE;
        flush(s);
        return;
    }
    size_t used = 0;
    pump(s, SPAN_NONE, &used);
    if (s->wait == RECEIVE_NOT_WAITING)
        stream_resume(s->stream);
}

static void on_tls(void *context)
{
    struct receive_session *s = context;
    struct stream_tls_info info;
    stream_tls_info(s->stream, &info);
    s->tls = arena_printf(&s->arena, "%s %s", info.version, info.cipher);
    COUNT(s->home->world, tls_received, 1);
    COUNT(s->home->world, tls_received_resumed, info.resumed);
    s->wait = RECEIVE_NOT_WAITING;
    s->active_ms = clock_monotonic_ms();
    if (s->connector->tls != RECEIVE_TLS_IMPLICIT)
        smtp_server_tls_done(s->machine);
    flush(s);
    stream_resume(s->stream);
}

static void on_writable(void *context)
{
    struct receive_session *s = context;
    s->active_ms = clock_monotonic_ms();
    if (s->wait == RECEIVE_NOT_WAITING)
        stream_resume(s->stream);
}

/* ---- a new connection ---- */

static enum smtp_server_tls offered_tls(const struct receive_session *s)
{
    /* Honest EHLO: what cannot be completed is not advertised. Where TLS is required, MAIL is then
     * put off (receive_message_mail). */
    if (!snapshot_receive_tls(s->snapshot, s->connector)->context ||
        s->connector->tls == RECEIVE_TLS_IMPLICIT)
        return SMTP_SERVER_TLS_OFF;
    return s->connector->tls == RECEIVE_TLS_REQUIRED ? SMTP_SERVER_TLS_REQUIRED
                                                     : SMTP_SERVER_TLS_OFFERED;
}

static unsigned clamp(uint64_t value)
{
    return value > UINT32_MAX ? 0 : (unsigned)value;
}

static void begin(struct receive_session *s)
{
    const struct receive_connector *c = s->connector;
    struct smtp_server_options options = {
        .fqdn = c->fqdn,
        .banner = c->banner,
        .tls = offered_tls(s),
        .tls_active = c->tls == RECEIVE_TLS_IMPLICIT,
        .max_message_size = c->max_message_size == UNLIMITED ? 0 : c->max_message_size,
        .max_recipients =
            clamp(c->max_recipients) ? clamp(c->max_recipients) : RECIPIENTS_LEAST * 10000,
        .max_messages = clamp(c->max_messages_per_connection),
        .max_protocol_errors = clamp(c->max_protocol_errors),
        .max_command_line = COMMAND_LINE_MAX,
    };
    s->machine = smtp_server_new(&options);
    if (s->home->stopping) {
        static const struct reply stopping =
            REPLY_INIT(421, "4.3.2", "Shutting down; try again soon");
        smtp_server_refuse(s->machine, &stopping);
    }
    loop_timer_start(s->timer, time_left(s));
    if (c->tls == RECEIVE_TLS_IMPLICIT) {
        s->wait = RECEIVE_WAIT_TLS;
        stream_start_tls_server(s->stream, snapshot_receive_tls(s->snapshot, c)->context);
        return;
    }
    size_t used = 0;
    pump(s, SPAN_NONE, &used);
}

void receive_connection(void *context, int fd, const struct endpoint *peer,
                        const struct endpoint *local)
{
    struct receive_home *home = context;
    struct snapshot *snapshot = snapshot_current(home->world);
    const struct receive_connector *connector =
        accept_connector(snapshot->document, local, &peer->ip);
    if (!receive_admit(home->world, fd, peer, connector,
                       connector ? snapshot_receive_tls(snapshot, connector) : NULL)) {
        snapshot_release(snapshot);
        return;
    }
    struct receive_session *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    s->home = home;
    s->snapshot = snapshot;
    s->connector = connector;
    s->began_ms = s->active_ms = clock_monotonic_ms();
    s->timer = loop_timer_new(home->loop, on_timer, s);
    list_append(&home->sessions, &s->node);
    COUNT(home->world, connections_accepted, 1);
    COUNT(home->world, connections_now, 1);
    struct stream_owner owner = {on_input, on_writable, NULL, on_tls, on_end, s};
    s->stream = stream_accept(home->loop, fd, peer, local, &owner);
    begin(s);
}

/* ---- stopping ---- */

static void stop_sessions(struct receive_home *home, bool all)
{
    static const struct reply stopping = REPLY_INIT(421, "4.3.2", "Shutting down; try again soon");
    LIST_EACH(s, &home->sessions, struct receive_session, node)
    {
        bool idle = s->wait == RECEIVE_NOT_WAITING && smtp_server_is_idle(s->machine);
        if (s->wait == RECEIVE_WAIT_CLOSE || s->wait == RECEIVE_WAIT_COMMIT || (!idle && !all))
            continue;
        COUNT(home->world, sessions_closed_shutdown, 1);
        if (s->wait == RECEIVE_WAIT_TLS) {
            session_free(s);
            continue;
        }
        smtp_server_terminate(s->machine, &stopping);
        s->wait = RECEIVE_WAIT_CLOSE;
        flush(s);
    }
}

static void on_stop_grace_over(void *context)
{
    stop_sessions(context, true);
}

static void stop(void *context)
{
    struct receive_home *home = context;
    home->stopping = true;
    stop_sessions(home, false);
    if (list_is_empty(&home->sessions))
        atomic_store(&home->empty, true);
    else
        loop_timer_start(home->stop_timer, STOP_GRACE_MS);
}

struct receive_home *receive_home_new(struct world *world, struct loop *loop)
{
    struct receive_home *home = calloc(1, sizeof(*home));
    if (!home)
        abort();
    home->world = world;
    home->loop = loop;
    list_init(&home->sessions);
    home->stop_timer = loop_timer_new(loop, on_stop_grace_over, home);
    return home;
}

void receive_home_stop(struct receive_home *home)
{
    loop_post(home->loop, stop, home);
}

void receive_home_wait(struct receive_home *home)
{
    /* Bounded: after the grace every session drains within stream's own lingering time. */
    for (int i = 0; i < 2 * STOP_GRACE_MS / 10 && !atomic_load(&home->empty); i++)
        usleep(10000);
}

void receive_home_free(struct receive_home *home)
{
    LIST_EACH(s, &home->sessions, struct receive_session, node)
    session_free(s);
    loop_timer_free(home->stop_timer);
    free(home);
}
