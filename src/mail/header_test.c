#include "mail/header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct expected {
    const char *content, *message_id, *subject;
    uint64_t size;
    unsigned received;
    bool ended, from, date;
};

static void feed_cut(struct header_scan *h, struct span content, size_t cut, unsigned *seed)
{
    while (content.n) {
        size_t n = cut ? cut : 1 + (size_t)rand_r(seed) % 7;
        header_scan_feed(h, span_head(content, n));
        content = span_skip(content, n);
    }
}

static void check(const struct expected *e)
{
    struct span content = span_of(e->content);
    unsigned seed = 7;
    for (size_t round = 0; round < 20; round++) {
        struct header_scan h;
        header_scan_init(&h, 100000);
        feed_cut(&h, content, round == 0 ? SIZE_MAX : round == 1 ? 1 : 0, &seed);
        assert_string_equal(buf_text(&h.subject), e->subject);
        assert_string_equal(buf_text(&h.message_id), e->message_id);
        assert_int_equal(h.size, e->size);
        assert_int_equal(h.received_count, e->received);
        assert_int_equal(h.ended, e->ended);
        assert_int_equal(h.has_from, e->from);
        assert_int_equal(h.has_date, e->date);
        assert_false(h.over_limit);
        header_scan_done(&h);
    }
    assert_int_equal(header_section(content).n, e->size);
}

static void test_fields(void **state)
{
    (void)state;
    static const struct expected cases[] = {
        {"Received: a\r\n\tb\r\nReceived: c\r\nFrom: a@b\r\nDate: x\r\nSubject: hi\r\n\r\nFrom: "
         "no\r\n",
         "", "hi", 63, 2, true, true, true},
        {"subject: a\r\n b\r\n\tc\r\n\r\n", "", "a b\tc", 20, 0, true, false, false},
        {"SUBJECT \t: x\r\nreceived : y\r\n\r\n", "", "x", 28, 1, true, false, false},
        {"Subject: one\r\nSubject: two\r\n\r\n", "", "one", 28, 0, true, false, false},
        {"Subject:\r\n\r\n", "", "", 10, 0, true, false, false},
        {"Subjects: x\r\nX-Received: y\r\n\r\n", "", "", 28, 0, true, false, false},
        {"Subject: a:b\r\n\r\n", "", "a:b", 14, 0, true, false, false},
        {"Subject: a\rb\nc\r\n\r\n", "", "ab\nc", 16, 0, true, false, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check(&cases[i]);
}

static void test_message_ids(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"<a@b>", "a@b"},
        {" (c (d) \\) > <) <a@b> (e) <x>", "a@b"},
        {"\r\n <a@b>", "a@b"},
        {"<a@\r\n b>", "a@b"},
        {"a@b", "a@b"},
        {"junk <a@b>", "a@b"},
        {"((((", ""},
        {"(\\", ""},
        {"<a@b", "a@b"},
        {"<>", ""},
        {"", ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char content[200];
        int n = snprintf(content, sizeof(content), "Message-Id:%s\r\n\r\n", cases[i][0]);
        check(&(struct expected){content, cases[i][1], "", (uint64_t)n - 2, .ended = true});
    }
}

/* Where the header ends, and what is none. */
static void test_ends(void **state)
{
    (void)state;
    static const struct expected cases[] = {
        {"", "", "", 0, 0, false, false, false},
        {"\r\nSubject: x\r\n", "", "", 0, 0, true, false, false},
        {"Subject: x\r\n", "", "x", 12, 0, false, false, false},
        {"Subject: x", "", "", 10, 0, false, false, false},
        {"Subject: x\r\nFro", "", "x", 12, 0, false, false, false},
        {"Subject: x\r\n\r", "", "x", 12, 0, false, false, false},
        {"just text\r\nSubject: x\r\n\r\n", "", "", 0, 0, true, false, false},
        {"Subject: x\r\nno field\r\nFrom: y\r\n\r\n", "", "x", 12, 0, true, false, false},
        {" Subject: x\r\n\r\n", "", "", 0, 0, true, false, false},
        {": x\r\n\r\n", "", "", 0, 0, true, false, false},
        {"Sub\xC3\xBC: x\r\n\r\n", "", "", 0, 0, true, false, false},
        {"Subject: x\r\n\rFrom: y\r\n\r\n", "", "x", 12, 0, true, false, false},
        {"Subject: x\r\n \r\nFrom: y\r\n\r\n", "", "x", 24, 0, true, true, false},
        {"Received\r\n: x\r\n\r\n", "", "", 0, 0, true, false, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check(&cases[i]);
}

static void test_limits(void **state)
{
    (void)state;
    struct header_scan h;
    header_scan_init(&h, 14);
    header_scan_feed(&h, SPAN("Subject: 123\r\n\r\n"));
    assert_true(h.ended && !h.over_limit && h.size == 14); /* the empty line is not of it */
    header_scan_done(&h);
    header_scan_init(&h, 13);
    header_scan_feed(&h, SPAN("Subject: 123\r\n\r\nbody"));
    assert_true(h.ended && h.over_limit);
    header_scan_done(&h);
    /* Without end: it is known at once, and memory stays bounded. */
    header_scan_init(&h, 100000);
    header_scan_feed(&h, SPAN("Subject: "));
    char junk[1000];
    memset(junk, 's', sizeof(junk));
    for (int i = 0; i < 100; i++)
        header_scan_feed(&h, span_make(junk, sizeof(junk)));
    assert_true(h.over_limit && !h.ended);
    header_scan_feed(&h, SPAN("\r\n\r\n"));
    assert_int_equal(h.subject.n, 256);
    assert_true(h.line.cap <= 4096);
    header_scan_done(&h);
    header_scan_init(&h, 100000);
    for (int i = 0; i < 10; i++)
        header_scan_feed(&h, span_make(junk, sizeof(junk)));
    assert_true(h.ended && h.size == 0); /* no name is that long */
    header_scan_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_message_ids),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
