/* Replies, both ways, and the outcomes that they mean. */
#include "mail/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mail/outcome.h"

#define assert_text(buf, text) assert_string_equal(buf_text(buf), (text))

static void test_format(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(BUF_UNLIMITED);
    assert_int_equal(reply_format(&b, &REPLY(250, "2.1.5", "fine")), OK);
    assert_text(&b, "250 2.1.5 fine\r\n");
    buf_reset(&b);
    assert_int_equal(reply_format(&b, &REPLY(250, "", "mx.example\nSIZE 1\nPIPELINING")), OK);
    assert_text(&b, "250-mx.example\r\n250-SIZE 1\r\n250 PIPELINING\r\n");
    buf_reset(&b);
    assert_int_equal(reply_format(&b, &REPLY(550, "5.7.1", "a\n\nb")), OK);
    assert_text(&b, "550-5.7.1 a\r\n550-5.7.1\r\n550 5.7.1 b\r\n");
    buf_reset(&b);
    const struct reply none = {.code = 354};
    assert_int_equal(reply_format(&b, &none), OK);
    assert_text(&b, "354 \r\n");
    buf_done(&b);
}

/* Text from a peer cannot make lines of its own. */
static void test_format_hostile(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(BUF_UNLIMITED);
    assert_int_equal(reply_format(&b, &REPLY(550, "5.1.1", "a\r\n250 ok\r\0\x1b[0m\x7F\tz")), OK);
    assert_int_equal(b.n, strlen("550-5.1.1 a?\r\n550 5.1.1 250 ok???[0m?\tz\r\n"));
    assert_text(&b, "550-5.1.1 a?\r\n550 5.1.1 250 ok???[0m?\tz\r\n");
    buf_reset(&b);
    reply_add_line(&b, &REPLY(550, "5.1.1", "a\r\n\nb\x01"));
    assert_text(&b, "550 5.1.1 a? b?");
    buf_reset(&b);
    reply_add_line(&b, &REPLY(421, "", ""));
    assert_text(&b, "421");
    buf_done(&b);
}

static void test_format_limits(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof(text));
    for (size_t i = 450; i < 1200; i += 2)
        memcpy(text + i, "\xC3\xBC", 2);
    struct reply reply = {.code = 550, .enhanced = "5.1.1", .text = span_make(text, sizeof(text))};
    struct buf b = BUF_INIT(BUF_UNLIMITED);
    assert_int_equal(reply_format(&b, &reply), OK);
    struct span rest = buf_span(&b), line;
    size_t total = 0;
    while (span_cut(&rest, '\n', &line) && line.n) {
        assert_true(line.n + 1 <= REPLY_LINE_MAX);
        assert_int_equal(line.p[3], rest.n ? '-' : ' ');
        assert_true((line.p[10] & 0xC0) != 0x80); /* no character is cut */
        total += line.n - strlen("550-5.1.1 \r");
    }
    assert_int_equal(total, sizeof(text));
    buf_done(&b);
    b = BUF_INIT(20);
    buf_add_text(&b, "kept");
    assert_int_equal(reply_format(&b, &REPLY(250, "", "a\nb\nc")), ERR_LIMIT);
    assert_text(&b, "kept");
    buf_done(&b);
}

/* All replies of the input, one line each, then how it ended. The parser gets pieces of at most
 * `cut` octets, of random length with cut 0. */
static void parse_all(struct span input, size_t cut, unsigned *seed, struct buf *out)
{
    struct reply_parser p;
    reply_parser_init(&p);
    enum err err = OK;
    while (input.n && err == OK) {
        size_t n = cut ? cut : 1 + (size_t)rand_r(seed) % 9;
        struct span piece = span_head(input, n);
        size_t used = 0;
        bool complete = false;
        err = reply_parser_feed(&p, piece, &used, &complete);
        if (err != OK)
            break;
        assert_true(complete || used == piece.n);
        input = span_skip(input, used);
        if (!complete)
            continue;
        struct reply r = reply_parser_reply(&p);
        buf_addf(out, "[%d|%s|" SPAN_FMT "]", r.code, r.enhanced, SPAN_ARG(r.text));
    }
    buf_add_text(out, err == OK ? "" : err == ERR_LIMIT ? "LIMIT" : "SYNTAX");
    reply_parser_done(&p);
}

static void check_parse(struct span input, const char *expected)
{
    unsigned seed = 1;
    for (size_t cut = 0; cut < 40; cut++) {
        struct buf out = BUF_INIT(BUF_UNLIMITED);
        parse_all(input, cut > 20 ? 0 : cut == 20 ? input.n : cut + 1, &seed, &out);
        assert_text(&out, expected);
        buf_done(&out);
    }
}

static void test_parse(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"220 mx.example ESMTP\r\n", "[220||mx.example ESMTP]"},
        {"250 2.1.5 ok\r\n354 go\r\n", "[250|2.1.5|ok][354||go]"},
        {"250-a\r\n250-b\r\n250 c\r\n", "[250||a\nb\nc]"},
        {"550-5.1.1 a\r\n550 5.1.1 b\r\n", "[550|5.1.1|a\nb]"},
        {"550-hello\r\n550 5.1.1 b\r\n", "[550|5.1.1|hello\nb]"},
        {"550-5.1.1 a\r\n550 5.1.2 b\r\n", "[550|5.1.1|a\n5.1.2 b]"},
        {"250 ok\n250 again\n", "[250||ok][250||again]"}, /* bare LF */
        {"250 ok\r\r\n", "[250||ok]"},
        {"250\r\n250\n", "[250||][250||]"},
        {"250 \r\n", "[250||]"},
        {"250-\r\n250\r\n", "[250||\n]"},
        {"250 2.0.0\r\n", "[250|2.0.0|]"},
        {"250 5.0.0 other class\r\n", "[250||5.0.0 other class]"},
        {"354 3.0.0 no such class\r\n", "[354||3.0.0 no such class]"},
        {"550 5.1 a\r\n", "[550||5.1 a]"},
        {"550 5.1.1.2 a\r\n", "[550||5.1.1.2 a]"},
        {"550 5.01.1 a\r\n", "[550||5.01.1 a]"},
        {"550 5.1.1234 a\r\n", "[550||5.1.1234 a]"},
        {"550 5.999.999 a\r\n", "[550|5.999.999|a]"},
        {"550 5.1.1, a\r\n", "[550||5.1.1, a]"},
        {"550 5..1 a\r\n", "[550||5..1 a]"},
        {"550 a\rb\r\n", "[550||a\rb]"},
        {"250 incomplete", ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_parse(span_of(cases[i][0]), cases[i][1]);
}

static void test_parse_refuses(void **state)
{
    (void)state;
    static const char *const cases[] = {"\r\n",
                                        "25 ok\r\n",
                                        "2500 ok\r\n",
                                        "abc\r\n",
                                        "150 ok\r\n",
                                        "650 ok\r\n",
                                        "25\r\n",
                                        "250_ok\r\n",
                                        "250\rok\r\n",
                                        " 250 ok\r\n",
                                        "250-a\r\n251 b\r\n",
                                        "250-a\r\nb\r\n",
                                        "\x15\x03\x01\x00\x02",
                                        "HTTP/1.1 400",
                                        "+OK\r\n"};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_parse(span_of(cases[i]), "SYNTAX");
    /* One that does not end its line is found out at once. */
    struct reply_parser p;
    size_t used;
    bool complete;
    reply_parser_init(&p);
    assert_int_equal(reply_parser_feed(&p, SPAN("S"), &used, &complete), ERR_SYNTAX);
    reply_parser_done(&p);
}

static void test_parse_limits(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(BUF_UNLIMITED), expected = BUF_INIT(BUF_UNLIMITED);
    buf_add_text(&expected, "[250||");
    for (int i = 1; i < REPLY_LINES_MAX; i++) {
        buf_add_text(&b, "250-x\r\n");
        buf_add_text(&expected, "x\n");
    }
    buf_add_text(&b, "250 x\r\n");
    buf_add_text(&expected, "x]");
    check_parse(buf_span(&b), buf_text(&expected));
    buf_reset(&b);
    for (int i = 0; i < REPLY_LINES_MAX + 1; i++)
        buf_add_text(&b, "250-x\r\n");
    check_parse(buf_span(&b), "LIMIT");
    buf_reset(&b);
    buf_add_text(&b, "250 "); /* a line without end */
    for (int i = 0; i < REPLY_TEXT_MAX; i++)
        buf_add_char(&b, 'x');
    check_parse(buf_span(&b), "LIMIT");
    buf_reset(&b);
    for (int i = 0; i < 40; i++)
        buf_addf(&b, "250-%0500d\r\n", 0); /* all together */
    check_parse(buf_span(&b), "LIMIT");
    buf_done(&b);
    buf_done(&expected);
}

/* The text of a reply lives until the next call after it. */
static void test_parser_lifetime(void **state)
{
    (void)state;
    struct reply_parser p;
    reply_parser_init(&p);
    size_t used;
    bool complete;
    struct span input = SPAN("250-a\r\n250 b\r\n221 c\r\n");
    assert_int_equal(reply_parser_feed(&p, input, &used, &complete), OK);
    assert_true(complete && used == 14);
    assert_true(span_eq(reply_parser_reply(&p).text, SPAN("a\nb")));
    assert_int_equal(reply_parser_feed(&p, SPAN_NONE, &used, &complete), OK);
    assert_false(complete);
    assert_int_equal(used, 0);
    assert_int_equal(reply_parser_feed(&p, span_skip(input, 14), &used, &complete), OK);
    assert_true(complete && reply_parser_reply(&p).code == 221);
    reply_parser_done(&p);
}

static void test_outcome_of_reply(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    static const struct {
        int code;
        const char *given, *enhanced;
        enum fate fate;
    } cases[] = {{250, "", "2.0.0", FATE_RELAYED}, {354, "", "2.0.0", FATE_RELAYED},
                 {451, "", "4.0.0", FATE_LATER},   {499, "4.7.1", "4.7.1", FATE_LATER},
                 {550, "", "5.0.0", FATE_NEVER},   {552, "5.3.4", "5.3.4", FATE_NEVER}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[] = "words";
        struct reply reply = {.code = cases[i].code, .text = span_of(text)};
        memcpy(reply.enhanced, cases[i].given, strlen(cases[i].given) + 1);
        struct outcome o = outcome_of_reply(&arena, &reply, CONCERN_MESSAGE, FATE_RELAYED);
        memset(text, '!', sizeof(text)); /* it was copied */
        assert_true(o.remote && o.concern == CONCERN_MESSAGE && o.fate == cases[i].fate);
        assert_string_equal(o.reply.enhanced, cases[i].enhanced);
        assert_true(span_eq(o.reply.text, SPAN("words")));
    }
    arena_done(&arena);
}

static void test_outcome_local(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct outcome o =
        outcome_local(&arena, FATE_LATER, CONCERN_NEXT_HOP, 451, "4.4.1", "%s %d", "port", 25);
    assert_true(o.fate == FATE_LATER && o.concern == CONCERN_NEXT_HOP && !o.remote &&
                o.reply.code == 451);
    assert_string_equal(o.reply.enhanced, "4.4.1");
    assert_true(span_eq(o.reply.text, SPAN("port 25")));
    assert_string_equal(fate_name(FATE_DELIVERED), "delivered");
    assert_string_equal(fate_name(FATE_NEVER), "never");
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),          cmocka_unit_test(test_format_hostile),
        cmocka_unit_test(test_format_limits),   cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_refuses),   cmocka_unit_test(test_parse_limits),
        cmocka_unit_test(test_parser_lifetime), cmocka_unit_test(test_outcome_of_reply),
        cmocka_unit_test(test_outcome_local),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
