/* The kernel's part is played by this program: a test must not set the machine's clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "io/clock_watch.h"

static struct {
    int fds[2]; /* the watch reads from the first */
    int armed;
    bool refuses;
    clockid_t clock;
} kernel;

int timerfd_create(clockid_t id, int flags)
{
    assert_true(flags & TFD_NONBLOCK);
    kernel.clock = id;
    assert_int_equal(pipe(kernel.fds), 0);
    return kernel.fds[0];
}

int timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *before)
{
    (void)before;
    assert_int_equal(fd, kernel.fds[0]);
    assert_int_equal(flags, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
    assert_true(value->it_value.tv_sec > time(NULL));
    assert_int_equal(value->it_interval.tv_sec, 0);
    if (kernel.refuses) {
        errno = EINVAL;
        return -1;
    }
    kernel.armed++;
    return 0;
}

static void set_clock(void)
{
    uint64_t number = 1;
    assert_int_equal(write(kernel.fds[1], &number, sizeof(number)), sizeof(number));
}

struct told {
    struct loop *loop;
    int count, armed; /* how often the timer had been armed by the last call */
};

static void on_set(void *context)
{
    struct told *told = context;
    told->count++;
    told->armed = kernel.armed;
    loop_stop(told->loop);
}

static void test_each_change_is_told(void **state)
{
    (void)state;
    struct told told = {.loop = loop_new()};
    kernel.armed = 0;
    struct clock_watch *watch = clock_watch_new(told.loop, on_set, &told);
    assert_non_null(watch);
    assert_int_equal(kernel.clock, CLOCK_REALTIME);
    for (int i = 1; i <= 3; i++) {
        set_clock();
        loop_run(told.loop);
        assert_int_equal(told.count, i);
        assert_int_equal(told.armed, i + 1); /* it was armed again before the call */
    }
    clock_watch_free(watch);
    close(kernel.fds[1]);
    loop_free(told.loop);
}

static void test_system_that_does_not_tell(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    kernel.refuses = true;
    assert_null(clock_watch_new(loop, on_set, NULL));
    kernel.refuses = false;
    close(kernel.fds[1]);
    clock_watch_free(NULL);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_change_is_told),
        cmocka_unit_test(test_system_that_does_not_tell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
