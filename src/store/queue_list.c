#include <stdlib.h>

#include "store/queue_rows.h"
#include "store/queue_scan.h"

enum { LIST_MAX = 10000 }; /* of a page; more is asked for in further pages */

struct list_job {
    struct job job;
    struct arena arena;
    struct queue_filter filter;
    size_t limit;
    queue_listed_fn *fn;
    void *context;
    struct queue_scan scan, settled;
    struct queue_matches matches;
    size_t found, settled_found; /* messages among the matches */
    size_t settled_matches;
    bool is_page_full;
    struct queued_message **messages;
    size_t count;
};

static bool visit(void *context, const struct queue_match *match)
{
    struct list_job *l = context;
    const struct queue_matches *m = &l->matches;
    if (m->count == 0 || !message_id_eq(m->items[m->count - 1].id, match->id)) {
        if (l->found == l->limit) {
            l->is_page_full = true;
            return false;
        }
        l->found++;
    }
    queue_matches_add(&l->matches, *match);
    return true;
}

static void free_messages(struct list_job *l)
{
    for (size_t i = 0; i < l->count; i++)
        queued_message_free(l->messages[i]);
    free(l->messages);
    l->messages = NULL;
    l->count = 0;
}

/* Reads one message with those of its recipients that matched; returns how many matches that were.
 */
static size_t group_at(const struct queue_matches *m, size_t at, uint32_t *numbers)
{
    size_t n = 0;
    for (; at + n < m->count && message_id_eq(m->items[at + n].id, m->items[at].id); n++)
        numbers[n] = m->items[at + n].number;
    return n;
}

static enum err load_page(struct store *store, struct list_job *l)
{
    const struct queue_matches *m = &l->matches;
    l->messages = calloc(l->found + 1, sizeof(struct queued_message *));
    uint32_t *numbers = calloc(m->count + 1, sizeof(*numbers));
    if (!l->messages || !numbers)
        abort();
    enum err err = OK;
    for (size_t at = 0; err == OK && at < m->count;) {
        struct recipient_choice choice = {.numbers = numbers};
        struct stored_message *message = NULL;
        choice.count = group_at(m, at, numbers);
        err = queue_rows_get(store, &m->items[at].id, choice, &message);
        at += choice.count;
        if (err == OK)
            l->messages[l->count++] = &message->message;
        else if (err == ERR_NOT_FOUND) /* gone since an earlier step */
            err = OK;
    }
    free(numbers);
    return err;
}

static enum err run_list(struct store *store, struct job *job)
{
    struct list_job *l = (struct list_job *)job;
    free_messages(l);
    l->scan = l->settled;
    l->found = l->settled_found;
    l->matches.count = l->settled_matches;
    l->is_page_full = false;
    enum err err = queue_scan_step(store, &l->scan, visit, l);
    if (err == OK && (l->scan.is_finished || l->is_page_full))
        err = load_page(store, l);
    return err;
}

static enum job_turn settle_list(struct store *store, struct job *job)
{
    struct list_job *l = (struct list_job *)job;
    if (job->err != OK || l->scan.is_finished || l->is_page_full)
        return JOB_ANSWER;
    l->settled = l->scan;
    l->settled_found = l->found;
    l->settled_matches = l->matches.count;
    if (!store_is_stopping(store))
        return JOB_AGAIN;
    job->err = ERR_CLOSED;
    return JOB_ANSWER;
}

static void answer_list(struct job *job)
{
    struct list_job *l = (struct list_job *)job;
    if (job->err != OK)
        free_messages(l);
    l->fn(l->context, job->err, l->messages, l->count, job->err == OK && l->is_page_full);
    free_messages(l);
    queue_matches_done(&l->matches);
    arena_done(&l->arena);
    free(l);
}

static const struct job_kind list_kind = {NULL, run_list, settle_list, answer_list, false};

void queue_list(struct store *store, const struct queue_filter *filter, struct message_id after,
                size_t limit, struct loop *loop, queue_listed_fn *fn, void *context)
{
    struct list_job *l = calloc(1, sizeof(*l));
    if (!l)
        abort();
    l->filter = queue_filter_copy(&l->arena, filter);
    l->limit = limit < LIST_MAX ? limit : LIST_MAX;
    l->fn = fn;
    l->context = context;
    l->settled = queue_scan_start(&l->filter, after);
    store_do(store, &l->job, &list_kind, loop);
}
