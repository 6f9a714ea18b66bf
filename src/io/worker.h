/* worker: a few threads for work that blocks (files on slow disks, password hashing), answered on a
 * loop. */
#ifndef IO_WORKER_H
#define IO_WORKER_H

#include "io/loop.h"

struct workers;

struct workers *workers_new(unsigned threads);
/* Finishes what was given, then ends the threads. */
void workers_free(struct workers *workers);
/* Runs work(context) on one of the threads, then done(context) on the loop. In order of submission
 * per thread only. */
void workers_run(struct workers *workers, loop_fn *work, loop_fn *done, struct loop *loop,
                 void *context);

#endif
