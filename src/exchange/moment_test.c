#include "exchange/moment.h"

#include "exchange/case_script.h"

/* In the middle of what an unknown zone leaves open: UTC-1, between -12 and +14. */
static void is_moment(const char *print, enum moment_order order, const char *expected)
{
    struct exchange_time time = {0};
    struct buf text = BUF_INIT(100);
    assert_true(moment_read(span_of(print), order, &time));
    assert_false(time.ambiguous);
    bool exact = time.earliest_ms == time.latest_ms;
    clock_add_iso(&text, exact ? time.earliest_ms : time.earliest_ms + 14 * HOUR_MS);
    if (strncmp(buf_text(&text), expected, strlen(expected)) != 0)
        fail_msg("%s is %s, not %s", print, buf_text(&text), expected);
    if (!exact)
        assert_int_equal(time.latest_ms - time.earliest_ms, 26 * HOUR_MS);
    buf_done(&text);
}

static void test_forms(void **state)
{
    (void)state;
    is_moment("9/28/2010 9:35:58 AM", MOMENT_UNDECIDED, "2010-09-28T09:35:58");
    is_moment("12/28/2010 12:35:58 AM", MOMENT_UNDECIDED, "2010-12-28T00:35:58");
    is_moment("02.03.2028 4:22:23", MOMENT_UNDECIDED, "2028-03-02T04:22:23");
    is_moment("2008/12/13 下午 02:01:11", MOMENT_UNDECIDED, "2008-12-13T14:01:11");
    is_moment("2026-03-01 08:00:00", MOMENT_UNDECIDED, "2026-03-01T08:00:00");
    is_moment("28/02/2027 13:00:01", MOMENT_UNDECIDED, "2027-02-28T13:00:01");
    is_moment("12/02/2016", MOMENT_DAY_FIRST, "2016-02-12");
    is_moment("12/02/2016", MOMENT_MONTH_FIRST, "2016-12-02");
    is_moment("5/5/2027", MOMENT_UNDECIDED, "2027-05-05");
    is_moment("2026-03-01T08:00:00.123+01:00", MOMENT_UNDECIDED, "2026-03-01T07:00:00");
    is_moment("2026-03-01T08:00:00Z", MOMENT_UNDECIDED, "2026-03-01T08:00:00");
    is_moment("/Date(1834062780000)/", MOMENT_UNDECIDED, "2028-02-13T13:53:00");
    is_moment("Thursday, March 4, 2027 1:02:03 PM", MOMENT_UNDECIDED, "2027-03-04T13:02:03");
    is_moment("mardi 2 février 2027 13:05:00", MOMENT_UNDECIDED, "2027-02-02T13:05:00");
    is_moment("29.02.2028", MOMENT_UNDECIDED, "2028-02-29");
}

static void test_both_readings_are_kept(void **state)
{
    (void)state;
    struct exchange_time time = {0};
    assert_true(moment_read(SPAN("12/02/2016"), MOMENT_UNDECIDED, &time));
    assert_true(time.ambiguous);
    assert_true(time.latest_ms - time.earliest_ms > 290 * DAY_MS);
    assert_int_equal(moment_proves(SPAN("12/02/2016")), MOMENT_UNDECIDED);
    assert_int_equal(moment_proves(SPAN("28/02/2016")), MOMENT_DAY_FIRST);
    assert_int_equal(moment_proves(SPAN("02/28/2016")), MOMENT_MONTH_FIRST);
}

static void test_what_is_no_date_decides_nothing(void **state)
{
    (void)state;
    static const char *const prints[] = {"<MM/DD/YYYY>",    "",          "30.02.2027", "1/2",
                                         "99999999999/1/1", "31/31/2027"};
    for (size_t i = 0; i < COUNT_OF(prints); i++) {
        struct exchange_time time = {0};
        assert_false(moment_read(span_of(prints[i]), MOMENT_UNDECIDED, &time));
        assert_int_equal(exchange_time_passed(&time, 0), CANNOT_TELL);
    }
    struct exchange_time none = {0};
    assert_int_equal(exchange_time_passed(&none, INT64_MAX), CANNOT_TELL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_both_readings_are_kept),
        cmocka_unit_test(test_what_is_no_date_decides_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
