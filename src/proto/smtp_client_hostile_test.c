/* Peers that break the rules, and the limits that hold whatever a peer does. */
#include "proto/smtp_client_private.h"
#include "proto/smtp_client_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* As SPAN, where only constants may stand. */
#define FIXED(literal)                                                                             \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

static const struct envelope from_a = {.reverse_path = FIXED("a@a.example")};
static const struct recipient to_b = {.address = FIXED("b@b.example")};
static const struct recipient *const only_b[] = {&to_b};
static const struct smtp_transaction a_to_b = {
    .envelope = &from_a, .recipients = only_b, .recipient_count = 1};

/* ---- a session by hand ---- */

struct session {
    struct smtp_client *client;
    struct buf events, sent;
};

static struct session session_new(bool lmtp)
{
    struct smtp_client_options options = {.helo = SPAN("out.example"), .lmtp = lmtp};
    return (struct session){.client = smtp_client_new(&options),
                            .events = BUF_INIT(BUF_UNLIMITED),
                            .sent = BUF_INIT(BUF_UNLIMITED)};
}

static void session_free(struct session *s)
{
    smtp_client_free(s->client);
    buf_done(&s->events);
    buf_done(&s->sent);
}

static void pull(struct session *s)
{
    struct smtp_client_event event;
    while (smtp_client_next(s->client, &event))
        describe_event(&s->events, &event);
}

static void flush(struct session *s)
{
    for (struct span out; (out = smtp_client_out(s->client)).n;) {
        buf_reset(&s->sent);
        buf_add(&s->sent, out);
        smtp_client_sent(s->client, out.n);
    }
    pull(s);
}

/* Says this to the client in pieces of so many octets. Nothing that the client writes meanwhile is
 * sent. */
static void say(struct session *s, struct span text, size_t piece)
{
    while (text.n) {
        size_t used = smtp_client_feed(s->client, span_head(text, piece));
        text = span_skip(text, used);
        pull(s);
    }
}

/* Says a text and expects these events and no others. */
static void expect(struct session *s, struct span text, const char *events, size_t piece)
{
    buf_reset(&s->events);
    say(s, text, piece);
    assert_string_equal(buf_text(&s->events), events);
}

static void to_ready(struct session *s, struct span ehlo)
{
    flush(s);
    say(s, SPAN("220 mx\r\n"), SIZE_MAX);
    flush(s);
    say(s, ehlo, SIZE_MAX);
    assert_string_equal(smtp_client_state_name(s->client), "ready");
}

/* Up to where content is asked for. */
static void to_content(struct session *s, const struct smtp_transaction *transaction)
{
    smtp_client_send(s->client, transaction);
    flush(s);
    say(s, SPAN("250 ok\r\n"), SIZE_MAX);
    flush(s);
    for (size_t i = 0; i < transaction->recipient_count; i++) {
        say(s, SPAN("250 ok\r\n"), SIZE_MAX);
        flush(s);
    }
    say(s, SPAN("354 go\r\n"), SIZE_MAX);
    flush(s);
    assert_string_equal(smtp_client_state_name(s->client), "content");
}

static const size_t pieces[] = {SIZE_MAX, 1, 2, 3, 5};

/* ---- what peers say and must not ---- */

#define UNASKED "451 4.5.0 protocol error: the peer replied to what was not said\n"
#define NOT_SMTP "451 4.5.0 protocol error: the peer gave a reply that is not SMTP\n"
#define TOO_LONG "451 4.5.0 protocol error: the peer gave a reply that is too long\n"
#define NOT_FITTING                                                                                \
    "451 4.5.0 protocol error: the peer gave a reply that does not fit the command\n"

static void a_greeting_must_be_smtp(void **state)
{
    (void)state;
    const struct {
        struct span says;
        const char *events;
    } cases[] = {
        {SPAN("HTTP/1.1 400 Bad Request\r\n"), "failed connect later next-hop local " NOT_SMTP},
        {SPAN("\x16\x03\x01\x00\xFF\x00"), "failed connect later next-hop local " NOT_SMTP},
        {SPAN("\r\n220 mx\r\n"), "failed connect later next-hop local " NOT_SMTP},
        {SPAN("220-a\r\n250 b\r\n"), "failed connect later next-hop local " NOT_SMTP},
        {SPAN("120 soon\r\n"), "failed connect later next-hop local " NOT_SMTP},
        {SPAN("354 go\r\n"), "failed connect later next-hop local " NOT_FITTING},
        {SPAN("220 mx\r\n250 mx\r\n"),
         "greeting 220 mx\nfailed ehlo later next-hop local " UNASKED},
        {SPAN("220 mx\r\n421 busy\r\n"),
         "greeting 220 mx\nfailed ehlo later next-hop remote 421 4.0.0 busy\n"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t j = 0; j < COUNT_OF(pieces); j++) {
            struct session s = session_new(false);
            expect(&s, cases[i].says, cases[i].events, pieces[j]);
            assert_int_equal(smtp_client_out(s.client).n, 0);
            /* Nothing brings it back. */
            expect(&s, SPAN("220 mx\r\n250 mx\r\n"), "", pieces[j]);
            session_free(&s);
        }
    }
}

static void replies_have_an_end(void **state)
{
    (void)state;
    struct buf lines = BUF_INIT(BUF_UNLIMITED), line = BUF_INIT(BUF_UNLIMITED);
    for (int i = 0; i < 100000; i++)
        buf_add_text(&lines, "220-more\r\n");
    buf_add_text(&line, "220 ");
    for (int i = 0; i < 100000; i++)
        buf_add_char(&line, 'x');
    static const size_t cuts[] = {SIZE_MAX, 1, 1000};
    for (size_t j = 0; j < COUNT_OF(cuts); j++) {
        struct session s = session_new(false);
        expect(&s, buf_span(&lines), "failed connect later next-hop local " TOO_LONG, cuts[j]);
        session_free(&s);
        s = session_new(false);
        expect(&s, buf_span(&line), "failed connect later next-hop local " TOO_LONG, cuts[j]);
        session_free(&s);
    }
    buf_done(&lines);
    buf_done(&line);
}

static void replies_that_do_not_fit_end_the_session(void **state)
{
    (void)state;
    /* Each case breaks off at one command: how many good replies come before. */
    const struct {
        size_t good;
        struct span bad;
        const char *stage, *why;
    } cases[] = {
        {0, SPAN("354 go\r\n"), "mail", NOT_FITTING},
        {0, SPAN("250-a\r\n550 b\r\n"), "mail", NOT_SMTP},
        {1, SPAN("354 go\r\n"), "rcpt", NOT_FITTING},
        {2, SPAN("250 ok\r\n"), "data", NOT_FITTING},
        {2, SPAN("220 ok\r\n"), "data", NOT_FITTING},
        {0, SPAN("999 ok\r\n"), "mail", NOT_SMTP},
        {1, SPAN("\xFF\xFE"), "rcpt", NOT_SMTP},
        {0, SPAN("250 ok\r\n250 ok\r\n"), "rcpt", UNASKED},
        {1, SPAN("250 ok\r\n354 go\r\n"), "data", UNASKED},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t j = 0; j < COUNT_OF(pieces); j++) {
            struct session s = session_new(false);
            to_ready(&s, SPAN("250 mx\r\n"));
            smtp_client_send(s.client, &a_to_b);
            for (size_t k = 0; k < cases[i].good; k++) {
                flush(&s);
                say(&s, SPAN("250 ok\r\n"), SIZE_MAX);
            }
            flush(&s);
            char events[512];
            snprintf(events, sizeof(events),
                     "outcome 0 later next-hop local %sfailed %s later next-hop local %s",
                     cases[i].why, cases[i].stage, cases[i].why);
            expect(&s, cases[i].bad, events, pieces[j]);
            session_free(&s);
        }
    }
}

static void an_idle_peer_has_nothing_to_say(void **state)
{
    (void)state;
    for (size_t j = 0; j < COUNT_OF(pieces); j++) {
        struct session s = session_new(false);
        to_ready(&s, SPAN("250 mx\r\n"));
        expect(&s, SPAN("250 ok\r\n"), "failed mail later next-hop local " UNASKED, pieces[j]);
        session_free(&s);
        s = session_new(false);
        to_ready(&s, SPAN("250 mx\r\n"));
        expect(&s, SPAN("421 4.4.2 idle\r\n"), "failed mail later next-hop remote 421 4.4.2 idle\n",
               pieces[j]);
        session_free(&s);
    }
}

static void clear_text_behind_starttls_is_an_attack(void **state)
{
    (void)state;
    static const char failed[] =
        "failed starttls later next-hop local 451 4.7.0 clear text behind the reply to STARTTLS\n";
    for (size_t j = 0; j < COUNT_OF(pieces); j++) {
        struct session s = session_new(false);
        to_ready(&s, SPAN("250-mx\r\n250 STARTTLS\r\n"));
        smtp_client_start_tls(s.client);
        flush(&s);
        buf_reset(&s.events);
        say(&s, SPAN("220 go\r\n250 mx\r\n"), pieces[j]);
        /* In one piece the handshake does not even begin. */
        struct span events = buf_span(&s.events);
        if (span_starts(events, SPAN("start-tls\n")))
            events = span_skip(events, sizeof("start-tls\n") - 1);
        assert_true(span_eq(events, SPAN(failed)));
        assert_true(pieces[j] != SIZE_MAX || s.events.n == sizeof(failed) - 1);
        session_free(&s);
    }
}

static void a_refusal_amid_content_counts(void **state)
{
    (void)state;
    for (size_t j = 0; j < COUNT_OF(pieces); j++) {
        struct session s = session_new(false);
        to_ready(&s, SPAN("250 mx\r\n"));
        to_content(&s, &a_to_b);
        smtp_client_content(s.client, SPAN("begin\r\n"), false);
        flush(&s);
        expect(&s, SPAN("552 5.3.4 too big\r\n"),
               "outcome 0 never message remote 552 5.3.4 too big\n"
               "failed content later next-hop local " UNASKED,
               pieces[j]);
        /* The piece that was asked for before comes too late and is dropped. */
        smtp_client_content(s.client, SPAN("end\r\n"), true);
        assert_int_equal(smtp_client_out(s.client).n, 0);
        session_free(&s);

        s = session_new(false);
        to_ready(&s, SPAN("250 mx\r\n"));
        to_content(&s, &a_to_b);
        smtp_client_content(s.client, SPAN("all\r\n"), true); /* written, but not sent */
        expect(&s, SPAN("250 2.0.0 mine\r\n"),
               "outcome 0 later next-hop local " UNASKED
               "failed content later next-hop local " UNASKED,
               pieces[j]);
        assert_int_equal(smtp_client_out(s.client).n, 0);
        session_free(&s);
    }
}

static void one_early_lmtp_refusal_is_not_for_all(void **state)
{
    (void)state;
    struct session s = session_new(true);
    to_ready(&s, SPAN("250 mx\r\n"));
    const struct recipient *const two[] = {&to_b, &to_b};
    struct smtp_transaction both = {.envelope = &from_a, .recipients = two, .recipient_count = 2};
    to_content(&s, &both);
    expect(&s, SPAN("552 5.2.2 full\r\n"),
           "outcome 0 later next-hop local " UNASKED "outcome 1 later next-hop local " UNASKED
           "failed content later next-hop local " UNASKED,
           SIZE_MAX);
    session_free(&s);
}

static void nobody_gets_an_empty_message(void **state)
{
    (void)state;
    const struct {
        bool lmtp;
        struct span says;
        const char *events;
    } cases[] = {
        /* MAIL is refused, yet RCPT and DATA are taken. */
        {false, SPAN("550 5.7.1 no\r\n250 ok\r\n354 go\r\n"),
         "outcome 0 never message remote 550 5.7.1 no\nfailed data later next-hop local "},
        {true, SPAN("250 ok\r\n550 5.1.1 who\r\n354 go\r\n"),
         "outcome 0 never recipient remote 550 5.1.1 who\nfailed data later next-hop local "},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct session s = session_new(cases[i].lmtp);
        to_ready(&s, SPAN("250-mx\r\n250 PIPELINING\r\n"));
        smtp_client_send(s.client, &a_to_b);
        flush(&s);
        char events[512];
        snprintf(events, sizeof(events),
                 "%s451 4.5.0 protocol error: the peer wants content for a transaction that it "
                 "refused\n",
                 cases[i].events);
        expect(&s, cases[i].says, events, 1);
        assert_int_equal(smtp_client_out(s.client).n, 0);
        session_free(&s);
    }
}

static void nothing_follows_a_refused_chunk(void **state)
{
    (void)state;
    struct session s = session_new(false);
    to_ready(&s, SPAN("250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 BINARYMIME\r\n"));
    const struct envelope binary = {.reverse_path = SPAN("a@a.example"), .body = BODY_BINARYMIME};
    struct smtp_transaction transaction = {
        .envelope = &binary, .recipients = only_b, .recipient_count = 1};
    smtp_client_send(s.client, &transaction);
    flush(&s);
    smtp_client_feed(s.client, SPAN("250 ok\r\n250 ok\r\n"));
    struct smtp_client_event event;
    size_t chunks = 0;
    while (smtp_client_next(s.client, &event)) {
        assert_int_equal(event.kind, SMTP_CLIENT_NEED_CONTENT);
        smtp_client_content(s.client, SPAN("x"), false);
        chunks++;
    }
    assert_int_equal(chunks, 8); /* without a reply */
    flush(&s);
    expect(&s, SPAN("250 ok\r\n"), "", SIZE_MAX);
    expect(&s, SPAN("452 4.3.1 full\r\n"), "outcome 0 later message remote 452 4.3.1 full\n", 1);
    assert_string_equal(smtp_client_state_name(s.client), "final");
    smtp_client_content(s.client, SPAN("x"), true); /* asked for behind the 250 */
    assert_int_equal(smtp_client_out(s.client).n, 0);
    expect(&s, SPAN("503 a\r\n503 b\r\n250 c\r\n503 d\r\n503 e\r\n"), "", SIZE_MAX);
    expect(&s, SPAN("503 f\r\n"), "done\n", SIZE_MAX);
    session_free(&s);
}

/* ---- limits ---- */

static void content_is_asked_for_only_when_little_is_unsent(void **state)
{
    (void)state;
    struct session s = session_new(false);
    to_ready(&s, SPAN("250 mx\r\n"));
    smtp_client_send(s.client, &a_to_b);
    static const char *const replies[] = {"250 ok\r\n", "250 ok\r\n", "354 go\r\n"};
    for (size_t i = 0; i < COUNT_OF(replies); i++) {
        flush(&s);
        smtp_client_feed(s.client, span_of(replies[i]));
    }
    static char piece[16 * 1024];
    memset(piece, 'x', sizeof(piece));
    struct smtp_client_event event;
    size_t asked = 0;
    while (smtp_client_next(s.client, &event)) {
        assert_int_equal(event.kind, SMTP_CLIENT_NEED_CONTENT);
        assert_false(smtp_client_next(s.client, &event)); /* one question at a time */
        smtp_client_content(s.client, span_make(piece, sizeof(piece)), false);
        asked++;
    }
    assert_int_equal(asked, 4);
    assert_int_equal(smtp_client_out(s.client).n, 4 * sizeof(piece));
    assert_int_equal(smtp_client_timeout_ms(s.client), 3 * MINUTE_MS);
    smtp_client_sent(s.client, 1);
    assert_true(smtp_client_next(s.client, &event));
    session_free(&s);
}

static void a_long_envelope_is_written_bit_by_bit(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    static const struct recipient *many[MANY];
    for (size_t i = 0; i < MANY; i++)
        many[i] = &to_b;
    struct smtp_transaction transaction = {
        .envelope = &from_a, .recipients = many, .recipient_count = MANY};
    struct session s = session_new(false);
    to_ready(&s, SPAN("250-mx\r\n250 PIPELINING\r\n"));
    smtp_client_send(s.client, &transaction);
    size_t most = 0, total = 0;
    for (struct span out; (out = smtp_client_out(s.client)).n;) {
        most = out.n > most ? out.n : most;
        size_t n = out.n < 1000 ? out.n : 1000;
        total += n;
        smtp_client_sent(s.client, n);
    }
    assert_true(most < 66 * 1024);
    assert_int_equal(total, sizeof("MAIL FROM:<a@a.example>\r\n") - 1 + sizeof("DATA\r\n") - 1 +
                                MANY * (sizeof("RCPT TO:<b@b.example>\r\n") - 1));
    buf_reset(&s.events);
    smtp_client_lost(s.client, ERR_CLOSED);
    pull(&s);
    size_t lines = 0;
    for (size_t i = 0; i < s.events.n; i++)
        lines += s.events.p[i] == '\n';
    assert_int_equal(lines, MANY + 1);
    session_free(&s);
}

static void times_are_those_of_the_rfc(void **state)
{
    (void)state;
    struct session s = session_new(false);
    assert_int_equal(smtp_client_timeout_ms(s.client), 5 * MINUTE_MS);
    to_ready(&s, SPAN("250 mx\r\n"));
    smtp_client_send(s.client, &a_to_b);
    flush(&s);
    assert_int_equal(smtp_client_timeout_ms(s.client), 5 * MINUTE_MS); /* MAIL */
    say(&s, SPAN("250 ok\r\n"), SIZE_MAX);
    flush(&s);
    assert_int_equal(smtp_client_timeout_ms(s.client), 5 * MINUTE_MS); /* RCPT */
    say(&s, SPAN("250 ok\r\n"), SIZE_MAX);
    flush(&s);
    assert_int_equal(smtp_client_timeout_ms(s.client), 2 * MINUTE_MS); /* DATA */
    say(&s, SPAN("354 ok\r\n"), SIZE_MAX);
    smtp_client_content(s.client, SPAN("x\r\n"), true);
    assert_int_equal(smtp_client_timeout_ms(s.client), 3 * MINUTE_MS); /* a block */
    flush(&s);
    assert_int_equal(smtp_client_timeout_ms(s.client), 10 * MINUTE_MS); /* its end */
    session_free(&s);
}

static void abort_drops_what_was_not_sent(void **state)
{
    (void)state;
    struct session s = session_new(false);
    to_ready(&s, SPAN("250 mx\r\n"));
    to_content(&s, &a_to_b);
    smtp_client_content(s.client, SPAN("x\r\n"), true);
    assert_true(smtp_client_out(s.client).n > 0);
    buf_reset(&s.events);
    smtp_client_abort(s.client);
    smtp_client_abort(s.client);
    smtp_client_lost(s.client, ERR_CLOSED);
    pull(&s);
    assert_int_equal(smtp_client_out(s.client).n, 0);
    assert_string_equal(
        buf_text(&s.events),
        "outcome 0 later message local 451 4.3.0 the content of the message cannot be read\n"
        "failed content later message local 451 4.3.0 the content of the message cannot be read\n");
    session_free(&s);
}

static void many_messages_go_over_one_session(void **state)
{
    (void)state;
    struct session s = session_new(false);
    to_ready(&s, SPAN("250-mx\r\n250 PIPELINING\r\n"));
    for (int i = 0; i < 20000; i++) {
        smtp_client_send(s.client, &a_to_b);
        flush(&s);
        say(&s, SPAN("250 ok\r\n250 ok\r\n354 go\r\n"), SIZE_MAX);
        smtp_client_content(s.client, SPAN("x\r\n"), true);
        flush(&s);
        expect(&s, SPAN("250 2.0.0 ok\r\n"),
               "outcome 0 relayed message remote 250 2.0.0 ok\ndone\n", SIZE_MAX);
    }
    assert_true(s.client->steps.cap <= 16 && s.client->out.cap <= 4096);
    assert_int_equal(s.client->progress_cap, 1);
    session_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_greeting_must_be_smtp),
        cmocka_unit_test(replies_have_an_end),
        cmocka_unit_test(replies_that_do_not_fit_end_the_session),
        cmocka_unit_test(an_idle_peer_has_nothing_to_say),
        cmocka_unit_test(clear_text_behind_starttls_is_an_attack),
        cmocka_unit_test(a_refusal_amid_content_counts),
        cmocka_unit_test(one_early_lmtp_refusal_is_not_for_all),
        cmocka_unit_test(nobody_gets_an_empty_message),
        cmocka_unit_test(nothing_follows_a_refused_chunk),
        cmocka_unit_test(content_is_asked_for_only_when_little_is_unsent),
        cmocka_unit_test(a_long_envelope_is_written_bit_by_bit),
        cmocka_unit_test(times_are_those_of_the_rfc),
        cmocka_unit_test(abort_drops_what_was_not_sent),
        cmocka_unit_test(many_messages_go_over_one_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
