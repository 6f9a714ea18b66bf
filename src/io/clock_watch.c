#include "io/clock_watch.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct clock_watch {
    int fd;
    struct event *event;
    loop_fn *fn;
    void *context;
};

/* The kernel cancels a timer on the wall clock whenever that is set: timerfd_create(2). This one
 * would fire in the year 2100. */
static bool arm(int fd)
{
    struct itimerspec never = {.it_value = {.tv_sec = 4102444800}};
    return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) == 0;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    struct clock_watch *watch = context;
    uint64_t ignored; /* ECANCELED says as much as a number does */
    (void)what;
    ssize_t n = read(fd, &ignored, sizeof(ignored));
    (void)n;
    arm(fd); /* before the call: a change from now on is told again */
    watch->fn(watch->context);
}

struct clock_watch *clock_watch_new(struct loop *loop, loop_fn *fn, void *context)
{
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd >= 0 && !arm(fd)) {
        close(fd);
        fd = -1;
    }
    if (fd < 0)
        return NULL;
    struct clock_watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        abort();
    *watch = (struct clock_watch){.fd = fd, .fn = fn, .context = context};
    watch->event = event_new(loop_base(loop), fd, EV_READ | EV_PERSIST, on_readable, watch);
    if (!watch->event || event_add(watch->event, NULL) != 0)
        abort();
    return watch;
}

void clock_watch_free(struct clock_watch *watch)
{
    if (!watch)
        return;
    event_free(watch->event);
    close(watch->fd);
    free(watch);
}
