#include "policy/route.h"

#include "conf/parse_script.h"

static const char routes[] =
    "hostname: mail.example.com\n"
    "accepted-domains: [own.example, {domain: passed.example, type: relay}, '*.own.example']\n"
    "send-connectors:\n"
    "  zeta: {address-spaces: [tie.example, cost.example]}\n"
    "  alpha: {address-spaces: [tie.example, 'cost.example;2']}\n"
    "  exact: {address-spaces: [contoso.com], smart-hosts: h.example}\n"
    "  wild: {address-spaces: ['*.contoso.com;50'], deliver-by: lmtp, smart-hosts: /s}\n"
    "  deep: {address-spaces: ['*.sales.contoso.com;99'], deliver-by: maildir, maildir: /m}\n"
    "  off: {address-spaces: [off.example], enabled: false}\n"
    "  small: {address-spaces: [small.example], max-message-size: 1KB}\n"
    "  tiny: {address-spaces: [only-small.example, 'small.example;9'], max-message-size: "
    "unlimited}\n"
    "  all: {address-spaces: ['*'], max-message-size: 10MB}\n";

struct route_case {
    const char *domain;
    uint64_t size;
    const char *connector, *key; /* NULL: none */
};

static void test_routes(void **state)
{
    (void)state;
    static const struct route_case cases[] = {
        {"contoso.com", 0, "exact", "exact/smart-hosts"},
        {"a.contoso.com", 0, "wild", "wild/lmtp"},
        {"b.a.contoso.com", 0, "wild", "wild/lmtp"},
        {"sales.contoso.com", 0, "deep", "deep/sales.contoso.com"},
        {"x.sales.contoso.com", 0, "deep", "deep/x.sales.contoso.com"},
        {"xsales.contoso.com", 0, "wild", "wild/lmtp"},
        {"xcontoso.com", 0, "all", "all/xcontoso.com"},
        {"tie.example", 0, "alpha", "alpha/tie.example"},
        {"cost.example", 0, "zeta", "zeta/cost.example"},
        {"off.example", 0, "all", "all/off.example"},
        {"small.example", 1024, "small", "small/small.example"},
        {"small.example", 1025, "tiny", "tiny/small.example"},
        {"passed.example", 0, "all", "all/passed.example"},
        {"own.example", 0, NULL, NULL},
        {"x.own.example", 0, NULL, NULL},
        {"[192.0.2.1]", 0, "all", "all/[192.0.2.1]"},
        {"[IPv6:2001:db8::1]", 0, "all", "all/[IPv6:2001:db8::1]"},
    };
    struct document *d = parse_ok(routes);
    struct arena arena = ARENA_INIT;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct route_case *c = &cases[i];
        struct route r = route_select(&arena, d, span_of(c->domain), c->size);
        struct next_hop same = {0};
        assert_int_equal(route_next_hop(&arena, d, span_of(c->domain), c->size, &same), r.found);
        assert_ptr_equal(same.connector, r.next_hop.connector);
        assert_true(span_eq(same.key, r.next_hop.key));
        if (r.found != (c->connector != NULL))
            fail_msg("%s", c->domain);
        assert_int_equal(route_exists(d, span_of(c->domain)), r.found);
        if (!r.found) {
            assert_int_equal(r.failure.fate, FATE_LATER);
            assert_string_equal(r.failure.reply.enhanced, "4.4.4");
            continue;
        }
        assert_span(r.next_hop.connector->name, c->connector);
        assert_span(r.next_hop.key, c->key);
    }
    arena_done(&arena);
    document_free(d);
}

/* The explanation of each connector, in the document's order. */
static void check_verdict(const struct route *r, const char *connector, enum route_reason reason,
                          const char *text)
{
    for (size_t i = 0; i < r->verdict_count; i++) {
        if (!span_eq(r->verdicts[i].connector->name, span_of(connector)))
            continue;
        assert_int_equal(r->verdicts[i].reason, reason);
        assert_span(r->verdicts[i].text, text);
        return;
    }
    fail_msg("no verdict for %s", connector);
}

static void test_explanations(void **state)
{
    (void)state;
    struct document *d = parse_ok(routes);
    struct arena arena = ARENA_INIT;
    struct route r = route_select(&arena, d, SPAN("tie.example"), 11 << 20);
    assert_int_equal(r.verdict_count, 9);
    check_verdict(&r, "alpha", ROUTE_CHOSEN,
                  "its address space tie.example is the best match for tie.example");
    check_verdict(&r, "zeta", ROUTE_LATER_NAME,
                  "a tie: alpha has the address space tie.example at the same cost 1, and its name "
                  "comes first");
    check_verdict(&r, "exact", ROUTE_NO_MATCH, "none of its address spaces matches the domain");
    check_verdict(&r, "off", ROUTE_DISABLED, "it is disabled");
    check_verdict(&r, "all", ROUTE_TOO_LARGE,
                  "the message is larger than its max-message-size (10MB)");
    r = route_select(&arena, d, SPAN("cost.example"), 0);
    check_verdict(&r, "alpha", ROUTE_HIGHER_COST, "its cost 2 is higher than 1 of zeta");
    check_verdict(&r, "all", ROUTE_LESS_SPECIFIC,
                  "its address space * is less specific than cost.example of zeta");
    r = route_select(&arena, d, SPAN("sales.contoso.com"), 0);
    check_verdict(
        &r, "wild", ROUTE_LESS_SPECIFIC,
        "its address space *.contoso.com is less specific than *.sales.contoso.com of deep");
    r = route_select(&arena, d, SPAN("own.example"), 0);
    check_verdict(&r, "all", ROUTE_OWN_DOMAIN,
                  "its address space * never takes a domain that is authoritative here: mail would "
                  "come back");
    arena_done(&arena);
    document_free(d);
}

static void test_failures(void **state)
{
    (void)state;
    struct document *d = parse_ok(routes);
    struct arena arena = ARENA_INIT;
    struct route r = route_select(&arena, d, SPAN("elsewhere.example"), 11 << 20);
    assert_false(r.found);
    assert_int_equal(r.failure.fate, FATE_NEVER);
    assert_int_equal(r.failure.concern, CONCERN_MESSAGE);
    assert_int_equal(r.failure.reply.code, 552);
    assert_string_equal(r.failure.reply.enhanced, "5.3.4");
    document_free(d);
    d = parse_ok("hostname: mail.example.com\n");
    r = route_select(&arena, d, SPAN("elsewhere.example"), 0);
    assert_false(r.found);
    assert_int_equal(r.verdict_count, 0);
    assert_span(r.failure.reply.text,
                "Unreachable: no send connector takes mail for elsewhere.example");
    arena_done(&arena);
    document_free(d);
}

#define HOST(host_name, value)                                                                     \
    {                                                                                              \
        .name = SPAN(host_name), .preference = (value)                                             \
    }

static void check_mx(struct mx_host *hosts, size_t count, const char *expected, bool null_mx,
                     bool only_self)
{
    bool is_null, is_self;
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    size_t n = route_order_mx(hosts, count, SPAN("me.example"), 7, &is_null, &is_self);
    for (size_t i = 0; i < n; i++)
        buf_addf(&text, "%s" SPAN_FMT, i ? " " : "", SPAN_ARG(hosts[i].name));
    assert_string_equal(buf_text(&text), expected);
    assert_int_equal(is_null, null_mx);
    assert_int_equal(is_self, only_self);
    buf_done(&text);
}

static void test_mx_order(void **state)
{
    (void)state;
    struct mx_host sorted[] = {HOST("c", 30), HOST("a", 10), HOST("b", 20)};
    check_mx(sorted, 3, "a b c", false, false);
    struct mx_host behind[] = {HOST("c", 30), HOST("ME.example.", 20), HOST("a", 10),
                               HOST("b", 20)};
    check_mx(behind, 4, "a", false, false);
    struct mx_host twice[] = {HOST("me.example", 30), HOST("me.example", 10), HOST("a", 20)};
    check_mx(twice, 3, "", false, true);
    struct mx_host best[] = {HOST("me.example", 10), HOST("b", 10)};
    check_mx(best, 2, "", false, true);
    struct mx_host null[] = {HOST(".", 0)};
    check_mx(null, 1, "", true, false);
    struct mx_host empty[] = {HOST("", 0)};
    check_mx(empty, 1, "", true, false);
    struct mx_host mixed[] = {HOST(".", 0), HOST("a", 10)};
    check_mx(mixed, 2, "a", false, false);
    check_mx(mixed, 0, "", false, false);
}

/* Equal hosts share the load: each comes first for about as many seeds. */
static void test_mx_spread(void **state)
{
    (void)state;
    unsigned first[4] = {0};
    for (uint64_t seed = 0; seed < 4000; seed++) {
        struct mx_host hosts[] = {HOST("a", 1), HOST("b", 1), HOST("c", 1), HOST("d", 1),
                                  HOST("e", 2)};
        bool null_mx, only_self;
        assert_int_equal(route_order_mx(hosts, 5, SPAN("me.example"), seed, &null_mx, &only_self),
                         5);
        assert_span(hosts[4].name, "e");
        first[hosts[0].name.p[0] - 'a']++;
    }
    for (size_t i = 0; i < COUNT_OF(first); i++)
        assert_in_range(first[i], 900, 1100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes),    cmocka_unit_test(test_explanations),
        cmocka_unit_test(test_failures),  cmocka_unit_test(test_mx_order),
        cmocka_unit_test(test_mx_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
