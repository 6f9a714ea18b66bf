#include "policy/pressure.h"

#include "conf/parse_script.h"

#define GIB (1ULL << 30)

static const struct queue_conf exchange = {
    .max_length = 15000,
    .disk_high_percent = 99,
    .disk_medium_percent = 89,
    .disk_low_percent = 80,
};

struct step {
    uint64_t value;
    enum pressure_level level;
};

/* Exchange's figures for the submission queue: 9999 and 15000 on the way up, 10000 and 2000 on the
 * way down. */
static void test_queue(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {0, PRESSURE_LOW},       {9999, PRESSURE_LOW},    {10000, PRESSURE_MEDIUM},
        {9999, PRESSURE_MEDIUM}, {2000, PRESSURE_MEDIUM}, {1999, PRESSURE_LOW},
        {9999, PRESSURE_LOW},    {15000, PRESSURE_HIGH},  {14999, PRESSURE_HIGH},
        {10000, PRESSURE_HIGH},  {9999, PRESSURE_MEDIUM}, {14999, PRESSURE_MEDIUM},
        {100000, PRESSURE_HIGH}, {1999, PRESSURE_LOW},
    };
    struct pressure now = {0};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct pressure_facts facts = {100 * GIB, 100 * GIB, steps[i].value};
        now = pressure_next(&now, &exchange, &facts);
        if (now.queue != steps[i].level)
            fail_msg("%zu: %s", i, pressure_name(now.queue));
        assert_int_equal(now.level, now.queue);
        assert_int_equal(now.disk, PRESSURE_LOW);
    }
}

static void test_disk(void **state)
{
    (void)state;
    static const struct step steps[] = {
        /* used percent */
        {0, PRESSURE_LOW},     {88, PRESSURE_LOW},   {89, PRESSURE_MEDIUM}, {80, PRESSURE_MEDIUM},
        {79, PRESSURE_LOW},    {99, PRESSURE_HIGH},  {90, PRESSURE_HIGH},   {89, PRESSURE_MEDIUM},
        {98, PRESSURE_MEDIUM}, {100, PRESSURE_HIGH}, {79, PRESSURE_LOW},    {85, PRESSURE_LOW},
    };
    struct pressure now = {0};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct pressure_facts facts = {100 * GIB, (100 - steps[i].value) * GIB, 0};
        now = pressure_next(&now, &exchange, &facts);
        if (now.disk != steps[i].level)
            fail_msg("%zu: %s", i, pressure_name(now.disk));
        assert_int_equal(now.level, now.disk);
    }
}

static void test_the_reserve_counts_as_used(void **state)
{
    (void)state;
    struct queue_conf conf = exchange;
    conf.disk_reserve = 10 * GIB;
    struct pressure low = {0};
    struct pressure_facts facts = {100 * GIB, 21 * GIB, 0};
    assert_int_equal(pressure_next(&low, &conf, &facts).disk, PRESSURE_MEDIUM);
    facts.disk_free = 22 * GIB;
    assert_int_equal(pressure_next(&low, &conf, &facts).disk, PRESSURE_LOW);
    facts.disk_free = 10 * GIB; /* all that is left is reserved */
    assert_int_equal(pressure_next(&low, &conf, &facts).disk, PRESSURE_HIGH);
    facts.disk_free = 1;
    assert_int_equal(pressure_next(&low, &conf, &facts).disk, PRESSURE_HIGH);
}

static void test_odd_disks(void **state)
{
    (void)state;
    struct pressure high = {.disk = PRESSURE_HIGH};
    struct pressure_facts unknown = {0, 0, 0};
    assert_int_equal(pressure_next(&high, &exchange, &unknown).disk, PRESSURE_HIGH);
    struct pressure low = {0};
    struct pressure_facts huge = {UINT64_MAX, UINT64_MAX / 2, 0};
    assert_int_equal(pressure_next(&low, &exchange, &huge).disk, PRESSURE_LOW);
    huge.disk_free = UINT64_MAX / 1000;
    assert_int_equal(pressure_next(&low, &exchange, &huge).disk, PRESSURE_HIGH);
    struct pressure_facts more_free_than_there_is = {GIB, 2 * GIB, 0};
    assert_int_equal(pressure_next(&low, &exchange, &more_free_than_there_is).disk, PRESSURE_LOW);
}

static void test_the_worse_counts(void **state)
{
    (void)state;
    struct pressure low = {0};
    struct pressure_facts facts = {100 * GIB, 5 * GIB, 20000};
    struct pressure next = pressure_next(&low, &exchange, &facts);
    assert_int_equal(next.disk, PRESSURE_MEDIUM);
    assert_int_equal(next.queue, PRESSURE_HIGH);
    assert_int_equal(next.level, PRESSURE_HIGH);
    assert_string_equal(pressure_name(next.level), "high");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue),
        cmocka_unit_test(test_disk),
        cmocka_unit_test(test_the_reserve_counts_as_used),
        cmocka_unit_test(test_odd_disks),
        cmocka_unit_test(test_the_worse_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
