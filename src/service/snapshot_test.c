/* What receive connectors present and send connectors show, with real handshakes over memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "io/tls.h"
#include "service/test_place.h"

static struct place place;

static int set_up(void **state)
{
    (void)state;
    place_open(&place, false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    place_close(&place);
    return 0;
}

#define DOCUMENT(keys)                                                                             \
    "hostname: mx.example.com\nreceive-connectors:\n  in: {bind: [@], " keys "}\n"

/* The leaf that a client sees, as a thumbprint; "" where there is no handshake. */
static void see(const struct connector_tls *tls, const char *name, const enum tls_keys *keys,
                char seen[CERT_THUMBPRINT_HEX])
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (keys)
        tls_client_limit_keys(ctx, *keys);
    SSL *client = SSL_new(ctx), *server = SSL_new(tls->context);
    BIO *client_bio = NULL, *server_bio = NULL;
    assert_int_equal(BIO_new_bio_pair(&client_bio, 0, &server_bio, 0), 1);
    SSL_set_bio(client, client_bio, client_bio);
    SSL_set_bio(server, server_bio, server_bio);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    if (name)
        SSL_set_tlsext_host_name(client, name);
    bool done = false;
    for (int i = 0; i < 20 && !done; i++) {
        int a = SSL_do_handshake(client), b = SSL_do_handshake(server);
        done = a == 1 && b == 1;
    }
    seen[0] = '\0';
    if (done)
        tls_thumbprint(SSL_get0_peer_certificate(client), seen);
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(ctx);
    struct buf errors = BUF_INIT(1024);
    tls_add_errors(&errors);
    buf_done(&errors);
}

static void assert_sees(const struct snapshot *s, const char *name, const enum tls_keys *keys,
                        const struct certificate *expected)
{
    char seen[CERT_THUMBPRINT_HEX];
    see(&s->receive_tls[0], name, keys, seen);
    assert_string_equal(seen, expected->thumbprint);
}

static void assert_fault(struct span fault, const char *text)
{
    if (span_search(fault, span_of(text)) == fault.n)
        fail_msg("\"" SPAN_FMT "\" does not say \"%s\"", SPAN_ARG(fault), text);
}

static const enum tls_keys ecdsa = TLS_KEYS_ECDSA, rsa = TLS_KEYS_RSA;

static void test_both_kinds_of_keys(void **state)
{
    (void)state;
    int64_t now_ms = clock_now_ms();
    struct certificate *e =
        place_add(&place, &(struct recipe){.names = "mx.example.com"}, NULL, SERVICE_SMTP);
    struct certificate *r = place_add(&place,
                                      &(struct recipe){.names = "mx.example.com",
                                                       .key_type = "RSA 2048",
                                                       .not_before_ms = now_ms - HOUR_MS},
                                      NULL, SERVICE_SMTP);
    struct snapshot *s = place_snapshot(&place, DOCUMENT("fqdn: mx.example.com"));
    assert_int_equal(s->receive_tls[0].fault.n, 0);
    assert_sees(s, NULL, NULL, r); /* the newer one */
    assert_sees(s, "mx.example.com", NULL, r);
    assert_sees(s, NULL, &ecdsa, e);
    assert_sees(s, NULL, &rsa, r);
    snapshot_release(s);
    certificate_free(e);
    certificate_free(r);
}

static void test_other_names(void **state)
{
    (void)state;
    struct certificate *own =
        place_add(&place, &(struct recipe){.names = "mx.example.com"}, NULL, SERVICE_SMTP);
    struct certificate *other =
        place_add(&place, &(struct recipe){.names = "*.example.net", .key_type = "RSA 2048"}, NULL,
                  SERVICE_SMTP);
    struct certificate *off =
        place_add(&place, &(struct recipe){.names = "web.example.org"}, NULL, SERVICE_HTTP);
    struct snapshot *s = place_snapshot(&place, DOCUMENT("fqdn: mx.example.com"));
    assert_sees(s, NULL, NULL, own);
    assert_sees(s, "mx.example.com", NULL, own);
    assert_sees(s, "MX.EXAMPLE.NET", NULL, other);
    assert_sees(s, "mx.example.net", &rsa, other);
    /* A handshake matters more than the name. */
    assert_sees(s, "mx.example.net", &ecdsa, own);
    assert_sees(s, "web.example.org", NULL, own);
    assert_sees(s, "unknown.example", NULL, own);
    assert_sees(s, "..", NULL, own);
    snapshot_release(s);
    certificate_free(own);
    certificate_free(other);
    certificate_free(off);
}

static void test_names_give_way_to_curves(void **state)
{
    (void)state;
    struct certificate *own =
        place_add(&place, &(struct recipe){.names = "mx.example.com"}, NULL, SERVICE_SMTP);
    struct certificate *other =
        place_add(&place, &(struct recipe){.names = "mx.example.net", .key_type = "P-384"}, NULL,
                  SERVICE_SMTP);
    struct snapshot *s = place_snapshot(&place, DOCUMENT("fqdn: mx.example.com"));
    assert_sees(s, "mx.example.net", NULL, own);
    snapshot_release(s);
    certificate_free(own);
    certificate_free(other);
}

static void test_mismatch(void **state)
{
    (void)state;
    struct certificate *c =
        place_add(&place, &(struct recipe){.names = "other.example.com"}, NULL, SERVICE_SMTP);
    struct snapshot *s = place_snapshot(&place, DOCUMENT("fqdn: mx.example.com"));
    assert_sees(s, "mx.example.com", NULL, c);
    assert_false(s->receive_tls[0].refuses);
    assert_fault(s->receive_tls[0].fault, "no certificate covers mx.example.com");
    snapshot_release(s);
    s = place_snapshot(&place, DOCUMENT("fqdn: mx.example.com, on-mismatch: withhold"));
    assert_null(s->receive_tls[0].context);
    assert_false(s->receive_tls[0].refuses);
    assert_fault(s->receive_tls[0].fault, "on-mismatch: withhold");
    snapshot_release(s);
    s = place_snapshot(&place, DOCUMENT("fqdn: mx.example.com, on-mismatch: refuse"));
    assert_null(s->receive_tls[0].context);
    assert_true(s->receive_tls[0].refuses);
    assert_fault(s->receive_tls[0].fault, "421");
    snapshot_release(s);
    s = place_snapshot(&place, DOCUMENT("fqdn: other.example.com, on-mismatch: refuse"));
    assert_sees(s, NULL, NULL, c);
    assert_int_equal(s->receive_tls[0].fault.n, 0);
    snapshot_release(s);
    s = place_snapshot(&place, DOCUMENT("fqdn: mx.example.com, on-mismatch: refuse, tls: off"));
    assert_false(s->receive_tls[0].refuses);
    snapshot_release(s);
    certificate_free(c);
}

static void test_pins(void **state)
{
    (void)state;
    char yaml[512];
    static const char nothing[] = "0123456789012345678901234567890123456789";
    struct certificate *a =
        place_add(&place, &(struct recipe){.names = "mx.example.com"}, NULL, SERVICE_SMTP);
    struct certificate *b =
        place_add(&place, &(struct recipe){.names = "b.example.com"}, NULL, SERVICE_SMTP);
    snprintf(yaml, sizeof(yaml), DOCUMENT("fqdn: mx.example.com, pin: \"%s\""), b->thumbprint);
    struct snapshot *s = place_snapshot(&place, yaml);
    assert_sees(s, NULL, NULL, b);
    assert_sees(s, "mx.example.com", NULL, b); /* the connector's own name is not SNI's affair */
    snapshot_release(s);
    snprintf(yaml, sizeof(yaml), DOCUMENT("fqdn: mx.example.com, pin: \"%s\""), nothing);
    s = place_snapshot(&place, yaml);
    assert_sees(s, NULL, NULL, a);
    assert_fault(s->receive_tls[0].fault, "is served instead");
    snapshot_release(s);
    snprintf(yaml, sizeof(yaml), DOCUMENT("fqdn: mx.example.com, pin: \"%s\", pin-strict: true"),
             nothing);
    s = place_snapshot(&place, yaml);
    assert_null(s->receive_tls[0].context);
    assert_fault(s->receive_tls[0].fault, "strict pin");
    snapshot_release(s);
    certificate_free(a);
    certificate_free(b);
}

/* A chain that OpenSSL refuses is found only by loading it: the best that can be loaded serves. */
static void test_last_known_good(void **state)
{
    (void)state;
    struct made weak = make_certificate(
        &(struct recipe){.subject = "CN=Weak", .authority = true, .key_type = "RSA 1024"});
    int64_t now_ms = clock_now_ms();
    struct certificate *old =
        place_add(&place, &(struct recipe){.names = "mx.example.com"}, NULL, SERVICE_SMTP);
    struct certificate *bad = place_add(&place,
                                        &(struct recipe){.names = "mx.example.com",
                                                         .issuer = &weak,
                                                         .not_before_ms = now_ms - HOUR_MS},
                                        weak.x, SERVICE_SMTP);
    struct snapshot *s = place_snapshot(&place, DOCUMENT("fqdn: mx.example.com"));
    const struct connector_tls *tls = &s->receive_tls[0];
    assert_sees(s, NULL, NULL, old);
    assert_string_equal(tls->selection.chosen->thumbprint, old->thumbprint);
    assert_fault(tls->passed_over, bad->thumbprint);
    assert_fault(tls->fault, "cannot be used");
    for (size_t i = 0; i < s->certificate_count; i++) {
        bool is_bad =
            span_eq(span_of(s->certificates[i].certificate->thumbprint), span_of(bad->thumbprint));
        const struct verdict *v = &tls->selection.verdicts[i];
        assert_int_equal(v->reason, is_bad ? VERDICT_LESS_PREFERRED : VERDICT_CHOSEN);
        if (is_bad)
            assert_fault(v->detail, "cannot be used for TLS");
    }
    snapshot_release(s);
    certificate_free(old);
    certificate_free(bad);
    made_done(&weak);
}

/* The second kind of key is an extra: where it fails, the first serves all the same. */
static void test_bad_second_kind(void **state)
{
    (void)state;
    struct made weak = make_certificate(
        &(struct recipe){.subject = "CN=Weak", .authority = true, .key_type = "RSA 1024"});
    struct made strong =
        make_certificate(&(struct recipe){.subject = "CN=Strong", .authority = true});
    struct certificate *good =
        place_add(&place,
                  &(struct recipe){.names = "mx.example.com",
                                   .issuer = &strong,
                                   .not_before_ms = clock_now_ms() - HOUR_MS},
                  strong.x, SERVICE_SMTP);
    struct certificate *bad = place_add(
        &place,
        &(struct recipe){.names = "mx.example.com", .issuer = &weak, .key_type = "RSA 2048"},
        weak.x, SERVICE_SMTP);
    struct snapshot *s = place_snapshot(&place, DOCUMENT("fqdn: mx.example.com"));
    assert_non_null(s->receive_tls[0].context);
    assert_sees(s, NULL, NULL, good);
    assert_null(s->receive_tls[0].selection.other_type);
    assert_fault(s->receive_tls[0].passed_over, bad->thumbprint);
    snapshot_release(s);
    certificate_free(good);
    certificate_free(bad);
    made_done(&weak);
    made_done(&strong);
}

static void test_nothing_usable(void **state)
{
    (void)state;
    struct snapshot *s = place_snapshot(&place, DOCUMENT("fqdn: mx.example.com"));
    assert_null(s->receive_tls[0].context);
    assert_fault(s->receive_tls[0].fault, "no certificate in the store is usable");
    snapshot_release(s);
}

static void test_client_certificates(void **state)
{
    (void)state;
    static const char format[] =
        "hostname: mx.example.com\nsend-connectors:\n"
        "  out: {address-spaces: [\"*\"], tls: required, tls-certificate: \"%s\"}\n";
    char yaml[512];
    struct certificate *c =
        place_add(&place, &(struct recipe){.names = "mx.example.com"}, NULL, SERVICE_CLIENT);
    snprintf(yaml, sizeof(yaml), format, c->thumbprint);
    struct snapshot *s = place_snapshot(&place, yaml);
    assert_non_null(s->send_tls[0].certificate);
    assert_int_equal(s->send_tls[0].fault.n, 0);
    assert_int_equal(X509_cmp(SSL_CTX_get0_certificate(s->send_tls[0].context), c->leaf), 0);
    snapshot_release(s);
    snprintf(yaml, sizeof(yaml), format, "0123456789012345678901234567890123456789");
    s = place_snapshot(&place, yaml);
    assert_non_null(s->send_tls[0].context); /* mail goes on */
    assert_null(s->send_tls[0].certificate);
    assert_fault(s->send_tls[0].fault, "none is presented");
    snapshot_release(s);
    certificate_free(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_both_kinds_of_keys),
        TEST(test_other_names),
        TEST(test_names_give_way_to_curves),
        TEST(test_mismatch),
        TEST(test_pins),
        TEST(test_last_known_good),
        TEST(test_bad_second_kind),
        TEST(test_nothing_usable),
        TEST(test_client_certificates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
