#include "store/inside.h"

void job_list_init(struct job_list *list)
{
    list->first = NULL;
    list->last = &list->first;
}

void job_list_append(struct job_list *list, struct job *job)
{
    job->next = NULL;
    *list->last = job;
    list->last = &job->next;
}

struct job *job_list_take(struct job_list *list)
{
    struct job *job = list->first;
    if (!job)
        return NULL;
    list->first = job->next;
    if (!list->first)
        list->last = &list->first;
    job->next = NULL;
    return job;
}

/* ---- one transaction ---- */

static enum err write_contents(struct store *store, const struct job_list *jobs)
{
    for (struct job *job = jobs->first; job; job = job->next) {
        enum err err = job->kind->write ? job->kind->write(store, job) : OK;
        if (err != OK)
            return err;
    }
    return segments_write(&store->segments);
}

/* Contents are durable before the commit that names them. */
static enum err run_all(struct store *store, const struct job_list *jobs)
{
    enum err err = database_begin(&store->database);
    if (err != OK)
        return err;
    for (struct job *job = jobs->first; job; job = job->next) {
        job->err = job->kind->run(store, job);
        if (job->err != OK && job->kind->changes) {
            database_rollback(&store->database);
            return job->err;
        }
    }
    segments_sync(&store->segments);
    return database_commit(&store->database);
}

static enum err try_all(struct store *store, const struct job_list *jobs)
{
    segments_begin(&store->segments);
    enum err err = write_contents(store, jobs);
    if (err == OK)
        err = run_all(store, jobs);
    if (err != OK)
        segments_undo(&store->segments);
    return err;
}

/* ---- batches ---- */

static void settle(struct store *store, struct job *job, struct job_list *done,
                   struct job_list *again)
{
    switch (job->kind->settle ? job->kind->settle(store, job) : JOB_ANSWER) {
    case JOB_ANSWER: job_list_append(done, job); break;
    case JOB_AGAIN: job_list_append(again, job); break;
    case JOB_TAKEN: break;
    }
}

static void run_one(struct store *store, struct job *job, struct job_list *done,
                    struct job_list *again)
{
    struct job_list one;
    job_list_init(&one);
    job_list_append(&one, job);
    enum err err = try_all(store, &one);
    if (err == ERR_FULL && !job->adds_content && reserve_spend(&store->reserve)) {
        database_checkpoint(&store->database);
        err = try_all(store, &one);
    }
    if (err != OK)
        job->err = err;
    settle(store, job_list_take(&one), done, again);
}

void batch_run(struct store *store, struct job_list *jobs)
{
    struct job_list done, again;
    job_list_init(&done);
    job_list_init(&again);
    bool is_many = jobs->first && jobs->first->next;
    bool is_committed = is_many && try_all(store, jobs) == OK;
    for (struct job *job = job_list_take(jobs); job; job = job_list_take(jobs)) {
        if (is_committed)
            settle(store, job, &done, &again);
        else
            run_one(store, job, &done, &again);
    }
    batch_answer(&done);
    *jobs = again;
    if (!again.first)
        job_list_init(jobs);
}

/* ---- answers ---- */

/* Many of a batch are followed by posts to the same loop, as of arrivals to the one that delivers.
 */
static void answer_chain(void *context)
{
    loop_hold_wakes();
    for (struct job *job = context, *next; job; job = next) {
        next = job->next;
        job->kind->answer(job);
    }
    loop_release_wakes();
}

void batch_answer(struct job_list *jobs)
{
    while (jobs->first) {
        struct loop *loop = jobs->first->loop;
        struct job_list same, others;
        job_list_init(&same);
        job_list_init(&others);
        for (struct job *job = job_list_take(jobs); job; job = job_list_take(jobs))
            job_list_append(job->loop == loop ? &same : &others, job);
        if (loop)
            loop_post(loop, answer_chain, same.first);
        else
            answer_chain(same.first);
        *jobs = others;
        if (!others.first)
            job_list_init(jobs);
    }
}
