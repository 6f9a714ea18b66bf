/* deliver_session: one outgoing SMTP or LMTP connection. It looks up where to go, connects, settles TLS, and carries one
 * job after another until there is nothing more, then waits a little and says QUIT. */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/stream.h"
#include "policy/tls_policy.h"
#include "proto/smtp_client.h"
#include "service/deliver_private.h"

enum {
    CONTENT_PIECE = 64 * 1024,
    PENDING_OUTPUT_MAX = 64 * 1024, /* then the content waits until the peer has read */
};

enum session_state {
    SESSION_LOOKUP,
    SESSION_CONNECTING,
    SESSION_TALKING, /* greeting, EHLO, TLS */
    SESSION_BUSY,    /* a transaction is under way */
    SESSION_IDLE,    /* between transactions: may take a job, or ends after a while */
    SESSION_FETCHING, /* idle, and its next job is being read */
    SESSION_QUITTING,
};

struct session {
    struct list node; /* hop->sessions */
    struct hop *hop;
    struct snapshot *snapshot;
    const struct send_connector *connector; /* of the snapshot */
    enum session_state state;
    struct arena arena;
    struct lookup *lookup;
    const struct target *targets; /* of the lookup */
    size_t target_count, target;
    struct stream *stream;
    struct smtp_client *machine;
    struct job *job;
    bool job_fetched;
    struct smtp_transaction transaction;
    const struct recipient **recipients;
    uint64_t sent;     /* octets of the content */
    unsigned messages; /* finished on this connection */
    unsigned outcomes; /* of the job */
    struct span tls;   /* how this connection is protected, for the outcomes */
    char ip[IP_TEXT];
    bool tls_failed;        /* STARTTLS did not work on an earlier connection to this target */
    struct span tls_failure;
    struct outcome last_failure; /* of the targets so far */
    bool has_failure;
    struct loop_timer *idle_timer;
    bool want_tls; /* 220 to STARTTLS has come */
};

static void connect_target(struct session *s);

/* ---- end ---- */

static void close_connection(struct session *s)
{
    if (s->stream)
        stream_free(s->stream);
    if (s->machine)
        smtp_client_free(s->machine);
    s->stream = NULL;
    s->machine = NULL;
}

static void session_free(struct session *s)
{
    list_remove(&s->node);
    close_connection(s);
    lookup_free(s->lookup);
    loop_timer_free(s->idle_timer);
    snapshot_release(s->snapshot);
    arena_done(&s->arena);
    free(s);
}

static void session_end(struct session *s)
{
    struct hop *hop = s->hop;
    assert(!s->job);
    session_free(s);
    hop->pending_count++;
    hop_connection_ended(hop);
    hop_run(hop);
    hop->pending_count--;
    hop_settle(hop);
}

void session_free_all(struct hop *hop)
{
    LIST_EACH (s, &hop->sessions, struct session, node)
        session_free(s);
}

static void finish_job(struct session *s)
{
    struct job *job = s->job;
    s->job = NULL;
    s->recipients = NULL;
    job_report(job);
}

/* No target works: the whole next hop is to blame, unless the failure is about the recipients' domain. */
static void give_up(struct session *s, const struct outcome *why)
{
    if (s->job && !s->job_fetched) { /* on_job_fetched or on_job_empty comes back to this */
        s->last_failure = *why;
        s->has_failure = true;
        return;
    }
    if (why->concern == CONCERN_NEXT_HOP) {
        COUNT(s->hop->deliver->world, connections_out_failed, 1);
        hop_failed(s->hop, why);
    }
    if (s->job) {
        job_set_outcomes(s->job, why);
        finish_job(s);
    }
    session_end(s);
}

/* ---- the next target ---- */

static struct outcome with_peer(const struct session *s, const struct outcome *outcome)
{
    struct outcome o = *outcome;
    if (s->target < s->target_count) {
        o.mta = s->targets[s->target].host;
        o.mta_ip = span_of(s->ip);
    }
    o.tls = s->tls;
    return o;
}

static void next_target(struct session *s, const struct outcome *why)
{
    s->last_failure = with_peer(s, why);
    s->last_failure.reply.text = arena_copy(&s->arena, why->reply.text);
    char ip[IP_TEXT];
    memcpy(ip, s->ip, sizeof(ip));
    s->last_failure.mta_ip = arena_copy(&s->arena, span_of(ip));
    close_connection(s);
    s->tls_failed = false;
    s->tls = SPAN_NONE;
    if (++s->target < s->target_count)
        connect_target(s);
    else
        give_up(s, &s->last_failure);
}

static void fail_target(struct session *s, int code, const char *enhanced, const char *what, struct span text)
{
    const struct target *t = &s->targets[s->target];
    struct outcome outcome = outcome_local(&s->arena, FATE_LATER, CONCERN_NEXT_HOP, code, enhanced,
                                           "%s " SPAN_FMT "[%s]: " SPAN_FMT, what, SPAN_ARG(t->host), s->ip, SPAN_ARG(text));
    next_target(s, &outcome);
}

/* ---- TLS ---- */

static void on_tls_failed(struct session *s, struct span text)
{
    struct world *world = s->hop->deliver->world;
    COUNT(world, tls_send_failed, 1);
    LOG(LOG_WARNING, "tls-send-failed", LOG_S("next-hop", s->hop->key), LOG_S("mta", s->targets[s->target].host),
        LOG_T("ip", s->ip), LOG_S("detail", text));
    if (s->connector->tls != SEND_TLS_OPPORTUNISTIC) {
        COUNT(world, tls_send_given_up, 1);
        fail_target(s, 454, "4.7.5", "TLS is required and could not be established with", text);
        return;
    }
    /* Again to the same host, in clear; tls_policy has the last word when its EHLO reply is there. */
    s->tls_failed = true;
    s->tls_failure = arena_copy(&s->arena, text);
    close_connection(s);
    connect_target(s);
}

static void start_transaction(struct session *s)
{
    struct job *job = s->job;
    s->recipients = ARENA_ARRAY(&job->arena, const struct recipient *, job->count);
    for (size_t i = 0; i < job->count; i++)
        s->recipients[i] = &job->recipients[i].queued->recipient;
    s->transaction = (struct smtp_transaction){&job->message->envelope, s->recipients, job->count,
                                               job->message->content_has_8bit};
    s->sent = 0;
    s->outcomes = 0;
    s->state = SESSION_BUSY;
    loop_timer_stop(s->idle_timer);
    smtp_client_send(s->machine, &s->transaction);
}

static void quit(struct session *s)
{
    s->state = SESSION_QUITTING;
    loop_timer_stop(s->idle_timer);
    smtp_client_quit(s->machine);
}

static void become_idle(struct session *s)
{
    uint64_t limit = smtp_client_peer(s->machine)->max_messages;
    bool used_up = s->messages >= s->connector->max_messages_per_connection || (limit && s->messages >= limit);
    if (used_up || s->hop->deliver->stopping || s->hop->connector == NULL) {
        quit(s);
        return;
    }
    s->state = SESSION_IDLE;
    stream_set_deadline(s->stream, 0);
    loop_timer_start(s->idle_timer, (int64_t)s->connector->idle_timeout_ms);
}

static void go_on(struct session *s)
{
    if (s->job && s->job_fetched) {
        start_transaction(s);
        return;
    }
    become_idle(s);
    if (s->job && s->state == SESSION_IDLE)
        s->state = SESSION_FETCHING;
}

/* False: this connection was given up. */
static bool on_ready(struct session *s)
{
    const struct smtp_peer *peer = smtp_client_peer(s->machine);
    const struct reply *refusal = smtp_client_tls_refusal(s->machine);
    struct tls_facts facts = {peer->starttls, stream_is_tls(s->stream), s->tls_failed, s->tls_failure};
    if (refusal) {
        facts.failed_before = true;
        facts.failure = refusal->text;
    }
    struct tls_verdict verdict = tls_policy(&s->arena, s->connector, &facts);
    switch (verdict.action) {
    case TLS_START: smtp_client_start_tls(s->machine); break;
    case TLS_SEND_IN_CLEAR:
        COUNT(s->hop->deliver->world, tls_sent_in_clear, 1);
        s->tls = arena_printf(&s->arena, "none: " SPAN_FMT, SPAN_ARG(verdict.reason));
        go_on(s);
        break;
    case TLS_SEND_NOW: go_on(s); break;
    case TLS_GIVE_UP:
        COUNT(s->hop->deliver->world, tls_send_given_up, 1);
        next_target(s, &verdict.failure);
        return false;
    }
    return true;
}

/* ---- the conversation ---- */

static void send_content(struct session *s)
{
    char piece[CONTENT_PIECE];
    uint64_t size = s->job->message->envelope.size;
    ssize_t n = queued_message_read(s->job->message, s->sent, piece, sizeof(piece));
    if (n < 0 || (n == 0 && s->sent < size)) {
        smtp_client_abort(s->machine);
        return;
    }
    s->sent += (uint64_t)n;
    smtp_client_content(s->machine, span_make(piece, (size_t)n), s->sent >= size);
}

static void on_outcome(struct session *s, const struct smtp_client_event *event)
{
    struct outcome outcome = with_peer(s, event->outcome.outcome);
    job_set_outcome(s->job, event->outcome.recipient, &outcome);
    s->outcomes++;
}

static void on_message_done(struct session *s)
{
    s->messages++;
    hop_succeeded(s->hop);
    finish_job(s);
    s->state = SESSION_IDLE;
    struct hop *hop = s->hop;
    become_idle(s);
    /* After the report, so that what this job freed can be taken. */
    if (s->state == SESSION_IDLE && !hop->deliver->stopping && !hop_is_waiting(hop, clock_now_ms()))
        hop_run(hop);
}

static void on_failed(struct session *s, const struct smtp_client_event *event)
{
    if (s->state == SESSION_TALKING) {
        struct outcome why = event->failure.outcome;
        next_target(s, &why);
        return;
    }
    if (s->state == SESSION_BUSY) {
        struct outcome why = with_peer(s, &event->failure.outcome);
        hop_failed(s->hop, &why);
        job_set_outcomes(s->job, &why);
        finish_job(s);
    } else if (s->job && s->job_fetched) {
        struct job *job = s->job;
        s->job = NULL;
        job_give_back(job);
    }
    close_connection(s);
    if (s->job) { /* still being fetched: on_job_fetched or on_job_empty ends the session */
        s->state = SESSION_QUITTING;
        return;
    }
    session_end(s);
}

/* False: the machine is gone, and perhaps the session with it. */
static bool handle(struct session *s, const struct smtp_client_event *event)
{
    switch (event->kind) {
    case SMTP_CLIENT_GREETING: break;
    case SMTP_CLIENT_READY: return on_ready(s);
    case SMTP_CLIENT_START_TLS: s->want_tls = true; break;
    case SMTP_CLIENT_NEED_CONTENT: send_content(s); break;
    case SMTP_CLIENT_OUTCOME: on_outcome(s, event); break;
    case SMTP_CLIENT_MESSAGE_DONE: on_message_done(s); break;
    case SMTP_CLIENT_FAILED: on_failed(s, event); return false;
    case SMTP_CLIENT_CLOSE: session_end(s); return false;
    }
    return true;
}

static void flush(struct session *s)
{
    struct span out = smtp_client_out(s->machine);
    if (out.n) {
        stream_write(s->stream, out);
        smtp_client_sent(s->machine, out.n);
    }
}

/* Moves the conversation as far as it goes. Content is only asked for while the peer reads, so memory stays small. */
static bool pump(struct session *s)
{
    struct smtp_client_event event;
    flush(s);
    while (stream_pending(s->stream) < PENDING_OUTPUT_MAX && smtp_client_next(s->machine, &event)) {
        if (!handle(s, &event))
            return false;
        flush(s);
    }
    if (s->state != SESSION_IDLE && s->state != SESSION_FETCHING)
        stream_set_deadline(s->stream, smtp_client_timeout_ms(s->machine));
    return true;
}

static const char *expected_name(struct session *s)
{
    if (s->connector->tls_verify_domain.n)
        return arena_text(&s->arena, s->connector->tls_verify_domain);
    struct span host = s->targets[s->target].host;
    if (host.n > 2 && host.p[0] == '[')
        host = span_make(host.p + 1, host.n - 2);
    return arena_text(&s->arena, host);
}

static size_t on_input(void *context, struct span input)
{
    struct session *s = context;
    size_t used = 0;
    while (used < input.n) {
        size_t n = smtp_client_feed(s->machine, span_skip(input, used));
        used += n;
        if (!pump(s))
            return input.n;
        if (n == 0)
            break;
    }
    if (s->want_tls) {
        s->want_tls = false;
        stream_start_tls_client(s->stream, snapshot_send_tls(s->snapshot, s->connector), expected_name(s));
    }
    return used;
}

static void on_writable(void *context)
{
    struct session *s = context;
    if (s->machine)
        pump(s);
}

static void on_tls(void *context)
{
    struct session *s = context;
    struct stream_tls_info info;
    stream_tls_info(s->stream, &info);
    s->tls = arena_printf(&s->arena, "%s %s %s", info.version, info.cipher,
                          info.verify_result == X509_V_OK ? "verified" : "unverified");
    COUNT(s->hop->deliver->world, tls_sent, 1);
    if (s->connector->tls != SEND_TLS_IMPLICIT)
        smtp_client_tls_done(s->machine);
    pump(s);
}

static void on_connected(void *context)
{
    struct session *s = context;
    bool implicit = s->connector->tls == SEND_TLS_IMPLICIT;
    struct smtp_client_options options = {
        .helo = s->connector->fqdn,
        .lmtp = s->connector->deliver_by == DELIVER_BY_LMTP,
        .tls_active = implicit,
    };
    COUNT(s->hop->deliver->world, connections_out, 1);
    s->machine = smtp_client_new(&options);
    s->state = SESSION_TALKING;
    if (implicit)
        stream_start_tls_client(s->stream, snapshot_send_tls(s->snapshot, s->connector), expected_name(s));
    else
        pump(s);
}

/* An idle connection that the server closed meanwhile says nothing about the next hop: again, on a fresh one. */
static void start_afresh(struct session *s)
{
    struct job *job = s->job;
    s->job = NULL;
    close_connection(s);
    job_give_back(job);
    session_end(s);
}

static void on_end(void *context, enum stream_end end, struct span text)
{
    struct session *s = context;
    if (end == STREAM_TLS_FAILED && s->state == SESSION_TALKING) {
        on_tls_failed(s, text);
    } else if (s->state == SESSION_CONNECTING) {
        fail_target(s, 451, "4.4.1", "Cannot connect to",
                    end == STREAM_TIMEOUT ? SPAN("no answer in time (connect-timeout)") : text);
    } else if (s->state == SESSION_BUSY && s->messages && !s->outcomes && !s->sent && end != STREAM_TIMEOUT) {
        start_afresh(s);
    } else {
        smtp_client_lost(s->machine, end == STREAM_TIMEOUT ? ERR_TIMEOUT : ERR_CLOSED);
        struct smtp_client_event event;
        while (smtp_client_next(s->machine, &event))
            if (!handle(s, &event))
                return;
    }
}

/* ---- beginning ---- */

static void connect_target(struct session *s)
{
    const struct target *t = &s->targets[s->target];
    const struct send_connector *c = s->connector;
    struct stream_owner owner = {on_input, on_writable, on_connected, on_tls, on_end, s};
    s->state = SESSION_CONNECTING;
    if (t->is_path) {
        snprintf(s->ip, sizeof(s->ip), "local");
        s->stream = stream_connect_path(s->hop->deliver->loop, arena_text(&s->arena, t->host), &owner);
    } else {
        ip_format(&t->to.ip, s->ip);
        bool bind = c->has_source_ip && c->source_ip.v6 == t->to.ip.v6;
        s->stream = stream_connect(s->hop->deliver->loop, &t->to, bind ? &c->source_ip : NULL, &owner);
    }
    stream_set_deadline(s->stream, (int64_t)c->connect_timeout_ms);
}

static void on_lookup(void *context, const struct target *targets, size_t count, const struct outcome *failure)
{
    struct session *s = context;
    if (count) {
        s->targets = targets;
        s->target_count = count;
        connect_target(s);
        return;
    }
    give_up(s, failure);
}

static void on_job_fetched(void *context, struct job *job)
{
    struct session *s = context;
    s->job_fetched = true;
    if (s->has_failure) {
        give_up(s, &s->last_failure);
    } else if (s->state == SESSION_QUITTING) {
        s->job = NULL;
        job_give_back(job);
        session_end(s);
    } else if (s->state == SESSION_FETCHING) {
        start_transaction(s);
        pump(s);
    }
}

static void on_job_empty(void *context, struct job *job)
{
    struct session *s = context;
    (void)job;
    s->job = NULL;
    if (s->has_failure || s->state == SESSION_QUITTING) {
        session_end(s);
    } else if (s->state == SESSION_FETCHING) {
        become_idle(s);
        if (pump(s) && s->state == SESSION_IDLE)
            hop_run(s->hop);
    }
}

static bool take_job(struct session *s)
{
    uint64_t most = s->connector->max_recipients_per_message;
    unsigned limit = s->machine ? smtp_client_peer(s->machine)->max_recipients : 0;
    if (limit && limit < most)
        most = limit;
    s->job_fetched = false;
    s->job = job_take(s->hop, (size_t)most, on_job_fetched, on_job_empty, s);
    return s->job != NULL;
}

static void on_idle(void *context)
{
    struct session *s = context;
    if (s->state != SESSION_IDLE)
        return;
    quit(s);
    pump(s);
}

void session_start(struct hop *hop)
{
    struct session *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    s->hop = hop;
    s->snapshot = snapshot_keep(hop->deliver->snapshot);
    s->connector = hop->connector;
    s->idle_timer = loop_timer_new(hop->deliver->loop, on_idle, s);
    list_append(&hop->sessions, &s->node);
    take_job(s);
    s->lookup = lookup_new(hop, s->connector, on_lookup, s);
}

bool session_wake_idle(struct hop *hop)
{
    LIST_EACH (s, &hop->sessions, struct session, node)
        if (s->state == SESSION_IDLE) {
            if (!take_job(s))
                return false;
            s->state = SESSION_FETCHING;
            loop_timer_stop(s->idle_timer);
            return true;
        }
    return false;
}

void session_close_idle(struct hop *hop)
{
    LIST_EACH (s, &hop->sessions, struct session, node)
        if (s->state == SESSION_IDLE)
            loop_timer_start(s->idle_timer, 0);
}
