/* What is published about the own names, against what is presented: every rule, and what cannot be
 * told. */
#include "policy/diagnose_script.h"

#define MAIL SPAN("mail.example.com")

static struct host_fact host;
static struct domain_fact domain;
static struct dns_facts dns;
static struct diagnose_facts facts;
static struct span mx[2], listed[1];
static char hash[32] = "not the hash of any key at all.";
static struct tlsa_fact tlsa[2];

/* A domain whose one MX is the connector's fqdn, and a name without TLSA records. */
static int reset(void **state)
{
    (void)state;
    reset_store();
    mx[0] = MAIL;
    mx[1] = SPAN("backup.example.org");
    listed[0] = SPAN("*.example.com");
    host =
        (struct host_fact){.host = MAIL, .known = FACT_KNOWN, .proof = PROOF_SECURE, .tlsa = tlsa};
    domain = (struct domain_fact){.domain = SPAN("example.com"),
                                  .mx_known = FACT_KNOWN,
                                  .mx = mx,
                                  .mx_count = 1,
                                  .sts_known = FACT_KNOWN};
    dns = (struct dns_facts){&host, 1, &domain, 1};
    facts = (struct diagnose_facts){.now_ms = TEST_NOW_MS, .dns = &dns};
    return 0;
}

static void announce(enum mta_sts_mode mode)
{
    domain.sts_announced = true;
    domain.fetched = POLICY_FETCHED;
    domain.policy = (struct mta_sts_policy){mode, 86400, listed, 1};
}

static void publish(uint8_t usage, uint8_t selector, struct span data)
{
    tlsa[host.tlsa_count++] = (struct tlsa_fact){usage, selector, 1, data};
}

static struct findings look(const char *yaml)
{
    struct document *d = parse_ok(yaml);
    struct findings findings = {.arena = &store.arena};
    facts.state = state_of(d);
    diagnose(&findings, &facts);
    document_free(d);
    return findings;
}

/* Empty name: nothing is found. Otherwise this is all that is found. */
static const struct finding *expect(const char *yaml, const char *name, unsigned event,
                                    enum finding_severity severity, const char *remedy)
{
    struct findings all = look(yaml);
    if (all.count != (name[0] ? 1 : 0) || (name[0] && !span_eq(all.items[0].name, span_of(name)))) {
        for (size_t i = 0; i < all.count; i++)
            print_error(SPAN_FMT ": " SPAN_FMT "\n", SPAN_ARG(all.items[i].name),
                        SPAN_ARG(all.items[i].cause));
        fail_msg("expected \"%s\" alone", name);
    }
    if (!name[0])
        return NULL;
    const struct finding *f = &all.items[0];
    assert_true(f->subject.n && f->cause.n && f->evidence.n && f->consequence.n && f->remedy.n);
    assert_int_equal(f->event, event);
    assert_int_equal(f->severity, severity);
    assert_has(arena_text(&store.arena, f->remedy), remedy);
    return f;
}

static void expect_nothing(const char *yaml)
{
    expect(yaml, "", 0, FINDING_GREEN, "");
}

static const char *cause(const struct finding *f)
{
    return arena_text(&store.arena, f->cause);
}

/* ---- TLSA ---- */

static void test_tlsa_mismatch(void **state)
{
    (void)state;
    struct certificate *c = add_issued("mail.example.com", -10, 80);
    char remedy[300];
    publish(1, 1, span_make(hash, sizeof(hash))); /* PKIX: not for mail */
    expect_nothing(PLAIN);
    publish(3, 1, span_make(hash, sizeof(hash)));
    snprintf(remedy, sizeof(remedy), "# publish first: _25._tcp.mail.example.com. IN TLSA 3 1 1 %s",
             c->spki);
    expect(PLAIN, "tlsa-mismatch", EVENT_TLSA_MISMATCH, FINDING_RED, remedy);
    host.proof = PROOF_NOT_TRIED;
    expect(PLAIN, "tlsa-mismatch", EVENT_TLSA_MISMATCH, FINDING_YELLOW, remedy);
    host.proof = PROOF_INSECURE;
    expect(PLAIN, "tlsa-insecure", EVENT_TLSA_INSECURE, FINDING_GREEN, "# sign the zone");
    host.proof = PROOF_SECURE;
    expect_nothing(IN("tls: off"));
    expect_nothing(HEAD "receive-connectors: {in: {bind: '0.0.0.0:587'}}\n"); /* no MX port */
    facts.dns = NULL;
    expect_nothing(PLAIN);
}

static void test_tlsa_authority(void **state)
{
    (void)state;
    add_issued("mail.example.com", -10, 80);
    publish(2, 0, span_make(hash, sizeof(hash)));
    const struct finding *f =
        expect(PLAIN, "tlsa-not-in-chain", EVENT_TLSA_NOT_IN_CHAIN, FINDING_RED, "# publish first");
    assert_has(cause(f), "not in the chain that is sent");
}

static struct span key_hash(const struct certificate *c)
{
    struct buf bytes = BUF_INIT(64);
    test_add_unhex(&bytes, span_of(c->spki));
    struct span copy = arena_copy(&store.arena, buf_span(&bytes));
    buf_done(&bytes);
    return copy;
}

#define ACME(keys)                                                                                 \
    PLAIN                                                                                          \
    "certificates: {acme: {directory: 'https://ca.example/d', names: [mail.example.com]" keys "}}" \
    "\n"

/* Said while the key that is named is still in force. */
static void test_tlsa_before_renewal(void **state)
{
    (void)state;
    struct certificate *c = add_issued("mail.example.com", -10, 80);
    publish(3, 1, key_hash(c));
    expect_nothing(PLAIN);
    expect_nothing(ACME(", reuse-key: true"));
    const struct finding *f =
        expect(ACME(""), "tlsa-renewal", EVENT_TLSA_RENEWAL, FINDING_YELLOW, "reuse-key: true");
    assert_has(cause(f), "makes a new key");
    struct buf sha = BUF_INIT(64);
    test_add_unhex(&sha, span_of(c->sha256));
    tlsa[0] = (struct tlsa_fact){3, 0, 1, buf_span(&sha)}; /* the certificate itself */
    f = expect(ACME(", reuse-key: true"), "tlsa-renewal", EVENT_TLSA_RENEWAL, FINDING_YELLOW,
               "# publish first: _25._tcp.mail.example.com. IN TLSA 3 1 1 ");
    assert_has(cause(f), "every renewal replaces");
    buf_done(&sha);
}

/* What a request says, before its certificate comes. */
static void test_publish_first(void **state)
{
    (void)state;
    struct certificate *c = add_issued("mail.example.com", -10, 80);
    struct span names[] = {SPAN("other.example.com"), SPAN("*.example.com")};
    const char *other = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    assert_span(dns_facts_publish_first(&store.arena, &dns, names, 2, span_of(other)), "");
    publish(3, 1, key_hash(c));
    assert_span(dns_facts_publish_first(&store.arena, &dns, names, 1, span_of(other)), "");
    assert_span(dns_facts_publish_first(&store.arena, &dns, names, 2, span_of(c->spki)), "");
    assert_span(dns_facts_publish_first(&store.arena, &dns, names, 2, span_of(other)),
                "_25._tcp.mail.example.com. IN TLSA 3 1 1 "
                "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    publish(2, 0, span_make(hash, sizeof(hash))); /* it may issue this one as well */
    assert_span(dns_facts_publish_first(&store.arena, &dns, names, 2, span_of(other)), "");
    host.known = FACT_CANNOT_TELL;
    assert_span(dns_facts_publish_first(&store.arena, &dns, names, 2, span_of(other)), "");
    assert_span(dns_facts_publish_first(&store.arena, NULL, names, 2, span_of(other)), "");
}

/* ---- MX ---- */

static void test_mx(void **state)
{
    (void)state;
    add_issued("mail.example.com", -10, 80);
    domain.mx_count = 2;
    expect_nothing(PLAIN); /* one of them may well be another server */
    domain.mx = &mx[1];
    domain.mx_count = 1;
    expect(PLAIN, "mx-elsewhere", EVENT_MX_ELSEWHERE, FINDING_GREEN, "fqdn=backup.example.org");
    domain.mx_count = 0;
    expect_nothing(PLAIN);
}

static void test_mx_not_covered(void **state)
{
    (void)state;
    add_issued("other.example.com", -10, 80);
    struct findings all = look(PLAIN);
    assert_int_equal(all.count, 2); /* 12014 says it of the connector */
    assert_span(all.items[1].name, "mx-not-covered");
    assert_int_equal(all.items[1].severity, FINDING_YELLOW);
    assert_has(arena_text(&store.arena, all.items[1].remedy),
               "sealpost cert request --add mail.example.com --renew");
}

/* ---- MTA-STS ---- */

static void test_mta_sts_mx_not_listed(void **state)
{
    (void)state;
    add_issued("mail.example.com", -10, 80);
    announce(MTA_STS_ENFORCE);
    expect_nothing(PLAIN);
    domain.mx_count = 2;
    const char *remedy = "# mx: backup.example.org in "
                         "https://mta-sts.example.com/.well-known/mta-sts.txt";
    expect(PLAIN, "mta-sts-mx-not-listed", EVENT_STS_MX_NOT_LISTED, FINDING_RED, remedy);
    announce(MTA_STS_TESTING);
    expect(PLAIN, "mta-sts-mx-not-listed", EVENT_STS_MX_NOT_LISTED, FINDING_YELLOW, remedy);
    announce(MTA_STS_NONE);
    expect_nothing(PLAIN);
    announce(MTA_STS_ENFORCE);
    domain.mx_known = FACT_CANNOT_TELL;
    expect(PLAIN, "dns-failed", EVENT_DNS_FAILED, FINDING_YELLOW, "dig MX example.com");
}

/* What is presented, and what a verifier says of it. */
static void test_mta_sts_certificate(void **state)
{
    static const struct {
        const char *names, *yaml, *cause, *remedy;
        enum chain_state chain;
        bool expired;
    } cases[] = {
        {"mail.example.com", PLAIN, NULL, "", CHAIN_TRUSTED, false},
        {"other.example.com", PLAIN, "does not cover the name", "--add mail.example.com",
         CHAIN_TRUSTED, false},
        {"mail.example.com", PLAIN, "has expired", "sealpost cert renew", CHAIN_TRUSTED, true},
        {"mail.example.com", PLAIN, "authority that others do not trust",
         "sealpost cert request mail.example.com", CHAIN_PRIVATE, false},
        {"mail.example.com", PLAIN, "is incomplete", "sealpost cert renew", CHAIN_INCOMPLETE,
         false},
        {"mail.example.com", PLAIN, "is self-signed", "sealpost cert request mail.example.com",
         CHAIN_SELF_SIGNED, false},
        {"mail.example.com", IN("tls: off"), "STARTTLS is not offered", "tls=offered",
         CHAIN_TRUSTED, false},
        {"other.example.com", IN("on-mismatch: withhold"), "STARTTLS is not offered",
         "--add mail.example.com", CHAIN_TRUSTED, false},
        /* Senders of mail do not come to this port. */
        {"mail.example.com", IN("tls: implicit"), NULL, "", CHAIN_SELF_SIGNED, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (int mode = MTA_STS_TESTING; mode <= MTA_STS_ENFORCE; mode++) {
            reset(state);
            struct certificate *c =
                cases[i].chain == CHAIN_SELF_SIGNED
                    ? add((struct recipe){.names = cases[i].names, .subject = "CN=mail"},
                          CHAIN_SELF_SIGNED)
                    : add_issued(cases[i].names, -10, cases[i].expired ? -1 : 80);
            store.candidates[0].chain = cases[i].chain;
            assert_non_null(c);
            announce((enum mta_sts_mode)mode);
            const struct finding *f = NULL;
            struct findings all = look(cases[i].yaml);
            for (size_t j = 0; j < all.count; j++)
                if (all.items[j].event == EVENT_STS_CERTIFICATE)
                    f = &all.items[j];
            if ((f != NULL) != (cases[i].cause != NULL))
                fail_msg("case %zu", i);
            if (!f)
                continue;
            assert_int_equal(f->severity, mode == MTA_STS_ENFORCE ? FINDING_RED : FINDING_YELLOW);
            assert_has(cause(f), cases[i].cause);
            assert_has(arena_text(&store.arena, f->remedy), cases[i].remedy);
        }
}

/* Without the MX, only what the policy lists by name is known to be sent here. */
static void test_mta_sts_without_mx(void **state)
{
    (void)state;
    add((struct recipe){.names = "mail.example.com", .subject = "CN=mail"}, CHAIN_SELF_SIGNED);
    announce(MTA_STS_ENFORCE);
    domain.mx_known = FACT_NOT_ASKED;
    expect_nothing(PLAIN);
    listed[0] = MAIL;
    expect(PLAIN, "mta-sts-certificate", EVENT_STS_CERTIFICATE, FINDING_RED, "cert request");
    domain.mx_known = FACT_KNOWN; /* listed, but no MX */
    domain.mx_count = 0;
    expect_nothing(PLAIN);
}

static void test_mta_sts_policy(void **state)
{
    static const struct {
        enum policy_fetch fetched;
        const char *name;
    } cases[] = {{POLICY_NOT_ASKED, ""},
                 {POLICY_ABSENT, "mta-sts-policy-missing"},
                 {POLICY_UNREACHABLE, "mta-sts-policy-unreachable"},
                 {POLICY_UNTRUSTED, "mta-sts-policy-untrusted"},
                 {POLICY_MALFORMED, "mta-sts-policy-malformed"}};
    (void)state;
    add_issued("mail.example.com", -10, 80);
    domain.sts_announced = true;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        domain.fetched = cases[i].fetched;
        domain.policy_why = SPAN("it says why");
        expect(PLAIN, cases[i].name, EVENT_STS_POLICY, FINDING_YELLOW,
               "curl -v https://mta-sts.example.com/.well-known/mta-sts.txt");
    }
}

/* ---- what cannot be told is never taken for absent ---- */

static void test_cannot_tell(void **state)
{
    (void)state;
    add_issued("mail.example.com", -10, 80);
    publish(3, 1, span_make(hash, sizeof(hash)));
    host.known = FACT_CANNOT_TELL;
    expect(PLAIN, "dns-failed", EVENT_DNS_FAILED, FINDING_YELLOW,
           "dig TLSA _25._tcp.mail.example.com");
    host.known = FACT_NOT_ASKED;
    domain.mx_known = FACT_CANNOT_TELL;
    domain.mx_why = SPAN("server failure");
    const struct finding *f =
        expect(PLAIN, "dns-failed", EVENT_DNS_FAILED, FINDING_YELLOW, "dig MX example.com");
    assert_span(f->evidence, "server failure");
    domain.mx_known = FACT_KNOWN;
    domain.sts_known = FACT_CANNOT_TELL;
    expect(PLAIN, "dns-failed", EVENT_DNS_FAILED, FINDING_YELLOW, "dig TXT _mta-sts.example.com");
    domain.sts_known = domain.mx_known = FACT_NOT_ASKED;
    expect_nothing(PLAIN);
}

/* Events of domains are told once, not with each connector. */
static void test_published_alone(void **state)
{
    (void)state;
    struct document *d = parse_ok(PLAIN);
    struct findings of_domains = {.arena = &store.arena}, of_connector = {.arena = &store.arena};
    add_issued("mail.example.com", -10, 80);
    domain.mx = &mx[1];
    facts.state = state_of(d);
    diagnose_published(&of_domains, &facts);
    diagnose_connector(&of_connector, &facts, &d->receive_connectors[0]);
    assert_int_equal(of_domains.count, 1);
    assert_int_equal(of_connector.count, 0);
    document_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_tlsa_mismatch, reset),
        cmocka_unit_test_setup(test_tlsa_authority, reset),
        cmocka_unit_test_setup(test_tlsa_before_renewal, reset),
        cmocka_unit_test_setup(test_publish_first, reset),
        cmocka_unit_test_setup(test_mx, reset),
        cmocka_unit_test_setup(test_mx_not_covered, reset),
        cmocka_unit_test_setup(test_mta_sts_mx_not_listed, reset),
        cmocka_unit_test_setup(test_mta_sts_certificate, reset),
        cmocka_unit_test_setup(test_mta_sts_without_mx, reset),
        cmocka_unit_test_setup(test_mta_sts_policy, reset),
        cmocka_unit_test_setup(test_cannot_tell, reset),
        cmocka_unit_test_setup(test_published_alone, reset),
    };
    return cmocka_run_group_tests(tests, NULL, leave_store);
}
