#include <stdlib.h>

#include "store/queue_rows.h"
#include "store/queue_scan.h"
#include "store/rows.h"

enum { ACTS_PER_STEP = 500 }; /* some 10 ms, and one flush */

struct act_job {
    struct job job;
    struct arena arena;
    struct queue_filter filter;
    enum queue_action action;
    int64_t now_ms;
    struct span info;
    queue_acted_fn *fn;
    void *context;
    struct queue_scan scan, settled;
    struct queue_matches step; /* of the step at hand */
    struct queue_gone gone;
    struct queue_acted *acted; /* of all steps that are durable */
    size_t count, capacity;
};

/* ---- one step ---- */

static bool has_effect(enum queue_action action, enum recipient_state state)
{
    switch (action) {
    case QUEUE_ACTION_HOLD: return state != RECIPIENT_HELD;
    case QUEUE_ACTION_RELEASE: return state == RECIPIENT_HELD;
    case QUEUE_ACTION_RETRY:
    case QUEUE_ACTION_REMOVE: return true;
    }
    abort();
}

static bool visit(void *context, const struct queue_match *match)
{
    struct act_job *a = context;
    if (a->step.count == ACTS_PER_STEP)
        return false;
    if (has_effect(a->action, match->state))
        queue_matches_add(&a->step, *match);
    return true;
}

static enum err set_state(struct store *store, const struct queue_match *match,
                          enum recipient_state state, int64_t next_attempt_ms)
{
    struct query q = query_open(&store->database, STATEMENT_RECIPIENT_STATE);
    query_set_number(&q, state);
    query_set_number(&q, next_attempt_ms);
    query_set_id(&q, &match->id);
    query_set_number(&q, match->number);
    return query_run(&q);
}

static enum track_event event_of(enum queue_action action)
{
    switch (action) {
    case QUEUE_ACTION_HOLD: return TRACK_HOLD;
    case QUEUE_ACTION_RELEASE:
    case QUEUE_ACTION_RETRY: return TRACK_RELEASE;
    case QUEUE_ACTION_REMOVE: return TRACK_REMOVE;
    }
    abort();
}

static enum err apply(struct store *store, struct act_job *a, const struct queue_match *match)
{
    enum err err = track_rows_action(&store->database, event_of(a->action), a->now_ms, &match->id,
                                     match->number, a->info);
    if (err != OK)
        return err;
    switch (a->action) {
    case QUEUE_ACTION_HOLD: return set_state(store, match, RECIPIENT_HELD, match->next_attempt_ms);
    case QUEUE_ACTION_RELEASE: return set_state(store, match, RECIPIENT_QUEUED, a->now_ms);
    case QUEUE_ACTION_RETRY: return set_state(store, match, match->state, a->now_ms);
    case QUEUE_ACTION_REMOVE: return queue_rows_remove(store, &match->id, match->number, &a->gone);
    }
    abort();
}

static enum err run_act(struct store *store, struct job *job)
{
    struct act_job *a = (struct act_job *)job;
    a->scan = a->settled;
    a->step.count = 0;
    queue_gone_reset(&a->gone);
    enum err err = queue_scan_step(store, &a->scan, visit, a);
    for (size_t i = 0; err == OK && i < a->step.count; i++)
        err = apply(store, a, &a->step.items[i]);
    return err;
}

/* ---- after it ---- */

static void note_acted(struct act_job *a)
{
    if (a->count + a->step.count > a->capacity) {
        a->capacity = (a->count + a->step.count) * 2;
        struct queue_acted *more = realloc(a->acted, a->capacity * sizeof(*more));
        if (!more)
            abort();
        a->acted = more;
    }
    for (size_t i = 0; i < a->step.count; i++)
        a->acted[a->count++] = (struct queue_acted){a->step.items[i].id, a->step.items[i].number};
}

static enum job_turn settle_act(struct store *store, struct job *job)
{
    struct act_job *a = (struct act_job *)job;
    if (job->err == OK) {
        for (size_t i = 0; i < a->step.count; i++)
            fresh_drop(&store->fresh, a->step.items[i].id);
        queue_gone_settle(store, &a->gone);
        note_acted(a);
        a->settled = a->scan;
        if (!a->scan.is_finished && store_is_stopping(store))
            job->err = ERR_CLOSED;
        else if (!a->scan.is_finished)
            return JOB_AGAIN;
    }
    atomic_fetch_sub(&store->acts_waiting, 1);
    return JOB_ANSWER;
}

static void answer_act(struct job *job)
{
    struct act_job *a = (struct act_job *)job;
    a->fn(a->context, job->err, a->acted, a->count);
    queue_matches_done(&a->step);
    queue_gone_done(&a->gone);
    free(a->acted);
    arena_done(&a->arena);
    free(a);
}

static const struct job_kind act_kind = {NULL, run_act, settle_act, answer_act, true};

void queue_act(struct store *store, enum queue_action action, const struct queue_filter *filter,
               int64_t now_ms, struct span author, struct loop *loop, queue_acted_fn *fn,
               void *context)
{
    struct act_job *a = calloc(1, sizeof(*a));
    if (!a)
        abort();
    a->filter = queue_filter_copy(&a->arena, filter);
    a->action = action;
    a->now_ms = now_ms;
    a->info = arena_printf(&a->arena, "%sby " SPAN_FMT,
                           action == QUEUE_ACTION_RETRY ? "retry now, " : "", SPAN_ARG(author));
    a->fn = fn;
    a->context = context;
    a->settled = queue_scan_start(&a->filter, (struct message_id){{0}});
    atomic_fetch_add(&store->acts_waiting, 1);
    store_do(store, &a->job, &act_kind, loop);
}
