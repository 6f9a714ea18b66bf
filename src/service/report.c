/* report: turns the outcomes of a job into one commit (updates, tracking, notifications, events),
 * and takes up what comes after it is durable. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "mail/address.h"
#include "mail/dsn.h"
#include "mail/header.h"
#include "policy/retry.h"
#include "service/deliver_private.h"

enum {
    RETURNED_CONTENT_MAX = 256 * 1024, /* a larger message is returned as its header section */
    COMMIT_AGAIN_MS = 10000,           /* after the store had no room */
};

/* What the commit will mean for each recipient. */
struct decision {
    bool ends;        /* QUEUE_DONE */
    bool back_to_hop; /* LATER because of the next hop: ready again, waits with the hop */
    bool notify;
    bool expired;
    bool delay_noticed;
    enum dsn_kind kind;
    int64_t next_attempt_ms;
    struct span status; /* the reply on one line */
};

/* Kept from the commit to its answer. */
struct job_dsn {
    int64_t decided_ms;
    struct decision *decisions;
    struct envelope *notification; /* NULL: none */
};

/* ---- deciding ---- */

static void decide_later(const struct job *job, struct job_recipient *r, struct decision *decision,
                         int64_t now)
{
    unsigned attempts = r->queued->attempts + !job->judge_only;
    struct retry_facts facts = {now, job->message->envelope.received_ms, attempts,
                                r->queued->delay_notified};
    struct retry_verdict verdict =
        retry_next(deliver_retry_conf(job->hop), &facts, (uint64_t)now ^ r->queued->number);
    if (verdict.expired) {
        decision->ends = decision->expired = true;
        decision->kind = DSN_FAILED;
        return;
    }
    decision->back_to_hop = job->judge_only || r->outcome.concern == CONCERN_NEXT_HOP;
    decision->next_attempt_ms = decision->back_to_hop && job->hop->retry_at_ms > now
                                    ? job->hop->retry_at_ms
                                    : verdict.next_attempt_ms;
    decision->delay_noticed = r->queued->delay_notified || verdict.notify_delay;
    decision->kind = DSN_DELAYED;
}

static void decide(struct job *job, struct job_recipient *r, struct decision *decision, int64_t now)
{
    switch (r->outcome.fate) {
    case FATE_DELIVERED: *decision = (struct decision){.ends = true, .kind = DSN_DELIVERED}; break;
    case FATE_RELAYED: *decision = (struct decision){.ends = true, .kind = DSN_RELAYED}; break;
    case FATE_NEVER: *decision = (struct decision){.ends = true, .kind = DSN_FAILED}; break;
    case FATE_LATER:
        *decision = (struct decision){0};
        decide_later(job, r, decision, now);
        break;
    }
    bool due = decision->ends || (decision->delay_noticed && !r->queued->delay_notified);
    bool passed = r->outcome.fate == FATE_RELAYED &&
                  r->outcome.dsn_passed; /* the next hop notifies: RFC 3461 section 5.2.1 */
    decision->notify =
        due && !passed &&
        dsn_is_wanted(&job->message->envelope, &r->queued->recipient, decision->kind);
    if (decision->expired)
        r->outcome = outcome_local(
            &job->arena, FATE_NEVER, CONCERN_RECIPIENT, 554, "5.4.7",
            "Could not be delivered in time and is given up; the last answer was: %d %s " SPAN_FMT,
            r->outcome.reply.code, r->outcome.reply.enhanced, SPAN_ARG(r->outcome.reply.text));
}

/* ---- tracking and log ---- */

static enum track_event track_event_of(const struct outcome *outcome)
{
    switch (outcome->fate) {
    case FATE_DELIVERED: return TRACK_DELIVER;
    case FATE_RELAYED: return TRACK_SEND;
    case FATE_LATER: return TRACK_DEFER;
    case FATE_NEVER: break;
    }
    return TRACK_FAIL;
}

static enum track_source track_source_of(const struct hop *hop)
{
    if (!hop->connector)
        return TRACK_ROUTING;
    if (hop->connector->deliver_by == DELIVER_BY_MAILDIR)
        return TRACK_MAILDIR;
    return hop->connector->deliver_by == DELIVER_BY_LMTP ? TRACK_LMTP : TRACK_SMTP;
}

static struct span reply_line(struct arena *arena, const struct reply *reply)
{
    struct buf line = BUF_INIT(REPLY_TEXT_MAX);
    buf_room(&line, reply->text.n + sizeof(reply->enhanced) + 8); /* once, and not step by step */
    reply_add_line(&line, reply);
    struct span text = arena_copy(arena, buf_span(&line));
    buf_done(&line);
    return text;
}

static struct track_record track(struct job *job, const struct job_recipient *r, struct span status,
                                 int64_t now)
{
    const struct envelope *e = &job->message->envelope;
    return (struct track_record){
        .time_ms = now,
        .event = track_event_of(&r->outcome),
        .source = track_source_of(job->hop),
        .id = job->id,
        .message_id_header = e->header_message_id,
        .sender = e->reverse_path,
        .recipients = r->queued->recipient.address,
        .recipient_status = status,
        .connector = job->hop->connector_name,
        .client_ip = e->client_ip,
        .server_ip = r->outcome.mta_ip,
        .server_name = r->outcome.mta,
        .tls = r->outcome.tls,
        .subject = e->subject,
        .size = e->size,
        .recipient_count = 1,
    };
}

static void count(struct world *world, const struct outcome *outcome, bool expired)
{
    COUNT(world, recipients_delivered, outcome->fate == FATE_DELIVERED);
    COUNT(world, recipients_relayed, outcome->fate == FATE_RELAYED);
    COUNT(world, recipients_deferred, outcome->fate == FATE_LATER);
    COUNT(world, recipients_failed, outcome->fate == FATE_NEVER);
    COUNT(world, recipients_expired, expired);
}

static void log_outcome(const struct job *job, const struct job_recipient *r,
                        const struct decision *decision)
{
    int64_t now = job->dsn->decided_ms;
    char id[MESSAGE_ID_TEXT];
    message_id_format(job->id, id);
    LOG(r->outcome.fate == FATE_NEVER ? LOG_WARNING : LOG_INFO, fate_name(r->outcome.fate),
        LOG_T("id", id), LOG_S("to", r->queued->recipient.address),
        LOG_S("connector", job->hop->connector_name), LOG_S("mta", r->outcome.mta),
        LOG_S("ip", r->outcome.mta_ip), LOG_S("tls", r->outcome.tls),
        LOG_S("reply", decision->status), LOG_N("age-ms", now - job->message->envelope.received_ms),
        LOG_N("attempts", r->queued->attempts + !job->judge_only),
        LOG_N("retry-in-s", decision->ends ? 0 : (decision->next_attempt_ms - now) / SECOND_MS));
}

/* ---- notifications ---- */

static size_t read_content(struct queued_message *message, struct buf *content, bool headers_only)
{
    char *at = buf_room(content, RETURNED_CONTENT_MAX);
    ssize_t n;
    while (content->n < RETURNED_CONTENT_MAX &&
           (n = queued_message_read(message, content->n, at, RETURNED_CONTENT_MAX - content->n)) >
               0) {
        buf_grow(content, (size_t)n);
        at = content->p + content->n;
    }
    return headers_only ? header_section(buf_span(content)).n : content->n;
}

static void fill_dsn(const struct job *job, const struct decision *decisions, struct dsn *dsn,
                     struct dsn_recipient *items, int64_t now)
{
    for (size_t i = 0; i < job->count; i++) {
        const struct job_recipient *r = &job->recipients[i];
        if (!decisions[i].notify)
            continue;
        items[dsn->recipient_count++] = (struct dsn_recipient){
            .recipient = &r->queued->recipient,
            .kind = decisions[i].kind,
            .outcome = &r->outcome,
            .last_attempt_ms = now,
            .will_retry_until_ms = decisions[i].kind == DSN_DELAYED
                                       ? job->message->envelope.received_ms +
                                             (int64_t)deliver_retry_conf(job->hop)->expire_ms
                                       : 0,
        };
    }
    dsn->recipients = items;
}

/* The sender, as the one recipient of the notification. NULL where its address cannot be used any
 * more. */
static struct envelope *address_dsn(struct job *job, int64_t now)
{
    const struct envelope *original = &job->message->envelope;
    struct address sender;
    struct recipient *recipient = ARENA_NEW(&job->arena, struct recipient);
    if (address_parse(original->reverse_path, true, &sender) != OK ||
        address_domain_key(&job->arena, sender.domain, &recipient->domain) != OK)
        return NULL;
    recipient->address = original->reverse_path;
    recipient->notify = NOTIFY_NEVER; /* RFC 3461 section 6.1 */
    struct envelope *e = ARENA_NEW(&job->arena, struct envelope);
    *e = (struct envelope){.id = message_id_new(now),
                           .received_ms = now,
                           .connector = SPAN("dsn"),
                           .recipients = recipient,
                           .recipient_count = 1};
    return e;
}

/* ERR_FULL, ERR_IO: there is no room for it now, so nothing may be reported yet. */
static enum err compose_dsn(struct job *job, struct envelope *e, const struct decision *decisions,
                            struct queue_commit *commit, int64_t now)
{
    struct span hostname = job->deliver->snapshot->document->hostname;
    bool headers_only = job->message->envelope.ret == RET_HDRS ||
                        job->message->envelope.size > RETURNED_CONTENT_MAX;
    /* Bounded by what is returned and the number of recipients in a job. */
    struct buf content = BUF_INIT(RETURNED_CONTENT_MAX), text = BUF_INIT(BUF_UNLIMITED);
    size_t n = read_content(job->message, &content, headers_only);
    struct dsn dsn = {
        .id = e->id,
        .original = &job->message->envelope,
        .reporting_mta = hostname,
        .from = arena_printf(&job->arena, "postmaster@" SPAN_FMT, SPAN_ARG(hostname)),
        .original_content = span_head(buf_span(&content), n),
        .content_is_headers = headers_only,
        .now_ms = now,
    };
    fill_dsn(job, decisions, &dsn, ARENA_ARRAY(&job->arena, struct dsn_recipient, job->count), now);
    dsn_compose(&text, &dsn, &e->body, &e->smtputf8);
    e->size = text.n;
    struct queue_writer *writer = queue_writer_new(job->deliver->world->store);
    enum err err = queue_writer_add(writer, buf_span(&text));
    buf_done(&text);
    buf_done(&content);
    if (err != OK) {
        queue_writer_free(writer);
        return err;
    }
    commit->arrivals = ARENA_NEW(&commit->arena, struct queue_arrival);
    commit->arrivals[0] = (struct queue_arrival){
        .envelope = *e, .content = writer, .content_has_8bit = e->body != BODY_7BIT};
    commit->arrival_count = 1;
    return OK;
}

static struct track_record track_dsn(const struct job *job, const struct envelope *e, int64_t now)
{
    char *reference = arena_alloc((struct arena *)&job->arena, MESSAGE_ID_TEXT);
    message_id_format(job->id, reference);
    return (struct track_record){.time_ms = now,
                                 .event = TRACK_DSN,
                                 .source = TRACK_DSN_SOURCE,
                                 .id = e->id,
                                 .recipients = e->recipients[0].address,
                                 .connector = SPAN("dsn"),
                                 .reference = span_of(reference),
                                 .size = e->size,
                                 .recipient_count = 1};
}

/* A failed notification is dropped (RFC 5321 section 6.1), but not in silence. */
static void drop_bounce(struct job *job, struct queue_commit *commit, const struct job_recipient *r,
                        struct span status, int64_t now)
{
    struct track_record drop = track(job, r, status, now);
    drop.event = TRACK_DROP;
    drop.info = SPAN("its sender has no address that could be told");
    commit->tracks[commit->track_count++] = drop;
    char id[MESSAGE_ID_TEXT];
    message_id_format(job->id, id);
    commit->events[commit->event_count++] = (struct event){
        .time_ms = now,
        .id = 50011,
        .level = LOG_WARNING,
        .name = SPAN("bounce-dropped"),
        .subject = arena_printf(&commit->arena, "message %s", id),
        .text = arena_printf(&commit->arena,
                             "a message whose sender has no usable address could not be "
                             "delivered to " SPAN_FMT ": " SPAN_FMT,
                             SPAN_ARG(r->queued->recipient.address), SPAN_ARG(status)),
        .consequence = SPAN("it is dropped; nobody is notified"),
        .remedy = arena_printf(&commit->arena, "sealpost track --id %s", id),
    };
    COUNT(job->deliver->world, dsn_dropped, 1);
}

/* ---- the commit ---- */

static void update(struct job *job, const struct job_recipient *r, const struct decision *decision,
                   struct span status, struct queue_update *u, int64_t now)
{
    *u = (struct queue_update){
        .id = job->id,
        .recipient = r->queued->number,
        .kind = decision->ends    ? QUEUE_DONE
                : job->judge_only ? QUEUE_NOTED
                                  : QUEUE_LATER,
        .attempts = r->queued->attempts + !job->judge_only,
        .next_attempt_ms = decision->next_attempt_ms,
        .last_attempt_ms = now,
        .connector = job->hop->connector_name,
        .next_hop = job->hop->destination,
        .last_reply = status,
        .delay_notified = decision->delay_noticed,
    };
}

static void on_committed(void *context, struct queue_commit *commit, enum err err);

static struct queue_commit *compose(struct job *job, int64_t now)
{
    struct queue_commit *commit = queue_commit_new();
    struct arena *arena = &commit->arena;
    struct decision *decisions = ARENA_ARRAY(&job->arena, struct decision, job->count);
    commit->updates = ARENA_ARRAY(arena, struct queue_update, job->count);
    job->dsn = ARENA_NEW(&job->arena, struct job_dsn);
    job->dsn->decided_ms = now;
    job->dsn->decisions = decisions;
    bool notify = false;
    size_t dropped = 0; /* at most: each is a track and an event more */
    for (size_t i = 0; i < job->count; i++) {
        decide(job, &job->recipients[i], &decisions[i], now);
        notify = notify || decisions[i].notify;
        dropped += job->recipients[i].outcome.fate == FATE_NEVER;
    }
    commit->tracks = ARENA_ARRAY(arena, struct track_record, job->count + dropped + notify);
    commit->events = ARENA_ARRAY(arena, struct event, dropped);
    struct envelope *notification = notify ? address_dsn(job, now) : NULL;
    if (notification && compose_dsn(job, notification, decisions, commit, now) != OK) {
        queue_commit_free(commit);
        return NULL;
    }
    job->dsn->notification = notification;
    for (size_t i = 0; i < job->count; i++) {
        struct job_recipient *r = &job->recipients[i];
        bool nobody_to_tell =
            job->message->envelope.reverse_path.n == 0 || (decisions[i].notify && !notification);
        struct span status = decisions[i].status = reply_line(&job->arena, &r->outcome.reply);
        update(job, r, &decisions[i], status, &commit->updates[commit->update_count++], now);
        if (!job->judge_only || decisions[i].ends)
            commit->tracks[commit->track_count++] = track(job, r, status, now);
        if (r->outcome.fate == FATE_NEVER && nobody_to_tell)
            drop_bounce(job, commit, r, status, now);
    }
    if (notification)
        commit->tracks[commit->track_count++] = track_dsn(job, notification, now);
    return commit;
}

static void submit(void *context);

static void submit_again(struct job *job, enum err err)
{
    LOG(LOG_ERROR, "outcome-not-stored", LOG_T("error", err_text(err)),
        LOG_N("again-in-s", COMMIT_AGAIN_MS / 1000));
    if (!job->again)
        job->again = loop_timer_new(job->deliver->loop, submit, job);
    loop_timer_start(job->again, COMMIT_AGAIN_MS);
}

static void submit(void *context)
{
    struct job *job = context;
    struct queue_commit *commit = compose(job, clock_now_ms());
    if (!commit) {
        submit_again(job, ERR_FULL);
        return;
    }
    commit->done = on_committed;
    commit->context = job;
    commit->loop = job->deliver->loop;
    commit->can_wait = true; /* the session goes on meanwhile */
    queue_submit(job->deliver->world->store, commit);
}

/* Only now is it told: once, what is true after a crash as well, and with the lines of all that was
 * made durable together. */
static void settle(struct job *job, size_t i)
{
    struct deliver *d = job->deliver;
    const struct decision *decision = &job->dsn->decisions[i];
    log_outcome(job, &job->recipients[i], decision);
    count(d->world, &job->recipients[i].outcome, decision->expired);
    struct pending *p = job->recipients[i].pending;
    job->hop->in_flight--;
    p->delay_notified = decision->delay_noticed;
    if (decision->ends)
        pending_end(d, p);
    else if (decision->back_to_hop)
        pending_come_back_ready(d, p);
    else
        pending_come_back_waiting(d, p, decision->next_attempt_ms);
    if (decision->back_to_hop && p->hop != job->hop) /* the document gave it another route */
        hop_run(p->hop);
}

static void on_committed(void *context, struct queue_commit *commit, enum err err)
{
    struct job *job = context;
    struct deliver *d = job->deliver;
    queue_commit_free(commit);
    if (err != OK) {
        submit_again(job, err);
        return;
    }
    struct hop *hop = job->hop;
    hop->pending_count++; /* keeps it while its recipients leave */
    for (size_t i = 0; i < job->count; i++)
        settle(job, i);
    if (job->dsn->notification) {
        COUNT(d->world, dsn_sent, 1);
        deliver_add(d, job->dsn->notification);
    }
    job_free(job);
    hop->pending_count--;
    hop_run(hop);
    hop_settle(hop);
}

void job_report(struct job *job)
{
    submit(job);
}
