/* What the tools rely on: contents in all cuts, sums, and histograms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bench/content.h"
#include "bench/measure.h"
#include "bench/message.h"

/* Feeds the wire cut at two places; returns what is left behind the end, or SPAN_NONE. */
static struct span feed(struct span wire, size_t first, size_t second, struct buf *out)
{
    const size_t cuts[] = {0, first, second, wire.n};
    struct content c = {CONTENT_LINE_START};
    for (size_t i = 0; i < 3; i++) {
        struct span piece, in = span_make(wire.p + cuts[i], cuts[i + 1] - cuts[i]);
        while (content_next(&c, &in, &piece)) {
            assert_true(piece.n > 0);
            buf_add(out, piece);
        }
        if (c.state == CONTENT_END)
            return span_make(in.p, (size_t)(wire.p + wire.n - in.p));
        assert_int_equal(in.n, 0);
    }
    return SPAN_NONE;
}

static void test_content(void **state)
{
    (void)state;
    static const struct {
        const char *wire, *content, *rest; /* rest NULL: the end has not come */
    } cases[] = {
        {"\x2e\r\n", "", ""},
        {"a\r\n.\r\n", "a\r\n", ""},
        {"a\r\n..b\r\n...\r\n.\r\nQUIT\r\n", "a\r\n.b\r\n..\r\n", "QUIT\r\n"},
        {"\r\n\r\n.\r\n", "\r\n\r\n", ""},
        {"a.\r\n .\r\n.\r\n.\r\n", "a.\r\n .\r\n", ".\r\n"},
        {"a\n.\nb\r.\rc\r\r\n.\r\n", "a\n.\nb\r.\rc\r\r\n", ""},
        {".\rx\r\n.\r\n", "\rx\r\n", ""},
        {".\r\r\n.\r\n", "\r\r\n", ""},
        {"a\r\n.", "a\r\n", NULL},
        {"a\r\n.\r", "a\r\n", NULL},
        {"a\r\n.\n.\r\n", "a\r\n\n.\r\n", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct span wire = span_of(cases[i].wire);
        for (size_t first = 0; first <= wire.n; first++)
            for (size_t second = first; second <= wire.n; second++) {
                struct buf out = BUF_INIT(100);
                struct span rest = feed(wire, first, second, &out);
                assert_string_equal(buf_text(&out), cases[i].content);
                assert_true(!rest.p == !cases[i].rest);
                assert_true(span_eq(rest, span_of(cases[i].rest)));
                buf_done(&out);
            }
    }
}

static void test_checksum_in_pieces(void **state)
{
    (void)state;
    char bytes[64];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 37);
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        struct checksum whole = checksum_begin();
        checksum_add(&whole, span_make(bytes, n));
        for (size_t cut = 0; cut <= n; cut++) {
            struct checksum parts = checksum_begin();
            checksum_add(&parts, span_make(bytes, cut));
            checksum_add(&parts, span_make(bytes + cut, (n - cut) / 3));
            checksum_add(&parts, span_skip(span_make(bytes + cut, n - cut), (n - cut) / 3));
            assert_true(checksum_end(&parts) == checksum_end(&whole));
        }
    }
}

static void test_checksum_sees_every_bit(void **state)
{
    (void)state;
    char bytes[41] = "The quick brown fox jumps over the dog.\r\n";
    struct checksum before = checksum_begin();
    checksum_add(&before, span_make(bytes, sizeof(bytes)));
    for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        struct checksum after = checksum_begin();
        checksum_add(&after, span_make(bytes, sizeof(bytes)));
        assert_true(checksum_end(&after) != checksum_end(&before));
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    }
    struct checksum longer = before;
    checksum_add(&longer, span_make("", 1)); /* a NUL changes no word */
    assert_true(checksum_end(&longer) != checksum_end(&before));
}

/* Takes the dots away as a server would, and gives the check pieces of the size. */
static bool is_whole(const struct iovec parts[MESSAGE_PARTS], size_t piece_size, size_t *bytes)
{
    struct message_check check = {0};
    struct content c = {CONTENT_LINE_START};
    for (int i = 0; i < MESSAGE_PARTS; i++)
        for (size_t at = 0; at < parts[i].iov_len; at += piece_size) {
            struct span piece, all = span_make(parts[i].iov_base, parts[i].iov_len);
            struct span in = span_head(span_skip(all, at), piece_size);
            while (content_next(&c, &in, &piece))
                message_check_add(&check, piece);
        }
    assert_int_equal(c.state, CONTENT_END);
    *bytes = check.bytes;
    return message_check_is_whole(&check, true);
}

static void test_message(void **state)
{
    (void)state;
    for (size_t size = 500; size < 700; size++) {
        struct message_template t;
        struct message_pieces pieces = {0};
        struct iovec parts[MESSAGE_PARTS];
        size_t bytes;
        message_template_init(&t, size, "a@b.test", "c@d.test");
        message_make(&t, (uint32_t)size * 7, &pieces, parts);
        assert_true(is_whole(parts, size % 13 + 1, &bytes));
        assert_int_equal(bytes, size);
        pieces.tail[20] ^= 1;
        assert_false(is_whole(parts, 4096, &bytes));
        free(pieces.head);
        message_template_done(&t);
    }
}

static void test_histogram(void **state)
{
    (void)state;
    static struct histogram h, other;
    for (uint64_t us = 1; us <= 10000; us++)
        histogram_add(us % 2 ? &h : &other, us * 1000);
    histogram_merge(&h, &other);
    assert_int_equal(h.count, 10000);
    static const double shares[] = {.01, .5, .9, .99, .999, 1};
    for (size_t i = 0; i < COUNT_OF(shares); i++) {
        double got = histogram_us(&h, shares[i]), wanted = 10000 * shares[i];
        assert_true(got > wanted * .99 && got < wanted * 1.01);
    }
    histogram_add(&h, UINT64_MAX);
    assert_true(histogram_us(&h, 1) > 1.8e16);
    static struct histogram exact;
    histogram_add(&exact, 0);
    histogram_add(&exact, 127);
    assert_true(histogram_us(&exact, .5) == 0 && histogram_us(&exact, 1) == .127);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content),
        cmocka_unit_test(test_checksum_in_pieces),
        cmocka_unit_test(test_checksum_sees_every_bit),
        cmocka_unit_test(test_message),
        cmocka_unit_test(test_histogram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
