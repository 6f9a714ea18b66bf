/* Changes of the text, differences between documents, and the reference page. */
#include "conf/parse_script.h"
#include "conf/schema.h"

#define HEAD "hostname: mail.example.com\n"
#define IN HEAD "receive-connectors:\n  in:\n    bind: ['0.0.0.0:25']\n"

struct edit_case {
    const char *yaml, *path, *value;
    enum err err;
    const char *expected; /* the new text, or a part of the reason */
};

static void check_edit(const struct edit_case *c)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED), why = BUF_INIT(BUF_UNLIMITED);
    enum err err = document_edit(span_of(c->yaml), span_of(c->path), span_of(c->value), &out, &why);
    if (err != c->err)
        fail_msg("%s: %s: %s", c->path, err_text(err), buf_text(&why));
    if (err == OK) {
        assert_string_equal(buf_text(&out), c->expected);
    } else {
        assert_has(buf_text(&why), c->expected);
        assert_int_equal(out.n, 0);
    }
    buf_done(&out);
    buf_done(&why);
}

static void test_edits(void **state)
{
    (void)state;
    static const struct edit_case cases[] = {
        {HEAD, "hostname", "mx.example.com", OK, "hostname: mx.example.com\n"},
        {"# gone\nhostname:   a\n\nlog: {level: 'debug'}", "log.format", "json", OK,
         "hostname: a\nlog:\n  level: debug\n  format: json\n"},
        {IN, "receive-connectors.in.fqdn", "a.example", OK, IN "    fqdn: a.example\n"},
        {IN, "receive-connectors.in.bind", "['0.0.0.0:25', '[::]:25']", OK,
         HEAD "receive-connectors:\n  in:\n    bind: ['0.0.0.0:25', '[::]:25']\n"},
        {IN, "receive-connectors.in.bind", "[a, b, c, d, e]", OK,
         HEAD
         "receive-connectors:\n  in:\n    bind:\n    - a\n    - b\n    - c\n    - d\n    - e\n"},
        {IN, "receive-connectors.new", "{bind: '[::]:25', tls: off}", OK,
         IN "  new:\n    bind: '[::]:25'\n    tls: off\n"},
        {IN, "receive-connectors.in", "", OK, HEAD "receive-connectors: {}\n"},
        {IN, "receive-connectors.in.bind", "", OK, HEAD "receive-connectors:\n  in: {}\n"},
        {HEAD, "send-connectors.a.b", "1", OK, HEAD "send-connectors:\n  a:\n    b: 1\n"},
        {HEAD "a:\n", "a.b", "1", OK, HEAD "a:\n  b: 1\n"},
        {HEAD "a: {x.y: {z: 1}}\n", "a.x.y.z", "2", OK, HEAD "a:\n  x.y:\n    z: 2\n"},
        {HEAD "a: {x.y: {z: 1}, x: {}}\n", "a.x.z", "2", OK,
         HEAD "a:\n  x.y:\n    z: 1\n  x:\n    z: 2\n"},
        {HEAD, "a.\"x.y\\\"\".z", "2", OK, HEAD "a:\n  x.y\":\n    z: 2\n"},
        {HEAD, "a", "'null'", OK, HEAD "a: \"null\"\n"},
        {"", "hostname", "a.example", OK, "hostname: a.example\n"},
        {HEAD, "accepted-domains", "[{domain: a.example, type: relay}]", OK,
         HEAD "accepted-domains: [{domain: a.example, type: relay}]\n"},
        {HEAD, "log.level", "", ERR_NOT_FOUND, "there is no \"log.level\" to remove"},
        {IN, "receive-connectors.in.bind.x", "1", ERR_NOT_FOUND, "\"bind\" has no keys below it"},
        {HEAD, "hostname.x", "1", ERR_NOT_FOUND, "\"hostname\" has no keys below it"},
        {HEAD, "", "1", ERR_SYNTAX, "the path is empty"},
        {HEAD, "a.", "1", ERR_SYNTAX, "is not a path"},
        {HEAD, ".a", "1", ERR_SYNTAX, "is not a path"},
        {HEAD, "a..b", "1", ERR_SYNTAX, "is not a path"},
        {HEAD, "\"a", "1", ERR_SYNTAX, "is not a path"},
        {HEAD, "\"\"", "1", ERR_SYNTAX, "is not a path"},
        {HEAD, "\"a\"b", "1", ERR_SYNTAX, "is not a path"},
        {HEAD, "a\nb", "1", ERR_SYNTAX, "is not a path"},
        {HEAD, "a", "[1", ERR_SYNTAX, "flow sequence"},
        {HEAD, "a", "*x", ERR_SYNTAX, "aliases"},
        {"[", "a", "1", ERR_SYNTAX, "(line "},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_edit(&cases[i]);
}

/* The value is nested below the path, and the sum must still be readable. */
static void test_edit_depth(void **state)
{
    (void)state;
    static const struct edit_case cases[] = {
        {HEAD, "a.b.c.d.e.f.g.h", "[[[[[[[[1]]]]]]]]", OK,
         HEAD "a:\n  b:\n    c:\n      d:\n        e:\n          f:\n            g:\n"
              "              h: [[[[[[[[1]]]]]]]]\n"},
        {HEAD, "a.b.c.d.e.f.g.h", "[[[[[[[[[1]]]]]]]]]", ERR_SYNTAX, "deeper"},
        {HEAD, "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q", "1", ERR_SYNTAX, "deeper"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_edit(&cases[i]);
}

static void check_diff(const char *before, const char *after, const char *expected)
{
    struct document *a = parse_ok(before), *b = parse_ok(after);
    struct buf diff = BUF_INIT(BUF_UNLIMITED);
    document_add_diff(&diff, a, b);
    assert_string_equal(buf_text(&diff), expected);
    buf_done(&diff);
    document_free(a);
    document_free(b);
}

static void test_diffs(void **state)
{
    (void)state;
    check_diff(IN, IN, "");
    check_diff(
        IN,
        "hostname: 'mail.example.com.'\nreceive-connectors: {in: {bind: 0.0.0.0:25, tls: offered}}",
        "");
    check_diff(IN, IN "    tls: required\nlog: {level: debug}\n",
               "  receive-connectors.in.tls: offered -> required\n  log.level: info -> debug\n");
    check_diff(IN, IN "    banner: mail.example.com hello\n",
               "+ receive-connectors.in.banner: mail.example.com hello\n");
    check_diff(IN "    banner: mail.example.com hello\n", IN,
               "- receive-connectors.in.banner: mail.example.com hello\n");
    check_diff(IN,
               "hostname: mx.example.com\nreceive-connectors:\n  in:\n    bind: ['0.0.0.0:25']\n",
               "  hostname: mail.example.com -> mx.example.com\n"
               "  receive-connectors.in.fqdn: mail.example.com -> mx.example.com\n");
    check_diff(IN, HEAD "receive-connectors: {\"new.one\": {bind: ['[::]:25'], tls: off}}\n",
               "- receive-connectors.in: {bind: [0.0.0.0:25]}\n"
               "+ receive-connectors.\"new.one\": {bind: [[::]:25], tls: off}\n");
    check_diff(HEAD "accepted-domains: [a.example, b.example]\n",
               HEAD "accepted-domains: [c.example, a.example, {domain: d.example, type: relay}]\n",
               "- accepted-domains: b.example\n+ accepted-domains: c.example\n"
               "+ accepted-domains: {domain: d.example, type: relay}\n");
    check_diff(HEAD "accepted-domains: [a.example, b.example]\n",
               HEAD "accepted-domains: [b.example, a.example]\n",
               "  accepted-domains: [a.example, b.example] -> [b.example, a.example]\n");
    check_diff(HEAD "send-connectors: {a: {address-spaces: '*'}}\n",
               HEAD "send-connectors: {a: {address-spaces: '*;2', retry: {expire: 1d}}}\n",
               "- send-connectors.a.address-spaces: *\n+ send-connectors.a.address-spaces: *;2\n"
               "  send-connectors.a.retry.expire: 2d -> 1d\n");
}

/* Every key stands in the page, explained, and in words that scdoc takes. */
static void check_explained(const char *page, const struct schema_map *map)
{
    for (const struct schema_key *key = map->keys; key->name; key++) {
        struct buf entry = BUF_INIT(BUF_UNLIMITED);
        buf_addf(&entry, "*%s*: _", key->name);
        assert_has(page, buf_text(&entry));
        buf_done(&entry);
        assert_true(strlen(key->explanation) > 10);
        assert_int_equal(key->explanation[strlen(key->explanation) - 1], '.');
        if (key->map)
            check_explained(page, key->map);
    }
}

static void test_reference(void **state)
{
    (void)state;
    struct buf page = BUF_INIT(BUF_UNLIMITED);
    schema_add_reference(&page);
    assert_true(span_starts(buf_span(&page), SPAN("# DOCUMENT\n")));
    check_explained(buf_text(&page), &schema_document);
    assert_has(buf_text(&page),
               "Default: 36MB. From 64KB to 2147483647B. (Exchange: MaxMessageSize; "
               "Postfix: message\\_size\\_limit)");
    assert_has(buf_text(&page), "*relay*: _false | true | open_\n");
    buf_done(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edits),
        cmocka_unit_test(test_edit_depth),
        cmocka_unit_test(test_diffs),
        cmocka_unit_test(test_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
