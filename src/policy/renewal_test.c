#include "policy/renewal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"

#define START_MS (20000 * DAY_MS)

static struct renewal_facts fresh(int64_t lifetime_days)
{
    return (struct renewal_facts){.now_ms = START_MS,
                                  .has_certificate = true,
                                  .not_before_ms = START_MS,
                                  .not_after_ms = START_MS + lifetime_days * DAY_MS,
                                  .percent = 66,
                                  .seed = 7};
}

static void test_lifetimes(void **state)
{
    static const struct {
        int64_t days, least_hours, most_hours; /* after notBefore */
    } table[] = {
        {398, 6113, 6305}, {200, 3072, 3168}, {100, 1536, 1584}, {47, 721, 745}, {6, 92, 96},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++)
        for (uint64_t seed = 0; seed < 200; seed++) {
            struct renewal_facts f = fresh(table[i].days);
            f.seed = seed;
            int64_t after = renewal_next(&f).next_ms - START_MS;
            assert_true(after >= table[i].least_hours * HOUR_MS);
            assert_true(after <= table[i].most_hours * HOUR_MS);
        }
}

static void test_first_one_is_due_now(void **state)
{
    struct renewal_facts f = {.now_ms = START_MS, .percent = 66};
    (void)state;
    assert_true(renewal_next(&f).next_ms <= START_MS);
    f.failures = 3;
    assert_false(renewal_next(&f).overdue);
    f.failures = 4;
    assert_true(renewal_next(&f).overdue);
}

static void test_window(void **state)
{
    struct renewal_facts f = fresh(90);
    bool early = false, late = false;
    (void)state;
    f.has_window = true;
    f.window_start_ms = START_MS + 40 * DAY_MS;
    f.window_end_ms = START_MS + 42 * DAY_MS;
    for (f.seed = 0; f.seed < 500; f.seed++) {
        struct renewal_verdict v = renewal_next(&f);
        assert_true(v.by_window);
        assert_true(v.next_ms >= f.window_start_ms && v.next_ms <= f.window_end_ms);
        assert_int_equal(v.next_ms, renewal_next(&f).next_ms);
        early = early || v.next_ms < f.window_start_ms + DAY_MS / 4;
        late = late || v.next_ms > f.window_end_ms - DAY_MS / 4;
    }
    assert_true(early && late);
}

static void test_window_in_the_past_is_due(void **state)
{
    struct renewal_facts f = fresh(90);
    (void)state;
    f.has_window = true; /* the authority revokes it soon */
    f.window_start_ms = START_MS - 2 * DAY_MS;
    f.window_end_ms = START_MS - DAY_MS;
    assert_true(renewal_next(&f).next_ms <= f.now_ms);
}

static void test_senseless_windows(void **state)
{
    struct renewal_facts f = fresh(100);
    (void)state;
    f.has_window = true;
    f.window_start_ms = START_MS + 150 * DAY_MS; /* behind the end */
    f.window_end_ms = START_MS + 151 * DAY_MS;
    assert_int_equal(renewal_next(&f).next_ms, START_MS + 90 * DAY_MS);
    f.window_start_ms = START_MS + 20 * DAY_MS; /* ends before it begins */
    f.window_end_ms = START_MS + 10 * DAY_MS;
    assert_false(renewal_next(&f).by_window);
    assert_true(renewal_next(&f).next_ms > START_MS + 63 * DAY_MS);
}

static void test_authority_that_always_says_now(void **state)
{
    struct renewal_facts f = fresh(90);
    (void)state;
    f.has_window = true;
    f.window_start_ms = f.window_end_ms = START_MS - DAY_MS;
    f.last_attempt_ms = START_MS;
    assert_int_equal(renewal_next(&f).next_ms, START_MS + DAY_MS);
}

static void test_waits_grow_to_a_day(void **state)
{
    struct renewal_facts f = fresh(90);
    int64_t before = 0;
    (void)state;
    f.now_ms = f.last_attempt_ms = START_MS + 60 * DAY_MS;
    for (f.failures = 1; f.failures < 40; f.failures++) {
        int64_t wait = renewal_next(&f).next_ms - f.now_ms;
        assert_true(wait >= HOUR_MS && wait <= DAY_MS + DAY_MS / 10);
        assert_true(wait > before || wait >= DAY_MS);
        before = wait;
    }
}

static void test_waits_shrink_before_the_end(void **state)
{
    struct renewal_facts f = fresh(90);
    (void)state;
    f.failures = 30;
    f.now_ms = f.last_attempt_ms = f.not_after_ms - 8 * HOUR_MS;
    int64_t wait = renewal_next(&f).next_ms - f.now_ms;
    assert_true(wait >= HOUR_MS && wait <= 66 * MINUTE_MS);
    assert_true(renewal_next(&f).overdue);
    f.now_ms = f.last_attempt_ms = f.not_after_ms - MINUTE_MS;
    wait = renewal_next(&f).next_ms - f.now_ms;
    assert_true(wait >= 15 * MINUTE_MS && wait <= 17 * MINUTE_MS);
    f.now_ms = f.last_attempt_ms = f.not_after_ms + DAY_MS; /* expired: every hour */
    wait = renewal_next(&f).next_ms - f.now_ms;
    assert_true(wait >= HOUR_MS && wait <= 66 * MINUTE_MS);
    assert_true(renewal_next(&f).overdue);
}

static void test_never_five_failures_in_an_hour(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        struct renewal_facts f = fresh(6);
        f.has_certificate = with;
        f.now_ms = f.not_after_ms - 2 * HOUR_MS;
        int64_t times[400];
        for (size_t i = 0; i < COUNT_OF(times); i++) {
            int64_t next = renewal_next(&f).next_ms;
            f.now_ms = next > f.now_ms ? next : f.now_ms;
            times[i] = f.last_attempt_ms = f.now_ms;
            f.failures++;
            if (i >= 4)
                assert_true(times[i] - times[i - 4] >= HOUR_MS);
        }
    }
}

static void test_clock_that_was_set_back(void **state)
{
    struct renewal_facts f = fresh(90);
    (void)state;
    f.now_ms = START_MS + 80 * DAY_MS;
    f.last_attempt_ms = f.now_ms + 300 * DAY_MS;
    f.failures = 3;
    assert_true(renewal_next(&f).next_ms <= f.now_ms);
}

static void test_poll(void **state)
{
    (void)state;
    assert_int_equal(renewal_poll_after_ms(-1), 6 * HOUR_MS);
    assert_int_equal(renewal_poll_after_ms(0), MINUTE_MS);
    assert_int_equal(renewal_poll_after_ms(3600), HOUR_MS);
    assert_int_equal(renewal_poll_after_ms(INT64_MAX), DAY_MS);
}

/* ---- simulated years ---- */

struct simulation {
    int64_t lifetime_ms, down_from_ms, down_for_ms;
    bool ari;
    unsigned renewals, failures;
    int64_t least_left_ms;
};

static void issue(const struct simulation *s, struct renewal_facts *f)
{
    int64_t middle = f->now_ms + s->lifetime_ms * 2 / 3;
    f->has_certificate = true;
    f->not_before_ms = f->now_ms - HOUR_MS; /* authorities backdate */
    f->not_after_ms = f->not_before_ms + s->lifetime_ms;
    f->has_window = s->ari;
    f->window_start_ms = middle - s->lifetime_ms / 50;
    f->window_end_ms = middle;
    f->seed += 0x1234567;
    f->failures = 0;
}

static void simulate(struct simulation *s, int64_t years, uint64_t seed)
{
    struct renewal_facts f = {.now_ms = START_MS, .percent = 66, .seed = seed};
    int64_t end = START_MS + years * 365 * DAY_MS;
    issue(s, &f);
    f.last_attempt_ms = f.now_ms;
    s->least_left_ms = s->lifetime_ms;
    while (f.now_ms < end) {
        int64_t next = renewal_next(&f).next_ms;
        if (next > f.now_ms)
            f.now_ms = next;
        f.last_attempt_ms = f.now_ms;
        bool down = f.now_ms >= s->down_from_ms && f.now_ms < s->down_from_ms + s->down_for_ms;
        if (down) {
            f.failures++;
            s->failures++;
            continue;
        }
        int64_t left = f.not_after_ms - f.now_ms;
        s->least_left_ms = left < s->least_left_ms ? left : s->least_left_ms;
        issue(s, &f);
        s->renewals++;
    }
}

static void test_simulated_years(void **state)
{
    static const struct {
        int64_t days, down_days, renewals;
    } table[] = {{398, 10, 7}, {200, 10, 12}, {100, 10, 25}, {47, 10, 58}, {6, 1, 450}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++)
        for (uint64_t seed = 0; seed < 60; seed++) {
            struct simulation s = {.lifetime_ms = table[i].days * DAY_MS,
                                   .ari = seed % 2,
                                   /* at any phase of the lifetime */
                                   .down_from_ms = START_MS + 365 * DAY_MS +
                                                   (int64_t)seed * table[i].days * DAY_MS / 60,
                                   .down_for_ms = table[i].down_days * DAY_MS};
            simulate(&s, 5, seed);
            assert_true(s.least_left_ms > 0);
            assert_in_range(s.renewals, table[i].renewals - 1, table[i].renewals * 11 / 10 + 2);
            assert_true(s.failures <= 40);
        }
}

#define TEST(fn) cmocka_unit_test(fn)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lifetimes),
        TEST(test_first_one_is_due_now),
        TEST(test_window),
        TEST(test_window_in_the_past_is_due),
        TEST(test_senseless_windows),
        TEST(test_authority_that_always_says_now),
        TEST(test_waits_grow_to_a_day),
        TEST(test_waits_shrink_before_the_end),
        TEST(test_never_five_failures_in_an_hour),
        TEST(test_clock_that_was_set_back),
        TEST(test_poll),
        TEST(test_simulated_years),
    };
    return cmocka_run_group_tests_name("renewal", tests, NULL, NULL);
}
