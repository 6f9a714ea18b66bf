/* What conversations in files cannot show: memory, borrowed spans, back pressure, misuse by order
 * of calls, and the end of content against all short inputs. The conversations are in test/talk. */
#include "proto/smtp_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/smtp_server_private.h"

static const struct smtp_server_options plain = {
    .fqdn = {"mx.example.org", 14},
    .tls = SMTP_SERVER_TLS_OFFERED,
};

static void drop_output(struct smtp_server *m)
{
    smtp_server_sent(m, smtp_server_out(m).n);
}

/* Feeds all and says yes to everything but DATA_END, which it leaves for the test. */
static struct smtp_server_event feed_to_last_event(struct smtp_server *m, struct span input)
{
    struct smtp_server_event event = {0}, last = {0};
    while (input.n) {
        size_t used = smtp_server_feed(m, input);
        assert_true(used > 0);
        input = span_skip(input, used);
        while (smtp_server_next(m, &event)) {
            last = event;
            if (event.kind <= SMTP_SERVER_DATA || event.kind == SMTP_SERVER_VRFY)
                smtp_server_answer(m, NULL);
        }
    }
    return last;
}

static struct smtp_server *begin_session(const struct smtp_server_options *options)
{
    struct smtp_server *m = smtp_server_new(options);
    feed_to_last_event(m, SPAN("EHLO client.example\r\n"));
    return m;
}

static struct smtp_server *begin_data(const struct smtp_server_options *options)
{
    struct smtp_server *m = begin_session(options);
    feed_to_last_event(m,
                       SPAN("MAIL FROM:<a@client.example>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"));
    assert_string_equal(smtp_server_state_name(m), "data");
    drop_output(m);
    return m;
}

static void assert_out(struct smtp_server *m, const char *head)
{
    struct span out = smtp_server_out(m);
    if (!span_starts(out, span_of(head)))
        fail_msg("expected %s, got " SPAN_FMT, head, SPAN_ARG(out));
    drop_output(m);
}

static void test_idle_memory(void **state)
{
    (void)state;
    struct smtp_server *m = begin_session(&plain);
    feed_to_last_event(m,
                       SPAN("MAIL FROM:<a@client.example>\r\nRCPT TO:<b@example.org>\r\nRSET\r\n"));
    drop_output(m);
    assert_true(sizeof(*m) + m->line.cap + m->out.cap + m->refusal.cap < 2048);
    /* A long line and a lot of output are given back. */
    char line[2000];
    memset(line, 'x', sizeof(line));
    memcpy(line, "NOOP ", 5);
    memcpy(line + sizeof(line) - 2, "\r\n", 2);
    for (int i = 0; i < 100; i++)
        assert_int_equal(smtp_server_feed(m, span_make(line, sizeof(line))), sizeof(line));
    assert_int_equal(smtp_server_feed(m, SPAN("N")), 1);
    drop_output(m);
    assert_true(sizeof(*m) + m->line.cap + m->out.cap + m->refusal.cap < 2048);
    smtp_server_free(m);
}

static void test_content_is_not_copied(void **state)
{
    (void)state;
    enum { LINES = 1000, LINE = 64 };
    char *input = malloc(LINES * LINE);
    assert_non_null(input);
    memset(input, 'x', LINES * LINE);
    for (size_t i = 1; i <= LINES; i++)
        memcpy(input + i * LINE - 2, "\r\n", 2);
    struct smtp_server *m = begin_data(&plain);
    struct smtp_server_event event;
    assert_int_equal(smtp_server_feed(m, span_make(input, LINES * LINE)), LINES * LINE);
    assert_true(smtp_server_next(m, &event));
    assert_int_equal(event.kind, SMTP_SERVER_CONTENT);
    assert_ptr_equal(event.content.p, input);
    assert_int_equal(event.content.n, LINES * LINE);
    assert_false(smtp_server_next(m, &event));
    smtp_server_free(m);
    free(input);
}

static void test_command_spans_do_not_borrow_input(void **state)
{
    (void)state;
    struct smtp_server *m = smtp_server_new(&plain);
    struct smtp_server_event event;
    char line[] = "EHLO client.example\r\n";
    smtp_server_feed(m, span_of(line));
    memset(line, '#', sizeof(line));
    assert_true(smtp_server_next(m, &event));
    assert_true(span_eq(event.helo.domain, SPAN("client.example")));
    smtp_server_free(m);
}

static void test_a_question_stops_feeding(void **state)
{
    (void)state;
    struct smtp_server *m = smtp_server_new(&plain);
    struct smtp_server_event event;
    struct span input = SPAN("EHLO client.example\r\nNOOP\r\n");
    assert_int_equal(smtp_server_feed(m, input), 21);
    assert_int_equal(smtp_server_feed(m, span_skip(input, 21)), 0); /* not even pulled yet */
    assert_true(smtp_server_next(m, &event));
    assert_int_equal(smtp_server_feed(m, span_skip(input, 21)), 0);
    assert_false(smtp_server_is_idle(m));
    smtp_server_answer(m, NULL);
    assert_true(smtp_server_is_idle(m));
    assert_int_equal(smtp_server_feed(m, span_skip(input, 21)), 6);
    smtp_server_free(m);
}

static void test_unread_replies_stop_feeding(void **state)
{
    (void)state;
    struct smtp_server *m = begin_session(&plain);
    struct buf input = BUF_INIT(BUF_UNLIMITED);
    for (int i = 0; i < 100000; i++)
        buf_add_text(&input, "NOOP\r\n");
    drop_output(m);
    size_t used = smtp_server_feed(m, buf_span(&input));
    assert_true(used > 0 && used < input.n);
    assert_in_range(smtp_server_out(m).n, OUT_ENOUGH, OUT_ENOUGH + 100);
    assert_int_equal(smtp_server_feed(m, SPAN("NOOP\r\n")), 0);
    smtp_server_sent(m, 100);
    assert_true(smtp_server_feed(m, SPAN("NOOP\r\n")) > 0);
    buf_done(&input);
    smtp_server_free(m);
}

static void test_states(void **state)
{
    (void)state;
    struct smtp_server *m = smtp_server_new(&plain);
    assert_string_equal(smtp_server_state_name(m), "start");
    feed_to_last_event(m, SPAN("HELO client.example\r\n"));
    assert_string_equal(smtp_server_state_name(m), "greeted");
    assert_true(smtp_server_is_idle(m));
    feed_to_last_event(m, SPAN("MAIL FROM:<>\r\n"));
    assert_string_equal(smtp_server_state_name(m), "mail");
    assert_false(smtp_server_is_idle(m));
    feed_to_last_event(m, SPAN("RCPT TO:<a@example.org>\r\nXYZZY\r\n"));
    assert_string_equal(smtp_server_state_name(m), "rcpt");
    assert_int_equal(smtp_server_protocol_errors(m), 1);
    feed_to_last_event(m, SPAN("BDAT 3\r\nab"));
    assert_string_equal(smtp_server_state_name(m), "chunk");
    feed_to_last_event(m, SPAN("c"));
    assert_string_equal(smtp_server_state_name(m), "bdat");
    feed_to_last_event(m, SPAN("RSET\r\nQUIT\r\n"));
    assert_string_equal(smtp_server_state_name(m), "closed");
    assert_int_equal(smtp_server_feed(m, SPAN("NOOP\r\n")), 0);
    smtp_server_free(m);
}

/* The 220 was written, and what comes before tls_done came in clear. */
static void test_plaintext_before_the_handshake(void **state)
{
    (void)state;
    struct smtp_server *m = begin_session(&plain);
    drop_output(m);
    assert_int_equal(feed_to_last_event(m, SPAN("STARTTLS\r\n")).kind, SMTP_SERVER_STARTTLS);
    assert_string_equal(smtp_server_state_name(m), "tls");
    assert_out(m, "220 2.0.0 ");
    struct smtp_server_event event = feed_to_last_event(m, SPAN("M"));
    assert_int_equal(event.kind, SMTP_SERVER_CLOSE);
    assert_int_equal(event.close, SMTP_SERVER_CLOSE_PLAINTEXT_AFTER_STARTTLS);
    assert_out(m, "554 5.5.1 ");
    smtp_server_free(m);
}

static void test_terminate_voids_the_question(void **state)
{
    (void)state;
    const struct reply stop = REPLY(421, "4.3.2", "Stopping");
    struct smtp_server *m = begin_data(&plain);
    struct smtp_server_event event;
    assert_int_equal(feed_to_last_event(m, SPAN("x\r\n.\r\n")).kind, SMTP_SERVER_DATA_END);
    smtp_server_terminate(m, &stop);
    smtp_server_answer(m, NULL); /* late: ignored */
    assert_out(m, "421 4.3.2 Stopping\r\n");
    assert_true(smtp_server_next(m, &event));
    assert_int_equal(event.kind, SMTP_SERVER_DATA_ABORT);
    assert_int_equal(event.abort, SMTP_SERVER_ABORT_GIVEN_UP);
    assert_true(smtp_server_next(m, &event));
    assert_int_equal(event.kind, SMTP_SERVER_CLOSE);
    assert_false(smtp_server_next(m, &event));
    smtp_server_terminate(m, &stop); /* once is enough */
    assert_int_equal(smtp_server_out(m).n, 0);
    smtp_server_free(m);
}

/* The caller did not hear of the abort before: it must not be lost. */
static void test_terminate_keeps_the_abort(void **state)
{
    (void)state;
    const struct reply stop = REPLY(421, "4.3.2", "Stopping");
    struct smtp_server *m = begin_data(&plain);
    struct smtp_server_event event;
    smtp_server_feed(m, SPAN("\n"));
    smtp_server_terminate(m, &stop);
    assert_true(smtp_server_next(m, &event));
    assert_int_equal(event.kind, SMTP_SERVER_DATA_ABORT);
    assert_int_equal(event.abort, SMTP_SERVER_ABORT_FORM);
    assert_true(smtp_server_next(m, &event));
    assert_int_equal(event.kind, SMTP_SERVER_CLOSE);
    smtp_server_free(m);
}

/* What text an answer carries cannot forge a reply. */
static void test_answers_are_made_safe(void **state)
{
    (void)state;
    const struct reply forged = {
        .code = 550, .enhanced = "5.7.1", .text = SPAN("no\r\n250 2.0.0 yes")};
    struct smtp_server *m = begin_session(&plain);
    struct smtp_server_event event;
    drop_output(m);
    smtp_server_feed(m, SPAN("MAIL FROM:<>\r\n"));
    assert_true(smtp_server_next(m, &event));
    smtp_server_answer(m, &forged);
    assert_out(m, "550-5.7.1 no?\r\n550 5.7.1 250 2.0.0 yes\r\n");
    smtp_server_free(m);
}

/* A size near 2^64 must not wrap the sum. */
static void test_chunk_sizes_do_not_wrap(void **state)
{
    (void)state;
    struct smtp_server_options limited = plain;
    limited.max_message_size = 100;
    struct smtp_server *m = begin_session(&limited);
    struct smtp_server_event event = feed_to_last_event(
        m,
        SPAN("MAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nBDAT 50\r\n"
             "12345678901234567890123456789012345678901234567890BDAT 18446744073709551615\r\nx"));
    assert_int_equal(event.kind, SMTP_SERVER_DATA_ABORT);
    assert_int_equal(event.abort, SMTP_SERVER_ABORT_SIZE);
    assert_string_equal(smtp_server_state_name(m), "chunk");
    smtp_server_free(m);
}

/* ---- the end of content, against all short inputs ---- */

enum { ALPHABET = 5, LONGEST = 7, TAIL = 5 };

/* What RFC 5321 says, without any state: the end is the first <CRLF>.<CRLF>, where the line end of
 * DATA counts; bare is any CR or LF before it that is not part of a CRLF. */
struct truth {
    size_t end; /* octets up to and with the end */
    bool refused;
    char content[LONGEST + TAIL];
    size_t size;
};

static struct truth find_truth(const char *input, size_t n)
{
    struct truth t = {0};
    char whole[2 + LONGEST + TAIL] = "\r\n";
    memcpy(whole + 2, input, n);
    struct span s = span_make(whole, n + 2);
    size_t end = span_search(s, SPAN("\r\n.\r\n"));
    assert_true(end < s.n);
    t.end = end + 5 - 2;
    for (size_t i = 2; i < end + 2; i++) {
        char c = whole[i];
        t.refused |=
            c == '\0' || (c == '\n' && whole[i - 1] != '\r') || (c == '\r' && whole[i + 1] != '\n');
        bool stuffed = c == '.' && whole[i - 1] == '\n' && whole[i - 2] == '\r';
        if (!stuffed)
            t.content[t.size++] = c;
    }
    return t;
}

static void check_content(struct smtp_server *m, const char *input, size_t n, size_t cut)
{
    struct truth truth = find_truth(input, n);
    struct smtp_server_event event;
    char content[LONGEST + TAIL];
    size_t size = 0, used = 0;
    bool refused = false, ended = false;
    while (m->state == SERVER_DATA && !ended) {
        size_t stop = used < cut ? cut : n;
        assert_true(used < n);
        used += smtp_server_feed(m, span_make(input + used, stop - used));
        while (smtp_server_next(m, &event)) {
            assert_false(refused || ended);
            if (event.kind == SMTP_SERVER_CONTENT) {
                memcpy(content + size, event.content.p, event.content.n);
                size += event.content.n;
            }
            refused |= event.kind == SMTP_SERVER_DATA_ABORT;
            ended |= event.kind == SMTP_SERVER_DATA_END;
        }
    }
    /* Behind a refused message the machine goes on to read lines, within the same feed. */
    assert_true(ended ? used == truth.end : used >= truth.end);
    assert_int_equal(refused, truth.refused);
    assert_int_equal(ended, !truth.refused);
    if (ended) {
        assert_int_equal(size, truth.size);
        assert_memory_equal(content, truth.content, size);
        smtp_server_answer(m, NULL);
    }
    assert_out(m, ended ? "250 2.6.0 " : "550 5.6.0 ");
}

/* Back to where content begins, without a session around it. */
static void rewind_to_data(struct smtp_server *m)
{
    m->state = SERVER_DATA;
    m->has_content = true;
    m->content = (struct smtp_content){.at = SMTP_CONTENT_AT_LINE_START};
    m->content_size = 0;
    m->line_ended = true;
}

static void test_all_short_contents(void **state)
{
    (void)state;
    static const char alphabet[ALPHABET] = "\r\n.a";
    struct smtp_server *m = begin_data(&plain);
    size_t count = 1;
    for (size_t n = 0; n <= LONGEST; n++, count *= ALPHABET) {
        for (size_t number = 0; number < count; number++) {
            char input[LONGEST + TAIL];
            size_t rest = number;
            for (size_t i = 0; i < n; i++, rest /= ALPHABET)
                input[i] = alphabet[rest % ALPHABET];
            memcpy(input + n, "\r\n.\r\n", TAIL);
            for (size_t cut = 0; cut < n + TAIL; cut += n < LONGEST ? 1 : 4) {
                rewind_to_data(m);
                check_content(m, input, n + TAIL, cut);
            }
        }
    }
    smtp_server_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_memory),
        cmocka_unit_test(test_content_is_not_copied),
        cmocka_unit_test(test_command_spans_do_not_borrow_input),
        cmocka_unit_test(test_a_question_stops_feeding),
        cmocka_unit_test(test_unread_replies_stop_feeding),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_plaintext_before_the_handshake),
        cmocka_unit_test(test_terminate_voids_the_question),
        cmocka_unit_test(test_terminate_keeps_the_abort),
        cmocka_unit_test(test_answers_are_made_safe),
        cmocka_unit_test(test_chunk_sizes_do_not_wrap),
        cmocka_unit_test(test_all_short_contents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
