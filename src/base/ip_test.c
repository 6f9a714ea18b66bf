#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "base/ip.h"

#define assert_text(buf, text) assert_string_equal(buf_text(buf), (text))

static void test_ip_parse(void **state)
{
    (void)state;
    static const char *const good[][2] = {
        {"192.0.2.1", "192.0.2.1"},        {"0.0.0.0", "0.0.0.0"},
        {"2001:DB8:0::1", "2001:db8::1"},  {"::", "::"},
        {"::ffff:192.0.2.1", "192.0.2.1"}, {"::ffff:c000:201", "192.0.2.1"}};
    char text[IP_TEXT];
    struct ip ip;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_int_equal(ip_parse(span_of(good[i][0]), &ip), OK);
        ip_format(&ip, text);
        assert_string_equal(text, good[i][1]);
    }
    const char *const bad[] = {
        "",         "1.2.3",    "1.2.3.4.5", "256.1.1.1",
        "1.2.3.4 ", "01.2.3.4", "::1%lo",    "[::1]",
        ":::",      "12345::",  "a.b.c.d",   "1111:2222:3333:4444:5555:6666:7777:8888:9999"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(ip_parse(span_of(bad[i]), &ip), ERR_SYNTAX);
    assert_int_equal(ip_parse(SPAN("1.2.3.4\0x"), &ip), ERR_SYNTAX);
    const char *const loopback[] = {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"};
    for (size_t i = 0; i < COUNT_OF(loopback); i++)
        assert_true(ip_parse(span_of(loopback[i]), &ip) == OK && ip_is_loopback(&ip));
    assert_true(ip_parse(SPAN("::2"), &ip) == OK && !ip_is_loopback(&ip));
    assert_true(ip_parse(SPAN("128.0.0.1"), &ip) == OK && !ip_is_loopback(&ip));
}

static void test_endpoint(void **state)
{
    (void)state;
    const char *const good[] = {"192.0.2.1:25", "[::]:25", "[2001:db8::1]:65535", "127.0.0.1:0",
                                "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"};
    char text[ENDPOINT_TEXT];
    struct endpoint e, back;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_int_equal(endpoint_parse(span_of(good[i]), &e), OK);
        endpoint_format(&e, text);
        assert_string_equal(text, good[i]);
        struct sockaddr_storage address;
        unsigned n = endpoint_to_sockaddr(&e, &address);
        assert_int_equal(n, e.ip.v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
        endpoint_of_sockaddr((struct sockaddr *)&address, &back);
        assert_true(endpoint_eq(&e, &back));
    }
    const char *const bad[] = {"",      "25",     "1.2.3.4",     "1.2.3.4:",     "::1:25",
                               "[::1]", "[::1]:", "[::1]25",     "[1.2.3.4]:25", "1.2.3.4:+1",
                               "[]:25", ":25",    "1.2.3.4:2 5", "host:25"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(endpoint_parse(span_of(bad[i]), &e), ERR_SYNTAX);
    assert_int_equal(endpoint_parse(SPAN("1.2.3.4:65536"), &e), ERR_RANGE);
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(25)};
    assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.1", &mapped.sin6_addr), 1);
    endpoint_of_sockaddr((struct sockaddr *)&mapped, &e);
    endpoint_format(&e, text);
    assert_string_equal(text, "192.0.2.1:25");
}

static struct ip_range range_of(const char *text)
{
    struct ip_range range;
    assert_int_equal(ip_range_parse(span_of(text), &range), OK);
    return range;
}

static void test_ip_range_forms(void **state)
{
    (void)state;
    static const char *const good[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"192.0.2.1/32", "192.0.2.1"},
        {"10.0.0.0/8", "10.0.0.0/8"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"::/0", "::/0"},
        {"10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9"},
        {"10.0.0.0 - 10.0.0.255", "10.0.0.0/24"},
        {"10.0.0.1-10.0.0.1", "10.0.0.1"},
        {"2001:db8::/33", "2001:db8::/33"},
        {"2001:db8::-2001:db8::ffff", "2001:db8::/112"},
        {"::ffff:10.0.0.0/104", "10.0.0.0/8"},
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct buf b = BUF_INIT(200);
        struct ip_range range = range_of(good[i][0]);
        ip_range_add(&b, &range);
        assert_text(&b, good[i][1]);
        buf_done(&b);
    }
    struct ip_range range;
    const char *const syntax[] = {"",          "10.0.0.0/", "10.0.0.0/x",  "/8",
                                  "10.0.0.1-", "-10.0.0.1", "10.0.0.0/8/8"};
    for (size_t i = 0; i < COUNT_OF(syntax); i++)
        assert_int_equal(ip_range_parse(span_of(syntax[i]), &range), ERR_SYNTAX);
    const char *const wrong[] = {
        "10.0.0.0/33",       "::/129",       "10.0.0.1/8",        "2001:db8::1/64",
        "10.0.0.9-10.0.0.1", "10.0.0.1-::1", "::ffff:10.0.0.0/95"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(ip_range_parse(span_of(wrong[i]), &range), ERR_RANGE);
}

static void test_ip_range_relations(void **state)
{
    (void)state;
    struct ip_range all4 = range_of("0.0.0.0/0"), all6 = range_of("::/0"),
                    ten = range_of("10.0.0.0/8"), few = range_of("10.255.255.250-11.0.0.5"),
                    one = range_of("10.1.2.3"), net6 = range_of("2001:db8::/32");
    assert_true(ip_range_has(&ten, &one.first));
    assert_false(ip_range_has(&all6, &one.first)); /* families are strangers */
    assert_true(ip_range_within(&one, &ten) && ip_range_within(&ten, &all4) &&
                ip_range_within(&ten, &ten));
    assert_false(ip_range_within(&few, &ten));
    assert_true(ip_range_cmp_size(&one, &few) < 0);
    assert_true(ip_range_cmp_size(&ten, &few) > 0);
    assert_true(ip_range_cmp_size(&all4, &net6) < 0);
    assert_true(ip_range_cmp_size(&all6, &net6) > 0);
    assert_int_equal(ip_range_cmp_size(&one, &one), 0);
    struct ip_range across = range_of("2001:db8::ffff:ffff:ffff:fff0-2001:db8:0:1::5");
    struct ip_range sixteen = range_of("2001:db8::10-2001:db8::1f");
    assert_true(ip_range_cmp_size(&across, &sixteen) > 0); /* 22 addresses over a 64-bit border */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ip_parse),
        cmocka_unit_test(test_endpoint),
        cmocka_unit_test(test_ip_range_forms),
        cmocka_unit_test(test_ip_range_relations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
