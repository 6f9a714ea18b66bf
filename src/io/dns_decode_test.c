#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "io/dns_decode.h"

static struct arena arena;

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

/* From memory of exactly that size, so that reading behind the end is seen. */
static enum err decode(int type, struct span rdata, struct dns_record *record)
{
    char *p = malloc(rdata.n + 1);
    memcpy(p + 1, rdata.p, rdata.n);
    enum err err = dns_decode(&arena, type, span_make(p + 1, rdata.n), record);
    free(p);
    return err;
}

static void test_good(void **state)
{
    (void)state;
    struct dns_record r;
    char text[IP_TEXT];
    assert_int_equal(decode(DNS_TYPE_A, SPAN("\xc0\x00\x02\x01"), &r), OK);
    ip_format(&r.ip, text);
    assert_string_equal(text, "192.0.2.1");
    assert_int_equal(decode(DNS_TYPE_AAAA, SPAN("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"), &r),
                     OK);
    ip_format(&r.ip, text);
    assert_string_equal(text, "2001:db8::1");
    assert_int_equal(decode(DNS_TYPE_MX,
                            SPAN("\x01\x02\x04MAIL\x07"
                                 "Example\0"),
                            &r),
                     OK);
    assert_int_equal(r.preference, 258);
    assert_true(span_eq(r.name, SPAN("mail.example")));
    assert_int_equal(decode(DNS_TYPE_MX, SPAN("\0\0\0"), &r), OK); /* null MX, RFC 7505 */
    assert_int_equal(r.name.n, 0);
    assert_int_equal(decode(DNS_TYPE_PTR,
                            SPAN("\x01"
                                 "a\x02"
                                 "b_\0"),
                            &r),
                     OK);
    assert_true(span_eq(r.name, SPAN("a.b_")));
    assert_int_equal(decode(DNS_TYPE_TXT, SPAN("\x02hi\0\x01x"), &r), OK);
    assert_int_equal(decode(DNS_TYPE_TLSA, SPAN("\x03\x01\x01\xab"), &r), OK);
    assert_int_equal(r.data.n, 4);
    assert_int_equal(decode(65000, SPAN(""), &r), OK);
}

static void test_bad(void **state)
{
    (void)state;
    static const struct {
        int type;
        const char *p;
        size_t n;
    } cases[] = {
#define CASE(type, text) {type, text, sizeof(text) - 1}
        CASE(DNS_TYPE_A, ""),
        CASE(DNS_TYPE_A, "abc"),
        CASE(DNS_TYPE_A, "abcde"),
        CASE(DNS_TYPE_AAAA, "abcd"),
        CASE(DNS_TYPE_AAAA, "0123456789abcdefg"),
        CASE(DNS_TYPE_MX, ""),
        CASE(DNS_TYPE_MX, "\0"),
        CASE(DNS_TYPE_MX, "\0\1"),
        CASE(DNS_TYPE_MX, "\0\1\1"),
        CASE(DNS_TYPE_MX, "\0\1\1a"),
        CASE(DNS_TYPE_MX, "\0\1\2a"),
        CASE(DNS_TYPE_MX, "\0\1\1a\0x"), /* something behind the name */
        CASE(DNS_TYPE_MX,
             "\0\1\xc0\x0c"), /* a compression pointer, at the start and behind a label */
        CASE(DNS_TYPE_PTR, "\1a\xc0\0"),
        CASE(DNS_TYPE_PTR, "\x40"
                           "a\0"),
        CASE(DNS_TYPE_PTR, ""),
        CASE(DNS_TYPE_PTR, "\3a.b\0"),
        CASE(DNS_TYPE_PTR, "\3a b\0"),
        CASE(DNS_TYPE_PTR, "\3a\\b\0"),
        CASE(DNS_TYPE_PTR, "\3a\0b\0"),
        CASE(DNS_TYPE_PTR, "\3a\nb\0"),
        CASE(DNS_TYPE_PTR, "\3a\x80"
                           "b\0"),
        CASE(DNS_TYPE_TXT, ""),
        CASE(DNS_TYPE_TXT, "\3ab"),
        CASE(DNS_TYPE_TXT, "\1ab"),
        CASE(DNS_TYPE_TLSA, ""),
        CASE(DNS_TYPE_TLSA, "\3\1\1"),
#undef CASE
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct dns_record r = {.preference = 77};
        if (decode(cases[i].type, span_make(cases[i].p, cases[i].n), &r) != ERR_SYNTAX)
            fail_msg("case %zu", i);
        assert_int_equal(r.preference, 77);
    }
}

/* 255 octets are the longest name, in labels of at most 63. */
static void test_longest_name(void **state)
{
    (void)state;
    char wire[DNS_NAME_MAX + 1];
    memset(wire, 'a', sizeof(wire));
    size_t n = 0;
    for (int i = 0; i < 3; i++, n += 64)
        wire[n] = 63;
    wire[n] = 61;
    wire[254] = 0;
    struct dns_record r;
    assert_int_equal(decode(DNS_TYPE_PTR, span_make(wire, 255), &r), OK);
    assert_int_equal(r.name.n, 253);
    wire[n] = 62;
    wire[255] = 0;
    assert_int_equal(decode(DNS_TYPE_PTR, span_make(wire, 256), &r), ERR_SYNTAX);
}

/* Every cut and every flipped bit of a good record is judged without harm. */
static void test_cuts_and_flips(void **state)
{
    (void)state;
    struct span good = SPAN("\x00\x0a\x04mail\x07"
                            "example\x03"
                            "com\0");
    struct dns_record r;
    for (size_t n = 0; n < good.n; n++)
        assert_int_equal(decode(DNS_TYPE_MX, span_head(good, n), &r), ERR_SYNTAX);
    char copy[64];
    for (size_t bit = 0; bit < good.n * 8; bit++) {
        memcpy(copy, good.p, good.n);
        copy[bit / 8] ^= (char)(1 << bit % 8);
        if (decode(DNS_TYPE_MX, span_make(copy, good.n), &r) == OK)
            assert_true(r.name.n < good.n);
    }
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_good),
        TEST(test_bad),
        TEST(test_longest_name),
        TEST(test_cuts_and_flips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
