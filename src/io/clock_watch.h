/* clock_watch: says that the wall clock was set: by hand, by a time service's step, or by a machine
 * that was suspended and resumed. Timers count monotonic time and do not notice. */
#ifndef IO_CLOCK_WATCH_H
#define IO_CLOCK_WATCH_H

#include "io/loop.h"

struct clock_watch;

/* fn is called soon after the clock was set; it may be called when it was not. NULL where the
 * system does not tell. */
struct clock_watch *clock_watch_new(struct loop *loop, loop_fn *fn, void *context);
void clock_watch_free(struct clock_watch *watch);

#endif
