#include "bench/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench/args.h"

enum {
    EARLY_BYTES = 1024 * 1024,      /* written before anybody waits, as large messages need it */
    BEHIND_BYTES = 16 * 1024 * 1024 /* more is not kept in memory */
};

static _Noreturn void fail(const char *what)
{
    args_fail("bench-limit", "%s: %s", what, strerror(errno));
}

static void flush(struct commit *c)
{
    struct span left = buf_span(&c->flushing.bytes);
    c->flushed_bytes += left.n;
    while (left.n) {
        ssize_t n = write(c->segment, left.p, left.n);
        if (n < 0)
            fail("write");
        left = span_skip(left, (size_t)n);
    }
    if (fdatasync(c->segment))
        fail("fdatasync");
    c->flushes++;
}

static void *run_thread(void *context)
{
    struct commit *c = context;
    pthread_mutex_lock(&c->mutex);
    for (;;) {
        while (!c->busy && !c->ending)
            pthread_cond_wait(&c->changed, &c->mutex);
        if (c->ending)
            break;
        pthread_mutex_unlock(&c->mutex);
        flush(c);
        pthread_mutex_lock(&c->mutex);
        c->busy = false;
        pthread_cond_signal(&c->changed);
        uint64_t one = 1;
        if (write(c->wake, &one, sizeof(one)) != (ssize_t)sizeof(one))
            fail("eventfd");
    }
    pthread_mutex_unlock(&c->mutex);
    return NULL;
}

static void tell_waiting(struct commit *c)
{
    struct list waiting;
    list_init(&waiting);
    for (struct list *node; (node = list_take(&c->flushing.waiting));)
        list_append(&waiting, node);
    buf_reset(&c->flushing.bytes);
    c->durable(c->context, &waiting);
}

static void on_wake(struct watch *w, uint32_t events)
{
    struct commit *c = LIST_OBJECT(w, struct commit, wake_watch);
    uint64_t count;
    (void)events;
    if (read(c->wake, &count, sizeof(count)) == (ssize_t)sizeof(count))
        tell_waiting(c);
}

void commit_init(struct commit *c, struct loop *loop, const char *program, const char *folder)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/segment", folder);
    c->segment = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    c->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (c->segment < 0 || c->wake < 0)
        args_fail(program, "%s: %s", path, strerror(errno));
    c->filling.bytes = c->flushing.bytes = BUF_INIT(BUF_UNLIMITED);
    list_init(&c->filling.waiting);
    list_init(&c->flushing.waiting);
    c->wake_watch.ready = on_wake;
    loop_add(loop, c->wake, &c->wake_watch, EPOLLIN);
    pthread_mutex_init(&c->mutex, NULL);
    pthread_cond_init(&c->changed, NULL);
    if (pthread_create(&c->thread, NULL, run_thread, c))
        args_fail(program, "no thread");
}

void commit_done(struct commit *c)
{
    pthread_mutex_lock(&c->mutex);
    c->ending = true;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->mutex);
    pthread_join(c->thread, NULL);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->mutex);
    buf_done(&c->filling.bytes);
    buf_done(&c->flushing.bytes);
    close(c->segment);
    close(c->wake);
}

/* Whether the flushed batch, if there was one, has been told of and the next may be handed over. */
static bool is_free(struct commit *c)
{
    pthread_mutex_lock(&c->mutex);
    bool busy = c->busy;
    pthread_mutex_unlock(&c->mutex);
    return !busy && !c->flushing.bytes.n && list_is_empty(&c->flushing.waiting);
}

static void exchange(struct commit *c)
{
    struct buf bytes = c->flushing.bytes;
    c->flushing.bytes = c->filling.bytes;
    c->filling.bytes = bytes;
    for (struct list *node; (node = list_take(&c->filling.waiting));)
        list_append(&c->flushing.waiting, node);
}

void commit_turn(struct commit *c, bool at_once)
{
    bool is_awaited = !list_is_empty(&c->filling.waiting);
    if ((!is_awaited && c->filling.bytes.n <= EARLY_BYTES) || !is_free(c))
        return;
    exchange(c);
    if (at_once && is_awaited) {
        flush(c);
        tell_waiting(c);
        return;
    }
    pthread_mutex_lock(&c->mutex);
    c->busy = true;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->mutex);
}

static void wait_for_disk(struct commit *c)
{
    pthread_mutex_lock(&c->mutex);
    while (c->busy)
        pthread_cond_wait(&c->changed, &c->mutex);
    pthread_mutex_unlock(&c->mutex);
}

void commit_add(struct commit *c, struct span bytes)
{
    if (c->filling.bytes.n > BEHIND_BYTES)
        wait_for_disk(c);
    buf_add(&c->filling.bytes, bytes);
}

void commit_wait(struct commit *c, struct list *node)
{
    list_append(&c->filling.waiting, node);
}
