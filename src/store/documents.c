#include "store/documents.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "store/inside.h"

enum { LIST_MAX = 10000 };

struct documents_job {
    struct job job;
    struct arena arena;
    struct revision revision; /* to append */
    uint64_t number;
    size_t limit;
    documents_found_fn *fn;
    void *context;
    struct revision *found;
    size_t count;
};

static struct revision take_revision(struct arena *a, struct query *q)
{
    struct revision r = {0};
    r.number = (uint64_t)query_number(q);
    r.time_ms = query_number(q);
    r.author = arena_copy(a, query_text(q));
    r.comment = arena_copy(a, query_text(q));
    r.diff = arena_copy(a, query_text(q));
    r.text = arena_copy(a, query_text(q));
    return r;
}

/* ---- jobs ---- */

static enum err run_append(struct store *store, struct job *job)
{
    struct documents_job *d = (struct documents_job *)job;
    struct query q = query_open(&store->database, STATEMENT_REVISION_INSERT);
    query_set_number(&q, d->revision.time_ms);
    query_set_text(&q, d->revision.author);
    query_set_text(&q, d->revision.comment);
    query_set_text(&q, d->revision.diff);
    query_set_text(&q, d->revision.text);
    enum err err = query_run(&q);
    d->revision.number = (uint64_t)database_last_number(&store->database);
    d->found = &d->revision;
    d->count = 1;
    return err;
}

static enum err run_list(struct store *store, struct job *job)
{
    struct documents_job *d = (struct documents_job *)job;
    struct query q = query_open(&store->database, STATEMENT_REVISION_LIST);
    query_set_number(&q, (int64_t)d->limit);
    d->found = ARENA_ARRAY(&d->arena, struct revision, d->limit);
    d->count = 0;
    bool row = false;
    enum err err;
    while ((err = query_next(&q, &row)) == OK && row)
        d->found[d->count++] = take_revision(&d->arena, &q);
    query_close(&q);
    return err;
}

static enum err get_revision(struct database *database, uint64_t number, struct arena *a,
                             struct revision *revision)
{
    struct query q =
        query_open(database, number ? STATEMENT_REVISION_GET : STATEMENT_REVISION_NEWEST);
    if (number)
        query_set_number(&q, (int64_t)number);
    bool row = false;
    enum err err = query_next(&q, &row);
    if (err == OK && !row)
        err = ERR_NOT_FOUND;
    if (err == OK)
        *revision = take_revision(a, &q);
    query_close(&q);
    return err;
}

static enum err run_get(struct store *store, struct job *job)
{
    struct documents_job *d = (struct documents_job *)job;
    enum err err = get_revision(&store->database, d->number, &d->arena, &d->revision);
    d->found = &d->revision;
    d->count = 1;
    return err;
}

static void answer(struct job *job)
{
    struct documents_job *d = (struct documents_job *)job;
    bool is_ok = job->err == OK;
    d->fn(d->context, job->err, is_ok ? d->found : NULL, is_ok ? d->count : 0);
    arena_done(&d->arena);
    free(d);
}

static const struct job_kind append_kind = {NULL, run_append, NULL, answer, true};
static const struct job_kind list_kind = {NULL, run_list, NULL, answer, false};
static const struct job_kind get_kind = {NULL, run_get, NULL, answer, false};

/* ---- calls ---- */

static struct documents_job *documents_job_new(documents_found_fn *fn, void *context)
{
    struct documents_job *d = calloc(1, sizeof(*d));
    if (!d)
        abort();
    d->fn = fn;
    d->context = context;
    return d;
}

void documents_append(struct store *store, const struct revision *revision, struct loop *loop,
                      documents_found_fn *fn, void *context)
{
    struct documents_job *d = documents_job_new(fn, context);
    d->revision = *revision;
    d->revision.author = arena_copy(&d->arena, revision->author);
    d->revision.comment = arena_copy(&d->arena, revision->comment);
    d->revision.diff = arena_copy(&d->arena, revision->diff);
    d->revision.text = arena_copy(&d->arena, revision->text);
    store_do(store, &d->job, &append_kind, loop);
}

void documents_list(struct store *store, size_t limit, struct loop *loop, documents_found_fn *fn,
                    void *context)
{
    struct documents_job *d = documents_job_new(fn, context);
    d->limit = limit < LIST_MAX ? limit : LIST_MAX;
    store_do(store, &d->job, &list_kind, loop);
}

void documents_get(struct store *store, uint64_t number, struct loop *loop, documents_found_fn *fn,
                   void *context)
{
    struct documents_job *d = documents_job_new(fn, context);
    d->number = number;
    store_do(store, &d->job, &get_kind, loop);
}

enum err documents_newest(struct store *store, uint64_t *number, char **text)
{
    assert(!store->is_running);
    struct arena arena = ARENA_INIT;
    struct revision revision = {0};
    enum err err = get_revision(&store->database, 0, &arena, &revision);
    if (err == OK) {
        char *copy = strdup(revision.text.p); /* the arena ends it with NUL */
        if (!copy)
            abort();
        *number = revision.number;
        *text = copy;
    }
    arena_done(&arena);
    return err;
}
