/* What a change of the document would do to each connector, with the same certificates. */
#include "base/encode.h"
#include "policy/plan_script.h"

/* Keys that change what a connector presents, or whether: one document against another. */
static void test_keys_of_a_connector(void **state)
{
    (void)state;
    struct certificate *c = add_issued("mail.example.com", -10, 80);
    const char *loose = "pin: '<I>CN=Gone<S>CN=gone'";
    char in_loose[300], in_strict[300], in_pinned[300];
    snprintf(in_loose, sizeof(in_loose), IN("%s"), loose);
    snprintf(in_strict, sizeof(in_strict), IN("%s, pin-strict: true"), loose);
    snprintf(in_pinned, sizeof(in_pinned), IN("pin: %s"), c->thumbprint);
    const struct {
        const char *before, *after;
        enum plan_effect effect;
        const char *text, *consequence, *refusal, *remedy;
    } rows[] = {
        /* the name */
        {PLAIN, IN("fqdn: x.example"), PLAN_WORSE, "valid, exact -> valid, name not covered",
         "covered by no certificate", "1 connector would get worse: in",
         "sealpost cert request --add x.example --renew"},
        {IN("fqdn: y.example"), IN("fqdn: x.example"), PLAN_SAME,
         "valid, name not covered -> valid, name not covered", "", NULL, ""},
        {IN("fqdn: y.example"), PLAIN, PLAN_BETTER, "valid, name not covered -> valid, exact", "",
         NULL, ""},
        /* pins */
        {PLAIN, in_loose, PLAN_DIFFERENT, "valid, exact -> valid, exact, not the pinned one",
         "so its name chooses", NULL, ""},
        {PLAIN, in_strict, PLAN_BROKEN, "valid, exact -> nothing: the strict pin names none",
         "its strict pin", "1 connector would lose its certificate: in",
         "sealpost receive-connector set in pin= pin-strict="},
        {in_pinned, in_loose, PLAN_DIFFERENT,
         "valid, exact, pinned -> valid, exact, not the pinned one", "so its name chooses", NULL,
         ""},
        {in_strict, in_strict, PLAN_SAME,
         "nothing: the strict pin names none -> nothing: the strict pin names none", "", NULL, ""},
        {in_strict, PLAIN, PLAN_BETTER, "nothing: the strict pin names none -> valid, exact", "",
         NULL, ""},
        /* less TLS */
        {IN("tls: required"), PLAIN, PLAN_DIFFERENT, "valid, exact -> valid, exact",
         "in clear text would be taken as well", NULL, ""},
        {PLAIN, IN("tls: required"), PLAN_SAME, "valid, exact -> valid, exact", "", NULL, ""},
        {PLAIN, IN("tls: off"), PLAN_DIFFERENT, "valid, exact -> no TLS", "in clear text", NULL,
         ""},
        {IN("tls: required, partners: [a.example]"), IN("tls: off, partners: [a.example]"),
         PLAN_BROKEN, "valid, exact -> no TLS", "its partners send by TLS only",
         "1 connector would lose its certificate: in",
         "sealpost receive-connector set in tls=offered"},
        /* on-mismatch */
        {PLAIN, IN("on-mismatch: refuse"), PLAN_SAME, "valid, exact -> valid, exact", "", NULL, ""},
        {IN("fqdn: y.example"), IN("fqdn: y.example, on-mismatch: withhold"), PLAN_BROKEN,
         "valid, name not covered -> valid, name not covered",
         "STARTTLS would no longer be offered", "1 connector would lose its certificate: in",
         "sealpost cert request --add y.example --renew"},
        {IN("fqdn: y.example"), IN("fqdn: y.example, on-mismatch: refuse"), PLAN_BROKEN,
         "valid, name not covered -> valid, name not covered", "no mail could be received",
         "1 connector would lose its certificate: in",
         "sealpost cert request --add y.example --renew"},
        {IN("on-mismatch: withhold"), IN("on-mismatch: withhold, fqdn: x.example"), PLAN_BROKEN,
         "valid, exact -> valid, name not covered", "STARTTLS would no longer be offered",
         "1 connector would lose its certificate: in",
         "sealpost cert request --add x.example --renew"},
        /* what has nothing to do with it */
        {PLAIN, HEAD "receive-connectors: {in: {bind: '0.0.0.0:26', max-recipients: 500}}\n",
         PLAN_SAME, "valid, exact -> valid, exact", "", NULL, ""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        expect(&(struct change){.before = rows[i].before, .after = rows[i].after}, rows[i].effect,
               rows[i].text, rows[i].consequence, rows[i].refusal, rows[i].remedy);
}

/* A connector that goes is refused only where a partner has no other. */
static void test_partners_without_a_connector(void **state)
{
    (void)state;
    add_issued("mail.example.com", -10, 80);
    const char *alone = IN("partners: [a.example, b.example]");
    const char *remedy = "# first name b.example among the partners of another";
    const char *why = "no other connector is for all of them";
    expect(&(struct change){.before = alone, .after = HEAD}, PLAN_WORSE,
           "valid, exact -> not there", why, "1 connector would get worse: in",
           "# first name a.example among the partners of another");
    expect(&(struct change){.before = alone,
                            .after = IN("enabled: false, partners: [a.example, b.example]")},
           PLAN_WORSE, "valid, exact -> disabled", why, "1 connector would get worse: in",
           "# first name a.example");
    const struct {
        const char *keys;
        enum plan_effect effect;
    } rows[] = {
        {"partners: [a.example, b.example]", PLAN_DIFFERENT}, /* renamed */
        {"partners: [a.example]", PLAN_WORSE},
        {"partners: [a.example, b.example], tls: off", PLAN_WORSE},
        {"partners: [a.example, b.example], enabled: false", PLAN_WORSE},
        {"partners: [B.EXAMPLE, a.example], tls: required", PLAN_DIFFERENT},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span text =
            arena_printf(&store.arena, HEAD "receive-connectors: {new: {bind: '0.0.0.0:25', %s}}\n",
                         rows[i].keys);
        struct plan p = plan(&(struct change){.before = alone, .after = text.p});
        assert_int_equal(p.connector_count, 2);
        assert_span(p.connectors[1].connector->name, "in");
        assert_int_equal(p.connectors[1].effect, rows[i].effect);
        assert_int_equal(p.refused, rows[i].effect == PLAN_WORSE);
        if (i == 1)
            assert_has(arena_text(&store.arena, p.remedy), remedy);
        done();
    }
}

static void test_tls_that_records_ask_for(void **state)
{
    (void)state;
    struct certificate *c = add_issued("mail.example.com", -10, 80);
    struct buf hash = BUF_INIT(BUF_UNLIMITED);
    test_add_unhex(&hash, span_of(c->spki));
    struct tlsa_fact tlsa = {3, 1, 1, buf_span(&hash)};
    struct host_fact host = {.host = SPAN("mail.example.com"),
                             .known = FACT_KNOWN,
                             .proof = PROOF_SECURE,
                             .tlsa = &tlsa,
                             .tlsa_count = 1};
    struct dns_facts dns = {.hosts = &host, .host_count = 1};
    struct change change = {.before = PLAIN, .after = IN("tls: off"), .dns = &dns};
    expect(&change, PLAN_WORSE, "valid, exact -> no TLS", "its TLSA records ask for TLS",
           "1 connector would get worse: in", "sealpost receive-connector set in tls=offered");
    change.after = IN("enabled: false"); /* then mail goes to another MX */
    expect(&change, PLAN_DIFFERENT, "valid, exact -> disabled", "no mail any more", NULL, "");
    change.after = IN("tls: off");
    host.proof = PROOF_INSECURE;
    expect(&change, PLAN_DIFFERENT, "valid, exact -> no TLS", "in clear text", NULL, "");
    buf_done(&hash);
}

#define OUT(keys)                                                                                  \
    HEAD "send-connectors: {out: {address-spaces: ['*'], smart-hosts: [relay.example], " keys "}}" \
         "\n"

static void test_weaker_send_connectors(void **state)
{
    (void)state;
    const struct {
        const char *before, *after, *text, *consequence; /* text NULL: nothing is told */
    } rows[] = {
        {OUT("tls: required, tls-verify: name"), OUT("tls: opportunistic"),
         "tls required, verify name -> tls opportunistic", "where TLS cannot be had"},
        {OUT("tls: required"), OUT("tls: off"), "tls required, verify encrypt -> tls off",
         "where TLS cannot be had"},
        {OUT("tls: opportunistic"), OUT("tls: off"), "tls opportunistic -> tls off",
         "sent in clear text"},
        {OUT("tls: required, tls-verify: name"), OUT("tls: required, tls-verify: chain"),
         "tls required, verify name -> tls required, verify chain", "for any name"},
        {OUT("tls: required, tls-verify: chain"), OUT("tls: required"),
         "tls required, verify chain -> tls required, verify encrypt", "whoever answers"},
        {OUT("tls: required"), OUT("tls: required, enabled: false"),
         "tls required, verify encrypt -> disabled", "go by other send connectors"},
        {OUT("tls: implicit"), HEAD, "tls implicit, verify encrypt -> not there",
         "go by other send connectors"},
        {OUT("tls: required"), OUT("tls: implicit"), NULL, NULL},
        {OUT("tls: opportunistic"), OUT("tls: required"), NULL, NULL},
        {OUT("tls: opportunistic"), HEAD, NULL, NULL},
        {OUT("tls: required, enabled: false"), OUT("tls: off"), NULL, NULL},
        {HEAD, OUT("tls: off"), NULL, NULL},
        {OUT("tls: opportunistic"),
         OUT("tls-certificate: 0123456789abcdef0123456789abcdef01234567"),
         "none wanted -> nothing usable", "would get none"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct plan p = plan(&(struct change){.before = rows[i].before, .after = rows[i].after});
        assert_false(p.refused);
        assert_int_equal(p.send_connector_count, rows[i].text != NULL);
        if (rows[i].text) {
            assert_span(p.send_connectors[0].text, rows[i].text);
            assert_int_equal(p.send_connectors[0].effect, PLAN_DIFFERENT);
            assert_has(arena_text(&store.arena, p.send_connectors[0].consequence),
                       rows[i].consequence);
        }
        done();
    }
}

/* Two that break are both named, whoever they are. */
static void test_every_referrer_is_named(void **state)
{
    (void)state;
    struct certificate *c = add_issued("mail.example.com", -10, 80);
    c->services |= SERVICE_CLIENT;
    const char *head =
        HEAD "receive-connectors:\n  a: {bind: '0.0.0.0:25'%s}\n"
             "  b: {bind: '0.0.0.0:26'%s}\n"
             "send-connectors: {out: {address-spaces: ['*'], tls-certificate: %s}}\n";
    char before[600], after[600];
    snprintf(before, sizeof(before), head, "", "", c->thumbprint);
    snprintf(after, sizeof(after), head, ", fqdn: x.example", ", fqdn: y.example",
             "0123456789abcdef0123456789abcdef01234567");
    struct plan p = plan(&(struct change){.before = before, .after = after});
    assert_true(p.refused);
    assert_span(p.refusal, "3 connectors would get worse: a, b, out");
    assert_has(arena_text(&store.arena, p.remedy), "--add x.example");
    assert_has(arena_text(&store.arena, p.remedy), "--add y.example");
    assert_has(arena_text(&store.arena, p.remedy),
               "sealpost send-connector set out tls-certificate=");
    done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_keys_of_a_connector, reset),
        cmocka_unit_test_setup(test_partners_without_a_connector, reset),
        cmocka_unit_test_setup(test_tls_that_records_ask_for, reset),
        cmocka_unit_test_setup(test_weaker_send_connectors, reset),
        cmocka_unit_test_setup(test_every_referrer_is_named, reset),
    };
    return cmocka_run_group_tests(tests, NULL, leave_store);
}
