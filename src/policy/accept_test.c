#include "policy/accept.h"

#include "conf/parse_script.h"

#define HEAD "hostname: mail.example.com\n"

/* The first three are the example of Exchange's documentation. */
static const char connectors[] =
    HEAD "receive-connectors:\n"
         "  all: {bind: ['0.0.0.0:25', '[::]:25'], from: [0.0.0.0-255.255.255.255]}\n"
         "  net: {bind: ['0.0.0.0:25'], from: [192.168.1.0/24]}\n"
         "  one: {bind: ['0.0.0.0:25'], from: [192.168.1.75]}\n"
         "  off: {bind: ['0.0.0.0:25'], from: [192.168.1.80], enabled: false}\n"
         "  six: {bind: ['[::]:25'], from: ['fd00::/8']}\n"
         "  wide: {bind: ['[::]:25']}\n"
         "  local: {bind: ['10.0.0.1:2525'], from: [10.0.0.0/8, 10.2.0.0/16]}\n"
         "  middle: {bind: ['10.0.0.1:2525'], from: [10.2.3.0/24, 10.0.0.0/9]}\n"
         "  elsewhere: {bind: ['10.0.0.2:2525']}\n";

static void test_connectors(void **state)
{
    (void)state;
    static const struct {
        const char *local, *peer, *expected;
    } cases[] = {
        {"10.0.0.1:25", "192.168.1.75", "one"},   {"10.0.0.1:25", "192.168.1.76", "net"},
        {"10.0.0.1:25", "192.168.2.75", "all"},   {"10.0.0.1:25", "192.168.1.80", "net"},
        {"[fd00::1]:25", "fd00::2", "six"},       {"[fd00::1]:25", "2001:db8::2", "wide"},
        {"10.0.0.1:2525", "10.2.3.4", "middle"},  {"10.0.0.1:2525", "10.2.4.4", "local"},
        {"10.0.0.1:2525", "10.200.4.4", "local"}, {"10.0.0.1:2525", "10.100.4.4", "middle"},
        {"10.0.0.1:2525", "11.0.0.1", NULL},      {"10.0.0.2:2525", "11.0.0.1", "elsewhere"},
        {"10.0.0.1:26", "10.0.0.1", NULL},
    };
    struct document *d = parse_ok(connectors);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct endpoint local;
        struct ip peer;
        assert_int_equal(endpoint_parse(span_of(cases[i].local), &local), OK);
        assert_int_equal(ip_parse(span_of(cases[i].peer), &peer), OK);
        const struct receive_connector *c = accept_connector(d, &local, &peer);
        if ((c != NULL) != (cases[i].expected != NULL))
            fail_msg("%s: %s", cases[i].peer, c ? c->name.p : "none");
        if (c)
            assert_span(c->name, cases[i].expected);
    }
    document_free(d);
}

static void test_connector_on_any_free_port(void **state)
{
    (void)state;
    struct document *d = parse_ok(HEAD "receive-connectors: {a: {bind: '127.0.0.1:0'}}\n");
    struct endpoint local;
    struct ip peer;
    assert_int_equal(endpoint_parse(SPAN("127.0.0.1:43210"), &local), OK);
    assert_int_equal(ip_parse(SPAN("127.0.0.1"), &peer), OK);
    assert_non_null(accept_connector(d, &local, &peer));
    document_free(d);
}

static void test_domains(void **state)
{
    (void)state;
    static const struct {
        const char *domain, *expected;
        bool with_subdomains;
    } cases[] = {
        {"a.example", "a.example", false},
        {"b.a.example", "a.example", true},
        {"c.b.a.example", "b.a.example", true},
        {"x.c.b.a.example", "b.a.example", true},
        {"z.a.example", "z.a.example", false},
        {"b.example", NULL, false},
        {"xa.example", NULL, false},
        {".a.example", NULL, false},
        {"only.example", NULL, false},
        {"x.only.example", "only.example", true},
        {"", NULL, false},
    };
    struct document *d =
        parse_ok(HEAD "accepted-domains: ['*.a.example', a.example, '*.b.a.example', "
                      "z.a.example, '*.only.example']\n");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct accepted_domain *found = accept_domain(d, span_of(cases[i].domain));
        if ((found != NULL) != (cases[i].expected != NULL))
            fail_msg("%s", cases[i].domain);
        if (!found)
            continue;
        assert_span(found->domain, cases[i].expected);
        assert_int_equal(found->with_subdomains, cases[i].with_subdomains);
    }
    document_free(d);
}

static const char recipients[] =
    HEAD "accepted-domains: [a.example, unrouted.example, {domain: passed.example, type: relay}]\n"
         "receive-connectors:\n"
         "  strict: {bind: '0.0.0.0:25'}\n"
         "  relay: {bind: '0.0.0.0:26', relay: true, from: 10.0.0.0/8}\n"
         "send-connectors:\n"
         "  in: {address-spaces: [a.example], smart-hosts: h.example}\n"
         "  out: {address-spaces: '*'}\n";

static void test_recipients(void **state)
{
    (void)state;
    static const struct {
        const char *connector, *path;
        enum accept_reason reason;
        int code;
        const char *enhanced;
    } cases[] = {
        {"strict", "<x@a.example>", ACCEPT_OK, 0, ""},
        {"strict", "<x@A.Example>", ACCEPT_OK, 0, ""},
        {"strict", "<x@passed.example>", ACCEPT_OK, 0, ""},
        {"strict", "<x@unrouted.example>", REFUSE_NO_ROUTE, 550, "5.4.4"},
        {"strict", "<x@b.example>", REFUSE_RELAY, 550, "5.7.1"},
        {"strict", "<x@[192.0.2.1]>", REFUSE_RELAY, 550, "5.7.1"},
        {"strict", "<x@mail.example.com>", REFUSE_RELAY, 550, "5.7.1"},
        {"strict", "<Postmaster>", ACCEPT_POSTMASTER, 0, ""},
        {"strict", "<PostMaster@mail.example.com>", ACCEPT_POSTMASTER, 0, ""},
        {"strict", "<postmaster@unrouted.example>", ACCEPT_POSTMASTER, 0, ""},
        {"strict", "<postmaster@a.example>", ACCEPT_POSTMASTER, 0, ""},
        {"strict", "<postmaster@b.example>", REFUSE_RELAY, 550, "5.7.1"},
        {"relay", "<x@b.example>", ACCEPT_RELAY, 0, ""},
        {"relay", "<x@a.example>", ACCEPT_OK, 0, ""},
        {"relay", "<x@[192.0.2.1]>", ACCEPT_RELAY, 0, ""},
        {"relay", "<x@unrouted.example>", REFUSE_NO_ROUTE, 550, "5.4.4"},
    };
    struct document *d = parse_ok(recipients);
    struct arena arena = ARENA_INIT;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct address path;
        struct span key = SPAN_NONE;
        size_t used;
        assert_int_equal(address_parse_path(span_of(cases[i].path), false, &path, &used), OK);
        if (path.domain.n)
            assert_int_equal(address_domain_key(&arena, path.domain, &key), OK);
        struct accept_verdict v = accept_recipient(
            &arena, d, document_receive_connector(d, span_of(cases[i].connector)), &path, key);
        if (v.reason != cases[i].reason)
            fail_msg("%s: reason %d", cases[i].path, (int)v.reason);
        assert_int_equal(v.accepted, cases[i].code == 0);
        assert_int_equal(v.reply.code, cases[i].code);
        assert_string_equal(v.reply.enhanced, cases[i].enhanced);
        assert_int_equal(v.reply.text.n > 0, cases[i].code != 0);
    }
    arena_done(&arena);
    document_free(d);
}

static void test_a_domain_without_key_is_refused(void **state)
{
    (void)state;
    struct document *d = parse_ok(recipients);
    struct arena arena = ARENA_INIT;
    struct address path = {.text = SPAN("x@y"), .local = SPAN("x"), .domain = SPAN("y")};
    struct accept_verdict v =
        accept_recipient(&arena, d, &d->receive_connectors[1], &path, SPAN_NONE);
    assert_int_equal(v.reason, REFUSE_BAD_DOMAIN);
    assert_int_equal(v.reply.code, 553);
    arena_done(&arena);
    document_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connectors),
        cmocka_unit_test(test_connector_on_any_free_port),
        cmocka_unit_test(test_domains),
        cmocka_unit_test(test_recipients),
        cmocka_unit_test(test_a_domain_without_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
