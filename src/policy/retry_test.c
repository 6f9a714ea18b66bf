#include "policy/retry.h"

#include "base/clock.h"
#include "conf/parse_script.h"

static const struct retry_conf exchange = {
    .glitch_count = 4,
    .glitch_interval_ms = MINUTE_MS,
    .transient_count = 6,
    .transient_interval_ms = 5 * MINUTE_MS,
    .interval_ms = 10 * MINUTE_MS,
    .delay_notice_ms = 4 * HOUR_MS,
    .expire_ms = 2 * DAY_MS,
};

enum { START_MS = 1000 };

/* A message that never gets through, from its arrival to its end: the days pass in the loop. */
static void test_days_of_failure(void **state)
{
    (void)state;
    struct retry_facts facts = {.now_ms = START_MS, .received_ms = START_MS};
    unsigned notices = 0;
    for (;;) {
        facts.attempts++;
        struct retry_verdict v = retry_next(&exchange, &facts, facts.attempts * 31);
        if (v.expired)
            break;
        int64_t step = v.next_attempt_ms - facts.now_ms;
        int64_t usual = facts.attempts <= 4    ? MINUTE_MS
                        : facts.attempts <= 10 ? 5 * MINUTE_MS
                                               : 10 * MINUTE_MS;
        bool last = v.next_attempt_ms == START_MS + 2 * DAY_MS;
        assert_true(step <= usual + usual / 20);
        assert_true(step >= usual || last);
        if (v.notify_delay) {
            int64_t waited = facts.now_ms - START_MS;
            assert_true(waited >= 4 * HOUR_MS && waited < 4 * HOUR_MS + 11 * MINUTE_MS);
            facts.delay_notified = true;
            notices++;
        }
        facts.now_ms = v.next_attempt_ms;
    }
    assert_int_equal(facts.now_ms, START_MS + 2 * DAY_MS);
    assert_int_equal(notices, 1);
    /* 10 attempts in the first 34 minutes, then about 6 an hour, up to 5 % fewer. */
    assert_in_range(facts.attempts, 275, 300);
}

static struct retry_verdict after(const struct retry_conf *conf, unsigned attempts, int64_t age)
{
    struct retry_facts facts = {
        .now_ms = START_MS + age, .received_ms = START_MS, .attempts = attempts};
    return retry_next(conf, &facts, 0);
}

static void test_steps_without_the_short_ones(void **state)
{
    (void)state;
    struct retry_conf conf = exchange;
    conf.glitch_count = 0;
    assert_in_range(after(&conf, 1, 0).next_attempt_ms - START_MS, 300000, 315000);
    assert_in_range(after(&conf, 6, 0).next_attempt_ms - START_MS, 300000, 315000);
    assert_in_range(after(&conf, 7, 0).next_attempt_ms - START_MS, 600000, 630000);
    conf.transient_count = 0;
    assert_in_range(after(&conf, 0, 0).next_attempt_ms - START_MS, 600000, 630000);
}

static void test_the_end(void **state)
{
    (void)state;
    struct retry_verdict v = after(&exchange, 100, 2 * DAY_MS - 1);
    assert_false(v.expired);
    assert_int_equal(v.next_attempt_ms, START_MS + 2 * DAY_MS);
    assert_true(after(&exchange, 100, 2 * DAY_MS).expired);
    assert_true(after(&exchange, 0, 3 * DAY_MS).expired);
    assert_false(after(&exchange, 0, 3 * DAY_MS).notify_delay);
    /* A clock that was set back keeps the message. */
    assert_false(after(&exchange, 3, -DAY_MS).expired);
}

static void test_delay_notices(void **state)
{
    (void)state;
    struct retry_conf silent = exchange;
    silent.delay_notice_ms = 0;
    assert_false(after(&exchange, 30, 4 * HOUR_MS - 1).notify_delay);
    assert_true(after(&exchange, 30, 4 * HOUR_MS).notify_delay);
    assert_false(after(&silent, 30, 40 * HOUR_MS).notify_delay);
    struct retry_facts told = {START_MS + 5 * HOUR_MS, START_MS, 30, true};
    assert_false(retry_next(&exchange, &told, 0).notify_delay);
}

/* A crowd that failed together comes back one by one. */
static void test_spread(void **state)
{
    (void)state;
    struct retry_facts facts = {.now_ms = START_MS, .received_ms = START_MS, .attempts = 20};
    int64_t least = INT64_MAX, most = 0;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        int64_t step = retry_next(&exchange, &facts, seed).next_attempt_ms - START_MS;
        least = step < least ? step : least;
        most = step > most ? step : most;
    }
    assert_in_range(least, 600000, 601000);
    assert_in_range(most, 629000, 630000);
}

static void check_words(unsigned attempts, const char *expected)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    retry_add_explanation(&text, &exchange, attempts);
    assert_string_equal(buf_text(&text), expected);
    buf_done(&text);
}

static void test_explanations(void **state)
{
    (void)state;
    check_words(0, "attempt 1");
    check_words(1, "attempt 2 (1 of 4 in 1m steps)");
    check_words(4, "attempt 5 (4 of 4 in 1m steps)");
    check_words(5, "attempt 6 (1 of 6 in 5m steps)");
    check_words(11, "attempt 12 (10m steps)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days_of_failure), cmocka_unit_test(test_steps_without_the_short_ones),
        cmocka_unit_test(test_the_end),         cmocka_unit_test(test_delay_notices),
        cmocka_unit_test(test_spread),          cmocka_unit_test(test_explanations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
