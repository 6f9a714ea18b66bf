#include "policy/concurrency.h"

#include "conf/parse_script.h"

static const struct send_connector usual = {
    .max_connections = 1000,
    .max_connections_per_next_hop = 20,
    .connect_timeout_ms = 30000,
};

static bool has_place(uint64_t most, uint64_t answers, uint64_t untried, uint64_t fails,
                      enum hop_health health)
{
    struct send_connector connector = {.max_connections = most};
    uint64_t in_use[HOP_HEALTHS] = {
        [HOP_ANSWERS] = answers, [HOP_UNTRIED] = untried, [HOP_FAILS] = fails};
    return concurrency_has_place(&connector, in_use, health);
}

static void test_one_connection_until_it_answers(void **state)
{
    (void)state;
    assert_int_equal(concurrency_of_hop(&usual, HOP_UNTRIED, 7), 1);
    assert_int_equal(concurrency_of_hop(&usual, HOP_FAILS, 7), 1);
    assert_int_equal(concurrency_of_hop(&usual, HOP_ANSWERS, 7), 7);
    assert_int_equal(concurrency_of_hop(&usual, HOP_ANSWERS, 700), 20);
    struct send_connector unlimited = {.max_connections_per_next_hop = UNLIMITED};
    assert_int_equal(concurrency_of_hop(&unlimited, HOP_ANSWERS, 700), 700);
}

static void test_the_connectors_limit_holds_for_all(void **state)
{
    (void)state;
    assert_true(has_place(1000, 999, 0, 0, HOP_ANSWERS));
    for (int health = 0; health < HOP_HEALTHS; health++) {
        assert_false(has_place(1000, 1000, 0, 0, (enum hop_health)health));
        assert_false(has_place(1000, 1001, 0, 0, (enum hop_health)health));
        assert_false(has_place(1000, 250, 500, 250, (enum hop_health)health));
        assert_true(has_place(UNLIMITED, 5000, 5000, 5000, (enum hop_health)health));
    }
}

static void test_dead_ones_leave_places_for_those_that_answer(void **state)
{
    (void)state;
    assert_true(has_place(1000, 0, 749, 0, HOP_UNTRIED));
    assert_false(has_place(1000, 0, 750, 0, HOP_UNTRIED));
    assert_false(has_place(1000, 0, 500, 250, HOP_UNTRIED));
    assert_true(has_place(1000, 0, 500, 250, HOP_ANSWERS));
    assert_true(has_place(1000, 0, 0, 249, HOP_FAILS));
    assert_false(has_place(1000, 0, 0, 250, HOP_FAILS));
    assert_true(has_place(1000, 0, 0, 250, HOP_UNTRIED));
    assert_false(has_place(1000, 0, 750, 0, HOP_FAILS));
}

static void test_the_smallest_limit_still_serves_everybody(void **state)
{
    (void)state;
    for (uint64_t most = 1; most < 8; most++)
        for (int health = 0; health < HOP_HEALTHS; health++)
            assert_true(has_place(most, 0, 0, 0, (enum hop_health)health));
}

static void test_who_makes_place_for_whom(void **state)
{
    (void)state;
    assert_true(concurrency_helps(HOP_FAILS, HOP_UNTRIED));
    assert_true(concurrency_helps(HOP_UNTRIED, HOP_ANSWERS));
    assert_true(concurrency_helps(HOP_ANSWERS, HOP_ANSWERS));
    assert_false(concurrency_helps(HOP_UNTRIED, HOP_FAILS));
    assert_false(concurrency_helps(HOP_ANSWERS, HOP_UNTRIED));
}

static void test_patience_grows_with_failures(void **state)
{
    (void)state;
    assert_int_equal(concurrency_patience_ms(&usual, 0), 3000);
    assert_int_equal(concurrency_patience_ms(&usual, 1), 6000);
    assert_int_equal(concurrency_patience_ms(&usual, 3), 24000);
    assert_int_equal(concurrency_patience_ms(&usual, 4), 30000);
    assert_int_equal(concurrency_patience_ms(&usual, 4000000000u), 30000);
    struct send_connector hasty = {.connect_timeout_ms = 1000};
    assert_int_equal(concurrency_patience_ms(&hasty, 0), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_connection_until_it_answers),
        cmocka_unit_test(test_the_connectors_limit_holds_for_all),
        cmocka_unit_test(test_dead_ones_leave_places_for_those_that_answer),
        cmocka_unit_test(test_the_smallest_limit_still_serves_everybody),
        cmocka_unit_test(test_who_makes_place_for_whom),
        cmocka_unit_test(test_patience_grows_with_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
