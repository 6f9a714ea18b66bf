#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "service/receive_limits.h"

static struct ip address(const char *text)
{
    struct ip ip;
    assert_int_equal(ip_parse(span_of(text), &ip), OK);
    return ip;
}

static struct receive_connector connector(uint64_t total, uint64_t per_source, uint64_t rate)
{
    return (struct receive_connector){.name = SPAN("c"),
                                      .max_connections = total,
                                      .max_connections_per_source = per_source,
                                      .max_connection_rate = rate};
}

static void test_total_and_source(void **state)
{
    (void)state;
    struct receive_limits *l = receive_limits_new();
    struct receive_connector c = connector(3, 2, 1000);
    struct ip a = address("192.0.2.1"), b = address("192.0.2.2");
    assert_int_equal(receive_limits_enter(l, &c, &a, 1000), RECEIVE_LIMIT_NONE);
    assert_int_equal(receive_limits_enter(l, &c, &a, 1000), RECEIVE_LIMIT_NONE);
    assert_int_equal(receive_limits_enter(l, &c, &a, 1000), RECEIVE_LIMIT_SOURCE);
    assert_int_equal(receive_limits_enter(l, &c, &b, 1000), RECEIVE_LIMIT_NONE);
    assert_int_equal(receive_limits_enter(l, &c, &b, 1000), RECEIVE_LIMIT_TOTAL);
    assert_int_equal(receive_limits_count(l, c.name), 3);
    receive_limits_leave(l, c.name, &a);
    assert_int_equal(receive_limits_enter(l, &c, &b, 1000), RECEIVE_LIMIT_NONE);
    receive_limits_free(l);
}

static void test_rate_fades_within_two_minutes(void **state)
{
    (void)state;
    struct receive_limits *l = receive_limits_new();
    struct receive_connector c = connector(1000, 1000, 5);
    struct ip a = address("192.0.2.1");
    int64_t now = 100 * MINUTE_MS;
    for (int i = 0; i < 5; i++)
        assert_int_equal(receive_limits_enter(l, &c, &a, now), RECEIVE_LIMIT_NONE);
    assert_int_equal(receive_limits_enter(l, &c, &a, now + 59 * SECOND_MS), RECEIVE_LIMIT_RATE);
    assert_int_equal(receive_limits_enter(l, &c, &a, now + MINUTE_MS + 1), RECEIVE_LIMIT_NONE);
    assert_int_equal(receive_limits_enter(l, &c, &a, now + MINUTE_MS + 2), RECEIVE_LIMIT_RATE);
    for (int i = 0; i < 5; i++)
        assert_int_equal(receive_limits_enter(l, &c, &a, now + 3 * MINUTE_MS), RECEIVE_LIMIT_NONE);
    receive_limits_free(l);
}

static void test_one_ipv6_network_is_one_source(void **state)
{
    (void)state;
    struct receive_limits *l = receive_limits_new();
    struct receive_connector c = connector(1000, 1, 1000);
    struct ip a = address("2001:db8::1"), b = address("2001:db8::ffff:2"),
              other = address("2001:db8:0:1::1");
    assert_int_equal(receive_limits_enter(l, &c, &a, 1), RECEIVE_LIMIT_NONE);
    assert_int_equal(receive_limits_enter(l, &c, &b, 1), RECEIVE_LIMIT_SOURCE);
    assert_int_equal(receive_limits_enter(l, &c, &other, 1), RECEIVE_LIMIT_NONE);
    receive_limits_free(l);
}

static void test_memory_is_bounded(void **state)
{
    (void)state;
    struct receive_limits *l = receive_limits_new();
    struct receive_connector c = connector(UNLIMITED, UNLIMITED, UNLIMITED);
    for (uint32_t i = 0; i < 250000; i++) {
        struct ip ip = {.b = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
        assert_int_equal(receive_limits_enter(l, &c, &ip, 1), RECEIVE_LIMIT_NONE);
        receive_limits_leave(l, c.name, &ip);
    }
    assert_int_equal(receive_limits_count(l, c.name), 0);
    receive_limits_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_total_and_source),
        cmocka_unit_test(test_rate_fades_within_two_minutes),
        cmocka_unit_test(test_one_ipv6_network_is_one_source),
        cmocka_unit_test(test_memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
