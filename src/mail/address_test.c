#include "mail/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_span(struct span s, const char *text)
{
    assert_int_equal(s.n, strlen(text));
    assert_memory_equal(s.n ? s.p : "", text, s.n);
}

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *path, *text, *local, *domain;
    } good[] = {
        {"<>", "", "", ""},
        {"<Postmaster>", "Postmaster", "Postmaster", ""},
        {"<pOSTMASTER>", "pOSTMASTER", "pOSTMASTER", ""},
        {"<a@b>", "a@b", "a", "b"},
        {"<a.b+c=d@x-y.example>", "a.b+c=d@x-y.example", "a.b+c=d", "x-y.example"},
        {"<\"a b\"@x>", "\"a b\"@x", "\"a b\"", "x"},
        {"<\"\"@x>", "\"\"@x", "\"\"", "x"},
        {"<\">\\\"@\"@x>", "\">\\\"@\"@x", "\">\\\"@\"", "x"},
        {"<@r1,@r2.example:a@x>", "a@x", "a", "x"},
        {"<a@[192.0.2.1]>", "a@[192.0.2.1]", "a", "[192.0.2.1]"},
        {"<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", "a", "[IPv6:2001:db8::1]"},
        {"<postmaster@x>", "postmaster@x", "postmaster", "x"},
        {"<a@_srv.x_y>", "a@_srv.x_y", "a", "_srv.x_y"},
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        char input[100];
        snprintf(input, sizeof(input), "%s SIZE=1", good[i].path);
        struct address a;
        size_t used = 0;
        assert_int_equal(address_parse_path(span_of(input), false, &a, &used), OK);
        assert_int_equal(used, strlen(good[i].path));
        assert_span(a.text, good[i].text);
        assert_span(a.local, good[i].local);
        assert_span(a.domain, good[i].domain);
        assert_false(a.utf8);
    }
}

static void test_malformed_paths(void **state)
{
    (void)state;
    const char *const bad[] = {
        "",
        "<",
        "a@b",
        "<a@b",
        "<a>",
        "<@b>",
        "<a@>",
        "<a@@b>",
        "<a..b@c>",
        "<.a@c>",
        "<a.@c>",
        "<a b@c>",
        "<a@b c>",
        "< a@b>",
        "<a@b >",
        "<a@b..c>",
        "<a@.b>",
        "<a@b.>",
        "<a@-b>",
        "<a@b->",
        "<\"a@b>",
        "<\"a\"b@c>",
        "<\"a\\\">",
        "<a@[1.2.3]>",
        "<a@[::1]>",
        "<a@[IPv6:1.2.3.4]>",
        "<a@[1.2.3.4>",
        "<a@1.2.3.4]>",
        "<@r:>",
        "<@r a@x>",
        "<@r,a@x>",
        "<@r,@:a@x>",
        "<@r",
        "<@",
        "<a@b\r\n>",
        "<a\tb@c>",
        "<a@b,c@d>",
        "<(c)a@b>",
        "<a@b(c)>",
        "<Postmaster",
        "<Postmasters>",
        "<\"\x01\"@x>",
        "<\"a\\\x7F\"@x>",
        "<a@x!y>",
        "<\xC3\xBC@x>",
        "<a@\xC3\xBC>",
        "<\"\xC3\xBC\"@x>",
    };
    struct address a = {.utf8 = true};
    size_t used = 77;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (address_parse_path(span_of(bad[i]), false, &a, &used) != ERR_SYNTAX)
            fail_msg("taken: %s", bad[i]);
    assert_int_equal(address_parse_path(SPAN("<a\0@b>"), true, &a, &used), ERR_SYNTAX);
    assert_int_equal(address_parse_path(SPAN("<a@b\0>"), true, &a, &used), ERR_SYNTAX);
    assert_int_equal(used, 77); /* untouched */
    assert_true(a.utf8);
}

static void test_utf8_paths(void **state)
{
    (void)state;
    struct address a;
    size_t used;
    const char *const good[] = {"<\xC3\xBC@x>",
                                "<a@b\xC3\xBC"
                                "cher.example>",
                                "<\"\xE7\x94\xA8 \"@x>",
                                "<\xF0\x9F\x93\xA7.a@\xE4\xBE\x8B.example>"};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_int_equal(address_parse_path(span_of(good[i]), true, &a, &used), OK);
        assert_true(a.utf8);
    }
    assert_int_equal(address_parse_path(SPAN("<a@b>"), true, &a, &used), OK);
    assert_false(a.utf8);
    const char *const bad[] = {"<\xC3@x>", "<\xC0\xAF@x>", "<a@\xED\xA0\x80>",  "<a\xC2\x9B@x>",
                               "<a@\xFF>", "<\"\xC3\"@x>", "<\"\\\xC3\xBC\"@x>"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(address_parse_path(span_of(bad[i]), true, &a, &used), ERR_SYNTAX);
}

/* "<" local of `local` octets, "@", domain of `domain` octets ">". */
static enum err parse_lengths(size_t local, size_t domain)
{
    char path[1024];
    size_t n = 0;
    path[n++] = '<';
    for (size_t i = 0; i < local; i++)
        path[n++] = 'l';
    path[n++] = '@';
    for (size_t i = 0; i < domain; i++)
        path[n++] = i % 50 == 49 && i + 1 < domain ? '.' : 'd';
    path[n++] = '>';
    struct address a, b;
    size_t used;
    enum err err = address_parse_path(span_make(path, n), false, &a, &used);
    assert_int_equal(address_parse(span_make(path + 1, n - 2), false, &b), err);
    return err;
}

static void test_lengths(void **state)
{
    (void)state;
    assert_int_equal(parse_lengths(64, 60), OK);
    assert_int_equal(parse_lengths(65, 60), ERR_LIMIT);
    assert_int_equal(parse_lengths(1, 252), OK); /* 256 with the brackets */
    assert_int_equal(parse_lengths(1, 253), ERR_LIMIT);
    assert_int_equal(parse_lengths(64, 255), ERR_LIMIT);
    assert_int_equal(parse_lengths(1, 256), ERR_LIMIT);
    char label[80];
    memset(label, 'a', sizeof(label));
    assert_true(address_is_domain(span_make(label, 63), false));
    assert_false(address_is_domain(span_make(label, 64), false));
    /* A source route counts as well. */
    char route[400] = "<@";
    for (size_t i = 2; i < 250; i++)
        route[i] = i % 50 == 40 ? '.' : 'r';
    memcpy(route + 250, ":aa@b>", 7);
    struct address a;
    size_t used;
    assert_int_equal(address_parse_path(span_of(route), false, &a, &used), OK);
    memcpy(route + 250, ":aaa@b>", 8);
    assert_int_equal(address_parse_path(span_of(route), false, &a, &used), ERR_LIMIT);
}

static void test_whole_mailbox(void **state)
{
    (void)state;
    struct address a;
    assert_int_equal(address_parse(SPAN("a@b.example"), false, &a), OK);
    assert_span(a.domain, "b.example");
    const char *const bad[] = {"",     "a",       "<a@b>",  "a@b ", " a@b",
                               "a@b>", "a@b,c@d", "@r:a@b", "a@b@c"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(address_parse(span_of(bad[i]), false, &a), ERR_SYNTAX);
}

static void test_domains_and_literals(void **state)
{
    (void)state;
    assert_true(address_is_domain(SPAN("localhost"), false));
    assert_true(address_is_domain(SPAN("xn--bcher-kva.example"), false));
    assert_false(address_is_domain(SPAN(""), false));
    assert_false(address_is_domain(SPAN("a."), false));
    assert_false(address_is_domain(SPAN("*.a"), false));
    assert_false(address_is_domain(SPAN("\xC3\xBC.a"), false));
    assert_true(address_is_domain(SPAN("\xC3\xBC.a"), true));
    assert_true(address_is_literal(SPAN("[ipv6:::1]")));
    const char *const bad[] = {"",         "[",       "[]",      "1.2.3.4",
                               "[1.2.3.4", "[IPv6:]", "[tag:x]", "[1.2.3.4] "};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(address_is_literal(span_of(bad[i])));
}

static void test_domain_keys(void **state)
{
    (void)state;
    static const char *const good[][2] = {
        {"Example.COM", "example.com"},
        {"example.com.", "example.com"},
        {"[IPv6:2001:DB8::1]", "[IPv6:2001:DB8::1]"},
        {"B\xC3\xBC"
         "cher.Example",
         "xn--bcher-kva.example"},
        {"bu\xCC\x88"
         "cher.example",
         "xn--bcher-kva.example"},                                   /* decomposed */
        {"\xE4\xBE\x8B\xE3\x80\x82\xE4\xBE\x8B", "xn--fsq.xn--fsq"}, /* ideographic full stop */
        {"fa\xC3\x9F.de", "xn--fa-hia.de"},                          /* not "fass": IDNA 2008 */
        {"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
        {"_a.b", "_a.b"},
    };
    struct arena arena = ARENA_INIT;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct span key, again;
        assert_int_equal(address_domain_key(&arena, span_of(good[i][0]), &key), OK);
        assert_span(key, good[i][1]);
        assert_int_equal(address_domain_key(&arena, key, &again), OK);
        assert_true(span_eq(key, again));
    }
    const char *const bad[] = {"",
                               ".",
                               "a..b",
                               "a b",
                               "a..",
                               "-a",
                               "\xC3",
                               "\xC2\xAD",
                               "\xE2\x80\xAE.example",
                               "[1.2.3]",
                               "\xF0\x9F\x92\xA9.example"};
    struct span key = SPAN("kept");
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(address_domain_key(&arena, span_of(bad[i]), &key), ERR_SYNTAX);
    assert_int_equal(address_domain_key(&arena, SPAN("\xC3\xBC\0.example"), &key), ERR_SYNTAX);
    assert_span(key, "kept");
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),         cmocka_unit_test(test_malformed_paths),
        cmocka_unit_test(test_utf8_paths),    cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_whole_mailbox), cmocka_unit_test(test_domains_and_literals),
        cmocka_unit_test(test_domain_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
