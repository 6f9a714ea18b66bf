#include "cli/human.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static const int64_t now = 1795374000000; /* 2026-11-22T19:00:00Z */

static void test_whens(void **state)
{
    (void)state;
    static const struct {
        int64_t ahead;
        const char *text;
    } cases[] = {
        {0, "now"},
        {999, "now"},
        {-999, "now"},
        {1000, "in 1 s"},
        {59999, "in 59 s"},
        {MINUTE_MS, "in 1 min"},
        {-59 * MINUTE_MS, "59 min ago"},
        {HOUR_MS, "in 1 h"},
        {47 * HOUR_MS, "in 47 h"},
        {2 * DAY_MS, "in 2 days"},
        {-41 * DAY_MS, "41 days ago"},
        {729 * DAY_MS, "in 729 days"},
        {730 * DAY_MS, "in 2 years"},
        {3652 * DAY_MS, "in 10 years"},
        {3649 * DAY_MS, "in 10 years"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out = BUF_INIT(64);
        human_add_when(&out, now + cases[i].ahead, now);
        assert_string_equal(buf_text(&out), cases[i].text);
        buf_done(&out);
    }
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},           {1, "1 B"},
        {1023, "1023 B"},     {1024, "1 KB"},
        {1536, "1.5 KB"},     {4300, "4.2 KB"},
        {1048524, "1024 KB"}, {1048575, "1 MB"},
        {36 << 20, "36 MB"},  {104857600, "100 MB"},
        {1ULL << 40, "1 TB"}, {UINT64_MAX, "16 EB"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out = BUF_INIT(64);
        human_add_size(&out, cases[i].bytes);
        assert_string_equal(buf_text(&out), cases[i].text);
        buf_done(&out);
    }
}

static void test_local_time(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(64);
    setenv("TZ", "UTC-2", 1); /* POSIX: two hours east */
    tzset();
    human_add_time(&out, now);
    assert_string_equal(buf_text(&out), "2026-11-22 21:00:00");
    buf_done(&out);
}

static void test_moments(void **state)
{
    (void)state;
    int64_t ms = 42;
    assert_int_equal(human_parse_moment(SPAN("2h"), now, &ms), OK);
    assert_int_equal(ms, now - 2 * HOUR_MS);
    assert_int_equal(human_parse_moment(SPAN("2026-11-22T19:00:00Z"), now, &ms), OK);
    assert_int_equal(ms, now);
    assert_int_equal(human_parse_moment(SPAN("2026-11-22"), now, &ms), OK);
    assert_int_equal(ms, now - 19 * HOUR_MS);
    ms = 42;
    assert_int_not_equal(human_parse_moment(SPAN("yesterday"), now, &ms), OK);
    assert_int_not_equal(human_parse_moment(SPAN("5"), now, &ms), OK);
    assert_int_not_equal(human_parse_moment(SPAN(""), now, &ms), OK);
    assert_int_not_equal(human_parse_moment(SPAN("36500d"), now, &ms), OK); /* before 1970 */
    assert_int_equal(ms, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whens),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_local_time),
        cmocka_unit_test(test_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
