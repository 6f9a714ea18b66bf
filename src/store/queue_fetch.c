#include <stdlib.h>

#include "store/queue_rows.h"

struct fetch_job {
    struct job job;
    struct message_id id;
    queue_fetched_fn *fn;
    void *context;
    struct stored_message *message;
    bool is_second_look;
};

static enum err run_fetch(struct store *store, struct job *job)
{
    struct fetch_job *f = (struct fetch_job *)job;
    struct recipient_choice all = {.is_all = true};
    if (f->message)
        queued_message_free(&f->message->message);
    f->message = NULL;
    return queue_rows_get(store, &f->id, all, &f->message);
}

static void fail(struct fetch_job *f, enum err err)
{
    if (f->message)
        queued_message_free(&f->message->message);
    f->message = NULL;
    f->job.err = err;
}

static enum job_turn settle_fetch(struct store *store, struct job *job)
{
    struct fetch_job *f = (struct fetch_job *)job;
    if (job->err != OK) {
        fail(f, job->err);
        return JOB_ANSWER;
    }
    if (store->is_running) {
        store_read(store, job);
        return JOB_TAKEN;
    }
    enum err err = stored_message_load(f->message, &store->segments);
    if (err != OK)
        fail(f, err == ERR_NOT_FOUND ? ERR_CORRUPT : err);
    return JOB_ANSWER;
}

static void answer_fetch(struct job *job)
{
    struct fetch_job *f = (struct fetch_job *)job;
    f->fn(f->context, job->err, f->message ? &f->message->message : NULL);
    free(f);
}

static const struct job_kind fetch_kind = {NULL, run_fetch, settle_fetch, answer_fetch, false};

bool queue_fetch_read(struct job *job)
{
    struct fetch_job *f = (struct fetch_job *)job;
    enum err err = stored_message_load(f->message, &job->store->segments);
    if (err == OK)
        return true;
    /* The message may have gone in the meantime, and its space with it. */
    if (!f->is_second_look) {
        f->is_second_look = true;
        store_do(job->store, job, &fetch_kind, job->loop);
        return false;
    }
    fail(f, err == ERR_NOT_FOUND ? ERR_CORRUPT : err);
    return true;
}

void queue_cool(struct store *store, struct message_id id)
{
    fresh_drop(&store->fresh, id);
}

void queue_fetch(struct store *store, struct message_id id, struct loop *loop, queue_fetched_fn *fn,
                 void *context)
{
    struct fetch_job *f = calloc(1, sizeof(*f));
    if (!f)
        abort();
    f->id = id;
    f->fn = fn;
    f->context = context;
    f->job = (struct job){.kind = &fetch_kind, .store = store, .loop = loop};
    if (loop && atomic_load(&store->acts_waiting) == 0)
        f->message = fresh_get(&store->fresh, id);
    if (!f->message) {
        store_do(store, &f->job, &fetch_kind, loop);
        return;
    }
    struct job_list one;
    job_list_init(&one);
    job_list_append(&one, &f->job);
    batch_answer(&one);
}
