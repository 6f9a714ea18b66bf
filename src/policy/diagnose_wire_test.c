/* Faults that only a look from outside, at files, at DNS or at the clock can show. */
#include "policy/diagnose_script.h"

static struct diagnose_facts facts;
static struct certificate *chosen;

static int reset(void **state)
{
    (void)state;
    reset_store();
    facts = (struct diagnose_facts){.now_ms = TEST_NOW_MS};
    chosen = add_issued("mail.example.com", -10, 80);
    return 0;
}

/* A stranger to whom all went well. */
static struct wire_fact seen(const char *connector, const struct certificate *c)
{
    struct wire_fact fact = {.connector = span_of(connector), .at_ms = TEST_NOW_MS};
    fact.connected = fact.offered_starttls = fact.handshake = true;
    memcpy(fact.thumbprint, c->thumbprint, sizeof(fact.thumbprint));
    return fact;
}

static struct findings run(const char *yaml, struct document **d)
{
    struct findings findings = {.arena = &store.arena};
    *d = parse_ok(yaml);
    facts.state = state_of(*d);
    diagnose(&findings, &facts);
    return findings;
}

/* The only finding; NULL name: none at all. */
static void expect(const char *yaml, const char *fault, const char *name, unsigned event,
                   const char *remedy)
{
    struct document *d;
    struct findings findings = run(yaml, &d);
    if (findings.count != (name ? 1 : 0))
        fail_msg("%zu findings, first " SPAN_FMT, findings.count,
                 SPAN_ARG(findings.count ? findings.items[0].name : SPAN_NONE));
    if (name) {
        const struct finding *f = &findings.items[0];
        assert_span(f->name, name);
        assert_span(f->fault, fault);
        assert_int_equal(f->event, event);
        assert_true(f->subject.n && f->cause.n && f->evidence.n && f->consequence.n);
        assert_has(arena_text(&store.arena, f->remedy), remedy);
    }
    document_free(d);
}

static void expect_wire(const char *yaml, const struct wire_fact *fact, const char *fault,
                        const char *name, unsigned event, const char *remedy)
{
    facts.wire = fact;
    facts.wire_count = 1;
    expect(yaml, fault, name, event, remedy);
}

#define TWO                                                                                        \
    HEAD "receive-connectors:\n  in: {bind: '0.0.0.0:25'}\n"                                       \
         "  apps: {bind: '0.0.0.0:25', from: [10.0.0.0/8], tls: off}\n"

static void test_what_was_expected(void **state)
{
    (void)state;
    struct wire_fact fact = seen("in", chosen);
    expect_wire(PLAIN, &fact, "", NULL, 0, "");
    /* By SNI any certificate that covers the name may come. */
    struct certificate *other = add_issued("other.example.com", -10, 80);
    fact = seen("in", other);
    fact.name = SPAN("other.example.com");
    expect_wire(PLAIN, &fact, "", NULL, 0, "");
    /* No STARTTLS is due where TLS is off, or withheld; nor a handshake with the wrong kind of key.
     */
    fact = (struct wire_fact){.connector = SPAN("in"), .connected = true, .error = SPAN("x")};
    expect_wire(IN("tls: off"), &fact, "", NULL, 0, "");
    fact.offered_starttls = fact.rsa_only = true;
    expect_wire(PLAIN, &fact, "", NULL, 0, "");
    fact.connector = SPAN("gone");
    expect_wire(PLAIN, &fact, "", NULL, 0, "");
}

static void test_f16_certificate_for_other_names(void **state)
{
    (void)state;
    struct certificate *other = add_issued("other.example.com", -10, 80);
    struct wire_fact fact = seen("in", other);
    expect_wire(PLAIN, &fact, "F16", "old-certificate-served", EVENT_OTHER_CERTIFICATE_SEEN,
                "sealpost sentinel in");
}

static void test_f26_old_certificate(void **state)
{
    (void)state;
    struct certificate *new = add_issued("mail.example.com", -1, 89);
    new->not_before_ms = chosen->not_before_ms; /* else the old one would be superseded besides */
    new->not_after_ms += DAY_MS;
    struct wire_fact fact = seen("in", chosen);
    expect_wire(PLAIN, &fact, "F26", "old-certificate-served", EVENT_OTHER_CERTIFICATE_SEEN,
                "# still so: compare every host behind the load balancer");
}

static void test_f18_foreign_certificate(void **state)
{
    (void)state;
    struct wire_fact fact = seen("in", chosen);
    fact.thumbprint[0] = fact.thumbprint[0] == '0' ? '1' : '0';
    expect_wire(PLAIN, &fact, "F18", "foreign-certificate-seen", EVENT_OTHER_CERTIFICATE_SEEN,
                "# turn off TLS inspection for SMTP in the firewall or proxy");
}

/* What was sent is judged, not only what lies in the store. */
static void test_f17_chain_on_the_wire(void **state)
{
    (void)state;
    static const enum chain_state worse[] = {CHAIN_PRIVATE, CHAIN_INCOMPLETE};
    struct wire_fact fact = seen("in", chosen);
    for (size_t i = 0; i < COUNT_OF(worse); i++) {
        fact.chain = worse[i];
        expect_wire(PLAIN, &fact, "F17", "other-chain-seen", EVENT_OTHER_CHAIN_SEEN,
                    "sealpost sentinel in\n# still so: compare every host");
    }
    /* The store's chain lacks it as well: that is told once, and by another name. */
    store.candidates[0].chain = CHAIN_INCOMPLETE;
    expect_wire(PLAIN, &fact, "F17", "chain-incomplete", EVENT_CHAIN_INCOMPLETE,
                "sealpost cert import FILE");
    fact.handshake = false;
    store.candidates[0].chain = CHAIN_TRUSTED;
    expect_wire(IN("tls: off"), &fact, "", NULL, 0, "");
}

static void test_f28_starttls_stripped(void **state)
{
    (void)state;
    struct wire_fact fact = {
        .connector = SPAN("in"), .connected = true, .error = SPAN("250-XXXXXXXA")};
    expect_wire(PLAIN, &fact, "F28", "starttls-stripped", EVENT_STARTTLS_STRIPPED,
                "# turn off SMTP inspection (fixup, Mailguard)");
}

static void test_handshake(void **state)
{
    (void)state;
    struct wire_fact fact = seen("in", chosen);
    fact.handshake = false;
    fact.error = SPAN("sslv3 alert handshake failure");
    expect_wire(PLAIN, &fact, "", "handshake-failed", EVENT_HANDSHAKE_FAILED,
                with("sealpost cert show %s", chosen));
}

static void test_f34_nothing_answers(void **state)
{
    (void)state;
    struct wire_fact fact = {.connector = SPAN("in"), .error = SPAN("connection refused")};
    expect_wire(PLAIN, &fact, "F34", "listener-silent", EVENT_LISTENER_SILENT,
                "sealpost receive-connector set in bind=0.0.0.0:25");
    expect_wire(IN("enabled: false"), &fact, "", NULL, 0, "");
}

static void test_f35_other_connector(void **state)
{
    (void)state;
    struct wire_fact fact = {.connector = SPAN("in"), .connected = true, .error = SPAN("none")};
    expect_wire(TWO, &fact, "F35", "other-connector-answers", EVENT_OTHER_CONNECTOR_ANSWERS,
                "sealpost receive-connector set apps 'from=[10.0.0.0/8]'  # less those clients");
    struct certificate *relay = add_issued("relay.example.com", -10, 80);
    fact = seen("in", relay);
    expect_wire(HEAD "receive-connectors:\n  in: {bind: '0.0.0.0:25'}\n"
                     "  apps: {bind: '0.0.0.0:25', from: [10.0.0.0/8], fqdn: relay.example.com}\n",
                &fact, "F35", "other-connector-answers", EVENT_OTHER_CONNECTOR_ANSWERS,
                "sealpost receive-connector set apps");
}

static void test_files(void **state)
{
    (void)state;
    struct file_fact file = {.path = SPAN("/var/lib/sealpost/it's.pem"), .mode = 0644};
    facts.files = &file;
    facts.file_count = 1;
    facts.wire_count = 0;
    expect(PLAIN, "", "key-file-readable", EVENT_KEY_FILE_READABLE,
           "chmod 600 '/var/lib/sealpost/it'\\''s.pem'");
    file = (struct file_fact){.path = SPAN("/etc/le/mail.pem"),
                              .fault = SPAN("the key belongs to another certificate")};
    expect(PLAIN, "", "certificate-file-unusable", EVENT_CERTIFICATE_FILE,
           "openssl x509 -noout -subject -in /etc/le/mail.pem");
}

static void test_clock(void **state)
{
    (void)state;
    facts.newest_not_before_ms = TEST_NOW_MS;
    expect(PLAIN, "", NULL, 0, "");
    facts.newest_not_before_ms = TEST_NOW_MS + 1;
    expect(PLAIN, "", "clock-behind", EVENT_CLOCK, "timedatectl set-ntp true");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_what_was_expected, reset),
        cmocka_unit_test_setup(test_f16_certificate_for_other_names, reset),
        cmocka_unit_test_setup(test_f17_chain_on_the_wire, reset),
        cmocka_unit_test_setup(test_f18_foreign_certificate, reset),
        cmocka_unit_test_setup(test_f26_old_certificate, reset),
        cmocka_unit_test_setup(test_f28_starttls_stripped, reset),
        cmocka_unit_test_setup(test_f34_nothing_answers, reset),
        cmocka_unit_test_setup(test_f35_other_connector, reset),
        cmocka_unit_test_setup(test_handshake, reset),
        cmocka_unit_test_setup(test_files, reset),
        cmocka_unit_test_setup(test_clock, reset),
    };
    return cmocka_run_group_tests(tests, NULL, leave_store);
}
