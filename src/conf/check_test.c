/* How the parts of a document fit together: conf/check*.c through document_parse. */
#include "conf/parse_script.h"

#define HEAD "hostname: mail.example.com\n"
#define LISTENER "receive-connectors: {in: {bind: '127.0.0.1:2525'}}\n"

struct check_case {
    const char *yaml;
    const char *text; /* NULL: nothing at all is said */
};

static void check_cases(const struct check_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *problems = problems_of(cases[i].yaml);
        if (cases[i].text)
            assert_has(problems, cases[i].text);
        else if (*problems)
            fail_msg("%s\n%s", cases[i].yaml, problems);
        free(problems);
    }
}

/* Two connectors on one binding, one key each. */
#define TWO(a, b)                                                                                  \
    HEAD "receive-connectors:\n  a: {bind: ['0.0.0.0:25'], " a "}\n  b: {bind: ['0.0.0.0:25'], " b \
         "}\n"
#define TWO_BINDS(a, b)                                                                            \
    HEAD "receive-connectors:\n  a: {bind: [" a "], from: [10.0.0.0/8]}\n  b: {bind: [" b          \
         "], from: [10.0.0.0/8]}\n"

static void test_shared_bindings(void **state)
{
    (void)state;
    static const struct check_case cases[] = {
        {TWO("from: [10.0.0.0/8]", "from: [10.1.0.0/16]"), NULL},
        {TWO("from: [10.1.0.0/16]", "from: [10.0.0.0/8]"), NULL},
        {TWO("enabled: true", "from: [192.168.1.75, 192.168.1.0/24]"), NULL},
        {TWO("from: [10.0.0.0/24]", "from: [10.0.1.0/24]"), NULL},
        {TWO("from: [10.0.0.0/24]", "from: [10.0.0.128-10.0.1.0]"),
         "f:4:36: receive-connectors.b.from[0]: 10.0.0.128-10.0.1.0 overlaps 10.0.0.0/24 of \"a\" "
         "on 0.0.0.0:25, and neither range lies wholly in the other"},
        {TWO("from: [10.0.0.128-10.0.1.0]", "from: [10.0.0.0/24]"),
         "receive-connectors.b.from[0]: 10.0.0.0/24 overlaps 10.0.0.128-10.0.1.0 of \"a\""},
        /* These stand on IPv4 only, where IPv6 ranges meet nobody. */
        {TWO("from: [10.0.0.1, 'fd00::5-fd00::9']", "from: [10.0.0.2, 'fd00::0-fd00::6']"), NULL},
        {TWO("from: [10.0.0.0/24]", "from: [10.0.0.0/24]"),
         "10.0.0.0/24 is also served by \"a\" on 0.0.0.0:25"},
        {TWO("enabled: true", "enabled: true"),
         "f:4:3: receive-connectors.b: everyone is also served by \"a\" on 0.0.0.0:25"},
        {TWO("enabled: true", "from: [0.0.0.0/0]"), "0.0.0.0/0 is also served by \"a\""},
        {TWO("enabled: true", "enabled: false"), NULL},
        {TWO("enabled: true", "from: [10.0.0.1, 10.0.0.1]"), "10.0.0.1 is listed twice"},
        {TWO("enabled: true", "from: [10.0.0.1-10.0.0.5, 10.0.0.3-10.0.0.9]"),
         "10.0.0.3-10.0.0.9 overlaps 10.0.0.1-10.0.0.5 of the same connector"},
        {TWO("from: [10.0.0.0/8, 10.5.0.0/16]", "from: [10.0.0.0/16, 10.5.5.0/24]"), NULL},
        {TWO_BINDS("'0.0.0.0:25'", "'10.0.0.1:25'"), "is also served by \"a\" on 10.0.0.1:25"},
        {TWO_BINDS("'10.0.0.1:25'", "'0.0.0.0:25'"), "is also served by \"a\" on 10.0.0.1:25"},
        {TWO_BINDS("'10.0.0.1:25'", "'10.0.0.2:25'"), NULL},
        {TWO_BINDS("'10.0.0.1:25'", "'10.0.0.1:26'"), NULL},
        {TWO_BINDS("'0.0.0.0:25'", "'10.0.0.1:26', '10.0.0.2:26'"), NULL},
        {TWO_BINDS("'10.0.0.1:25', '10.0.0.2:25'", "'10.0.0.3:25', '10.0.0.2:25'"),
         "on 10.0.0.2:25"},
        {HEAD "receive-connectors:\n  a: {bind: '[::]:25'}\n  b: {bind: '0.0.0.0:25'}\n", NULL},
        {HEAD "receive-connectors:\n  a: {bind: '[::]:25'}\n  b: {bind: '[::1]:25'}\n",
         "everyone is also served by \"a\" on [::1]:25"},
    };
    check_cases(cases, COUNT_OF(cases));
}

/* One problem for a pair, however many bindings they share. */
static void test_a_conflict_is_told_once(void **state)
{
    (void)state;
    char *problems = problems_of(
        HEAD "receive-connectors:\n  a: {bind: ['0.0.0.0:25', '0.0.0.0:26', '10.0.0.1:27']}\n"
             "  b: {bind: ['0.0.0.0:25', '0.0.0.0:26', '10.0.0.1:27']}\n");
    char *first = strstr(problems, "also served");
    assert_non_null(first);
    assert_null(strstr(first + 1, "also served"));
    free(problems);
}

static void test_binding_limits(void **state)
{
    (void)state;
    struct buf yaml = BUF_INIT(BUF_UNLIMITED);
    buf_add_text(&yaml, HEAD "receive-connectors:\n  a:\n    bind:\n");
    for (unsigned i = 0; i < 4097; i++)
        buf_addf(&yaml, "    - 10.0.%u.%u:25\n", i / 256, i % 256);
    char *problems = problems_of(buf_text(&yaml));
    assert_has(problems, "4097 bindings; 4096 are the most");
    free(problems);
    buf_done(&yaml);
}

/* 100000 wrong ranges are as quickly told as a hundred. */
static void test_many_conflicts_take_little_time(void **state)
{
    (void)state;
    struct buf yaml = BUF_INIT(BUF_UNLIMITED);
    struct problems problems = {0};
    struct document *d = NULL;
    buf_add_text(&yaml, HEAD "receive-connectors: {a: {bind: '0.0.0.0:25', from: [");
    for (unsigned i = 0; i < 100000; i++)
        buf_add_text(&yaml, "1.1.1.1,");
    buf_add_text(&yaml, "]}}\n");
    assert_int_equal(document_parse(buf_span(&yaml), &problems, &d), ERR_SYNTAX);
    assert_int_equal(problems.count, DOCUMENT_PROBLEMS_MAX);
    problems_done(&problems);
    buf_done(&yaml);
}

#define RELAY(permission, ranges)                                                                  \
    HEAD "receive-connectors: {a: {bind: ['0.0.0.0:25', '[::]:25'], relay: " permission            \
         ", from: [" ranges "]}}\n"
#define WHOLE_IPV6 ", '::1'"
#define OPEN_RELAY "could send to every domain: an open relay"

static void test_open_relays(void **state)
{
    (void)state;
    static const struct check_case cases[] = {
        {RELAY("true", "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 'fc00::/7'"), NULL},
        {RELAY("true", "11.0.0.0/8" WHOLE_IPV6), NULL},
        {RELAY("true", "10.0.0.0/7" WHOLE_IPV6), OPEN_RELAY},
        {RELAY("true", "11.0.0.0/8, 12.0.0.0" WHOLE_IPV6), OPEN_RELAY},
        {RELAY("true", "11.0.0.0-11.128.0.0, 12.0.0.0-12.127.255.255" WHOLE_IPV6), OPEN_RELAY},
        {RELAY("true", "0.0.0.0/0" WHOLE_IPV6), OPEN_RELAY},
        {RELAY("true", "10.0.0.0/8, '2001::/16'"), NULL},
        {RELAY("true", "10.0.0.0/8, '2000::/15'"), OPEN_RELAY},
        {RELAY("true", "10.0.0.0/8, '::/0'"), OPEN_RELAY},
        {RELAY("true", ""),
         "everyone could send to every domain: an open relay\n    narrow from to "
         "your own networks, or write relay: open"},
        {RELAY("false", ""), NULL},
        {RELAY("open", ""), "f:2:66: warning: receive-connectors.a.relay: this is an open relay"},
        {RELAY("open", "10.0.0.0/8" WHOLE_IPV6),
         "warning: receive-connectors.a.relay: relay is open although"},
        {RELAY("opn", ""), "did you mean open?"},
    };
    check_cases(cases, COUNT_OF(cases));
}

#define RECEIVE(keys) HEAD "receive-connectors: {a: {bind: '0.0.0.0:25', " keys "}}\n"

static void test_receive_connectors(void **state)
{
    (void)state;
    static const struct check_case cases[] = {
        {HEAD, "f: warning: there is no receive connector"},
        {"hostname: mail\n" LISTENER, "f:1:11: warning: hostname: \"mail\" has no domain"},
        {RECEIVE("timeout: 5m"), "timeout: timeout (5m) has to be longer than idle-timeout (5m)"},
        {RECEIVE("timeout: 5m1s"), NULL},
        {RECEIVE("idle-timeout: 10m"), "receive-connectors.a.idle-timeout: timeout (10m) has to"},
        {RECEIVE("banner: mail.example.com hello"), NULL},
        {RECEIVE("banner: 'hello, world'"),
         "warning: receive-connectors.a.banner: the banner does not begin"},
        {RECEIVE("max-header-size: 1MB, max-message-size: 64KB"),
         "a header may be larger than the whole"},
        {RECEIVE("from: ['fd00::/8']"),
         "warning: receive-connectors.a.bind: it listens on IPv4, but from holds no IPv4"},
        {HEAD "receive-connectors: {a: {bind: ['0.0.0.0:25', '0.0.0.0:25']}}\n",
         "f:2:47: receive-connectors.a.bind[1]: 0.0.0.0:25 is listed already"},
        {HEAD "receive-connectors: {a: {bind: '127.0.0.1:0'}}\n",
         "warning: receive-connectors.a.bind: port 0"},
    };
    check_cases(cases, COUNT_OF(cases));
}

#define SEND(keys) HEAD LISTENER "send-connectors: {a: {address-spaces: ['*'], " keys "}}\n"

static void test_send_connectors(void **state)
{
    (void)state;
    static const struct check_case cases[] = {
        {SEND("enabled: true"), NULL},
        {SEND("deliver-by: smart-host"),
         "send-connectors.a.deliver-by: deliver-by needs smart-hosts, and there are none"},
        {SEND("deliver-by: lmtp, smart-hosts: []"),
         "send-connectors.a.smart-hosts: deliver-by needs"},
        {SEND("deliver-by: mx, smart-hosts: [h.example]"),
         "smart-hosts are given, but deliver-by does not use them"},
        {SEND("smart-hosts: [/run/lmtp]"), "only LMTP can be spoken to a socket's path"},
        {SEND("deliver-by: lmtp, smart-hosts: [/run/lmtp]"), NULL},
        {SEND("deliver-by: lmtp, smart-hosts: [/run/lmtp], tls: required"),
         "rare on a local socket"},
        {SEND("deliver-by: maildir"), "deliver-by: maildir needs the key maildir"},
        {SEND("deliver-by: maildir, maildir: /m, smart-hosts: [h.example]"),
         "smart-hosts are given"},
        {SEND("maildir: /m"), "maildir is given, but deliver-by does not use it"},
        {SEND("deliver-by: maildir, maildir: /m, tls: required"), "a maildir is local"},
        {SEND("deliver-by: maildir, maildir: m"), "is not an absolute path"},
        {SEND("tls: implicit"), "send-connectors.a.tls: implicit TLS needs smart hosts"},
        {SEND("tls: implicit, smart-hosts: h.example"), NULL},
        {SEND("tls-verify: name"), "warning: send-connectors.a.tls-verify: without tls: required"},
        {SEND("tls-verify: name, tls: required"), NULL},
        {SEND("tls: required, tls-verify-domain: x.example"),
         "warning: send-connectors.a.tls-verify-domain"},
        {SEND("tls: required, tls-trust-file: /x"), "warning: send-connectors.a.tls-trust-file"},
        {SEND("retry: {expire: 3h}"),
         "warning: send-connectors.a.retry: delay-notice is not shorter"},
        {SEND("retry: {expire: 3h, delay-notice: 0s}"), NULL},
        {SEND("retry: {interval: 2d}"), "interval is not shorter than expire"},
        {SEND("smart-hosts: ['127.0.0.1:2525']"), "the next hop is this server itself"},
        {SEND("smart-hosts: ['127.0.0.1:2526']"), NULL},
        {SEND("smart-hosts: [mail.example.com]"), "the next hop is this server itself"},
        {HEAD "receive-connectors: {in: {bind: '0.0.0.0:25'}}\n"
              "send-connectors: {a: {address-spaces: '*', smart-hosts: 127.0.0.2}}\n",
         "the next hop is this server itself"},
        {HEAD LISTENER "send-connectors: {a: {address-spaces: ['*', 'b.example', '*;2']}}\n",
         "f:3:58: send-connectors.a.address-spaces[2]: * is listed already"},
    };
    check_cases(cases, COUNT_OF(cases));
}

static void test_queue_and_domains(void **state)
{
    (void)state;
    static const struct check_case cases[] = {
        {HEAD LISTENER "queue: {disk-high: 80%}\n",
         "disk-low (80%), disk-medium (89%) and disk-high (80%) have to rise"},
        {HEAD LISTENER "queue: {disk-medium: 99%}\n", "have to rise"},
        {HEAD LISTENER "queue: {disk-low: 88%, disk-high: 90%}\n", NULL},
        {HEAD "accepted-domains: [a.example, '*.a.example', A.example.]\n",
         "f:2:46: accepted-domains[2]: a.example is listed already"},
    };
    check_cases(cases, COUNT_OF(cases));
}

#define ROUTE(domains, spaces)                                                                     \
    HEAD LISTENER "accepted-domains: [" domains                                                    \
                  "]\nsend-connectors: {a: {address-spaces: [" spaces "]}}\n"

static void test_routes(void **state)
{
    (void)state;
    static const struct check_case cases[] = {
        {ROUTE("a.example", "a.example"), NULL},
        {ROUTE("a.example", "'*.a.example'"), NULL},
        {ROUTE("b.a.example", "'*.a.example'"), NULL},
        {ROUTE("'*.b.a.example'", "'*.a.example'"), NULL},
        {ROUTE("'*.a.example'", "a.example"),
         "f:3:20: warning: accepted-domains[0]: no send connector takes mail for *.a.example"},
        {ROUTE("a.example", "'*'"), "(\"*\" never takes an authoritative domain)"},
        {ROUTE("{domain: a.example, type: relay}", "'*'"), NULL},
        {ROUTE("ba.example", "'*.a.example'"), "no send connector takes mail for ba.example"},
        {HEAD LISTENER "accepted-domains: a.example\n"
                       "send-connectors: {a: {address-spaces: a.example, enabled: no}}\n",
         "f:3:19: warning: accepted-domains: no send connector takes mail for a.example"},
        {HEAD LISTENER "send-connectors:\n  b: {address-spaces: [x.example]}\n"
                       "  a: {address-spaces: ['*', X.example]}\n",
         "warning: send-connectors.a.address-spaces: \"b\" has the space x.example at the same "
         "cost; \"a\" takes all its mail, as its name comes first"},
        {HEAD LISTENER "send-connectors:\n  b: {address-spaces: [x.example]}\n"
                       "  a: {address-spaces: ['x.example;2', '*.x.example']}\n",
         NULL},
    };
    check_cases(cases, COUNT_OF(cases));
}

/* Errors of a connector's own keys are not followed by what comes of them. */
static void test_broken_parts_are_not_judged(void **state)
{
    (void)state;
    char *problems =
        problems_of(HEAD "receive-connectors: {a: {bind: x}, b: {bind: x}}\n"
                         "send-connectors: {a: {address-spaces: '*', deliver-by: lmtp, "
                         "smart-hosts: ['a b']}}\n"
                         "queue: {disk-high: x, disk-low: 99%}\n");
    assert_null(strstr(problems, "no address to listen on"));
    assert_null(strstr(problems, "needs smart-hosts"));
    assert_null(strstr(problems, "have to rise"));
    free(problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared_bindings),
        cmocka_unit_test(test_a_conflict_is_told_once),
        cmocka_unit_test(test_binding_limits),
        cmocka_unit_test(test_many_conflicts_take_little_time),
        cmocka_unit_test(test_open_relays),
        cmocka_unit_test(test_receive_connectors),
        cmocka_unit_test(test_send_connectors),
        cmocka_unit_test(test_queue_and_domains),
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_broken_parts_are_not_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
