#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/deliver_private.h"

enum { READ_AGAIN_MS = 60000 }; /* after the store could not read a message */

static struct job *job_new(struct hop *hop, struct pending_message *m)
{
    struct job *job = calloc(1, sizeof(*job));
    if (!job)
        abort();
    job->deliver = hop->deliver;
    job->hop = hop;
    job->id = m->link.id;
    job->recipients = ARENA_ARRAY(&job->arena, struct job_recipient, m->left);
    list_append(&job->deliver->jobs, &job->node);
    return job;
}

static void add_recipient(struct job *job, struct pending *p)
{
    pending_make_busy(job->deliver, p);
    job->recipients[job->count++].pending = p;
    job->hop->in_flight++;
}

void job_free(struct job *job)
{
    list_remove(&job->node);
    if (job->again)
        loop_timer_free(job->again);
    if (job->message)
        queued_message_free(job->message);
    arena_done(&job->arena);
    free(job);
}

/* The next of the fetched recipients that may be this one; both stand in the order of their
 * numbers. NULL: the store no longer has it. */
static const struct queued_recipient *find_queued(const struct job *job, uint32_t number,
                                                  size_t *at)
{
    size_t count = job->message ? job->message->recipient_count : 0;
    while (*at < count && job->message->recipients[*at].number < number)
        (*at)++;
    bool found = *at < count && job->message->recipients[*at].number == number;
    return found ? &job->message->recipients[*at] : NULL;
}

/* What the administrator said while it was fetched is newer than what was fetched. */
static bool is_held(const struct pending *p, const struct queued_recipient *queued)
{
    return p->held_meanwhile || (queued->state == RECIPIENT_HELD && !p->released_meanwhile);
}

/* Recipients that the store no longer has, or holds, leave the job. */
static void keep_queued(struct job *job)
{
    size_t kept = 0, at = 0;
    for (size_t i = 0; i < job->count; i++) {
        struct pending *p = job->recipients[i].pending;
        const struct queued_recipient *queued = find_queued(job, p->wake.note, &at);
        if (queued && !is_held(p, queued)) {
            p->attempts = (uint16_t)(queued->attempts < UINT16_MAX ? queued->attempts : UINT16_MAX);
            p->delay_notified = queued->delay_notified;
            job->recipients[kept++] = (struct job_recipient){.pending = p, .queued = queued};
            continue;
        }
        job->hop->in_flight--;
        if (queued)
            pending_make_held(job->deliver, p);
        else
            pending_end(job->deliver, p);
    }
    job->count = kept;
}

static void on_damaged(struct job *job)
{
    char id[MESSAGE_ID_TEXT];
    message_id_format(job->id, id);
    struct arena arena = ARENA_INIT;
    struct event event = {
        .time_ms = clock_now_ms(),
        .id = 50010,
        .level = LOG_ERROR,
        .name = SPAN("content-damaged"),
        .subject = arena_printf(&arena, "message %s", id),
        .text =
            SPAN("the stored content does not match its checksum, so the message is not delivered"),
        .consequence =
            SPAN("the message stays in the queue and is not tried again until a restart"),
        .remedy = arena_printf(
            &arena, "check the disk (dmesg, smartctl -a), then: sealpost queue show %s", id),
    };
    LOG(LOG_ERROR, "content-damaged", LOG_T("id", id));
    events_add(job->deliver->world->store, &event);
    arena_done(&arena);
    for (size_t i = 0; i < job->count; i++) {
        job->hop->in_flight--;
        pending_make_held(job->deliver, job->recipients[i].pending);
    }
    job->count = 0;
}

/* The disk may do better later; at once it would only be asked the same again. */
static void on_unreadable(struct job *job, enum err err)
{
    char id[MESSAGE_ID_TEXT];
    message_id_format(job->id, id);
    LOG(LOG_ERROR, "content-not-read", LOG_T("id", id), LOG_T("error", err_text(err)),
        LOG_N("again-in-s", READ_AGAIN_MS / SECOND_MS));
    for (size_t i = 0; i < job->count; i++) {
        job->hop->in_flight--;
        pending_make_waiting(job->deliver, job->recipients[i].pending,
                             clock_now_ms() + READ_AGAIN_MS);
    }
    job->count = 0;
}

static void on_fetched(void *context, enum err err, struct queued_message *message)
{
    struct job *job = context;
    struct hop *hop = job->hop;
    job->message = err == OK ? message : NULL;
    hop->pending_count++; /* keeps the hop while recipients leave it */
    if (err == ERR_CORRUPT)
        on_damaged(job);
    else if (err == OK || err == ERR_NOT_FOUND)
        keep_queued(job);
    else
        on_unreadable(job, err);
    if (job->count) {
        hop->pending_count--;
        job->fetched(job->context, job);
        return;
    }
    void (*empty)(void *, struct job *) = job->empty;
    void *owner = job->context;
    job_free(job);
    if (empty)
        empty(owner, job);
    hop->pending_count--;
    hop_settle(hop);
}

static void fetch(struct job *job)
{
    queue_fetch(job->deliver->world->store, job->id, job->deliver->loop, on_fetched, job);
}

struct job *job_take(struct hop *hop, size_t most, void (*fetched)(void *, struct job *),
                     void (*empty)(void *, struct job *), void *context)
{
    if (list_is_empty(&hop->ready) || (hop->connector && hop->connector->hold))
        return NULL;
    struct pending_message *m =
        pending_message_of(LIST_OBJECT(hop->ready.next, struct pending, node));
    struct job *job = job_new(hop, m);
    for (uint32_t i = 0; i < m->count && job->count < most; i++) {
        struct pending *p = &m->recipients[i];
        if (p->state == PENDING_READY && p->hop == hop)
            add_recipient(job, p);
    }
    job->fetched = fetched;
    job->empty = empty;
    job->context = context;
    fetch(job);
    return job;
}

static void judge_fetched(void *context, struct job *job)
{
    (void)context;
    struct hop *hop = job->hop;
    struct span error =
        hop->last_error.n ? buf_span(&hop->last_error) : SPAN("its turn has not come yet");
    struct outcome outcome = outcome_local(&job->arena, FATE_LATER, CONCERN_RECIPIENT, 451, "4.4.7",
                                           "Waiting for the next hop: " SPAN_FMT, SPAN_ARG(error));
    job_set_outcomes(job, &outcome);
    job_report(job);
}

void job_judge(struct pending *p)
{
    struct job *job = job_new(p->hop, pending_message_of(p));
    add_recipient(job, p);
    job->judge_only = true;
    job->fetched = judge_fetched;
    fetch(job);
}

void job_set_outcome(struct job *job, size_t recipient, const struct outcome *outcome)
{
    struct job_recipient *r = &job->recipients[recipient];
    assert(recipient < job->count && !r->has_outcome);
    r->outcome = *outcome;
    r->outcome.reply.text = arena_copy(&job->arena, outcome->reply.text);
    r->outcome.mta = arena_copy(&job->arena, outcome->mta);
    r->outcome.mta_ip = arena_copy(&job->arena, outcome->mta_ip);
    r->outcome.tls = arena_copy(&job->arena, outcome->tls);
    r->has_outcome = true;
}

void job_set_outcomes(struct job *job, const struct outcome *outcome)
{
    for (size_t i = 0; i < job->count; i++)
        if (!job->recipients[i].has_outcome)
            job_set_outcome(job, i, outcome);
}

/* To the front, so that it does not lose its turn. */
static void give_back(struct job *job, struct pending *p)
{
    job->hop->in_flight--;
    pending_come_back_ready(job->deliver, p);
    if (p->state != PENDING_READY)
        return;
    list_remove(&p->node);
    list_prepend(&p->hop->ready, &p->node);
    if (p->hop != job->hop) /* the document gave it another route meanwhile */
        hop_run(p->hop);
}

void job_leave_behind(struct job *job, const bool *marked)
{
    size_t kept = 0;
    for (size_t i = job->count; i > 0; i--)
        if (marked[i - 1])
            give_back(job, job->recipients[i - 1].pending);
    for (size_t i = 0; i < job->count; i++)
        if (!marked[i])
            job->recipients[kept++] = job->recipients[i];
    job->count = kept;
    assert(kept);
}

void job_give_back(struct job *job)
{
    struct hop *hop = job->hop;
    hop->pending_count++;
    for (size_t i = job->count; i > 0; i--)
        give_back(job, job->recipients[i - 1].pending);
    job_free(job);
    hop->pending_count--;
    hop_settle(hop);
}
