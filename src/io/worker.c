#include "io/worker.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct work {
    struct work *next;
    loop_fn *work, *done;
    struct loop *loop;
    void *context;
};

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct work *first, **last;
    bool ending;
    unsigned count;
    pthread_t threads[];
};

static struct work *take(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    while (!workers->first && !workers->ending)
        pthread_cond_wait(&workers->wanted, &workers->lock);
    struct work *work = workers->first;
    if (work) {
        workers->first = work->next;
        if (!workers->first)
            workers->last = &workers->first;
    }
    pthread_mutex_unlock(&workers->lock);
    return work;
}

static void *run(void *context)
{
    struct workers *workers = context;
    for (struct work *work; (work = take(workers)); free(work)) {
        work->work(work->context);
        loop_post(work->loop, work->done, work->context);
    }
    return NULL;
}

struct workers *workers_new(unsigned threads)
{
    struct workers *workers = calloc(1, sizeof(*workers) + threads * sizeof(pthread_t));
    if (!workers || pthread_mutex_init(&workers->lock, NULL) != 0 ||
        pthread_cond_init(&workers->wanted, NULL) != 0)
        abort();
    workers->last = &workers->first;
    for (; workers->count < threads; workers->count++)
        if (pthread_create(&workers->threads[workers->count], NULL, run, workers) != 0)
            abort();
    return workers;
}

void workers_run(struct workers *workers, loop_fn *work, loop_fn *done, struct loop *loop,
                 void *context)
{
    struct work *item = malloc(sizeof(*item));
    if (!item)
        abort();
    *item = (struct work){NULL, work, done, loop, context};
    pthread_mutex_lock(&workers->lock);
    *workers->last = item;
    workers->last = &item->next;
    pthread_cond_signal(&workers->wanted);
    pthread_mutex_unlock(&workers->lock);
}

void workers_free(struct workers *workers)
{
    if (!workers)
        return;
    pthread_mutex_lock(&workers->lock);
    workers->ending = true;
    pthread_cond_broadcast(&workers->wanted);
    pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->count; i++)
        pthread_join(workers->threads[i], NULL);
    pthread_cond_destroy(&workers->wanted);
    pthread_mutex_destroy(&workers->lock);
    free(workers);
}
