/* commit: group commit. Records are appended to a segment, and all that came while the disk was
 * busy goes with the next flush. */
#ifndef BENCH_COMMIT_H
#define BENCH_COMMIT_H

#include <pthread.h>

#include "base/list.h"
#include "bench/loop.h"

struct commit_batch {
    struct buf bytes;
    struct list waiting;
};

struct commit {
    int segment, wake;
    struct watch wake_watch;
    struct commit_batch filling, flushing;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool busy, ending; /* under the mutex; flushing belongs to the thread while it is busy */
    uint64_t flushes, flushed_bytes;
    /* On the loop: what waited in the list is on disk. The list is to be emptied. */
    void (*durable)(void *context, struct list *waiting);
    void *context;
};

/* Makes the segment in the folder. Ends the process where that fails; so does a failed flush, at
 * any time: what it left on disk cannot be known. */
void commit_init(struct commit *c, struct loop *loop, const char *program, const char *folder);
/* What was not flushed yet is lost. */
void commit_done(struct commit *c);

/* Adds to the batch; waits where the disk is far behind. */
void commit_add(struct commit *c, struct span bytes);
/* The node is told when all that was added so far is on disk. */
void commit_wait(struct commit *c, struct list *node);
/* From the loop's turn: starts a flush if one is due. `at_once`: nothing else could be done
 * meanwhile, so the calling thread does it. */
void commit_turn(struct commit *c, bool at_once);

#endif
