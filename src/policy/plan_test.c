/* What a change would do: every row of the table of what worse means, and what is let pass. */
#include "base/encode.h"
#include "policy/plan_script.h"

static void test_nothing_changes(void **state)
{
    (void)state;
    struct certificate *c = add_issued("mail.example.com", -10, 80);
    expect(&(struct change){.before = PLAIN}, PLAN_SAME, "valid, exact -> valid, exact", "", NULL,
           "");
    /* What nobody presents can go. */
    struct certificate *other = add_issued("other.example.com", -10, 80);
    expect(&(struct change){.before = PLAIN, .removed = other}, PLAN_SAME,
           "valid, exact -> valid, exact", "", NULL, "");
    expect(&(struct change){.before = IN("tls: off"), .removed = c}, PLAN_SAME, "no TLS -> no TLS",
           "", NULL, "");
}

static void test_renewal(void **state)
{
    (void)state;
    struct certificate *old = add_issued("mail.example.com", -80, 10);
    struct certificate *new = add_issued("mail.example.com", -1, 89);
    struct change change = {.before = PLAIN, .added = new};
    expect(&change, PLAN_BETTER, "expires in 10 days, exact -> valid, exact", "", NULL, "");
    struct plan p = plan(&change);
    assert_int_equal(p.superseded_count, 1);
    assert_ptr_equal(p.superseded[0], old);
    assert_ptr_equal(p.connectors[0].before.chosen, old);
    assert_ptr_equal(p.connectors[0].after.chosen, new);
    assert_int_equal(p.findings.count, 1);
    assert_span(p.findings.items[0].name, "certificate-superseded");
    done();
    old->not_after_ms = TEST_NOW_MS + 60 * DAY_MS;
    expect(&change, PLAN_DIFFERENT, "valid, exact -> valid, exact", "", NULL, "");
}

static void test_last_one_is_removed(void **state)
{
    (void)state;
    struct certificate *c = add_issued("mail.example.com", -10, 80);
    expect(&(struct change){.before = PLAIN, .removed = c}, PLAN_BROKEN,
           "valid, exact -> nothing usable", "STARTTLS would no longer be offered",
           "1 connector would lose its certificate: in", with("sealpost cert renew %s", c));
    expect(&(struct change){.before = IN("tls: required"), .removed = c}, PLAN_BROKEN,
           "valid, exact -> nothing usable",
           "no mail could be received on it; TLS is required here",
           "1 connector would lose its certificate: in", "sealpost cert renew");
    expect(&(struct change){.before = IN("partners: [a.example, b.example]"), .removed = c},
           PLAN_BROKEN, "valid, exact -> nothing usable",
           "partners that send by TLS only: a.example, b.example",
           "1 connector would lose its certificate: in", "sealpost cert renew");
    c->services = SERVICE_HTTP;
    expect(&(struct change){.before = PLAIN, .removed = c}, PLAN_SAME,
           "nothing usable -> nothing usable", "", NULL, "");
    expect(&(struct change){.before = IN("tls: off"), .after = IN("tls: required")}, PLAN_BROKEN,
           "no TLS -> nothing usable", "no mail could be received on it",
           "1 connector would lose its certificate: in", "sealpost cert request mail.example.com");
}

static void test_worse(void **state)
{
    (void)state;
    struct certificate *good = add_issued("mail.example.com", -10, 80);
    struct certificate *other = add_issued("other.example.com", -80, 40);
    struct change change = {.before = PLAIN, .removed = good};
    const char *worse = "1 connector would get worse: in";
    expect(&change, PLAN_WORSE, "valid, exact -> valid, name not covered",
           "covered by no certificate", worse,
           with("sealpost cert request --add mail.example.com --renew %s", other));
    expect(&(struct change){.before = IN("on-mismatch: refuse"), .removed = good}, PLAN_BROKEN,
           "valid, exact -> valid, name not covered", "no mail could be received",
           "1 connector would lose its certificate: in", "sealpost cert renew");
    expect(&(struct change){.before = PLAIN, .after = IN("fqdn: x.example")}, PLAN_WORSE,
           "valid, exact -> valid, name not covered", "covered by no certificate", worse,
           "sealpost cert request --add x.example");
    struct certificate *next = add_issued("mail.example.com", -80, 3);
    expect(&change, PLAN_WORSE, "valid, exact -> expires in 3 days, exact", "expires soon", worse,
           with("sealpost cert renew %s", good));
    next->not_after_ms = TEST_NOW_MS - 3 * DAY_MS;
    expect(&change, PLAN_WORSE, "valid, exact -> expired 3 days ago, exact",
           "an expired certificate would be presented", worse, "sealpost cert renew");
    next->not_after_ms = good->not_after_ms;
    store.candidates[2].chain = CHAIN_SELF_SIGNED;
    expect(&change, PLAN_WORSE, "valid, exact -> valid, exact, self-signed", "trusted less", worse,
           "sealpost cert renew");
    store.candidates[2].chain = CHAIN_TRUSTED;
    expect(&change, PLAN_DIFFERENT, "valid, exact -> valid, exact", "", NULL, "");
}

static void test_pins(void **state)
{
    (void)state;
    struct certificate *c = add_issued("mail.example.com", -10, 80);
    const char *loose = arena_text(&store.arena, span_of(with(IN("pin: %s"), c)));
    const char *strict =
        arena_text(&store.arena, span_of(with(IN("pin: %s, pin-strict: true"), c)));
    add_issued("mail.example.com", -10, 85);
    expect(&(struct change){.before = loose, .removed = c}, PLAN_WORSE,
           "valid, exact, pinned -> valid, exact, not the pinned one",
           "its pin would name no usable certificate", "1 connector would get worse: in",
           "sealpost receive-connector set in pin=");
    expect(&(struct change){.before = strict, .removed = c}, PLAN_BROKEN,
           "valid, exact, pinned -> nothing: the strict pin names none",
           "its strict pin would name", "1 connector would lose its certificate: in",
           "sealpost receive-connector set in pin= pin-strict=");
    /* A connector that is new is refused for nothing but a strict pin that names none. */
    expect(&(struct change){.before = HEAD, .after = strict, .removed = c}, PLAN_BROKEN,
           "not there -> nothing: the strict pin names none", "its strict pin",
           "1 connector would lose its certificate: in", "sealpost receive-connector set in pin=");
}

static void test_key_types(void **state)
{
    (void)state;
    add_issued("mail.example.com", -10, 80);
    struct certificate *rsa = add((struct recipe){.names = "mail.example.com",
                                                  .subject = "CN=mail.example.com",
                                                  .key_type = "RSA 2048",
                                                  .not_before_ms = TEST_NOW_MS - 20 * DAY_MS,
                                                  .not_after_ms = TEST_NOW_MS + 80 * DAY_MS},
                                  CHAIN_TRUSTED);
    expect(&(struct change){.before = PLAIN, .removed = rsa}, PLAN_WORSE,
           "valid, exact, ECDSA P-256 and RSA 2048 -> valid, exact, ECDSA P-256",
           "clients that know one kind of key only", "1 connector would get worse: in",
           "sealpost cert renew");
    expect(&(struct change){.before = PLAIN, .added = rsa}, PLAN_BETTER,
           "valid, exact, ECDSA P-256 -> valid, exact, ECDSA P-256 and RSA 2048", "", NULL, "");
}

static void test_tlsa(void **state)
{
    (void)state;
    struct certificate *old = add_issued("mail.example.com", -60, 60);
    struct certificate *new =
        add_with_key((struct recipe){.names = "mail.example.com",
                                     .subject = "CN=mail.example.com",
                                     .key_type = "P-256",
                                     .not_before_ms = TEST_NOW_MS - DAY_MS,
                                     .not_after_ms = TEST_NOW_MS + 89 * DAY_MS},
                     CHAIN_TRUSTED, NULL);
    struct buf hash = BUF_INIT(BUF_UNLIMITED), next = BUF_INIT(BUF_UNLIMITED);
    test_add_unhex(&hash, span_of(old->spki));
    test_add_unhex(&next, span_of(new->spki));
    struct tlsa_fact tlsa[] = {{3, 1, 1, buf_span(&hash)}, {3, 1, 1, buf_span(&next)}};
    struct host_fact host = {.host = SPAN("mail.example.com"),
                             .known = FACT_KNOWN,
                             .proof = PROOF_SECURE,
                             .tlsa = tlsa,
                             .tlsa_count = 1};
    struct dns_facts dns = {.hosts = &host, .host_count = 1};
    struct change change = {.before = PLAIN, .added = new, .dns = &dns};
    expect(&change, PLAN_WORSE, "valid, exact -> valid, exact, against the TLSA records",
           "senders with DANE would stop", "1 connector would get worse: in",
           "# publish first: _25._tcp.mail.example.com. IN TLSA 3 1 1 ");
    host.proof = PROOF_NOT_TRIED; /* others may validate what is not validated here */
    expect(&change, PLAN_WORSE, "valid, exact -> valid, exact, against the TLSA records",
           "senders with DANE would stop", "1 connector would get worse: in", "# publish first");
    host.proof = PROOF_INSECURE;
    expect(&change, PLAN_DIFFERENT, "valid, exact -> valid, exact", "", NULL, "");
    host.proof = PROOF_SECURE;
    host.known = FACT_CANNOT_TELL;
    expect(&change, PLAN_DIFFERENT, "valid, exact -> valid, exact", "", NULL, "");
    host.known = FACT_KNOWN;
    host.tlsa_count = 2; /* both are published while the key changes (RFC 7671 section 8.1) */
    expect(&change, PLAN_DIFFERENT, "valid, exact -> valid, exact", "", NULL, "");
    buf_done(&hash);
    buf_done(&next);
}

/* A policy in mode enforce, against what would be presented instead. */
static void test_mta_sts(void **state)
{
    (void)state;
    struct certificate *c = add_issued("mail.example.com", -10, 80);
    add((struct recipe){.names = "mail.example.com", .subject = "CN=mail"}, CHAIN_SELF_SIGNED);
    struct span mx = SPAN("mail.example.com"), pattern = SPAN("*.example.com");
    struct domain_fact domains[] = {
        {.domain = SPAN("example.com"),
         .mx_known = FACT_KNOWN,
         .mx = &mx,
         .mx_count = 1,
         .fetched = POLICY_FETCHED,
         .policy = {MTA_STS_ENFORCE, 86400, &pattern, 1}},
        {.domain = SPAN("example.net"),
         .mx_known = FACT_KNOWN,
         .mx = &mx,
         .mx_count = 1,
         .fetched = POLICY_FETCHED,
         .policy = {MTA_STS_ENFORCE, 86400, &mx, 1}},
    };
    struct dns_facts dns = {.domains = domains, .domain_count = 2};
    struct change change = {.before = PLAIN, .removed = c, .dns = &dns};
    const char *text = "valid, exact -> valid, exact, self-signed, against the MTA-STS policy";
    expect(&change, PLAN_WORSE, text, "domains with such a policy: example.com, example.net",
           "1 connector would get worse: in",
           "sealpost cert request mail.example.com\n"
           "# until then: mode: testing in https://mta-sts.example.com/.well-known/mta-sts.txt");
    domains[1].policy.mode = MTA_STS_TESTING;
    expect(&change, PLAN_WORSE, text, "senders with MTA-STS would stop",
           "1 connector would get worse: in", "sealpost cert request mail.example.com");
    /* What softens it: the trust that is lost counts all the same. */
    domains[0].fetched = POLICY_UNREACHABLE;
    expect(&change, PLAN_WORSE, "valid, exact -> valid, exact, self-signed", "would be presented",
           "1 connector would get worse: in", "sealpost cert renew");
    change.removed = NULL;
    domains[0].fetched = POLICY_FETCHED;
    expect(&change, PLAN_SAME, "valid, exact -> valid, exact", "", NULL, "");
}

/* A whole change of the document, with connectors that come, go and give up TLS. */
static void test_connectors_come_and_go(void **state)
{
    (void)state;
    add_issued("mail.example.com", -10, 80);
    expect(&(struct change){.before = HEAD, .after = PLAIN}, PLAN_DIFFERENT,
           "not there -> valid, exact", "", NULL, "");
    expect(&(struct change){.before = HEAD, .after = IN("fqdn: x.example, tls: required")},
           PLAN_DIFFERENT, "not there -> valid, name not covered", "", NULL, "");
    expect(&(struct change){.before = PLAIN, .after = HEAD}, PLAN_DIFFERENT,
           "valid, exact -> not there", "", NULL, "");
    expect(&(struct change){.before = PLAIN, .after = IN("enabled: false")}, PLAN_DIFFERENT,
           "valid, exact -> disabled", "", NULL, "");
    expect(&(struct change){.before = PLAIN, .after = IN("tls: off")}, PLAN_DIFFERENT,
           "valid, exact -> no TLS", "", NULL, "");
    expect(&(struct change){.before = IN("partners: [a.example]"), .after = IN("tls: off")},
           PLAN_BROKEN, "valid, exact -> no TLS", "its partners send by TLS only",
           "1 connector would lose its certificate: in",
           "sealpost receive-connector set in tls=offered");
    struct plan p = plan(&(struct change){
        .before =
            HEAD "receive-connectors:\n  a: {bind: '0.0.0.0:25'}\n  b: {bind: '0.0.0.0:26'}\n",
        .after = HEAD "receive-connectors:\n  c: {bind: '0.0.0.0:27'}\n"
                      "  b: {bind: '0.0.0.0:26', fqdn: x.example}\n"});
    assert_int_equal(p.connector_count, 3);
    assert_span(p.connectors[0].connector->name, "c");
    assert_int_equal(p.connectors[1].effect, PLAN_WORSE);
    assert_span(p.connectors[2].connector->name, "a");
    assert_span(p.refusal, "1 connector would get worse: b");
    done();
}

static void test_client_certificates(void **state)
{
    (void)state;
    struct certificate *c = add_issued("client.example.com", -10, 80);
    c->services = SERVICE_CLIENT;
    const char *yaml = arena_text(
        &store.arena,
        span_of(with(HEAD "send-connectors: {out: {address-spaces: ['*'], tls-certificate: %s}}\n",
                     c)));
    struct plan p = plan(&(struct change){.before = yaml, .removed = c});
    assert_int_equal(p.send_connector_count, 1);
    assert_int_equal(p.send_connectors[0].effect, PLAN_BROKEN);
    assert_span(p.send_connectors[0].text, "expires in 80 days -> nothing usable");
    assert_true(p.refused);
    assert_span(p.refusal, "1 connector would lose its certificate: out");
    assert_span(p.remedy, "sealpost send-connector set out tls-certificate=");
    done();
    p = plan(&(struct change){.before = yaml});
    assert_int_equal(p.send_connectors[0].effect, PLAN_SAME);
    assert_false(p.refused);
    done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing_changes, reset),
        cmocka_unit_test_setup(test_renewal, reset),
        cmocka_unit_test_setup(test_last_one_is_removed, reset),
        cmocka_unit_test_setup(test_worse, reset),
        cmocka_unit_test_setup(test_pins, reset),
        cmocka_unit_test_setup(test_key_types, reset),
        cmocka_unit_test_setup(test_tlsa, reset),
        cmocka_unit_test_setup(test_mta_sts, reset),
        cmocka_unit_test_setup(test_connectors_come_and_go, reset),
        cmocka_unit_test_setup(test_client_certificates, reset),
    };
    return cmocka_run_group_tests(tests, NULL, leave_store);
}
