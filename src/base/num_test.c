/* Numbers and encodings: what stands for something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/num.h"

#define assert_text(buf, text) assert_string_equal(buf_text(buf), (text))

static void test_num_parse(void **state)
{
    (void)state;
    uint64_t n = 77;
    assert_int_equal(num_parse(SPAN("18446744073709551615"), UINT64_MAX, &n), OK);
    assert_true(n == UINT64_MAX);
    n = 77;
    assert_int_equal(num_parse(SPAN("18446744073709551616"), UINT64_MAX, &n), ERR_RANGE);
    assert_int_equal(num_parse(SPAN("256"), 255, &n), ERR_RANGE);
    const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "0x1", "1.0"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(num_parse(span_of(bad[i]), UINT64_MAX, &n), ERR_SYNTAX);
    assert_int_equal(n, 77); /* untouched */
}

static void test_num_add(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {{0, "0"},
                 {7, "7"},
                 {-10, "-10"},
                 {1234567890123, "1234567890123"},
                 {INT64_MAX, "9223372036854775807"},
                 {INT64_MIN, "-9223372036854775808"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf b = BUF_INIT(BUF_UNLIMITED);
        num_add(&b, cases[i].value);
        assert_text(&b, cases[i].text);
        buf_done(&b);
    }
}

static void test_num_size(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"0", 0},
                {"65536", 65536},
                {"36MB", 36ULL << 20},
                {"36 mb", 36ULL << 20},
                {"1K", 1024},
                {"5B", 5},
                {"1.5 GB", 3ULL << 29},
                {"0.5KB", 512},
                {"1TB", 1ULL << 40},
                {"8191TB", 8191ULL << 40}};
    uint64_t bytes;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_int_equal(num_parse_size(span_of(good[i].text), &bytes), OK);
        assert_true(bytes == good[i].bytes);
    }
    const char *const bad[] = {"", "MB", "1.5", "1.5B", "1XB", "-1KB", "1.25MB", "1 M B", "1..5MB"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(num_parse_size(span_of(bad[i]), &bytes), ERR_SYNTAX);
    assert_int_equal(num_parse_size(SPAN("99999999TB"), &bytes), ERR_RANGE);
    assert_int_equal(num_parse_size(SPAN("99999999999999999999"), &bytes), ERR_RANGE);
}

static void test_num_duration(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {{"30s", 30000},      {"5m", 300000},       {"1h30m", 5400000},
                {"1h 30m", 5400000}, {"2d", 172800000},    {"250ms", 250},
                {"0s", 0},           {"00:10:00", 600000}, {"2.00:00:01", 172801000}};
    uint64_t ms;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_int_equal(num_parse_duration(span_of(good[i].text), &ms), OK);
        assert_true(ms == good[i].ms);
    }
    const char *const bad[] = {
        "",         "30",       "s",       "1x",          "1h30",      "-1s",  "24:00:00",
        "00:60:00", "00:00:60", "1:00:00", "00:00:00:00", ".00:00:00", "00:00"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(num_parse_duration(span_of(bad[i]), &ms), ERR_SYNTAX);
    assert_int_equal(num_parse_duration(SPAN("999999999999999d"), &ms), ERR_RANGE);
    assert_int_equal(num_parse_duration(SPAN("106751991167d106751991167d"), &ms), ERR_RANGE);
}

/* What is printed is read back as the same number. */
static void test_num_round_trip(void **state)
{
    (void)state;
    const uint64_t numbers[] = {0, 1, 999, 1000, 1024, 1536, 60000, 90061001, 37748736, INT64_MAX};
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        struct buf b = BUF_INIT(100);
        uint64_t back;
        num_add_size(&b, numbers[i]);
        assert_int_equal(num_parse_size(buf_span(&b), &back), OK);
        assert_true(back == numbers[i]);
        buf_reset(&b);
        num_add_duration(&b, numbers[i]);
        assert_int_equal(num_parse_duration(buf_span(&b), &back), OK);
        assert_true(back == numbers[i]);
        buf_done(&b);
    }
    struct buf b = BUF_INIT(100);
    num_add_size(&b, 36ULL << 20);
    num_add_duration(&b, 5400000);
    assert_text(&b, "36MB1h30m");
    buf_done(&b);
}

static void test_encode_round_trips(void **state)
{
    (void)state;
    unsigned char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (unsigned char)(255 - i);
    struct buf text = BUF_INIT(BUF_UNLIMITED), back = BUF_INIT(BUF_UNLIMITED);
    for (size_t n = 0; n <= 256; n++) {
        struct span s = span_make((char *)bytes, n);
        buf_reset(&text), buf_reset(&back);
        encode_base64(&text, s);
        assert_int_equal(decode_base64(&back, buf_span(&text)), OK);
        assert_true(span_eq(buf_span(&back), s));
        buf_reset(&text), buf_reset(&back);
        encode_xtext(&text, s);
        assert_int_equal(decode_xtext(&back, buf_span(&text)), OK);
        assert_true(span_eq(buf_span(&back), s));
    }
    buf_done(&text);
    buf_done(&back);
}

/* RFC 4648 section 10. */
static void test_base64_vectors(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {
        {"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
        {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        struct buf b = BUF_INIT(100);
        encode_base64(&b, span_of(vectors[i][0]));
        assert_text(&b, vectors[i][1]);
        buf_done(&b);
    }
}

static void test_hex(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(100);
    encode_hex(&b, SPAN("\x00\x7f\xaf"));
    assert_text(&b, "007faf");
    buf_done(&b);
}

static void test_decoders_refuse(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(8);
    buf_add_text(&b, "kept");
    const char *const base64[] = {"Zg", "Zg=", "Z===", "Zg==Zg==", "Zm9v!m9v", "Zm9\xFF", "===="};
    for (size_t i = 0; i < COUNT_OF(base64); i++)
        assert_int_equal(decode_base64(&b, span_of(base64[i])), ERR_SYNTAX);
    assert_int_equal(decode_base64(&b, SPAN("Zm9vYmFy")), ERR_LIMIT);
    assert_int_equal(decode_base64(&b, SPAN("Zm\0v")), ERR_SYNTAX);
    const char *const xtext[] = {"a+", "a+4", "a+4x", "a=b", "a b", "a\xC3\xBC", "a\r\n"};
    for (size_t i = 0; i < COUNT_OF(xtext); i++)
        assert_int_equal(decode_xtext(&b, span_of(xtext[i])), ERR_SYNTAX);
    assert_int_equal(decode_xtext(&b, SPAN("abcde")), ERR_LIMIT);
    assert_text(&b, "kept"); /* nothing of the broken ones stays */
    assert_int_equal(decode_xtext(&b, SPAN("+2B+3d")), OK);
    assert_text(&b, "kept+=");
    buf_done(&b);
}

static void test_encode_for_logs(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(BUF_UNLIMITED);
    encode_logfmt(&b, SPAN("plain"));
    encode_logfmt(&b, SPAN(""));
    encode_logfmt(&b, SPAN("a b"));
    encode_logfmt(&b, SPAN("a\"\\\n\r\x1b"));
    encode_logfmt(&b, SPAN("a=b"));
    assert_text(&b, "plain\"\"\"a b\"\"a\\\"\\\\\\n\\x0d\\x1b\"\"a=b\"");
    buf_reset(&b);
    encode_json(&b, SPAN("a\"\\\n\x01\xC3\xBC\xC3z\xED\xA0\x80"));
    assert_text(
        &b, "\"a\\\"\\\\\\u000a\\u0001\xC3\xBC\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_num_parse),       cmocka_unit_test(test_num_add),
        cmocka_unit_test(test_num_size),        cmocka_unit_test(test_num_duration),
        cmocka_unit_test(test_num_round_trip),  cmocka_unit_test(test_encode_round_trips),
        cmocka_unit_test(test_base64_vectors),  cmocka_unit_test(test_hex),
        cmocka_unit_test(test_decoders_refuse), cmocka_unit_test(test_encode_for_logs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
