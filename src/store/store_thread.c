#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "store/inside.h"

enum {
    WAL_IDLE_PAGES = 1000, /* worth a checkpoint while nobody waits */
    WAL_FULL_PAGES = 2048, /* 8 MiB: not put off any longer, as mail waits for a checkpoint */
    IDLE_MS = 50,          /* so long without a job is a pause */
    CAN_WAIT_MS = 5,
};

/* ---- jobs come in ---- */

int64_t store_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Under the lock. False: the store's thread need not be told. */
static bool add_waiting(struct store *s, struct job *job)
{
    bool is_first = !s->waiting.first;
    job_list_append(&s->waiting, job);
    if (!job->can_wait)
        s->urgent++;
    else if (is_first)
        s->wait_until_ms = store_now_ms() + CAN_WAIT_MS;
    return !job->can_wait || is_first;
}

static void append_waiting(struct store *s, struct job *job)
{
    pthread_mutex_lock(&s->lock);
    bool wake = add_waiting(s, job) && s->writer_sleeps;
    s->writer_sleeps = s->writer_sleeps && !wake; /* one wake-up is enough */
    pthread_mutex_unlock(&s->lock);
    if (wake)
        pthread_cond_signal(&s->writer_wakes);
}

void store_do(struct store *store, struct job *job, const struct job_kind *kind, struct loop *loop)
{
    job->kind = kind;
    job->store = store;
    job->loop = loop;
    job->err = OK;
    if (store->is_running) {
        append_waiting(store, job);
        return;
    }
    struct job_list jobs;
    job_list_init(&jobs);
    job_list_append(&jobs, job);
    while (jobs.first)
        batch_run(store, &jobs);
    journal_follow(store, JOURNAL_ALL);
    while (segments_do_chore(&store->segments))
        continue;
    if (reserve_is_spent(&store->reserve))
        reserve_refill(&store->reserve);
}

bool store_is_stopping(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    bool is_stopping = store->is_stopping;
    pthread_mutex_unlock(&store->lock);
    return is_stopping;
}

/* ---- the store's thread ---- */

/* Under the lock: sleeps until there is a job. False where until_ms came first; 0: it never does.
 */
static bool sleep_for_jobs(struct store *s, int64_t until_ms)
{
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    s->writer_sleeps = true;
    int result = until_ms ? pthread_cond_timedwait(&s->writer_wakes, &s->lock, &until)
                          : pthread_cond_wait(&s->writer_wakes, &s->lock);
    s->writer_sleeps = false;
    return result != ETIMEDOUT;
}

/* Under the lock. */
static bool has_batch(const struct store *s)
{
    return s->waiting.first && (s->urgent || s->is_stopping || store_now_ms() >= s->wait_until_ms);
}

enum turn { TURN_WORK, TURN_PAUSE, TURN_END };

/* Under the lock: sleeps until there may be something to do. */
static enum turn wait_for_work(struct store *s)
{
    int64_t due = journal_due_ms(&s->journal);
    int64_t until = s->waiting.first ? s->wait_until_ms : 0;
    if (due && (!until || due < until))
        until = due;
    if (until) {
        sleep_for_jobs(s, until);
        return TURN_WORK;
    }
    bool is_limited = s->database.wal_pages >= WAL_IDLE_PAGES;
    bool is_woken = sleep_for_jobs(s, is_limited ? store_now_ms() + IDLE_MS : 0);
    return is_woken ? TURN_WORK : TURN_PAUSE;
}

/* Under the lock. */
static bool has_work(const struct store *s)
{
    int64_t due = journal_due_ms(&s->journal);
    return has_batch(s) || !list_is_empty(&s->segments.chores) || (due && due <= store_now_ms());
}

/* Takes all that waits. It may be nothing, where there is something else to do. */
static enum turn take_waiting(struct store *s, struct job_list *jobs)
{
    enum turn turn = TURN_WORK;
    job_list_init(jobs);
    pthread_mutex_lock(&s->lock);
    while (turn == TURN_WORK && !has_work(s))
        turn = s->is_stopping && s->reading == 0 ? TURN_END : wait_for_work(s);
    if (s->waiting.first) {
        *jobs = s->waiting;
        job_list_init(&s->waiting);
        s->urgent = 0;
    }
    pthread_mutex_unlock(&s->lock);
    return turn;
}

/* Steps of long jobs go behind what came in the meantime. */
static void put_back(struct store *s, struct job_list *jobs)
{
    if (!jobs->first)
        return;
    pthread_mutex_lock(&s->lock);
    for (struct job *job = job_list_take(jobs); job; job = job_list_take(jobs))
        (void)add_waiting(s, job);
    pthread_mutex_unlock(&s->lock);
}

static bool somebody_waits(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    bool waits = s->urgent > 0;
    pthread_mutex_unlock(&s->lock);
    return waits;
}

/* The database follows the journal in small steps, and while nobody waits for a flush. */
static void follow_journal(struct store *s)
{
    int64_t now = store_now_ms(), due = journal_due_ms(&s->journal);
    bool is_long = journal_is_long(s, now);
    if (due && due <= now && (is_long || !somebody_waits(s)))
        journal_follow(s, journal_step(s));
}

static void *run_writer(void *context)
{
    struct store *s = context;
    for (enum turn turn = TURN_WORK; turn != TURN_END;) {
        struct job_list jobs;
        turn = take_waiting(s, &jobs);
        batch_run(s, &jobs);
        put_back(s, &jobs);
        follow_journal(s);
        segments_do_chore(&s->segments);
        if (reserve_is_spent(&s->reserve))
            reserve_refill(&s->reserve);
        if (s->database.wal_pages >= (turn == TURN_PAUSE ? WAL_IDLE_PAGES : WAL_FULL_PAGES))
            database_checkpoint(&s->database);
    }
    return NULL;
}

/* ---- the reader ---- */

void store_read(struct store *store, struct job *job)
{
    pthread_mutex_lock(&store->lock);
    job_list_append(&store->to_read, job);
    store->reading++;
    pthread_mutex_unlock(&store->lock);
    pthread_cond_signal(&store->reader_wakes);
}

static struct job *take_to_read(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    while (!s->to_read.first && !s->reader_stops)
        pthread_cond_wait(&s->reader_wakes, &s->lock);
    struct job *job = job_list_take(&s->to_read);
    pthread_mutex_unlock(&s->lock);
    return job;
}

static void has_read(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    s->reading--;
    pthread_cond_signal(&s->writer_wakes); /* it may wait for the last one */
    pthread_mutex_unlock(&s->lock);
}

static void *run_reader(void *context)
{
    struct store *s = context;
    for (struct job *job = take_to_read(s); job; job = take_to_read(s)) {
        if (queue_fetch_read(job)) {
            struct job_list one;
            job_list_init(&one);
            job_list_append(&one, job);
            batch_answer(&one);
        }
        has_read(s);
    }
    return NULL;
}

/* ---- start and stop ---- */

static void stop_reader(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    s->reader_stops = true;
    pthread_mutex_unlock(&s->lock);
    pthread_cond_signal(&s->reader_wakes);
    pthread_join(s->reader, NULL);
    s->reader_stops = false;
}

void store_thread_init(struct store *s)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&s->writer_wakes, &attributes);
    pthread_cond_init(&s->reader_wakes, &attributes);
    pthread_condattr_destroy(&attributes);
}

enum err store_start(struct store *s)
{
    assert(!s->is_running);
    s->is_running = true;
    if (pthread_create(&s->reader, NULL, run_reader, s) != 0) {
        s->is_running = false;
        return ERR_IO;
    }
    if (pthread_create(&s->writer, NULL, run_writer, s) != 0) {
        s->is_running = false;
        stop_reader(s);
        return ERR_IO;
    }
    pthread_setname_np(s->reader, "store-read");
    pthread_setname_np(s->writer, "store");
    return OK;
}

void store_thread_stop(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    s->is_stopping = true;
    pthread_mutex_unlock(&s->lock);
    pthread_cond_signal(&s->writer_wakes);
    pthread_join(s->writer, NULL);
    stop_reader(s);
    s->is_running = false;
}
