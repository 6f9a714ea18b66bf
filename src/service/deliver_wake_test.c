#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "service/deliver_wake.h"

enum { COUNT = 2000, STEPS = 20000 };

/* Against the simplest model there is: the earliest of all that are set. */
static void test_first_is_always_the_earliest(void **state)
{
    (void)state;
    static struct wake wakes[COUNT];
    struct wake_heap heap = {0};
    srandom(7);
    for (int step = 0; step < STEPS; step++) {
        struct wake *w = &wakes[random() % COUNT];
        if (random() % 3)
            wake_set(&heap, w, random() % 1000);
        else
            wake_remove(&heap, w);
        if (step % 50)
            continue;
        int64_t earliest = INT64_MAX;
        uint32_t count = 0;
        for (int i = 0; i < COUNT; i++) {
            count += wakes[i].place != 0;
            if (wakes[i].place && wakes[i].at_ms < earliest)
                earliest = wakes[i].at_ms;
        }
        assert_int_equal(count, heap.count);
        if (count)
            assert_int_equal(wake_first(&heap)->at_ms, earliest);
        else
            assert_null(wake_first(&heap));
    }
    wake_heap_done(&heap);
}

static void test_comes_out_in_order(void **state)
{
    (void)state;
    static struct wake wakes[COUNT];
    struct wake_heap heap = {0};
    for (int i = 0; i < COUNT; i++)
        wake_set(&heap, &wakes[i], (i * 7919) % COUNT);
    for (int i = 0; i < COUNT; i++) {
        struct wake *first = wake_first(&heap);
        assert_int_equal(first->at_ms, i);
        wake_remove(&heap, first);
        assert_int_equal(first->place, 0);
        wake_remove(&heap, first); /* harmless */
    }
    assert_null(wake_first(&heap));
    wake_heap_done(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_is_always_the_earliest),
        cmocka_unit_test(test_comes_out_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
