/* deliver_session: one outgoing SMTP or LMTP connection. It looks up where to go, connects, settles
 * TLS, and carries one job after another until there is nothing more, then waits a little and says
 * QUIT. */
#include "service/deliver_session.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "policy/tls_policy.h"

enum {
    CONTENT_PIECE = 64 * 1024,
    PENDING_OUTPUT_MAX = 64 * 1024, /* then the content waits until the peer has read */
};

/* ---- end ---- */

static void session_free(struct session *s)
{
    list_remove(&s->node);
    list_remove(&s->idle);
    share_busy(&s->holder);
    session_disconnect(s);
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
    LIST_EACH(s, &hop->sessions, struct session, node)
    session_free(s);
}

static void finish_job(struct session *s)
{
    struct job *job = s->job;
    s->job = NULL;
    s->recipients = NULL;
    job_report(job);
}

/* No target works: the whole next hop is to blame, unless the failure is about the recipients'
 * domain. */
void session_give_up(struct session *s, const struct outcome *why)
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

/* What the peer announced may be less than what the job was made for. */
static void keep_within_limit(struct session *s)
{
    struct job *job = s->job;
    unsigned limit = smtp_client_peer(s->machine)->max_recipients;
    if (!limit || job->count <= limit)
        return;
    bool *marked = ARENA_ARRAY(&job->arena, bool, job->count);
    for (size_t i = limit; i < job->count; i++)
        marked[i] = true;
    job_leave_behind(job, marked);
}

/* "Too many recipients", which says nothing of this one (RFC 5321 section 4.5.3.1.10). */
static bool is_excess(const struct outcome *o)
{
    bool is_said =
        strcmp(o->reply.enhanced, "4.5.3") == 0 || strcmp(o->reply.enhanced, "4.0.0") == 0;
    return is_said && o->reply.code == 452 && o->fate == FATE_LATER &&
           o->concern == CONCERN_RECIPIENT;
}

/* The peer took the message for some and had enough of the others: these follow at once. There are
 * fewer each time, so it comes to an end. */
static void leave_excess(struct session *s)
{
    struct job *job = s->job;
    bool *marked = ARENA_ARRAY(&job->arena, bool, job->count);
    bool is_taken = false, any = false;
    for (size_t i = 0; i < job->count; i++) {
        const struct outcome *o = &job->recipients[i].outcome;
        is_taken = is_taken || o->fate == FATE_RELAYED || o->fate == FATE_DELIVERED;
        marked[i] = is_excess(o);
        any = any || marked[i];
    }
    if (is_taken && any)
        job_leave_behind(job, marked);
}

static void start_transaction(struct session *s)
{
    keep_within_limit(s);
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
    share_busy(&s->holder);
    loop_timer_stop(s->idle_timer);
    smtp_client_quit(s->machine);
}

/* The document has changed: this connection may lead elsewhere, or with less TLS than is now said.
 */
static bool is_outdated(const struct session *s)
{
    return s->connector != s->hop->connector;
}

static void become_idle(struct session *s)
{
    uint64_t limit = smtp_client_peer(s->machine)->max_messages;
    bool used_up =
        s->messages >= s->connector->max_messages_per_connection || (limit && s->messages >= limit);
    if (used_up || s->hop->deliver->stopping || is_outdated(s)) {
        quit(s);
        return;
    }
    if (!s->job && !share_idle(s->hop, &s->holder)) {
        quit(s);
        return;
    }
    s->state = SESSION_IDLE;
    list_remove(&s->idle);
    list_prepend(&s->hop->idle, &s->idle);
    stream_set_deadline(s->stream, 0);
    loop_timer_start(s->idle_timer, (int64_t)s->connector->idle_timeout_ms);
}

static void go_on(struct session *s)
{
    share_busy(&s->holder);
    hop_answered(s->hop);
    if (s->job && s->job_fetched) {
        start_transaction(s);
        return;
    }
    become_idle(s);
    if (s->job && s->state == SESSION_IDLE)
        s->state = SESSION_FETCHING;
    else if (s->state == SESSION_IDLE)
        hop_run(s->hop);
}

/* False: this connection was given up. */
static bool on_ready(struct session *s)
{
    const struct smtp_peer *peer = smtp_client_peer(s->machine);
    const struct reply *refusal = smtp_client_tls_refusal(s->machine);
    struct tls_facts facts = {peer->starttls, stream_is_tls(s->stream), s->tls_failed,
                              s->tls_failure};
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
        session_next_target(s, &verdict.failure);
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
    struct outcome outcome = session_with_peer(s, event->outcome.outcome);
    job_set_outcome(s->job, event->outcome.recipient, &outcome);
    s->outcomes++;
}

static void on_message_done(struct session *s)
{
    s->messages++;
    hop_succeeded(s->hop);
    leave_excess(s);
    finish_job(s);
    s->state = SESSION_IDLE;
    struct hop *hop = s->hop;
    become_idle(s);
    /* After the report, so that what this job freed can be taken. */
    if (s->state == SESSION_IDLE && !hop->deliver->stopping && !hop_is_waiting(hop, clock_now_ms()))
        hop_run(hop);
}

/* The connection is over. */
static void leave(struct session *s)
{
    session_disconnect(s);
    if (s->job) /* still being fetched: on_job_fetched or on_job_empty ends the session */
        s->state = SESSION_QUITTING;
    else
        session_end(s);
}

static void on_failed(struct session *s, const struct smtp_client_event *event)
{
    if (s->state == SESSION_TALKING) {
        struct outcome why = event->failure.outcome;
        if (event->failure.stage == SMTP_STAGE_STARTTLS) /* the server closed instead of 220 */
            session_tls_failed(s, arena_copy(&s->arena, why.reply.text));
        else
            session_next_target(s, &why);
        return;
    }
    if (s->state == SESSION_BUSY && s->messages && !s->sent &&
        event->failure.stage == SMTP_STAGE_MAIL) { /* "421 enough for this connection" */
        session_start_afresh(s);
        return;
    }
    if (s->state == SESSION_BUSY) {
        struct outcome why = session_with_peer(s, &event->failure.outcome);
        if (why.concern == CONCERN_NEXT_HOP)
            hop_failed(s->hop, &why);
        job_set_outcomes(s->job, &why);
        finish_job(s);
    } else if (s->job && s->job_fetched) {
        struct job *job = s->job;
        s->job = NULL;
        job_give_back(job);
    }
    leave(s);
}

/* False: the machine is gone, and perhaps the session with it. */
bool session_handle(struct session *s, const struct smtp_client_event *event)
{
    switch (event->kind) {
    case SMTP_CLIENT_GREETING: break;
    case SMTP_CLIENT_READY: return on_ready(s);
    case SMTP_CLIENT_START_TLS: s->want_tls = true; break;
    case SMTP_CLIENT_NEED_CONTENT: send_content(s); break;
    case SMTP_CLIENT_OUTCOME: on_outcome(s, event); break;
    case SMTP_CLIENT_MESSAGE_DONE: on_message_done(s); break;
    case SMTP_CLIENT_FAILED: on_failed(s, event); return false;
    case SMTP_CLIENT_CLOSE: leave(s); return false;
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

/* Moves the conversation as far as it goes. Content is only asked for while the peer reads, so
 * memory stays small. */
bool session_pump(struct session *s)
{
    struct smtp_client_event event;
    flush(s);
    while (stream_pending(s->stream) < PENDING_OUTPUT_MAX && smtp_client_next(s->machine, &event)) {
        if (!session_handle(s, &event))
            return false;
        flush(s);
    }
    if (s->state != SESSION_IDLE && s->state != SESSION_FETCHING)
        stream_set_deadline(s->stream, smtp_client_timeout_ms(s->machine));
    return true;
}

/* A used connection that the server closed meanwhile says nothing about the next hop: again, on a
 * fresh one. */
void session_start_afresh(struct session *s)
{
    struct job *job = s->job;
    s->job = NULL;
    session_disconnect(s);
    job_give_back(job);
    session_end(s);
}

/* ---- beginning ---- */

static void on_lookup(void *context, const struct target *targets, size_t count,
                      const struct outcome *failure)
{
    struct session *s = context;
    if (s->has_failure) /* it was hurried, and waits for its job to be given up with it */
        return;
    if (count > s->target) {
        s->targets = targets;
        s->target_count = count;
        session_connect(s);
    } else {
        session_give_up(s, s->target_count ? &s->last_failure : failure);
    }
}

static void on_job_fetched(void *context, struct job *job)
{
    struct session *s = context;
    s->job_fetched = true;
    if (s->has_failure) {
        session_give_up(s, &s->last_failure);
    } else if (s->state == SESSION_QUITTING) {
        s->job = NULL;
        job_give_back(job);
        session_end(s);
    } else if (s->state == SESSION_FETCHING) {
        start_transaction(s);
        session_pump(s);
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
        if (session_pump(s) && s->state == SESSION_IDLE)
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
    session_pump(s);
}

void session_end_idle(struct holder *h)
{
    struct session *s = LIST_OBJECT(h, struct session, holder);
    share_busy(h);
    loop_timer_start(s->idle_timer, 0); /* not from within what asks for it */
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
    share_opening(hop, &s->holder);
    take_job(s);
    s->lookup = lookup_new(hop, s->connector, on_lookup, s);
}

/* The one that was busy last: the others may end where fewer are enough. Called for each message,
 * so it does not look at those that are busy. */
bool session_wake_idle(struct hop *hop)
{
    struct list *node;
    while ((node = list_take(&hop->idle))) {
        struct session *s = LIST_OBJECT(node, struct session, idle);
        if (s->state != SESSION_IDLE || is_outdated(s)) /* it went on, or ends */
            continue;
        if (!take_job(s)) {
            list_prepend(&hop->idle, &s->idle);
            return false;
        }
        s->state = SESSION_FETCHING;
        share_busy(&s->holder);
        loop_timer_stop(s->idle_timer);
        return true;
    }
    return false;
}

void session_hurry(struct holder *h, int64_t waited_ms)
{
    struct session *s = LIST_OBJECT(h, struct session, holder);
    share_busy(h);
    if (s->target < s->target_count) {
        session_hurry_target(s, waited_ms);
        return;
    }
    if (s->target_count) {
        session_give_up(s, &s->last_failure);
        return;
    }
    struct outcome outcome =
        outcome_local(&s->arena, FATE_LATER, CONCERN_NEXT_HOP, 451, "4.4.3",
                      "No address was found within %lld s, and others waited for the connection",
                      (long long)(waited_ms / SECOND_MS));
    session_give_up(s, &outcome);
}

void session_close_idle(struct hop *hop)
{
    LIST_EACH(s, &hop->sessions, struct session, node)
    if (s->state == SESSION_IDLE)
        loop_timer_start(s->idle_timer, 0);
}
