/* The keys of certificates: values and checks. */
#include "conf/parse_script.h"

#define HEAD "hostname: mail.example.com\n"
#define LISTENER "receive-connectors: {in: {bind: '127.0.0.1:2525'}}\n"
#define WHOLE HEAD "receive-connectors:\n  in:\n    bind: 127.0.0.1:25\n"
#define RECEIVE(keys) HEAD "receive-connectors: {a: {bind: '0.0.0.0:25', " keys "}}\n"
#define SEND(keys) HEAD LISTENER "send-connectors: {a: {address-spaces: ['*'], " keys "}}\n"
#define PAIR "<I>CN=R11, O=Let's Encrypt<S>CN=mail.example.com"

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

static void test_certificate_values(void **state)
{
    (void)state;
    struct document *d = parse_ok(
        WHOLE "    pin: \"" PAIR "\"\n"
              "    pin-strict: yes\n"
              "    on-mismatch: refuse\n"
              "    partners: [Bank.Example, '*.bücher.example']\n"
              "certificates:\n"
              "  watch: [/etc/letsencrypt/live, /etc/lego]\n"
              "  sentinel-interval: 0s\n"
              "  acme: {directory: 'https://acme.example/d', key: p384, http-bind: '[::]:8080'}\n");
    const struct receive_connector *c = &d->receive_connectors[0];
    assert_span(c->pin, PAIR);
    assert_true(c->pin_strict);
    assert_int_equal(c->on_mismatch, MISMATCH_REFUSE);
    assert_int_equal(c->partner_count, 2);
    assert_span(c->partners[0], "bank.example");
    assert_span(c->partners[1], "*.xn--bcher-kva.example");
    assert_int_equal(d->certificates.watch_count, 2);
    assert_span(d->certificates.watch[1], "/etc/lego");
    assert_int_equal(d->certificates.watch_interval_ms, 60000);
    assert_int_equal(d->certificates.sentinel_interval_ms, 0);
    const struct acme_conf *acme = &d->certificates.acme;
    assert_span(acme->key, "p384");
    assert_span(acme->challenge, "http-01");
    assert_int_equal(acme->http_bind.port, 8080);
    assert_true(acme->http_bind.ip.v6);
    assert_int_equal(acme->renew_at_percent, 66);
    assert_int_equal(acme->name_count, 1);
    assert_span(acme->names[0], "mail.example.com");
    document_free(d);
}

/* Each name once, of the connectors that need a certificate; and it is not written down, so that it
 * follows the connectors. */
static void test_names_of_acme_follow_the_connectors(void **state)
{
    (void)state;
    struct document *d =
        parse_ok(HEAD "receive-connectors:\n"
                      "  a: {bind: '127.0.0.1:25', fqdn: b.example}\n"
                      "  b: {bind: '127.0.0.1:26'}\n"
                      "  c: {bind: '127.0.0.1:27', fqdn: b.example}\n"
                      "  d: {bind: '127.0.0.1:28', fqdn: d.example, tls: off}\n"
                      "  e: {bind: '127.0.0.1:29', fqdn: e.example, enabled: no}\n"
                      "certificates: {acme: {directory: 'https://a.example/d'}}\n");
    assert_int_equal(d->certificates.acme.name_count, 2);
    assert_span(d->certificates.acme.names[0], "b.example");
    assert_span(d->certificates.acme.names[1], "mail.example.com");
    assert_int_equal(span_search(d->text, SPAN("names")), d->text.n);
    document_free(d);
}

#define PIN_HEX "51d7e0c9a1b2c3d4e5f60718293a4b5c6d7e8f90"
#define SPKI "spki:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

/* What a web page, a chat or a word processor makes of a pin is found here, not when mail stops. */
static void test_pins(void **state)
{
    (void)state;
    static const struct check_case cases[] = {
        {RECEIVE("pin: " PIN_HEX), NULL},
        {RECEIVE("pin: '51D7 E0C9 A1B2 C3D4 E5F6 0718 293A 4B5C 6D7E 8F90', pin-strict: true"),
         NULL},
        {RECEIVE("pin: '" SPKI "'"), NULL},
        {RECEIVE("pin: '<I>CN=R11, C=US<S>CN=mail.example.com'"), NULL},
        {RECEIVE("pin: 'CN=R11, C=USCN=mail.example.com'"),
         "receive-connectors.a.pin: \"CN=R11, C=USCN=mail.example.com\" is not a pin: "},
        {RECEIVE("pin: 'CN=R11, C=USCN=mail.example.com'"),
         "put <I> before the issuer and <S> before the subject"},
        {RECEIVE("pin: '<I>CN=R11, C=US'"), "put <I> before the issuer and <S> before the subject"},
        {RECEIVE("pin: '&lt;I&gt;CN=R11&lt;S&gt;CN=a.example'"), "put <I> before the issuer"},
        {RECEIVE("pin: '\xe2\x80\x9c<I>CN=R11<S>CN=a.example\xe2\x80\x9d'"), "put <I> before"},
        {RECEIVE("pin: 51d7"), "write a thumbprint (40 hexadecimal digits), spki:HASH or"},
        {RECEIVE("pin: 'spki:51d7'"), "is not a pin"},
        {RECEIVE("pin: [" PIN_HEX "]"), "expected a single value, not a list"},
        {RECEIVE("pin-strict: true"), "receive-connectors.a.pin-strict: pin-strict needs a pin"},
        {RECEIVE("tls: off, pin: " PIN_HEX), "warning: receive-connectors.a.pin: no certificate"},
        {SEND("tls-certificate: " PIN_HEX), NULL},
        {SEND("tls-certificate: 'CN=R11'"), "send-connectors.a.tls-certificate: \"CN=R11\" is not"},
        {SEND("tls: off, tls-certificate: " PIN_HEX), "no certificate is ever presented without"},
    };
    check_cases(cases, COUNT_OF(cases));
}

static void test_mismatch_and_partners(void **state)
{
    (void)state;
    static const struct check_case cases[] = {
        {RECEIVE("on-mismatch: withhold"), NULL},
        {RECEIVE("on-mismatch: refuse, tls: required"), NULL},
        {RECEIVE("on-mismatch: withold"), "did you mean withhold?"},
        {RECEIVE("on-mismatch: withhold, tls: required"),
         "warning: receive-connectors.a.on-mismatch: while STARTTLS is withheld, nobody can send"},
        {RECEIVE("on-mismatch: withhold, tls: implicit"), "there is no STARTTLS to withhold"},
        {RECEIVE("partners: [mail.protection.outlook.com, '*.bank.example']"), NULL},
        {RECEIVE("partners: bank.example"), NULL},
        {RECEIVE("partners: [192.0.2.1]"), "partners[0]: \"192.0.2.1\" is not a domain name"},
        {RECEIVE("tls: off, partners: bank.example"), "partners send by TLS only, and tls is off"},
        {RECEIVE("TlsCertificateName: x"), "Exchange's TlsCertificateName is pin here"},
    };
    check_cases(cases, COUNT_OF(cases));
}

#define CERTIFICATES(keys) HEAD LISTENER "certificates: {" keys "}\n"
#define ACME(keys) CERTIFICATES("acme: {directory: 'https://acme.example/directory', " keys "}")

static void test_certificates(void **state)
{
    (void)state;
    static const struct check_case cases[] = {
        {CERTIFICATES("watch: [/etc/letsencrypt/live], watch-interval: 30s, sentinel-interval: 0s"),
         NULL},
        {CERTIFICATES("watch: live"), "certificates.watch: \"live\" is not an absolute path"},
        {CERTIFICATES("watch: [/a, b]"), "certificates.watch[1]: \"b\" is not an absolute path"},
        {CERTIFICATES("directory: /a, watch: [/a]"),
         "certificates.watch: /a is also the directory"},
        {CERTIFICATES("acme: {}"), NULL},
        {CERTIFICATES("acme: {contact: a@example.com}"), "without directory nothing is fetched"},
        {CERTIFICATES("acme: {directory: 'http://acme.example/'}"), "is not an https URL"},
        {CERTIFICATES("acme: {directory: 'https:///d'}"), "is not an https URL"},
        {ACME("contact: postmaster@example.com, key: rsa2048, reuse-key: true"), NULL},
        {ACME("contact: example.com"), "certificates.acme.contact: the contact is not a mail"},
        {ACME("key: rsa1024"), "write p256, p384, rsa2048, rsa3072 or rsa4096"},
        {ACME("names: ['*.example.com']"), "a wildcard cannot be proved by http-01"},
        {ACME("names: ['*.example.com'], challenge: dns-01, dns-hook: /usr/bin/hook"), NULL},
        {ACME("challenge: dns-01"), "dns-01 needs a dns-hook"},
        {ACME("dns-hook: /usr/bin/hook"), "warning: certificates.acme.dns-hook: the hook is not"},
        {ACME("eab-key-id: k1"), "certificates.acme.eab-key-id: an external account binding needs"},
        {ACME("eab-key-file: /k"), "certificates.acme.eab-key-file: an external account binding"},
        {ACME("eab-key-file: /k, eab-key-id: k1"), NULL},
        {ACME("names: [ex01.corp.local]"), "no public authority signs \"ex01.corp.local\""},
        {ACME("http-bind: '127.0.0.1:2525'"), "the receive connector \"in\" listens there"},
        {ACME("http-bind: '[::]:8080'"), NULL},
        {ACME("http-bind: 127.0.0.1"), NULL},
        {ACME("http-bind: port"), "\"port\" is not an address with a port"},
        {ACME("renew-at-percent: 100%"), "is out of range"},
        {HEAD "certificates: {acme: {directory: 'https://acme.example/d'}}\n",
         "there is no name for the certificate, as no receive connector has TLS"},
    };
    check_cases(cases, COUNT_OF(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificate_values),
        cmocka_unit_test(test_names_of_acme_follow_the_connectors),
        cmocka_unit_test(test_pins),
        cmocka_unit_test(test_mismatch_and_partners),
        cmocka_unit_test(test_certificates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
