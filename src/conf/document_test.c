#include "conf/document.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>

#include "base/clock.h"
#include "conf/parse_script.h"

#define HEAD "hostname: mail.example.com\n"
#define RECEIVE HEAD "receive-connectors:\n  in:\n    bind: 127.0.0.1:25\n"
#define PAIR "<I>CN=R11, O=Let's Encrypt<S>CN=mail.example.com"
#define SEND HEAD "send-connectors:\n  out:\n    address-spaces: '*'\n"

static void test_defaults(void **state)
{
    (void)state;
    struct document *d = parse_ok(RECEIVE "send-connectors: {out: {address-spaces: ['*']}}\n");
    const struct receive_connector *in = document_receive_connector(d, SPAN("in"));
    assert_true(in->enabled);
    assert_false(in->relay);
    assert_int_equal(in->tls, RECEIVE_TLS_OFFERED);
    assert_span(in->fqdn, "mail.example.com");
    assert_int_equal(in->from_count, 0);
    assert_int_equal(in->max_message_size, 36 << 20);
    assert_int_equal(in->max_header_size, 256 << 10);
    assert_int_equal(in->max_recipients, 200);
    assert_int_equal(in->max_hops, 100);
    assert_int_equal(in->max_connections, 5000);
    assert_int_equal(in->max_connections_per_source, 20);
    assert_int_equal(in->max_connection_rate, 1200);
    assert_true(in->max_messages_per_connection == UNLIMITED);
    assert_int_equal(in->max_protocol_errors, 5);
    assert_int_equal(in->timeout_ms, 10 * MINUTE_MS);
    assert_int_equal(in->idle_timeout_ms, 5 * MINUTE_MS);
    assert_int_equal(in->tarpit_ms, 5 * SECOND_MS);
    const struct send_connector *out = document_send_connector(d, SPAN("out"));
    assert_true(out->enabled);
    assert_int_equal(out->deliver_by, DELIVER_BY_MX);
    assert_int_equal(out->port, 25);
    assert_false(out->has_source_ip);
    assert_int_equal(out->tls, SEND_TLS_OPPORTUNISTIC);
    assert_int_equal(out->tls_verify, VERIFY_ENCRYPT);
    assert_int_equal(out->max_message_size, 35 << 20);
    assert_int_equal(out->max_connections, 1000);
    assert_int_equal(out->max_connections_per_next_hop, 20);
    assert_int_equal(out->max_messages_per_connection, 100);
    assert_int_equal(out->max_recipients_per_message, 100);
    assert_int_equal(out->idle_timeout_ms, 5 * SECOND_MS);
    assert_int_equal(out->connect_timeout_ms, 30 * SECOND_MS);
    assert_int_equal(out->retry.glitch_count, 4);
    assert_int_equal(out->retry.glitch_interval_ms, MINUTE_MS);
    assert_int_equal(out->retry.transient_count, 6);
    assert_int_equal(out->retry.transient_interval_ms, 5 * MINUTE_MS);
    assert_int_equal(out->retry.interval_ms, 10 * MINUTE_MS);
    assert_int_equal(out->retry.delay_notice_ms, 4 * HOUR_MS);
    assert_int_equal(out->retry.expire_ms, 2 * DAY_MS);
    document_free(d);
}

static void test_defaults_of_the_rest(void **state)
{
    (void)state;
    struct document *d = parse_ok(HEAD "queue:\nlog: {}\n");
    assert_int_equal(d->queue.max_length, 500000);
    assert_int_equal(d->queue.disk_high_percent, 99);
    assert_int_equal(d->queue.disk_medium_percent, 89);
    assert_int_equal(d->queue.disk_low_percent, 80);
    assert_int_equal(d->queue.disk_reserve, 500 << 20);
    assert_int_equal(d->queue.track_days, 30);
    assert_false(d->dns.validate);
    assert_true(d->dns.local_zones && d->dns.own_names);
    assert_int_equal(d->log.level, LOG_INFO);
    assert_false(d->log.json);
    assert_span(d->text, HEAD);
    document_free(d);
}

static void test_receive_values(void **state)
{
    (void)state;
    struct document *d =
        parse_ok(HEAD "receive-connectors:\n"
                      "  Anwendungen \xC3\xBC.b:\n"
                      "    bind: ['0.0.0.0:25', '[::]:2525']\n"
                      "    from: [10.0.0.0/8, 192.0.2.1, 192.0.2.5-192.0.2.9, 'fd00::/8']\n"
                      "    fqdn: M\xC3\x9Cnchen.Example\n"
                      "    enabled: no\n"
                      "    tls: implicit\n"
                      "    relay: yes\n"
                      "    banner: 220 hello.example ready\n"
                      "    max-message-size: 1.5 GB\n"
                      "    max-connections: unlimited\n"
                      "    timeout: 1.00:00:00\n"
                      "    idle-timeout: 1h30m\n"
                      "    tarpit: 0s\n");
    const struct receive_connector *c = &d->receive_connectors[0];
    assert_span(c->name, "Anwendungen \xC3\xBC.b");
    assert_int_equal(c->bind_count, 2);
    assert_int_equal(c->bind[1].port, 2525);
    assert_true(c->bind[1].ip.v6);
    assert_int_equal(c->from_count, 4);
    assert_span(c->fqdn, "xn--mnchen-3ya.example");
    assert_false(c->enabled);
    assert_int_equal(c->tls, RECEIVE_TLS_IMPLICIT);
    assert_true(c->relay);
    assert_int_equal(c->relay_permission, RELAY_RANGE);
    assert_span(c->banner, "hello.example ready");
    assert_true(c->max_message_size > (1 << 30) && c->max_message_size <= 3 << 29);
    assert_true(c->max_connections == UNLIMITED);
    assert_int_equal(c->timeout_ms, DAY_MS);
    assert_int_equal(c->idle_timeout_ms, 90 * MINUTE_MS);
    assert_int_equal(c->tarpit_ms, 0);
    document_free(d);
}

static void test_send_values(void **state)
{
    (void)state;
    struct document *d = parse_ok(
        HEAD "send-connectors:\n"
             "  smart:\n"
             "    address-spaces: ['SMTP:Example.COM;7', '*.example.com; 9', '*']\n"
             "    smart-hosts: [relay.example, 'relay2.example:587', 192.0.2.1, '192.0.2.2:26',\n"
             "      '[192.0.2.3]', '[192.0.2.4]:27', '2001:db8::1', '[2001:db8::2]:28']\n"
             "    source-ip: 192.0.2.9\n"
             "    tls: required\n"
             "    tls-verify: name\n"
             "    tls-verify-domain: relay.example\n"
             "    tls-trust-file: /etc/roots.pem\n"
             "    max-message-size: unlimited\n"
             "    retry: {expire: 5d, delay-notice: 0s}\n"
             "  box: {address-spaces: [a.example], deliver-by: lmtp, smart-hosts: /run/lmtp}\n"
             "  dir: {address-spaces: [b.example], deliver-by: maildir, maildir: /var/mail/%d/%l}\n"
             "  safe: {address-spaces: [c.example], smart-hosts: s.example, tls: implicit}\n");
    const struct send_connector *c = &d->send_connectors[0];
    assert_int_equal(c->deliver_by, DELIVER_BY_SMART_HOST);
    assert_int_equal(c->address_space_count, 3);
    assert_span(c->address_spaces[0].domain, "example.com");
    assert_int_equal(c->address_spaces[0].cost, 7);
    assert_true(c->address_spaces[1].with_subdomains);
    assert_int_equal(c->address_spaces[1].cost, 9);
    assert_true(c->address_spaces[2].everything);
    assert_int_equal(c->address_spaces[2].cost, 1);
    static const struct {
        const char *host;
        unsigned port;
    } hosts[] = {{"relay.example", 0}, {"relay2.example", 587}, {"192.0.2.1", 0},
                 {"192.0.2.2", 26},    {"192.0.2.3", 0},        {"192.0.2.4", 27},
                 {"2001:db8::1", 0},   {"2001:db8::2", 28}};
    assert_int_equal(c->smart_host_count, COUNT_OF(hosts));
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        assert_span(c->smart_hosts[i].host, hosts[i].host);
        assert_int_equal(c->smart_hosts[i].port, hosts[i].port);
    }
    assert_true(c->has_source_ip);
    assert_int_equal(c->tls_verify, VERIFY_NAME);
    assert_true(c->max_message_size == UNLIMITED);
    assert_int_equal(c->retry.delay_notice_ms, 0);
    assert_int_equal(c->retry.glitch_count, 4);
    assert_int_equal(d->send_connectors[1].port, 24);
    assert_span(d->send_connectors[1].smart_hosts[0].host, "/run/lmtp");
    assert_span(d->send_connectors[2].maildir, "/var/mail/%d/%l");
    assert_int_equal(d->send_connectors[3].port, 465);
    document_free(d);
}

static void test_other_values(void **state)
{
    (void)state;
    struct document *d = parse_ok(
        HEAD "accepted-domains: [a.example, '*.b.example', {domain: c.example, type: relay}]\n"
             "queue: {max-length: 1000, disk-high: 95%, disk-medium: 90, disk-low: 10%}\n"
             "dns: {resolvers: [192.0.2.1, '[2001:db8::1]:5353', '2001:db8::2', '[::1]'],\n"
             "  validate: true, local-zones: off, own-names: off}\n"
             "certificates: {directory: /etc/ssl/mail}\n"
             "log: {level: debug, format: json}\n");
    assert_int_equal(d->accepted_domain_count, 3);
    assert_true(d->accepted_domains[1].with_subdomains);
    assert_span(d->accepted_domains[1].domain, "b.example");
    assert_int_equal(d->accepted_domains[2].type, DOMAIN_RELAY);
    assert_int_equal(d->queue.disk_medium_percent, 90);
    assert_int_equal(d->dns.resolver_count, 4);
    assert_int_equal(d->dns.resolvers[0].port, 53);
    assert_int_equal(d->dns.resolvers[1].port, 5353);
    assert_int_equal(d->dns.resolvers[3].port, 53);
    assert_true(d->dns.validate && !d->dns.local_zones && !d->dns.own_names);
    assert_span(d->certificates.directory, "/etc/ssl/mail");
    assert_int_equal(d->log.level, LOG_DEBUG);
    assert_true(d->log.json);
    document_free(d);
}

/* Every value that is refused, where it stands, and what is said. */
static const struct {
    const char *yaml, *text;
} wrong_values[] = {
    {"", "f: the document needs the key hostname"},
    {"hostname: ''\n", "f:1:11: hostname: \"\" is not a domain name"},
    {"hostname:\n", "f:1:1: hostname: has no value"},
    {"hostname: [a.example]\n", "f:1:1: hostname: expected a single value, not a list"},
    {"hostname: 192.0.2.1.\n", "is not a domain name"},
    {"hostname: '[192.0.2.1]'\n", "is not a domain name"},
    {"hostname: a b\n", "\"a b\" is not a domain name"},
    {HEAD "hostnme: x\n",
     "f:2:1: hostnme: the document has no such key\n    did you mean hostname?"},
    {HEAD "wibble: x\n", "see sealpost.yaml(5)"},
    {HEAD "MyHostname: x\n", "Postfix's MyHostname is hostname here"},
    {HEAD "queue: [a]\n", "f:2:1: queue: expected a map of keys, not a list"},
    {HEAD "queue: {disk-high: 101%}\n", "f:2:20: queue.disk-high: \"101%\" is out of range\n"
                                        "    write a value from 1% to 100%"},
    {HEAD "queue: {disk-high: x}\n", "\"x\" is not a percentage"},
    {HEAD "queue: {max-length: 1e3}\n", "\"1e3\" is not a whole number"},
    {HEAD "queue: {max-length: -1}\n", "\"-1\" is not a whole number"},
    {HEAD "queue: {max-length: unlimited}\n", "\"unlimited\" is not a whole number"},
    {HEAD "queue: {disk-reserve: 5 apples}\n", "\"5 apples\" is not a size"},
    {HEAD "queue: {max-length: 99999999999999999999}\n", "is out of range"},
    {HEAD "dns: {validate: maybe}\n", "\"maybe\" is neither true nor false"},
    {HEAD "dns: {resolvers: [nowhere]}\n", "\"nowhere\" is not an address with a port"},
    {HEAD "dns: {resolvers: {a: b}}\n", "expected a list of addresses, not a map"},
    {HEAD "log: {format: jsn}\n",
     "unknown value \"jsn\"\n    did you mean json? it is logfmt or json"},
    {HEAD "log: {level: loud}\n", "write debug, info, warning or error"},
    {HEAD "certificates: {watch: [here]}\n", "certificates.watch[0]: \"here\" is not an absolute"},
    {HEAD "certificates: {directory: here}\n", "\"here\" is not an absolute path"},
    {HEAD "accepted-domains: ['*']\n", "\"*\" is not a domain name"},
    {HEAD "accepted-domains: ['*.*.b.example']\n", "is not a domain name"},
    {HEAD "accepted-domains: [[a.example]]\n", "expected a single value, not a list"},
    {HEAD "accepted-domains: [~]\n", "accepted-domains[0]: has no value"},
    {HEAD "accepted-domains: [{type: relay}]\n", "an accepted domain needs the key domain"},
    {HEAD "receive-connectors: [a]\n", "expected a map of names, not a list"},
    {HEAD "receive-connectors: {a: b}\n", "receive-connectors.a: expected a map of keys"},
    {HEAD "receive-connectors:\n  a:\n",
     "f:3:3: receive-connectors.a: a receive connector needs the key bind"},
    {HEAD "receive-connectors: {a: {bind: []}}\n", "there is no address to listen on"},
    {HEAD "receive-connectors: {a: {bind: '0.0.0.0'}}\n",
     "\"0.0.0.0\" is not an address with a port"},
    {HEAD "receive-connectors: {a: {bind: ['[::]:65536']}}\n", "is not an address with a port"},
    {RECEIVE "    from:\n", "receive-connectors.in.from: has no value"},
    {RECEIVE "    from: [10.0.0.1/8]\n", "\"10.0.0.1/8\" is not a range of addresses"},
    {RECEIVE "    from: [10.0.0.9-10.0.0.1]\n", "is not a range of addresses"},
    {RECEIVE "    timeout: 600\n",
     "\"600\" is not a duration\n    write a value from 1s to 1d, with its unit"},
    {RECEIVE "    timeout: 2d\n", "\"2d\" is out of range"},
    {RECEIVE "    max-message-size: 64KB\n    max-header-size: 1\n",
     "from 1KB to 64MB, in B, KB, MB"},
    {RECEIVE "    max-recipients: 99\n", "from 100 to 512000"},
    {RECEIVE "    max-connections: 0\n", "from 1 to 2147483647, or unlimited"},
    {RECEIVE "    tls: \"on\"\n", "unknown value \"on\"\n    did you mean off?"},
    {RECEIVE "    TlsCertificateName: x\n", "a receive connector has no such key"},
    {RECEIVE "    RemoteIPRanges: [10.0.0.1]\n", "Exchange's RemoteIPRanges is from here"},
    {SEND "    smart-hosts: ['a b']\n", "\"a b\" is not a next hop"},
    {SEND "    smart-hosts: ['a.example:0']\n", "is not a next hop"},
    {SEND "    smart-hosts: ['[a.example]']\n", "is not a next hop"},
    {SEND "    smart-hosts: ['[192.0.2.1']\n", "is not a next hop"},
    {SEND "    smart-hosts: ['[192.0.2.1]x']\n", "is not a next hop"},
    {SEND "    source-ip: here\n", "\"here\" is not an IP address"},
    {SEND "    port: 65536\n", "from 1 to 65535"},
    {HEAD "send-connectors: {a: {address-spaces: []}}\n", "the connector takes no mail"},
    {HEAD "send-connectors: {a: {address-spaces: ['x;101']}}\n", "\"101\" is not a cost"},
    {HEAD "send-connectors: {a: {address-spaces: ['x400:c=de']}}\n", "is not a domain name"},
    {HEAD "send-connectors: {a/b: {address-spaces: ['*']}}\n", "cannot be a connector's name"},
    {HEAD "send-connectors: {'': {address-spaces: ['*']}}\n", "cannot be a connector's name"},
    {HEAD "send-connectors: {' a': {address-spaces: ['*']}}\n", "cannot be a connector's name"},
    {HEAD "send-connectors: {A: {address-spaces: ['*']}, a: {address-spaces: [b.example]}}\n",
     "differs only in case from \"A\" in line 2"},
};

static void test_wrong_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong_values); i++) {
        char *problems = problems_of(wrong_values[i].yaml);
        assert_has(problems, wrong_values[i].text);
        free(problems);
    }
}

static void test_name_lengths(void **state)
{
    (void)state;
    char yaml[512], name[129];
    for (size_t n = 64; n <= 65; n++) {
        /* Two bytes for each letter: letters are counted. */
        for (size_t i = 0; i < n; i++)
            memcpy(name + 2 * (i % 64), "\xC3\xA4", 2);
        name[128] = '\0';
        snprintf(yaml, sizeof(yaml), HEAD "send-connectors: {%s%s: {address-spaces: ['*']}}\n",
                 name, n == 65 ? "x" : "");
        char *problems = problems_of(yaml);
        assert_int_equal(strstr(problems, "cannot be a connector's name") != NULL, n == 65);
        free(problems);
    }
}

static void test_several_problems_at_once(void **state)
{
    (void)state;
    char *problems =
        problems_of("hostname: '-'\nlog: {level: x}\nqueue: {disk-low: 200%, foo: 1}\n");
    assert_has(problems, "f:1:11: hostname");
    assert_has(problems, "f:2:14: log.level");
    assert_has(problems, "f:3:19: queue.disk-low");
    assert_has(problems, "f:3:25: queue.foo");
    free(problems);
}

static void test_problems_have_a_maximum(void **state)
{
    (void)state;
    struct buf yaml = BUF_INIT(BUF_UNLIMITED);
    struct problems problems = {0};
    struct document *d = NULL;
    buf_add_text(&yaml, HEAD "accepted-domains:\n");
    for (int i = 0; i < 150; i++)
        buf_addf(&yaml, "- d%d.example\n", i); /* warnings: no route */
    assert_int_equal(document_parse(buf_span(&yaml), &problems, &d), OK);
    assert_int_equal(problems.count, DOCUMENT_PROBLEMS_MAX);
    assert_int_equal(problems.errors, 0);
    problems_done(&problems);
    document_free(d);
    for (int i = 0; i < 150; i++)
        buf_addf(&yaml, "- d%d..example\n", i);
    d = NULL;
    assert_int_equal(document_parse(buf_span(&yaml), &problems, &d), ERR_SYNTAX);
    assert_null(d);
    assert_int_equal(problems.count, DOCUMENT_PROBLEMS_MAX);
    assert_int_equal(problems.errors, 150);
    for (size_t i = 0; i < problems.count; i++)
        assert_false(problems.items[i].warning);
    problems_done(&problems);
    buf_done(&yaml);
}

/* The canonical text gives the same document, and is its own canonical text. So does the JSON. */
static void check_round_trip(const char *yaml)
{
    struct document *d = parse_ok(yaml);
    struct document *again = parse_ok(d->text.p);
    assert_span(again->text, d->text.p);
    json_t *json = document_to_json(d), *json_again = document_to_json(again);
    assert_true(json_equal(json, json_again));
    char *dump = json_dumps(json, 0);
    struct document *third = parse_ok(dump);
    assert_span(third->text, d->text.p);
    struct buf diff = BUF_INIT(BUF_UNLIMITED);
    document_add_diff(&diff, d, third);
    assert_string_equal(buf_text(&diff), "");
    buf_done(&diff);
    free(dump);
    json_decref(json);
    json_decref(json_again);
    document_free(d);
    document_free(again);
    document_free(third);
}

static void test_round_trips(void **state)
{
    (void)state;
    check_round_trip(HEAD);
    check_round_trip(RECEIVE "    relay: open\n    banner: 'null'\n    from: [10.0.0.1]\n");
    check_round_trip(RECEIVE "    banner: 'mail.example.com: \"x\" # no comment'\n");
    check_round_trip(RECEIVE "    relay: true\n    from: [10.0.0.0-10.0.0.2, 'fd00::/16']\n");
    check_round_trip(RECEIVE "    tls: off\n    fqdn: mail.example.com\n");
    check_round_trip(HEAD
                     "send-connectors:\n  'null': {address-spaces: '*'}\n"
                     "  '~': {address-spaces: a.example, port: 25}\n"
                     "  'a.\"b\"': {address-spaces: '*.a.example;3', smart-hosts: '::1'}\n"
                     "  '*': {address-spaces: b.example, enabled: false, source-ip: '::1'}\n"
                     "  \"\xF0\x9F\x93\xAE post\": {address-spaces: c.example}\n"
                     "  '- x': {address-spaces: d.example, tls: off}\n"
                     "  'true': {address-spaces: e.example, deliver-by: lmtp, smart-hosts: /s}\n"
                     "  '12': {address-spaces: f.example, deliver-by: mx}\n");
    check_round_trip(HEAD "queue: {disk-reserve: 1.5GB}\nlog: {level: error}\n"
                          "dns: {resolvers: 192.0.2.1}\n");
    check_round_trip(RECEIVE "    pin: \"" PAIR "\"\n    on-mismatch: withhold\n"
                             "    partners: ['*.a.example', b.example]\n"
                             "certificates: {watch: /w, acme: {directory: 'https://a.example/d',\n"
                             "  http-bind: '192.0.2.1:80', names: [a.example], key: rsa3072}}\n");
}

static void test_text_names_only_what_differs(void **state)
{
    (void)state;
    struct document *d = parse_ok(RECEIVE "    fqdn: MAIL.example.com\n"
                                          "    tls: offered\n"
                                          "    timeout: 600s\n"
                                          "    max-hops: 50\n"
                                          "queue: {track-days: 30}\n"
                                          "send-connectors:\n"
                                          "  a: {address-spaces: ['*'], deliver-by: mx, port: 25,\n"
                                          "      retry: {expire: 48h, interval: 20m}}\n");
    assert_span(d->text, HEAD "receive-connectors:\n"
                              "  in:\n"
                              "    bind: ['127.0.0.1:25']\n"
                              "    max-hops: 50\n"
                              "send-connectors:\n"
                              "  a:\n"
                              "    address-spaces: ['*']\n"
                              "    retry:\n"
                              "      interval: 20m\n");
    document_free(d);
}

static void test_json_of_a_connector(void **state)
{
    (void)state;
    struct document *d = parse_ok(RECEIVE "    relay: true\n    from: 10.0.0.1\n");
    json_t *json = document_connector_to_json(d, true, SPAN("in"));
    assert_true(json_is_true(json_object_get(json, "relay")));
    assert_string_equal(json_string_value(json_object_get(json, "max-message-size")), "36MB");
    assert_int_equal(json_integer_value(json_object_get(json, "max-recipients")), 200);
    json_decref(json);
    assert_null(document_connector_to_json(d, false, SPAN("in")));
    assert_null(document_connector_to_json(d, true, SPAN("IN")));
    document_free(d);
}

/* A line of the longest honest documents: many connectors, and one with Exchange's practical limit
 * of ranges. */
static void test_large_documents(void **state)
{
    (void)state;
    struct buf yaml = BUF_INIT(BUF_UNLIMITED);
    buf_add_text(&yaml, HEAD "receive-connectors:\n");
    for (unsigned i = 0; i < 1000; i++)
        buf_addf(&yaml, "  c%u: {bind: '0.0.0.0:25', from: [10.%u.%u.0/24]}\n", i, i / 250,
                 i % 250);
    buf_add_text(&yaml, "  many:\n    bind: '0.0.0.0:25'\n    from:\n");
    for (unsigned i = 0; i < 1300; i++)
        buf_addf(&yaml, "    - 172.%u.%u.0/25\n", 16 + i / 250, i % 250);
    buf_add_text(&yaml, "send-connectors:\n");
    for (unsigned i = 0; i < 1000; i++)
        buf_addf(&yaml, "  s%u: {address-spaces: [d%u.example], smart-hosts: [h%u.example]}\n", i,
                 i, i);
    struct document *d = parse_ok(buf_text(&yaml));
    assert_int_equal(d->receive_connector_count, 1001);
    assert_int_equal(d->receive_connectors[1000].from_count, 1300);
    document_free(d);
    buf_done(&yaml);
}

/* What the project shows to newcomers has to be right, to the last warning. */
static void check_example(const char *folder, const char *name)
{
    struct buf path = BUF_INIT(BUF_UNLIMITED), text = BUF_INIT(BUF_UNLIMITED);
    buf_addf(&path, "%s/%s", folder, name);
    FILE *file = fopen(buf_text(&path), "rb");
    assert_non_null(file);
    buf_grow(&text, fread(buf_room(&text, 65536), 1, 65536, file));
    fclose(file);
    char *problems = problems_of(buf_text(&text));
    if (*problems)
        fail_msg("%s: %s", name, problems);
    check_round_trip(buf_text(&text));
    free(problems);
    buf_done(&text);
    buf_done(&path);
}

static void test_examples(void **state)
{
    (void)state;
    const char *folder = getenv("EXAMPLES"); /* set by meson */
    if (!folder)
        skip();
    size_t count = 0;
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (!span_iends(span_of(entry->d_name), SPAN(".yaml")))
            continue;
        check_example(folder, entry->d_name);
        count++;
    }
    closedir(directory);
    assert_true(count >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_defaults_of_the_rest),
        cmocka_unit_test(test_receive_values),
        cmocka_unit_test(test_send_values),
        cmocka_unit_test(test_other_values),
        cmocka_unit_test(test_wrong_values),
        cmocka_unit_test(test_name_lengths),
        cmocka_unit_test(test_several_problems_at_once),
        cmocka_unit_test(test_problems_have_a_maximum),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_text_names_only_what_differs),
        cmocka_unit_test(test_json_of_a_connector),
        cmocka_unit_test(test_large_documents),
        cmocka_unit_test(test_examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
