/* loop: one event loop per thread (libevent), timers, signals, and the one kind of queue in which
 * threads meet. */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <stdint.h>

#include "base/err.h"

struct event_base;
struct loop;
struct loop_timer;
typedef void loop_fn(void *context);

/* The process ignores SIGPIPE from the first loop on. */
struct loop *loop_new(void);
void loop_free(struct loop *loop);
/* Runs until loop_stop; what was posted before the stop is still run. */
void loop_run(struct loop *loop);
/* From any thread. */
void loop_stop(struct loop *loop);
/* From any thread: run fn(context) on the loop's thread, in order of posting. Never blocks. */
void loop_post(struct loop *loop, loop_fn *fn, void *context);
/* In between, the calling thread's posts to other loops wake each of them once, at the end. It must
 * not wait for one of them meanwhile. */
void loop_hold_wakes(void);
void loop_release_wakes(void);
/* A thread of its own that runs the loop. loop_join stops and waits. */
enum err loop_start(struct loop *loop, const char *thread_name) MUST_USE;
void loop_join(struct loop *loop);

/* One-shot; start again to move it. All on the loop's thread. */
struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *context);
void loop_timer_start(struct loop_timer *timer, int64_t after_ms);
void loop_timer_stop(struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer);

/* SIGTERM and the like, on this loop's thread; the signal is handled until the loop is freed. */
enum err loop_on_signal(struct loop *loop, int signal, loop_fn *fn, void *context) MUST_USE;

struct event_base *loop_base(struct loop *loop);

#endif
