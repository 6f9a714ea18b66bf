/* inside: what the files of this folder share: the store itself, and the jobs that its thread does.
 *
 * The thread takes all jobs that wait as one batch. First those that write to the journal: all of
 * them are written, flushed once, and answered. Then the others, if there are any: the database
 * follows the journal, they run in one transaction, and are answered after its COMMIT, which is
 * flushed where they changed something. So a reading job sees what was submitted before it, and
 * nothing is handed out that is not durable. What can wait is not a reason for a batch of its own
 * until some milliseconds have passed. Where a batch fails (no space), it is undone and its jobs
 * are done one by one, so that only those fail that do not fit. */
#ifndef STORE_INSIDE_H
#define STORE_INSIDE_H

#include <pthread.h>

#include "store/database.h"
#include "store/fresh.h"
#include "store/journal.h"
#include "store/reserve.h"
#include "store/segments.h"
#include "store/store.h"

struct job;

/* What becomes of a job once its batch is settled. */
enum job_turn {
    JOB_ANSWER, /* done */
    JOB_AGAIN,  /* one more step, in a later batch */
    JOB_TAKEN,  /* somebody else answers it */
};

struct job_kind {
    /* A job either writes to the journal, or runs within a transaction; either may happen again,
     * after all that it did was undone. The other one is NULL. */
    enum err (*write)(struct store *store, struct job *job);
    enum err (*run)(struct store *store, struct job *job);
    /* After the flush, or the end of the transaction: job->err says how the job fared. What is kept
     * in memory changes here only. */
    enum job_turn (*settle)(struct store *store, struct job *job);
    /* On the job's loop: tells and frees. */
    void (*answer)(struct job *job);
    bool changes; /* if it fails, its transaction must not go on */
};

struct job {
    struct job *next;
    const struct job_kind *kind;
    struct store *store;
    struct loop *loop; /* NULL: the store's thread */
    enum err err;
    bool adds_content; /* else it may use the reserve */
    bool can_wait;     /* nobody waits for its answer: it goes with the next batch */
};

struct job_list {
    struct job *first, **last;
};

struct store_counts {
    _Atomic uint64_t commits, arrivals, updates, messages, recipients, bytes;
};

struct store {
    char *directory;
    int directory_file, lock_file;
    struct database database; /* the store's thread only, once it runs */
    struct segments segments;
    struct journal journal;
    struct reserve reserve;
    struct fresh fresh;
    struct store_counts counts;
    _Atomic unsigned acts_waiting; /* while above zero, the cache of fresh messages is passed by */

    bool is_running; /* set before other threads exist */
    pthread_t writer, reader;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t writer_wakes, reader_wakes;
    struct job_list waiting, to_read;
    unsigned urgent;       /* of those that wait, the ones that cannot */
    int64_t wait_until_ms; /* monotonic; where all that wait can, they do so until then */
    unsigned reading;      /* jobs that the reader has or will get */
    bool writer_sleeps, is_stopping, reader_stops;
};

void job_list_init(struct job_list *list);
void job_list_append(struct job_list *list, struct job *job);
struct job *job_list_take(struct job_list *list);

/* Hands a job to the store's thread, or does it at once where that does not run yet. */
void store_do(struct store *store, struct job *job, const struct job_kind *kind, struct loop *loop);
/* Monotonic; the kernel's own clock, as it is the kernel that the threads wait with. */
int64_t store_now_ms(void);
/* Hands a job to the reader, which reads contents off the disk while the store's thread goes on. */
void store_read(struct store *store, struct job *job);
/* True while store_close waits: steps come to an end. */
bool store_is_stopping(struct store *store);
/* The threads and what they wait with (store_thread.c). Stopping does all that waits first. */
void store_thread_init(struct store *store);
void store_thread_stop(struct store *store);
/* What the reader does with a job (queue_fetch.c). True: answer it; false: it went back to the
 * store's thread. */
bool queue_fetch_read(struct job *job);

/* Does all that waits in `jobs` and empties it (batch.c). */
void batch_run(struct store *store, struct job_list *jobs);
/* Answers on each job's loop, with one post per loop. */
void batch_answer(struct job_list *jobs);

#endif
