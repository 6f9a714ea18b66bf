#include "store/events.h"

#include <stdlib.h>

#include "store/inside.h"
#include "store/queue.h"
#include "store/rows.h"

enum {
    EVENTS_TRIMMED_EACH = 256, /* inserts between two trims */
    FIND_MAX = 10000,
};

enum err event_rows_insert(struct database *d, const struct event *e)
{
    struct query q = query_open(d, STATEMENT_EVENT_INSERT);
    query_set_number(&q, e->time_ms);
    query_set_number(&q, e->id);
    query_set_number(&q, e->level);
    query_set_text(&q, e->name);
    query_set_text(&q, e->subject);
    query_set_text(&q, e->text);
    query_set_text(&q, e->consequence);
    query_set_text(&q, e->remedy);
    enum err err = query_run(&q);
    int64_t number = database_last_number(d);
    if (err != OK || number % EVENTS_TRIMMED_EACH != 0)
        return err;
    q = query_open(d, STATEMENT_EVENT_TRIM);
    query_set_number(&q, number - EVENTS_KEPT);
    return query_run(&q);
}

/* ---- finding ---- */

struct events_job {
    struct job job;
    struct arena arena;
    uint64_t after;
    bool is_newest;
    enum log_level least;
    size_t limit;
    events_found_fn *fn;
    void *context;
    struct event *events;
    size_t count;
    bool has_more;
};

static struct event take_event(struct arena *a, struct query *q)
{
    struct event e = {0};
    e.number = (uint64_t)query_number(q);
    e.time_ms = query_number(q);
    e.id = (unsigned)query_number(q);
    e.level = (enum log_level)query_number(q);
    e.name = arena_copy(a, query_text(q));
    e.subject = arena_copy(a, query_text(q));
    e.text = arena_copy(a, query_text(q));
    e.consequence = arena_copy(a, query_text(q));
    e.remedy = arena_copy(a, query_text(q));
    return e;
}

static enum err run_find(struct store *store, struct job *job)
{
    struct events_job *f = (struct events_job *)job;
    struct query q =
        query_open(&store->database, f->is_newest ? STATEMENT_EVENT_NEWEST : STATEMENT_EVENT_AFTER);
    if (!f->is_newest)
        query_set_number(&q, (int64_t)f->after);
    query_set_number(&q, f->least);
    f->count = 0;
    f->has_more = false;
    f->events = ARENA_ARRAY(&f->arena, struct event, f->limit);
    bool row = false;
    enum err err;
    while ((err = query_next(&q, &row)) == OK && row) {
        if (f->count == f->limit) {
            f->has_more = true;
            break;
        }
        f->events[f->count++] = take_event(&f->arena, &q);
    }
    query_close(&q);
    return err;
}

static void turn_round(struct event *events, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct event e = events[i];
        events[i] = events[count - 1 - i];
        events[count - 1 - i] = e;
    }
}

static void answer_find(struct job *job)
{
    struct events_job *f = (struct events_job *)job;
    size_t count = job->err == OK ? f->count : 0;
    if (f->is_newest)
        turn_round(f->events, count);
    f->fn(f->context, job->err, f->events, count, job->err == OK && f->has_more);
    arena_done(&f->arena);
    free(f);
}

static const struct job_kind find_kind = {NULL, run_find, NULL, answer_find, false};

void events_find(struct store *store, uint64_t after, bool newest, enum log_level least,
                 size_t limit, struct loop *loop, events_found_fn *fn, void *context)
{
    struct events_job *f = calloc(1, sizeof(*f));
    if (!f)
        abort();
    f->after = after;
    f->is_newest = newest && after == 0;
    f->least = least;
    f->limit = limit < FIND_MAX ? limit : FIND_MAX;
    f->fn = fn;
    f->context = context;
    store_do(store, &f->job, &find_kind, loop);
}

/* ---- adding ---- */

static void added(void *context, struct queue_commit *commit, enum err err)
{
    (void)context;
    (void)err; /* an event that finds no space is not worth stopping anything; it was logged */
    queue_commit_free(commit);
}

void events_add(struct store *store, const struct event *event)
{
    struct queue_commit *commit = queue_commit_new();
    struct arena *a = &commit->arena;
    struct event *copy = ARENA_NEW(a, struct event);
    *copy = *event;
    copy->name = arena_copy(a, event->name);
    copy->subject = arena_copy(a, event->subject);
    copy->text = arena_copy(a, event->text);
    copy->consequence = arena_copy(a, event->consequence);
    copy->remedy = arena_copy(a, event->remedy);
    commit->events = copy;
    commit->event_count = 1;
    commit->done = added;
    queue_submit(store, commit);
}
