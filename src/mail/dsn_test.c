#include "mail/dsn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "mail/header.h"

#define NOW 1795373165000 /* Sun, 22 Nov 2026 18:46:05 +0000 */
#define HEADER "From: a@example.net\r\nMessage-ID: <1@example.net>\r\nSubject: hello\r\n"

/* One notification and all that it is made of, for a test to change. */
struct scene {
    struct arena arena;
    struct recipient recipients[3];
    struct outcome outcomes[3];
    struct dsn_recipient reports[3];
    struct envelope envelope;
    struct dsn dsn;
    struct buf out;
    enum body_type body;
    bool smtputf8;
};

static struct scene *scene_new(void)
{
    struct scene *s = calloc(1, sizeof(*s));
    s->out = BUF_INIT(BUF_UNLIMITED);
    s->recipients[0] = (struct recipient){.address = SPAN("bob@example.com")};
    struct reply reply = REPLY(550, "5.1.1", "no such user");
    s->outcomes[0] = outcome_of_reply(&s->arena, &reply, CONCERN_RECIPIENT, FATE_RELAYED);
    s->outcomes[0].mta = SPAN("mx.example.com");
    s->outcomes[0].mta_ip = SPAN("192.0.2.25");
    for (int i = 0; i < 3; i++)
        s->reports[i] = (struct dsn_recipient){.recipient = &s->recipients[i],
                                               .kind = DSN_FAILED,
                                               .outcome = &s->outcomes[i],
                                               .last_attempt_ms = NOW - 1000};
    s->envelope = (struct envelope){.reverse_path = SPAN("alice@example.net"),
                                    .received_ms = NOW - 60000,
                                    .helo = SPAN("client.example.net"),
                                    .header_message_id = SPAN("1@example.net")};
    s->dsn = (struct dsn){.original = &s->envelope,
                          .reporting_mta = SPAN("mail.example.org"),
                          .from = SPAN("postmaster@mail.example.org"),
                          .recipients = s->reports,
                          .recipient_count = 1,
                          .original_content = SPAN(HEADER "\r\nbody\r\n"),
                          .now_ms = NOW};
    assert_int_equal(message_id_parse(SPAN("01a1ee56-5e00-7762-a71a-0da370d592f8"), &s->dsn.id),
                     OK);
    return s;
}

static void scene_free(struct scene *s)
{
    buf_done(&s->out);
    arena_done(&s->arena);
    free(s);
}

static bool has(struct span s, const char *text)
{
    return span_search(s, span_of(text)) < s.n;
}

/* Says where the text is missing, with the whole message. */
static void assert_has(struct span s, const char *text)
{
    if (!has(s, text))
        fail_msg("\"%s\" is not in:\n" SPAN_FMT, text, SPAN_ARG(s));
}

struct parts {
    struct span header, explanation, status, original;
};

/* What stands before the delimiter; *rest goes on behind it. */
static struct span before_delimiter(struct span *rest, struct span delimiter)
{
    size_t at = span_search(*rest, delimiter);
    assert_true(at < rest->n);
    struct span part = span_head(*rest, at);
    *rest = span_skip(*rest, at + delimiter.n);
    return part;
}

/* Takes the message apart as RFC 2046 says; each part is with its own header. */
static struct parts parse(struct span message)
{
    struct parts p;
    p.header = header_section(message);
    struct span head = span_skip(p.header, span_search(p.header, SPAN("boundary=\"")) + 10);
    struct span boundary = span_head(head, span_find(head, '"'));
    assert_true(boundary.n > 10 && boundary.n <= 70); /* RFC 2046 section 5.1.1 */
    char delimiter[100];
    snprintf(delimiter, sizeof(delimiter), "\r\n--" SPAN_FMT, SPAN_ARG(boundary));
    struct span rest = span_skip(message, p.header.n);
    before_delimiter(&rest, span_of(delimiter));
    p.explanation = before_delimiter(&rest, span_of(delimiter));
    p.status = before_delimiter(&rest, span_of(delimiter));
    p.original = before_delimiter(&rest, span_of(delimiter));
    assert_true(span_eq(rest, SPAN("--\r\n")));
    return p;
}

/* What every notification must be, whatever it is made of. */
static struct parts compose(struct scene *s)
{
    buf_reset(&s->out);
    s->smtputf8 = false;
    dsn_compose(&s->out, &s->dsn, &s->body, &s->smtputf8);
    struct span message = buf_span(&s->out), rest = message, line;
    while (span_cut(&rest, '\n', &line)) {
        if (!rest.p)
            break;
        assert_true(line.n > 0 && line.p[line.n - 1] == '\r');
        assert_true(line.n - 1 <= 998);
        assert_int_equal(span_find(line, '\r'), line.n - 1);
        assert_int_equal(span_find(line, '\0'), line.n);
    }
    assert_int_equal(line.n, 0);
    struct parts p = parse(message);
    assert_int_equal(text_is_ascii(message), s->body == BODY_7BIT);
    assert_true(text_is_ascii(p.header) == !s->smtputf8);
    assert_int_equal(has(p.header, "Content-Transfer-Encoding: 8bit"), s->body == BODY_8BITMIME);
    struct header_scan h;
    header_scan_init(&h, 100000);
    header_scan_feed(&h, message);
    assert_true(h.ended && h.has_from && h.has_date && h.message_id.n && h.subject.n);
    header_scan_done(&h);
    return p;
}

static void test_failure(void **state)
{
    (void)state;
    struct scene *s = scene_new();
    struct parts p = compose(s);
    static const char *const header[] = {
        "Date: Sun, 22 Nov 2026 18:46:05 +0000\r\n",
        "From: Mail Delivery System <postmaster@mail.example.org>\r\n",
        "To: <alice@example.net>\r\n",
        "Subject: Your message could not be delivered\r\n",
        "Message-ID: <01a1ee56-5e00-7762-a71a-0da370d592f8@mail.example.org>\r\n",
        "References: <1@example.net>\r\n",
        "Auto-Submitted: auto-replied\r\n",
        "MIME-Version: 1.0\r\n",
        "Content-Type: multipart/report; report-type=delivery-status;\r\n"};
    for (size_t i = 0; i < COUNT_OF(header); i++)
        assert_has(p.header, header[i]);
    assert_has(p.explanation, "Content-Type: text/plain; charset=us-ascii\r\n");
    assert_has(p.explanation,
               "<bob@example.com>: could not be delivered: the server mx.example.com\r\n"
               "[192.0.2.25] said:\r\n    550 5.1.1 no such user\r\nCheck the address");
    assert_has(p.status, "Content-Type: message/delivery-status\r\n");
    assert_has(p.status, "\r\n\r\nReporting-MTA: dns; mail.example.org\r\n"
                         "Received-From-MTA: dns; client.example.net\r\n"
                         "Arrival-Date: Sun, 22 Nov 2026 18:45:05 +0000\r\n"
                         "\r\n"
                         "Final-Recipient: rfc822; bob@example.com\r\n"
                         "Action: failed\r\n"
                         "Status: 5.1.1\r\n"
                         "Remote-MTA: dns; mx.example.com\r\n"
                         "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
                         "Last-Attempt-Date: Sun, 22 Nov 2026 18:46:04 +0000\r\n");
    assert_has(p.original, "Content-Type: message/rfc822\r\n");
    assert_has(p.original, "\r\n\r\n" HEADER "\r\nbody\r\n");
    assert_true(s->body == BODY_7BIT && !s->smtputf8);
    scene_free(s);
}

static void test_delay_and_success(void **state)
{
    (void)state;
    struct scene *s = scene_new();
    s->outcomes[0] =
        outcome_local(&s->arena, FATE_LATER, CONCERN_NEXT_HOP, 451, "4.4.1", "port closed");
    s->reports[0].kind = DSN_DELAYED;
    s->reports[0].will_retry_until_ms = NOW + 3600000;
    struct parts p = compose(s);
    assert_has(p.header, "Subject: Your message is delayed\r\n");
    assert_has(p.explanation,
               "<bob@example.com>: has not been delivered yet. It will be tried again until");
    assert_has(p.explanation, "22 Nov 2026 19:46:05 +0000.");
    assert_has(p.status, "Action: delayed\r\nStatus: 4.4.1\r\nDiagnostic-Code: x-sealpost; 451 "
                         "4.4.1 port closed\r\n");
    assert_has(p.status, "Will-Retry-Until: Sun, 22 Nov 2026 19:46:05 +0000\r\n");
    assert_has(p.original, "text/rfc822-headers"); /* the content goes back with failures only */
    static const struct {
        enum dsn_kind kind;
        const char *action, *words;
    } good[] = {{DSN_DELIVERED, "Action: delivered\r\n", "was delivered."},
                {DSN_RELAYED, "Action: relayed\r\n", "You may hear no more of it."},
                {DSN_EXPANDED, "Action: expanded\r\n", "several other addresses"}};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        s->reports[0].kind = good[i].kind;
        s->outcomes[0] = outcome_of_reply(&s->arena, &REPLY(250, "2.0.0", "ok"), CONCERN_RECIPIENT,
                                          FATE_RELAYED);
        p = compose(s);
        assert_has(p.status, good[i].action);
        assert_false(has(p.status, "Will-Retry-Until"));
        assert_has(p.explanation, good[i].words);
    }
    scene_free(s);
}

static void test_several_recipients(void **state)
{
    (void)state;
    struct scene *s = scene_new();
    s->recipients[1] = (struct recipient){.address = SPAN("carol@example.com")};
    s->recipients[2] = (struct recipient){.address = SPAN("dave@example.com")};
    s->outcomes[1] =
        outcome_local(&s->arena, FATE_NEVER, CONCERN_RECIPIENT, 554, "5.4.7", "given up in time");
    s->outcomes[2] =
        outcome_local(&s->arena, FATE_DELIVERED, CONCERN_RECIPIENT, 250, "2.1.5", "ok");
    s->reports[2].kind = DSN_DELIVERED;
    s->dsn.recipient_count = 3;
    struct parts p = compose(s);
    assert_has(p.header, "could not be delivered");
    assert_has(p.status, "\r\n\r\nFinal-Recipient: rfc822; carol@example.com\r\nAction: "
                         "failed\r\nStatus: 5.4.7\r\n");
    assert_has(p.status,
               "\r\n\r\nFinal-Recipient: rfc822; dave@example.com\r\nAction: delivered\r\n");
    assert_has(p.explanation, "given up in time");
    scene_free(s);
}

static void test_xtext(void **state)
{
    (void)state;
    struct scene *s = scene_new();
    s->envelope.envid = SPAN("QQ+2B314+3D159");
    s->recipients[0].orcpt = SPAN("rfc822;Bob+2Btag@example.com");
    struct parts p = compose(s);
    assert_has(p.status, "Original-Envelope-Id: QQ+314=159\r\n");
    assert_has(p.status, "Original-Recipient: rfc822; Bob+tag@example.com\r\n");
    static const char *const hostile[] = {
        "a+0D+0AAction:+20delivered", "a+00", "a+4", "a b", "+1B", "a+0A+0A"};
    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        char orcpt[100];
        snprintf(orcpt, sizeof(orcpt), "rfc822;%s", hostile[i]);
        s->envelope.envid = span_of(hostile[i]);
        s->recipients[0].orcpt = span_of(orcpt);
        p = compose(s);
        assert_false(has(p.status, "Original-"));
    }
    static const char *const no_type[] = {"bob@example.com", ";bob@example.com", "a\r\nb;bob",
                                          "rfc822;"};
    for (size_t i = 0; i < COUNT_OF(no_type); i++) {
        s->recipients[0].orcpt = span_of(no_type[i]);
        assert_false(has(compose(s).status, "Original-Recipient"));
    }
    scene_free(s);
}

static void test_returned_content(void **state)
{
    (void)state;
    struct scene *s = scene_new();
    s->envelope.ret = RET_HDRS;
    struct parts p = compose(s);
    assert_has(p.original, "text/rfc822-headers");
    assert_true(span_iends(p.original, SPAN("\r\n\r\n" HEADER)));
    s->envelope.ret = RET_FULL;
    assert_has(compose(s).original, "message/rfc822");
    s->dsn.content_is_headers = true;
    s->dsn.original_content = SPAN(HEADER);
    p = compose(s);
    assert_true(span_iends(p.original, SPAN("\r\n\r\n" HEADER)));
    s->dsn.original_content = SPAN_NONE; /* lost */
    compose(s);
    s->dsn.content_is_headers = false;
    compose(s);
    s->dsn.original_content = SPAN(HEADER "\r\nno line end");
    assert_true(span_iends(compose(s).original, SPAN("\r\nno line end")));
    scene_free(s);
}

/* 8-bit, overlong and binary originals. */
static void test_unusual_content(void **state)
{
    (void)state;
    struct scene *s = scene_new();
    s->dsn.original_content = SPAN(HEADER "\r\n\xFC"
                                          "ber\r\n");
    struct parts p = compose(s);
    assert_true(s->body == BODY_8BITMIME && !s->smtputf8);
    assert_has(p.original, "Content-Transfer-Encoding: 8bit");
    s->envelope.ret = RET_HDRS;
    compose(s); /* the header is plain */
    assert_int_equal(s->body, BODY_7BIT);
    s->dsn.original_content = SPAN("Subject: \xFC= \r\n\r\n");
    p = compose(s);
    assert_has(p.original, "quoted-printable\r\n\r\nSubject: =FC=3D=20\r\n");
    assert_int_equal(s->body, BODY_7BIT);
    s->envelope.ret = RET_FULL;
    const struct span binary[] = {SPAN(HEADER "\r\na\0b\r\n"), SPAN(HEADER "\r\na\nb\r\n"),
                                  SPAN(HEADER "\r\na\rb\r\n"), SPAN(HEADER "\r\na\r")};
    for (size_t i = 0; i < COUNT_OF(binary); i++) {
        s->dsn.original_content = binary[i];
        p = compose(s);
        assert_true(span_iends(p.original, SPAN("\r\n\r\n" HEADER)));
    }
    struct buf content = BUF_INIT(BUF_UNLIMITED);
    buf_addf(&content, "Subject: %02000d\r\n\r\nbody\r\n", 0);
    s->dsn.original_content = buf_span(&content);
    p = compose(s);
    assert_has(p.original, "text/rfc822-headers");
    assert_has(p.original, "quoted-printable\r\n\r\nSubject: 0000");
    buf_reset(&content);
    buf_addf(&content, HEADER "\r\n%0998d\r\n", 0); /* just right */
    s->dsn.original_content = buf_span(&content);
    assert_has(compose(s).original, "message/rfc822");
    buf_done(&content);
    scene_free(s);
}

static void test_utf8(void **state)
{
    (void)state;
    struct scene *s = scene_new();
    s->recipients[0].address = SPAN("\xE7\x94\xA8@\xE4\xBE\x8B.example");
    s->recipients[0].orcpt = SPAN("utf-8;\\x{7528}@example");
    s->outcomes[0].reply.text = SPAN("pas trouv\xC3\xA9");
    struct parts p = compose(s);
    assert_true(s->body == BODY_8BITMIME && !s->smtputf8); /* the header itself is plain */
    assert_has(p.header, "report-type=global-delivery-status");
    assert_has(p.explanation, "charset=utf-8\r\n");
    assert_has(p.explanation, "<\xE7\x94\xA8@\xE4\xBE\x8B.example>: could");
    assert_has(p.status, "Content-Type: message/global-delivery-status\r\n");
    assert_has(p.status, "Original-Recipient: utf-8; \\x{7528}@example\r\n"
                         "Final-Recipient: utf-8; \xE7\x94\xA8@\xE4\xBE\x8B.example\r\n");
    assert_has(p.status, "pas trouv\xC3\xA9\r\n");
    assert_has(p.original, "Content-Type: message/global\r\n");
    s->envelope.ret = RET_HDRS;
    assert_has(compose(s).original, "Content-Type: message/global-headers\r\n");
    s->envelope.reverse_path = SPAN("j\xC3\xBCrgen@example.net");
    p = compose(s);
    assert_true(s->smtputf8);
    assert_has(p.header, "To: <j\xC3\xBCrgen@example.net>\r\n");
    s->outcomes[0].reply.text = SPAN("\xE9t\xE9"); /* Latin 1 is not UTF-8 */
    assert_has(compose(s).status, "550 5.1.1 ?t?\r\n");
    scene_free(s);
    s = scene_new();
    s->outcomes[0].reply.text = SPAN("pas trouv\xC3\xA9");
    assert_has(compose(s).status, "pas trouv??\r\n"); /* nothing else needs UTF-8 */
    assert_int_equal(s->body, BODY_7BIT);
    scene_free(s);
}

/* What peers and senders chose cannot change what the notification says. */
static void test_hostile_values(void **state)
{
    (void)state;
    struct scene *s = scene_new();
    char huge[REPLY_TEXT_MAX];
    memset(huge, 'x', sizeof(huge));
    const struct span hostile[] = {SPAN("x\r\nAction: delivered\r\n"),
                                   SPAN("x\n\nFinal-Recipient: rfc822; y"),
                                   SPAN("\r\n\r\n--=_01a1ee56-5e00-7762-a71a-0da370d592f8.0--\r\n"),
                                   SPAN("a\0b\x1b[2J"),
                                   SPAN(">\r\nBcc: x"),
                                   span_make(huge, sizeof(huge)),
                                   SPAN("")};
    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        s->outcomes[0].reply.text = hostile[i];
        s->outcomes[0].mta = s->outcomes[0].mta_ip = span_head(hostile[i], 255);
        s->envelope.helo = s->envelope.header_message_id = span_head(hostile[i], 255);
        struct parts p = compose(s);
        assert_false(has(p.header, "\r\nBcc"));
        assert_false(has(p.header, "\r\nAction"));
        assert_false(has(p.status, "\r\nAction: delivered"));
        assert_false(has(p.status, "\r\nFinal-Recipient: rfc822; y"));
        assert_has(p.status, "\r\nAction: failed\r\n");
    }
    scene_free(s);
}

static void test_boundary(void **state)
{
    (void)state;
    struct scene *s = scene_new();
    struct buf content = BUF_INIT(BUF_UNLIMITED);
    buf_add_text(&content, HEADER "\r\n");
    for (int i = 0; i < 12; i++)
        buf_addf(&content, "--=_01a1ee56-5e00-7762-a71a-0da370d592f8.%d\r\n", i);
    s->dsn.original_content = buf_span(&content);
    struct parts p = compose(s); /* which fails where a delimiter occurs in a part */
    assert_true(span_iends(p.original, buf_span(&content)));
    buf_done(&content);
    scene_free(s);
}

static void test_wanted(void **state)
{
    (void)state;
    static const struct {
        unsigned notify;
        bool failed, delayed, success;
    } cases[] = {{0, true, true, false},
                 {NOTIFY_NEVER, false, false, false},
                 {NOTIFY_SUCCESS, false, false, true},
                 {NOTIFY_FAILURE, true, false, false},
                 {NOTIFY_DELAY, false, true, false},
                 {NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY, true, true, true}};
    struct envelope e = {.reverse_path = SPAN("a@b")}, null = {.reverse_path = SPAN("")};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct recipient r = {.notify = cases[i].notify};
        assert_int_equal(dsn_is_wanted(&e, &r, DSN_FAILED), cases[i].failed);
        assert_int_equal(dsn_is_wanted(&e, &r, DSN_DELAYED), cases[i].delayed);
        assert_int_equal(dsn_is_wanted(&e, &r, DSN_DELIVERED), cases[i].success);
        assert_int_equal(dsn_is_wanted(&e, &r, DSN_RELAYED), cases[i].success);
        assert_int_equal(dsn_is_wanted(&e, &r, DSN_EXPANDED), cases[i].success);
        for (int kind = DSN_FAILED; kind <= DSN_EXPANDED; kind++)
            assert_false(dsn_is_wanted(&null, &r, (enum dsn_kind)kind));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failure),
        cmocka_unit_test(test_delay_and_success),
        cmocka_unit_test(test_several_recipients),
        cmocka_unit_test(test_xtext),
        cmocka_unit_test(test_returned_content),
        cmocka_unit_test(test_unusual_content),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_hostile_values),
        cmocka_unit_test(test_boundary),
        cmocka_unit_test(test_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
