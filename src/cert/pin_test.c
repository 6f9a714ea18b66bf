#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cert/pin.h"
#include "cert/test_store.h"

static struct buf why;

static int set_up(void **state)
{
    (void)state;
    buf_init(&why, 1000);
    return 0;
}

static int tear_down(void **state)
{
    buf_done(&why);
    return empty_store(state);
}

static struct pin parse(struct span text)
{
    struct pin pin = {.kind = PIN_NONE};
    enum err err = pin_parse(&store.arena, text, &pin, &why);
    if (err != OK)
        fail_msg("\"" SPAN_FMT "\": %s", SPAN_ARG(text), buf_text(&why));
    return pin;
}

static void assert_span(struct span got, const char *expected)
{
    if (!span_eq(got, span_of(expected)))
        fail_msg("\"" SPAN_FMT "\" is not \"%s\"", SPAN_ARG(got), expected);
}

#define DIGITS "00112233445566778899aabbccddeeff00112233"
#define SHA256 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void test_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum pin_kind kind;
        const char *value;
    } cases[] = {
        {"", PIN_NONE, ""},
        {" \t\n", PIN_NONE, ""},
        {DIGITS, PIN_THUMBPRINT, DIGITS},
        {"  00112233445566778899AABBCCDDEEFF00112233 ", PIN_THUMBPRINT, DIGITS},
        {"00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff 00 11 22 33", PIN_THUMBPRINT, DIGITS},
        {"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33", PIN_THUMBPRINT, DIGITS},
        {"\xe2\x80\x8e" DIGITS, PIN_THUMBPRINT, DIGITS}, /* as Windows' dialogue copies it */
        {"\xef\xbb\xbf " DIGITS "\xc2\xa0", PIN_THUMBPRINT, DIGITS},
        {"spki:" SHA256, PIN_SPKI, SHA256},
        {"SPKI: " SHA256, PIN_SPKI, SHA256},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct pin pin = parse(span_of(cases[i].text));
        assert_int_equal(pin.kind, cases[i].kind);
        assert_span(pin.value, cases[i].value);
        assert_int_equal(pin.issuer.n + pin.subject.n, 0);
    }
    assert_span(parse(SPAN(" SPKI:" SHA256 "\n")).text, "SPKI:" SHA256);
}

static void test_pairs(void **state)
{
    (void)state;
    struct pin pin = parse(SPAN(" <I>CN=R11, O=Let's Encrypt, C=US<S>CN=mail.example.com "));
    assert_int_equal(pin.kind, PIN_ISSUER_SUBJECT);
    assert_span(pin.issuer, "CN=R11, O=Let's Encrypt, C=US");
    assert_span(pin.subject, "CN=mail.example.com");
    assert_span(pin.text, "<I>CN=R11, O=Let's Encrypt, C=US<S>CN=mail.example.com");
    pin = parse(SPAN("<i> CN=A <s> CN=B "));
    assert_span(pin.issuer, "CN=A");
    assert_span(pin.subject, "CN=B");
    pin = parse(SPAN("<I>CN=A<S>")); /* authorities issue certificates without a subject */
    assert_int_equal(pin.kind, PIN_ISSUER_SUBJECT);
    assert_int_equal(pin.subject.n, 0);
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        struct span text;
        const char *why;
    } cases[] = {
        {{DIGITS "0", 41}, "40 hexadecimal digits, this has 41"},
        {{"abc", 3}, "this has 3"},
        {{SHA256, 64}, "spki:"},
        {{"spki:" DIGITS, 45}, "64 hexadecimal digits"},
        {{"spki:x", 6}, "64 hexadecimal digits"},
        {{"spki:", 5}, "64 hexadecimal digits"},
        {{"mail.example.com", 16}, "a pin is a thumbprint"},
        {{"CN=R11, C=USCN=mail.example.com", 31}, "\"<I>\" is missing"},
        {{"CN=R11<S>CN=mail", 16}, "\"<I>\" is missing"},
        {{"<I>CN=R11, C=USCN=mail.example.com", 34}, "\"<S>\" and the subject are missing"},
        {{"<I><S>CN=a", 10}, "no issuer"},
        {{"<I>x<S>CN=a", 11}, "no issuer"},
        {{"<I>CN=a<S>x", 11}, "no subject"},
        {{"&lt;I&gt;CN=R11&lt;S&gt;CN=mail", 31}, "HTML"},
        {{"\xe2\x80\x9c<I>CN=a<S>CN=b\xe2\x80\x9d", 20}, "quotes"},
        {{"\"<I>CN=a<S>CN=b\"", 16}, "quotes"},
        {{"<I>CN=a\r\n<S>CN=b", 16}, "control characters"},
        {{DIGITS "\0", 41}, "control characters"},
        {{"<I>CN=\xff<S>CN=b", 13}, "UTF-8"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct pin pin = {.kind = PIN_SPKI, .value = SPAN("untouched")};
        buf_reset(&why);
        assert_int_equal(pin_parse(&store.arena, cases[i].text, &pin, &why), ERR_SYNTAX);
        if (!says(buf_span(&why), cases[i].why))
            fail_msg("\"%s\" does not say \"%s\"", buf_text(&why), cases[i].why);
        assert_span(pin.value, "untouched");
    }
    char *large = calloc(1, 5000);
    struct pin pin;
    assert_int_equal(pin_parse(&store.arena, span_make(large, 5000), &pin, &why), ERR_LIMIT);
    free(large);
}

static bool matches(const char *text, const struct certificate *c)
{
    struct pin pin = parse(span_of(text));
    return pin_matches(&pin, c);
}

static void test_matches_names(void **state)
{
    (void)state;
    struct certificate *c = add(
        (struct recipe){.subject = "C=US/O=Example, \"Inc\"/CN=mail.example.com"}, CHAIN_TRUSTED);
    assert_span(c->issuer, "CN=mail.example.com, O=\"Example, \"\"Inc\"\"\", C=US");
#define NAME "CN=mail.example.com, O=\"Example, \"\"Inc\"\"\", C=US"
    assert_true(matches("<I>" NAME "<S>" NAME, c));
    assert_true(matches("<I>cn = MAIL.example.com,O=\"Example, \"\"Inc\"\"\",C=us<S>" NAME, c));
    assert_false(matches("<I>" NAME "<S>CN=mail.example.com", c));
    assert_false(matches("<I>" NAME "<S>" NAME "A", c));
    assert_false(matches("<I>CN=mail.example.com<S>" NAME, c));
    /* The order counts, and so do blanks inside a value. */
    assert_false(matches("<I>" NAME "<S>C=US, O=\"Example, \"\"Inc\"\"\", CN=mail.example.com", c));
    assert_false(matches("<I>" NAME "<S>CN=mail.example.com, O=\"Example,\"\"Inc\"\"\", C=US", c));
    assert_false(
        matches("<I>" NAME "<S>CN=mail.exam ple.com, O=\"Example, \"\"Inc\"\"\", C=US", c));
    struct certificate *bare = add_name("a.example.com");
    struct certificate named = *bare;
    named.issuer = SPAN("CN=R11");
    assert_true(matches("<I>CN=R11<S>", &named));
    assert_false(matches("<I>CN=R11<S>CN=a", &named));
}

/* A thumbprint names one certificate; the hash of the key also its renewal with the same key. */
static void test_matches_hashes(void **state)
{
    (void)state;
    struct certificate *c = add_name("a.example.com"), *renewed = add_name("a.example.com");
    struct certificate *other =
        add((struct recipe){.names = "a.example.com", .key_type = "P-256"}, CHAIN_TRUSTED);
    struct span spki = arena_printf(&store.arena, "spki:%s", c->spki);
    assert_true(matches(c->thumbprint, c));
    assert_false(matches(c->thumbprint, renewed));
    assert_true(matches(spki.p, c) && matches(spki.p, renewed));
    assert_false(matches(spki.p, other));
    assert_false(matches("", c));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_forms),         TEST(test_pairs),          TEST(test_errors),
        TEST(test_matches_names), TEST(test_matches_hashes),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    forget_key();
    return failed;
}
