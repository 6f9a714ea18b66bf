#include "mail/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mail/header.h"

#define NOW 1795373165000 /* Sun, 22 Nov 2026 18:46:05 +0000 */

static struct recipient one = {.address = {"bob@example.com", 15}};

static struct envelope envelope(void)
{
    struct envelope e = {.helo = SPAN("client.example"),
                         .client_ip = SPAN("192.0.2.1"),
                         .protocol = SPAN("ESMTPS"),
                         .tls = SPAN("TLSv1.3 TLS_AES_256_GCM_SHA384"),
                         .recipients = &one,
                         .recipient_count = 1};
    assert_int_equal(message_id_parse(SPAN("01a1ee56-5e00-7762-a71a-0da370d592f8"), &e.id), OK);
    return e;
}

static void received(struct buf *out, const struct envelope *e, struct span client_name)
{
    buf_reset(out);
    trace_add_received(out, &(struct trace){.envelope = e,
                                            .by = SPAN("mail.example.com"),
                                            .client_name = client_name,
                                            .now_ms = NOW});
}

static void test_received(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(BUF_UNLIMITED);
    struct envelope e = envelope();
    received(&b, &e, SPAN("host.example"));
    assert_string_equal(buf_text(&b),
                        "Received: from client.example (host.example [192.0.2.1])\r\n"
                        "\tby mail.example.com (Sealpost) with ESMTPS\r\n"
                        "\t(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
                        "\tid 01a1ee56-5e00-7762-a71a-0da370d592f8\r\n"
                        "\tfor <bob@example.com>; Sun, 22 Nov 2026 18:46:05 +0000\r\n");
    e.client_ip = SPAN("2001:db8::1");
    e.tls = SPAN_NONE;
    e.protocol = SPAN("ESMTP");
    e.recipient_count = 2;
    received(&b, &e, SPAN_NONE);
    assert_string_equal(buf_text(&b), "Received: from client.example ([IPv6:2001:db8::1])\r\n"
                                      "\tby mail.example.com (Sealpost) with ESMTP\r\n"
                                      "\tid 01a1ee56-5e00-7762-a71a-0da370d592f8;\r\n"
                                      "\tSun, 22 Nov 2026 18:46:05 +0000\r\n");
    e = (struct envelope){.id = e.id};
    received(&b, &e, SPAN_NONE); /* our own: nobody it came from */
    assert_string_equal(buf_text(&b), "Received: by mail.example.com (Sealpost)\r\n"
                                      "\tid 01a1ee56-5e00-7762-a71a-0da370d592f8;\r\n"
                                      "\tSun, 22 Nov 2026 18:46:05 +0000\r\n");
    buf_done(&b);
}

/* Parentheses balance, lines are folded and short, and it is one field only. */
static void check_form(struct buf *b)
{
    struct span rest = buf_span(b), line;
    int depth = 0;
    bool first = true;
    while (span_cut(&rest, '\n', &line) && line.n) {
        assert_int_equal(line.p[line.n - 1], '\r');
        assert_int_equal(line.p[0], first ? 'R' : '\t');
        assert_true(line.n < 300);
        for (size_t i = 1; i + 1 < line.n; i++) {
            assert_true((unsigned char)line.p[i] >= ' ' && (unsigned char)line.p[i] < 127);
            depth += (line.p[i] == '(') - (line.p[i] == ')');
            assert_true(depth == 0 || depth == 1);
        }
        first = false;
    }
    assert_int_equal(depth, 0);
    buf_add_text(b, "\r\n");
    struct header_scan h;
    header_scan_init(&h, 10000);
    header_scan_feed(&h, buf_span(b));
    assert_true(h.received_count == 1 && h.ended && h.size == b->n - 2);
    header_scan_done(&h);
}

static void test_hostile_names(void **state)
{
    (void)state;
    const struct span names[] = {SPAN("a) by evil (x"),
                                 SPAN("a\r\nSubject: forged"),
                                 SPAN("a\r\n\r\nbody"),
                                 SPAN("; Sun, 1 Jan 2000 00:00:00 +0000"),
                                 SPAN("a\\"),
                                 SPAN("\"a"),
                                 SPAN("<a@b>"),
                                 SPAN("[1.2.3.4] id x"),
                                 SPAN("[IPv6:::1"),
                                 SPAN("a\0b"),
                                 SPAN("\xC3\xBC.example"),
                                 SPAN(" "),
                                 SPAN("")};
    struct buf b = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct envelope e = envelope();
        e.helo = names[i];
        received(&b, &e, SPAN_NONE);
        check_form(&b);
        e = envelope();
        received(&b, &e, names[i]);
        check_form(&b);
        e.client_ip = names[i];
        e.tls = names[i];
        received(&b, &e, SPAN_NONE);
        check_form(&b);
    }
    struct envelope e = envelope();
    e.helo = names[0];
    received(&b, &e, SPAN_NONE);
    assert_true(span_starts(buf_span(&b), SPAN("Received: from a??by?evil??x ([192.0.2.1])\r\n")));
    e.helo = SPAN("[192.0.2.7]"); /* a literal is as good as a name */
    received(&b, &e, SPAN_NONE);
    assert_true(span_starts(buf_span(&b), SPAN("Received: from [192.0.2.7] ([192.0.2.1])\r\n")));
    buf_done(&b);
}

static void test_long_names(void **state)
{
    (void)state;
    char text[5000];
    memset(text, 'x', sizeof(text));
    struct buf b = BUF_INIT(BUF_UNLIMITED);
    struct envelope e = envelope();
    e.helo = e.tls = e.protocol = span_make(text, sizeof(text));
    received(&b, &e, span_make(text, sizeof(text)));
    check_form(&b);
    e.protocol = SPAN("ESMTPS");
    for (size_t n = 1; n < 80; n++) { /* wherever the fold falls */
        e.helo = span_make(text, n);
        e.tls = span_make(text, n);
        received(&b, &e, SPAN_NONE);
        struct span rest = buf_span(&b), line;
        while (span_cut(&rest, '\n', &line)) {
            size_t columns = line.n + (line.n && line.p[0] == '\t' ? 7 : 0) - (line.n ? 1 : 0);
            assert_true(columns <= 78 || span_find(span_trim(line), ' ') == span_trim(line).n ||
                        n > 55);
        }
        check_form(&b);
    }
    buf_done(&b);
}

static void test_for(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(BUF_UNLIMITED);
    struct envelope e = envelope();
    struct recipient r = {.address = SPAN("\"a> (x\"@example.com")};
    e.recipients = &r;
    received(&b, &e, SPAN_NONE);
    assert_true(span_search(buf_span(&b), SPAN("for <\"a> (x\"@example.com>;")) < b.n);
    const struct span left_out[] = {SPAN("a@b>; x"), SPAN("a@b\r\nX: y"), SPAN("\xC3\xBC@b"),
                                    SPAN("")};
    for (size_t i = 0; i < COUNT_OF(left_out); i++) {
        r.address = left_out[i];
        received(&b, &e, SPAN_NONE);
        assert_int_equal(span_search(buf_span(&b), SPAN("for <")), b.n);
        check_form(&b);
    }
    e.smtputf8 = true;
    r.address = SPAN("\xC3\xBC@b");
    received(&b, &e, SPAN_NONE);
    assert_true(span_search(buf_span(&b), SPAN("for <\xC3\xBC@b>;")) < b.n);
    buf_done(&b);
}

static void test_return_path(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(BUF_UNLIMITED);
    trace_add_return_path(&b, SPAN("a@b"));
    trace_add_return_path(&b, SPAN_NONE);
    trace_add_return_path(&b, SPAN("a\r\nX: y"));
    assert_string_equal(buf_text(&b),
                        "Return-Path: <a@b>\r\nReturn-Path: <>\r\nReturn-Path: <a??X: y>\r\n");
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_received),    cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_long_names),  cmocka_unit_test(test_for),
        cmocka_unit_test(test_return_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
