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

/* ---- the journal ---- */

static enum err write_to_journal(struct store *store, const struct job_list *jobs)
{
    uint64_t sequence = store->journal.next_sequence;
    segments_begin(&store->segments);
    enum err err = OK;
    for (struct job *job = jobs->first; err == OK && job; job = job->next)
        err = job->kind->write(store, job);
    if (err == OK)
        err = segments_write(&store->segments);
    if (err != OK) {
        segments_undo(&store->segments);
        store->journal.next_sequence = sequence;
        return err;
    }
    segments_sync(&store->segments);
    return OK;
}

static enum err try_writing(struct store *store, const struct job_list *jobs)
{
    enum err err = journal_make_room(store);
    return err == OK ? write_to_journal(store, jobs) : err;
}

/* ---- one transaction ---- */

static enum err try_running(struct store *store, const struct job_list *jobs)
{
    enum err err = journal_apply(store, JOURNAL_ALL);
    if (err == OK)
        err = database_begin(&store->database);
    if (err != OK)
        return err;
    for (struct job *job = jobs->first; job; job = job->next) {
        job->err = job->kind->run(store, job);
        if (job->err != OK && job->kind->changes) {
            database_rollback(&store->database);
            return job->err;
        }
    }
    return database_commit(&store->database);
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

typedef enum err try_fn(struct store *store, const struct job_list *jobs);

/* Space may be had: the reserve, for what ends mail, and what is no longer needed. */
static bool make_space(struct store *store, const struct job *job)
{
    bool is_spent = !job->adds_content && reserve_spend(&store->reserve);
    if (is_spent)
        database_checkpoint(&store->database);
    return journal_make_empty(store) == OK || is_spent;
}

static void run_one(struct store *store, struct job *job, try_fn *try, struct job_list *done,
                    struct job_list *again)
{
    struct job_list one;
    job_list_init(&one);
    job_list_append(&one, job);
    enum err err = try(store, &one);
    if (err == ERR_FULL && make_space(store, job))
        err = try(store, &one);
    if (err != OK)
        job->err = err;
    settle(store, job_list_take(&one), done, again);
}

static void run_kind(struct store *store, struct job_list *jobs, try_fn *try,
                     struct job_list *again)
{
    struct job_list done;
    job_list_init(&done);
    bool is_many = jobs->first && jobs->first->next;
    bool is_committed = is_many && try(store, jobs) == OK;
    for (struct job *job = job_list_take(jobs); job; job = job_list_take(jobs)) {
        if (is_committed)
            settle(store, job, &done, again);
        else
            run_one(store, job, try, &done, again);
    }
    batch_answer(&done);
}

void batch_run(struct store *store, struct job_list *jobs)
{
    struct job_list writing, running, again;
    job_list_init(&writing);
    job_list_init(&running);
    job_list_init(&again);
    for (struct job *job = job_list_take(jobs); job; job = job_list_take(jobs))
        job_list_append(job->kind->write ? &writing : &running, job);
    run_kind(store, &writing, try_writing, &again);
    run_kind(store, &running, try_running, &again);
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
