/* One test per fault of doc/faults.md that is diagnosed from documents and certificates. */
#include "policy/diagnose_script.h"

static struct diagnose_facts facts;

static int reset(void **state)
{
    (void)state;
    reset_store();
    facts = (struct diagnose_facts){.now_ms = TEST_NOW_MS};
    return 0;
}

static struct findings diagnose_document(const struct document *d)
{
    struct findings findings = {.arena = &store.arena};
    facts.state = state_of(d);
    diagnose(&findings, &facts);
    return findings;
}

static void print_all(const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->items[i];
        print_error(SPAN_FMT " " SPAN_FMT " %u " SPAN_FMT "\n" SPAN_FMT "\n", SPAN_ARG(f->fault),
                    SPAN_ARG(f->name), f->event, SPAN_ARG(f->cause), SPAN_ARG(f->remedy));
    }
}

static const struct finding *find(const struct findings *findings, const char *name)
{
    for (size_t i = 0; i < findings->count; i++)
        if (span_eq(findings->items[i].name, span_of(name)))
            return &findings->items[i];
    print_all(findings);
    fail_msg("there is no finding %s", name);
    return NULL;
}

/* Every finding says all that it has to say. */
static void check_whole(const struct finding *f)
{
    assert_true(f->subject.n && f->cause.n && f->evidence.n && f->consequence.n && f->remedy.n);
}

/* The finding of that name, with all the rest of it. `alone`: nothing else is found. */
static void expect(const char *yaml, bool alone, const char *fault, const char *name,
                   unsigned event, enum finding_severity severity, const char *remedy)
{
    struct document *d = parse_ok(yaml);
    struct findings findings = diagnose_document(d);
    const struct finding *f = find(&findings, name);
    if (alone && findings.count != 1) {
        print_all(&findings);
        fail_msg("%s is not alone", name);
    }
    for (size_t i = 0; i < findings.count; i++)
        check_whole(&findings.items[i]);
    assert_span(f->fault, fault);
    assert_int_equal(f->event, event);
    assert_int_equal(f->severity, severity);
    char *text = arena_text(&store.arena, f->remedy);
    assert_has(text, remedy);
    document_free(d);
}

static void expect_nothing(const char *yaml)
{
    struct document *d = parse_ok(yaml);
    struct findings findings = diagnose_document(d);
    if (findings.count) {
        print_all(&findings);
        fail_msg("a healthy world has findings:\n%s", yaml);
    }
    document_free(d);
}

static void test_healthy_worlds(void **state)
{
    (void)state;
    expect_nothing(HEAD);
    expect_nothing(IN("tls: off"));
    expect_nothing(IN("enabled: false"));
    struct certificate *c = add_issued("mail.example.com", -10, 80);
    expect_nothing(PLAIN);
    expect_nothing(IN("tls: required, partners: [bank.example]"));
    expect_nothing(IN("on-mismatch: refuse"));
    expect_nothing(with(IN("pin: %s, pin-strict: true"), c));
    c->services |= SERVICE_CLIENT;
    expect_nothing(
        with(PLAIN "send-connectors: {out: {address-spaces: ['*'], tls-certificate: %s}}\n", c));
    add_issued("*.example.com", -5, 80);
    expect_nothing(PLAIN);
}

/* A store that has nothing but its own certificate is as a fresh installation is: nothing to say.
 */
static void test_self_signed_alone(void **state)
{
    (void)state;
    add((struct recipe){.names = "mail.example.com", .subject = "CN=mail.example.com"},
        CHAIN_SELF_SIGNED);
    expect_nothing(PLAIN);
    expect(IN("partners: [bank.example]"), true, "F33", "untrusted-served", EVENT_UNTRUSTED_SERVED,
           FINDING_RED, "sealpost cert request mail.example.com");
}

static void test_f01_name_on_no_certificate(void **state)
{
    (void)state;
    struct certificate *c = add_issued("mail.example.com", -10, 80);
    const char *cover = "sealpost cert request --add relay.example.com --renew %s\n"
                        "sealpost receive-connector set in fqdn=mail.example.com";
    expect(IN("fqdn: relay.example.com"), true, "F01", "starttls-name-not-covered", 12014,
           FINDING_YELLOW, with(cover, c));
    expect(IN("fqdn: relay.example.com, partners: [bank.example]"), true, "F01",
           "starttls-name-not-covered", 12014, FINDING_RED, with(cover, c));
    expect(IN("fqdn: relay.example.com, on-mismatch: withhold"), true, "F01",
           "starttls-name-not-covered", 12014, FINDING_RED, with(cover, c));
    expect(IN("fqdn: relay.example.com, on-mismatch: refuse"), true, "F01",
           "starttls-name-not-covered", 12014, FINDING_RED, with(cover, c));
}

static void test_f02_not_enabled(void **state)
{
    (void)state;
    struct certificate *c = add_issued("mail.example.com", -10, 80);
    c->services = SERVICE_HTTP;
    expect(PLAIN, true, "F02", "starttls-no-certificate", 12014, FINDING_RED,
           with("sealpost cert enable %s --services smtp", c));
    add_issued("other.example.com", -10, 80);
    expect(PLAIN, true, "F02", "starttls-name-not-covered", 12014, FINDING_YELLOW,
           with("sealpost cert enable %s --services smtp", c));
}

/* The authority changed its intermediate: the pin names the old one. */
static void test_f03_stale_pin(void **state)
{
    (void)state;
    struct certificate *c = add_issued("mail.example.com", -10, 80);
    const char *pair = "pin: '<I>CN=R10, O=CA<S>CN=mail.example.com'";
    char yaml[1000], remedy[1000];
    snprintf(yaml, sizeof(yaml), IN("%s"), pair);
    snprintf(remedy, sizeof(remedy),
             "sealpost receive-connector set in 'pin=<I>" SPAN_FMT "<S>CN=mail.example.com'\n"
             "sealpost receive-connector set in pin=",
             SPAN_ARG(c->issuer));
    expect(yaml, true, "F03", "pin-stale", EVENT_PIN_STALE, FINDING_YELLOW, remedy);
    snprintf(yaml, sizeof(yaml), IN("%s, pin-strict: true"), pair);
    expect(yaml, true, "F03", "pin-stale", 12014, FINDING_RED, remedy);
    expect(yaml, true, "F03", "pin-stale", 12014, FINDING_RED, "in pin= pin-strict=");
}

static void test_f04_no_certificate(void **state)
{
    (void)state;
    expect(PLAIN, true, "F04", "starttls-no-certificate", 12014, FINDING_RED,
           "sealpost cert request mail.example.com\nsealpost cert new mail.example.com");
}

static void test_f06_expired(void **state)
{
    (void)state;
    struct certificate *c = add_issued("mail.example.com", -90, -1);
    expect(PLAIN, true, "F06", "starttls-certificate-expired", 12016, FINDING_RED,
           with("sealpost cert renew %s", c));
    struct certificate *next = add_issued("mail.example.com", -1, 80);
    next->services = 0;
    expect(PLAIN, true, "F02", "starttls-certificate-expired", 12016, FINDING_RED,
           with("sealpost cert enable %s --services smtp", next));
}

static void test_expires_soon(void **state)
{
    (void)state;
    struct certificate *c = add_issued("mail.example.com", -80, 10);
    expect(PLAIN, true, "", "starttls-certificate-expires-soon", 12018, FINDING_YELLOW,
           with("sealpost cert renew %s", c));
    c->not_after_ms = TEST_NOW_MS + DAY_MS;
    expect(PLAIN, true, "", "starttls-certificate-expires-soon", 12018, FINDING_RED,
           with("sealpost cert renew %s", c));
    /* A pin that keeps out the renewed one. */
    const char *yaml = arena_text(&store.arena, span_of(with(IN("pin: %s"), c)));
    struct certificate *next = add_issued("mail.example.com", -1, 80);
    expect(yaml, true, "", "starttls-certificate-expires-soon", 12018, FINDING_RED,
           with("sealpost receive-connector set in pin=%s", next));
}

/* Internal trust hangs on the certificate for edge, which no connector presents. */
static void test_f05_internal_certificate(void **state)
{
    (void)state;
    struct certificate *c =
        add((struct recipe){.names = "ex01.corp.example,ex01", .subject = "CN=ex01"},
            CHAIN_SELF_SIGNED);
    const char *remedy = "sealpost cert new ex01.corp.example ex01 --services edge";
    c->services = SERVICE_EDGE;
    c->not_before_ms = TEST_NOW_MS - 300 * DAY_MS;
    c->not_after_ms = TEST_NOW_MS + 31 * DAY_MS;
    expect_nothing(HEAD);
    c->not_after_ms = TEST_NOW_MS + 3 * HOUR_MS;
    expect(HEAD, true, "F05", "internal-certificate-expires-soon", 12017, FINDING_YELLOW, remedy);
    c->not_after_ms = TEST_NOW_MS - 1;
    expect(HEAD, true, "F05", "internal-certificate-expired", 12015, FINDING_YELLOW, remedy);
    /* Without the service, or its key, it is no certificate of internal trust. */
    c->services = SERVICE_HTTP;
    expect_nothing(HEAD);
    c->services = SERVICE_EDGE | SERVICE_HTTP;
    struct certificate *issued = add_issued("ex01.corp.example", -80, 10);
    issued->services = SERVICE_EDGE;
    expect(HEAD, true, "F05", "internal-certificate-expires-soon", 12017, FINDING_YELLOW,
           with("sealpost cert renew %s", issued));
    issued->not_after_ms = TEST_NOW_MS + 80 * DAY_MS; /* it has taken over */
    expect_nothing(HEAD);
    remove_key(issued);
    expect(HEAD, false, "F05", "internal-certificate-expired", 12015, FINDING_YELLOW, remedy);
}

/* Old and new of the same issuer and subject: both can be told apart, and the old one removed. */
static void test_f08_superseded(void **state)
{
    (void)state;
    struct certificate *old = add_issued("mail.example.com", -60, 30);
    struct certificate *new = add_issued("mail.example.com", -1, 89);
    expect(PLAIN, true, "F08", "certificate-superseded", EVENT_SUPERSEDED, FINDING_GREEN,
           with("sealpost cert remove %s", old));
    const struct certificate **superseded;
    struct document *d = parse_ok(with(IN("pin: %s"), old));
    struct plan_state s = state_of(d);
    assert_int_equal(plan_superseded(&store.arena, &s, TEST_NOW_MS, &superseded), 0);
    document_free(d);
    new->services = SERVICE_HTTP;
    d = parse_ok(PLAIN);
    s = state_of(d);
    assert_int_equal(plan_superseded(&store.arena, &s, TEST_NOW_MS, &superseded), 0);
    document_free(d);
}

/* Old and new cannot be told apart by the pair: the newer one is taken, without a hand being moved.
 */
static void test_f32_renewal_under_the_same_pair(void **state)
{
    (void)state;
    add_issued("mail.example.com", -60, 30);
    struct certificate *new = add_issued("mail.example.com", -1, 89);
    char yaml[1000];
    snprintf(yaml, sizeof(yaml), IN("pin: '<I>" SPAN_FMT "<S>" SPAN_FMT "', pin-strict: true"),
             SPAN_ARG(new->issuer), SPAN_ARG(new->subject));
    struct document *d = parse_ok(yaml);
    struct plan_state s = state_of(d);
    struct selection selection =
        plan_select(&store.arena, &s, &d->receive_connectors[0], TEST_NOW_MS);
    assert_ptr_equal(selection.chosen, new);
    assert_int_equal(selection.pin, PIN_HELD);
    document_free(d);
    expect(yaml, true, "F08", "certificate-superseded", EVENT_SUPERSEDED, FINDING_GREEN,
           "sealpost cert remove");
}

static void test_f11_newer_not_enabled(void **state)
{
    (void)state;
    add_issued("mail.example.com", -30, 60);
    struct certificate *new = add_issued("mail.example.com", -1, 89);
    new->services = 0;
    expect(PLAIN, true, "F11", "newer-not-enabled", EVENT_NEWER_NOT_ENABLED, FINDING_YELLOW,
           with("sealpost cert enable %s --services smtp", new));
}

static void test_f12_key(void **state)
{
    (void)state;
    struct certificate *c = add_issued("mail.example.com", -10, 80);
    remove_key(c);
    const char *remedy = "sealpost cert import FILE  # with the private key of %s";
    expect(PLAIN, true, "F12", "starttls-no-certificate", 12014, FINDING_RED, with(remedy, c));
    c->key = make_key(NULL);
    expect(PLAIN, true, "F12", "starttls-no-certificate", 12014, FINDING_RED, with(remedy, c));
    /* A torn pair beside the old one, which goes on. */
    add_issued("mail.example.com", -30, 60);
    expect(PLAIN, true, "F12", "certificate-key-unusable", EVENT_KEY_UNUSABLE, FINDING_YELLOW,
           with(remedy, c));
}

static void test_f13_untrusted_chosen(void **state)
{
    (void)state;
    struct certificate *own =
        add((struct recipe){.names = "mail.example.com", .subject = "CN=mail"}, CHAIN_SELF_SIGNED);
    add_issued("*.example.com", -10, 80);
    expect(PLAIN, true, "F13", "untrusted-chosen", EVENT_UNTRUSTED_CHOSEN, FINDING_YELLOW,
           with("sealpost cert disable %s --services smtp", own));
}

static void test_f37_untrusted_pinned(void **state)
{
    (void)state;
    struct certificate *own =
        add((struct recipe){.names = "mail.example.com", .subject = "CN=mail"}, CHAIN_SELF_SIGNED);
    const char *yaml = arena_text(&store.arena, span_of(with(IN("pin: %s"), own)));
    struct certificate *issued = add_issued("mail.example.com", -10, 80);
    expect(yaml, true, "F37", "untrusted-chosen", EVENT_UNTRUSTED_CHOSEN, FINDING_YELLOW,
           with("sealpost receive-connector set in pin=%s", issued));
}

#define OUT "send-connectors: {out: {address-spaces: ['*'], tls-certificate: %s}}\n"

static void test_f15_client_certificate_gone(void **state)
{
    (void)state;
    add_issued("mail.example.com", -10, 80);
    expect(PLAIN "send-connectors: {out: {address-spaces: ['*'], tls-certificate: "
                 "51d7e0c9a1b2c3d4e5f60718293a4b5c6d7e8f90}}\n",
           true, "F15", "client-certificate-missing", EVENT_CLIENT_CERTIFICATE, FINDING_RED,
           "sealpost cert list\nsealpost send-connector set out tls-certificate=");
}

static void test_f22_client_certificate_not_enabled(void **state)
{
    (void)state;
    struct certificate *c = add_issued("mail.example.com", -10, 80);
    const char *yaml = arena_text(&store.arena, span_of(with(PLAIN OUT, c)));
    expect(yaml, true, "F22", "client-certificate-unusable", EVENT_CLIENT_CERTIFICATE, FINDING_RED,
           with("sealpost cert enable %s --services client", c));
    c->services |= SERVICE_CLIENT;
    remove_key(c);
    expect(yaml, false, "F12", "client-certificate-unusable", EVENT_CLIENT_CERTIFICATE, FINDING_RED,
           with("sealpost cert import FILE  # with the private key of %s", c));
}

static void test_client_certificate_expires(void **state)
{
    (void)state;
    struct certificate *c = add_issued("client.example.com", -80, 10);
    c->services = SERVICE_CLIENT;
    const char *yaml = arena_text(&store.arena, span_of(with(HEAD OUT, c)));
    expect(yaml, true, "", "client-certificate-expires", EVENT_CLIENT_CERTIFICATE, FINDING_YELLOW,
           with("sealpost cert renew %s", c));
    c->not_after_ms = TEST_NOW_MS - DAY_MS;
    expect(yaml, true, "", "client-certificate-expires", EVENT_CLIENT_CERTIFICATE, FINDING_RED,
           with("sealpost cert renew %s", c));
}

static void test_f17_chain_incomplete(void **state)
{
    (void)state;
    add_issued("mail.example.com", -10, 80);
    store.candidates[0].chain = CHAIN_INCOMPLETE;
    expect(PLAIN, true, "F17", "chain-incomplete", EVENT_CHAIN_INCOMPLETE, FINDING_YELLOW,
           "sealpost cert import FILE  # the certificate of ");
}

static void test_f30_weak(void **state)
{
    (void)state;
    struct certificate *c = add_issued("mail.example.com", -10, 80);
    c->weak_signature = true;
    expect(PLAIN, true, "F30", "starttls-no-certificate", 12014, FINDING_RED,
           "sealpost cert request mail.example.com");
    add_issued("mail.example.com", -10, 80);
    expect(PLAIN, true, "F30", "certificate-weak", EVENT_WEAK, FINDING_YELLOW,
           "sealpost cert request mail.example.com");
}

/* What no command mends is requested anew. */
static void test_unfit_for_servers(void **state)
{
    (void)state;
    struct certificate *c = add_issued("mail.example.com", -10, 80);
    c->server_auth = false;
    expect(PLAIN, true, "", "starttls-no-certificate", 12014, FINDING_RED,
           "sealpost cert request mail.example.com");
    struct document *d = parse_ok(PLAIN);
    struct findings findings = diagnose_document(d);
    assert_has(arena_text(&store.arena, findings.items[0].cause), "not meant for servers");
    c->server_auth = true;
    c->version = 1;
    findings = diagnose_document(d);
    assert_has(arena_text(&store.arena, findings.items[0].cause), "no X.509 version 3");
    document_free(d);
}

static void test_f33_submission(void **state)
{
    (void)state;
    add((struct recipe){.names = "ex01.corp.example", .subject = "CN=ex01"}, CHAIN_SELF_SIGNED);
    add_issued("mail.example.com", -10, 80);
    expect(HEAD "receive-connectors: {clients: {bind: '0.0.0.0:587', fqdn: ex01.corp.example}}\n",
           true, "F33", "untrusted-served", EVENT_UNTRUSTED_SERVED, FINDING_YELLOW,
           "sealpost receive-connector set clients fqdn=mail.example.com");
}

static void test_f36_without_names(void **state)
{
    (void)state;
    struct certificate *c = add((struct recipe){.subject = "O=Auth"}, CHAIN_SELF_SIGNED);
    assert_int_equal(c->name_count, 0);
    expect(PLAIN, false, "F36", "certificate-without-names", EVENT_WITHOUT_NAMES, FINDING_YELLOW,
           with("sealpost cert disable %s --services smtp", c));
}

static void test_stand_in(void **state)
{
    (void)state;
    add((struct recipe){.names = "mail.example.com", .subject = "CN=mail"}, CHAIN_SELF_SIGNED);
    struct certificate *c = add_issued("mail.example.com", -10, 80);
    remove_key(c);
    expect(PLAIN, true, "F12", "starttls-stand-in", 12024, FINDING_YELLOW,
           with("sealpost cert import FILE  # with the private key of %s", c));
}

/* Severe ones come first, and a connector can be asked for alone. */
static void test_order_and_one_connector(void **state)
{
    (void)state;
    add_issued("mail.example.com", -80, 10);
    struct document *d = parse_ok(HEAD "receive-connectors:\n"
                                       "  a: {bind: '0.0.0.0:25'}\n"
                                       "  b: {bind: '0.0.0.0:26', fqdn: b.example,\n"
                                       "      on-mismatch: refuse}\n");
    struct findings findings = diagnose_document(d);
    assert_int_equal(findings.count, 2);
    assert_span(findings.items[0].subject, "receive connector b");
    assert_true(findings_has_red(&findings));
    struct findings one = {.arena = &store.arena};
    diagnose_connector(&one, &facts, &d->receive_connectors[0]);
    assert_int_equal(one.count, 1);
    assert_span(one.items[0].name, "starttls-certificate-expires-soon");
    assert_false(findings_has_red(&one));
    assert_string_equal(finding_severity_name(one.items[0].severity), "yellow");
    document_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_healthy_worlds, reset),
        cmocka_unit_test_setup(test_self_signed_alone, reset),
        cmocka_unit_test_setup(test_f01_name_on_no_certificate, reset),
        cmocka_unit_test_setup(test_f02_not_enabled, reset),
        cmocka_unit_test_setup(test_f03_stale_pin, reset),
        cmocka_unit_test_setup(test_f04_no_certificate, reset),
        cmocka_unit_test_setup(test_f05_internal_certificate, reset),
        cmocka_unit_test_setup(test_f06_expired, reset),
        cmocka_unit_test_setup(test_expires_soon, reset),
        cmocka_unit_test_setup(test_f08_superseded, reset),
        cmocka_unit_test_setup(test_f11_newer_not_enabled, reset),
        cmocka_unit_test_setup(test_f12_key, reset),
        cmocka_unit_test_setup(test_f13_untrusted_chosen, reset),
        cmocka_unit_test_setup(test_f15_client_certificate_gone, reset),
        cmocka_unit_test_setup(test_f17_chain_incomplete, reset),
        cmocka_unit_test_setup(test_f22_client_certificate_not_enabled, reset),
        cmocka_unit_test_setup(test_client_certificate_expires, reset),
        cmocka_unit_test_setup(test_f30_weak, reset),
        cmocka_unit_test_setup(test_f32_renewal_under_the_same_pair, reset),
        cmocka_unit_test_setup(test_unfit_for_servers, reset),
        cmocka_unit_test_setup(test_f33_submission, reset),
        cmocka_unit_test_setup(test_f36_without_names, reset),
        cmocka_unit_test_setup(test_f37_untrusted_pinned, reset),
        cmocka_unit_test_setup(test_stand_in, reset),
        cmocka_unit_test_setup(test_order_and_one_connector, reset),
    };
    return cmocka_run_group_tests(tests, NULL, leave_store);
}
