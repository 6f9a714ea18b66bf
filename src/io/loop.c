#include "io/loop.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"

enum {
    QUEUE_KEPT = 4096
}; /* a queue that grew beyond this gives its memory back once it is empty */

struct post {
    loop_fn *fn;
    void *context;
};

struct queue {
    struct post *posts;
    size_t count, cap;
};

struct signal_handler {
    struct list node;
    struct event event;
    loop_fn *fn;
    void *context;
};

struct loop {
    struct event_base *base;
    struct event wake, again;
    int wake_fd;
    pthread_mutex_t lock; /* guards what follows and the write to wake_fd */
    struct queue waiting;
    bool runs_posts;      /* looks for more of them by itself before it sleeps */
    unsigned wakes_due;   /* threads that hold back a wake-up */
    struct queue running; /* the loop's thread only */
    struct list signals;
    pthread_t thread;
    bool has_thread;
};

/* Wake-ups that the calling thread holds back (loop_hold_wakes). */
enum { WAKES_HELD = 8 };
static _Thread_local struct {
    bool is_on;
    size_t count;
    struct loop *loops[WAKES_HELD];
} held;

struct loop_timer {
    struct event event;
    loop_fn *fn;
    void *context;
};

static void queue_add(struct queue *q, struct post post)
{
    if (q->count == q->cap) {
        q->cap = q->cap ? q->cap * 2 : 64;
        q->posts = realloc(q->posts, q->cap * sizeof(*q->posts));
        if (!q->posts)
            abort();
    }
    q->posts[q->count++] = post;
}

static void queue_done(struct queue *q)
{
    free(q->posts);
    *q = (struct queue){0};
}

/* Under the loop's lock. */
static void wake(struct loop *loop)
{
    if (held.is_on && held.count < WAKES_HELD) {
        held.loops[held.count++] = loop;
        loop->wakes_due++;
    } else {
        (void)eventfd_write(loop->wake_fd, 1);
    }
}

void loop_hold_wakes(void)
{
    held.is_on = true;
}

void loop_release_wakes(void)
{
    held.is_on = false;
    for (size_t i = 0; i < held.count; i++) {
        struct loop *loop = held.loops[i];
        pthread_mutex_lock(&loop->lock);
        (void)eventfd_write(loop->wake_fd, 1);
        loop->wakes_due--;
        pthread_mutex_unlock(&loop->lock);
    }
    held.count = 0;
}

static void run_all(struct queue *posts)
{
    log_gather();
    for (size_t i = 0; i < posts->count; i++)
        posts->posts[i].fn(posts->posts[i].context);
    log_release();
    posts->count = 0;
    if (posts->cap > QUEUE_KEPT)
        queue_done(posts);
}

/* Takes all posts at once, so that posters wait for a swap of two pointers and never for their
 * functions. What comes meanwhile runs in another turn, after that of the connections. */
static void run_posts(evutil_socket_t fd, short what, void *context)
{
    struct loop *loop = context;
    eventfd_t count;
    if (what & EV_READ)
        (void)eventfd_read(fd, &count);
    pthread_mutex_lock(&loop->lock);
    struct queue posts = loop->waiting;
    loop->waiting = loop->running;
    loop->runs_posts = true;
    pthread_mutex_unlock(&loop->lock);
    run_all(&posts);
    loop->running = posts;
    pthread_mutex_lock(&loop->lock);
    loop->runs_posts = false;
    bool more = loop->waiting.count > 0;
    pthread_mutex_unlock(&loop->lock);
    if (more)
        evtimer_add(&loop->again, &(struct timeval){0});
}

struct loop *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        abort();
    signal(SIGPIPE,
           SIG_IGN); /* OpenSSL writes with write(2): a peer that went away must be an errno */
    struct event_config *config = event_config_new();
    if (!config)
        abort();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert(loop->base && loop->wake_fd >= 0);
    pthread_mutex_init(&loop->lock, NULL);
    list_init(&loop->signals);
    event_assign(&loop->wake, loop->base, loop->wake_fd, EV_READ | EV_PERSIST, run_posts, loop);
    event_add(&loop->wake, NULL);
    evtimer_assign(&loop->again, loop->base, run_posts, loop);
    return loop;
}

/* A thread that has posted here may hold back its wake-up still. */
static void wait_for_wakes(struct loop *loop)
{
    loop_release_wakes();
    for (unsigned due = 1; due > 0;) {
        pthread_mutex_lock(&loop->lock);
        due = loop->wakes_due;
        pthread_mutex_unlock(&loop->lock);
        if (due > 0)
            sched_yield();
    }
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    assert(!loop->has_thread);
    wait_for_wakes(loop);
    LIST_EACH(handler, &loop->signals, struct signal_handler, node)
    {
        event_del(&handler->event);
        free(handler);
    }
    event_del(&loop->wake);
    event_del(&loop->again);
    event_base_free(loop->base);
    close(loop->wake_fd);
    pthread_mutex_destroy(&loop->lock);
    queue_done(&loop->waiting);
    queue_done(&loop->running);
    free(loop);
}

void loop_run(struct loop *loop)
{
    event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

static void stop_here(void *context)
{
    struct loop *loop = context;
    event_base_loopbreak(loop->base);
}

void loop_stop(struct loop *loop)
{
    loop_post(loop, stop_here, loop);
}

void loop_post(struct loop *loop, loop_fn *fn, void *context)
{
    pthread_mutex_lock(&loop->lock);
    bool was_empty = loop->waiting.count == 0;
    queue_add(&loop->waiting, (struct post){fn, context});
    /* Under the lock: once it is released the loop may run the post, end, and close the descriptor.
     */
    if (was_empty && !loop->runs_posts)
        wake(loop);
    pthread_mutex_unlock(&loop->lock);
}

static void *run_thread(void *context)
{
    loop_run(context);
    return NULL;
}

enum err loop_start(struct loop *loop, const char *thread_name)
{
    assert(!loop->has_thread);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all,
                    &before); /* signals are for the main loop; threads inherit the mask */
    int error = pthread_create(&loop->thread, NULL, run_thread, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        errno = error;
        return ERR_IO;
    }
    loop->has_thread = true;
    char name[16] = "";
    for (size_t i = 0; i + 1 < sizeof(name) && thread_name[i]; i++)
        name[i] = thread_name[i];
    pthread_setname_np(loop->thread, name);
    return OK;
}

void loop_join(struct loop *loop)
{
    if (!loop->has_thread)
        return;
    loop_stop(loop);
    loop_release_wakes();
    pthread_join(loop->thread, NULL);
    loop->has_thread = false;
}

static void timer_fired(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    struct loop_timer *timer = context;
    timer->fn(timer->context);
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *context)
{
    struct loop_timer *timer = calloc(1, sizeof(*timer));
    if (!timer)
        abort();
    timer->fn = fn;
    timer->context = context;
    evtimer_assign(&timer->event, loop->base, timer_fired, timer);
    return timer;
}

void loop_timer_start(struct loop_timer *timer, int64_t after_ms)
{
    if (after_ms < 0)
        after_ms = 0;
    struct timeval after = {.tv_sec = after_ms / 1000, .tv_usec = after_ms % 1000 * 1000};
    evtimer_add(&timer->event, &after);
}

void loop_timer_stop(struct loop_timer *timer)
{
    evtimer_del(&timer->event);
}

void loop_timer_free(struct loop_timer *timer)
{
    if (!timer)
        return;
    evtimer_del(&timer->event);
    free(timer);
}

static void signal_came(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    struct signal_handler *handler = context;
    handler->fn(handler->context);
}

enum err loop_on_signal(struct loop *loop, int signal, loop_fn *fn, void *context)
{
    struct signal_handler *handler = calloc(1, sizeof(*handler));
    if (!handler)
        abort();
    handler->fn = fn;
    handler->context = context;
    evsignal_assign(&handler->event, loop->base, signal, signal_came, handler);
    if (evsignal_add(&handler->event, NULL) != 0) {
        free(handler);
        return ERR_IO;
    }
    list_append(&loop->signals, &handler->node);
    return OK;
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}
