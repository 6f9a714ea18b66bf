#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/clock.h"
#include "cert/certificate.h"
#include "cert/test_maker.h"

static struct buf why, pem;

static int set_up(void **state)
{
    (void)state;
    buf_init(&why, 1000);
    buf_init(&pem, BUF_UNLIMITED);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&why);
    buf_done(&pem);
    assert_int_equal(ERR_peek_error(), 0); /* nothing is left for the next one to be blamed for */
    return 0;
}

static void assert_span(struct span got, const char *expected)
{
    if (!span_eq(got, span_of(expected)))
        fail_msg("\"" SPAN_FMT "\" is not \"%s\"", SPAN_ARG(got), expected);
}

static struct certificate *parse_ok(const char *passphrase)
{
    struct certificate *c = NULL;
    enum err err = certificate_parse_pem(buf_span(&pem), span_of(passphrase), &c, &why);
    if (err != OK)
        fail_msg("%s: %s", err_text(err), buf_text(&why));
    assert_non_null(c);
    return c;
}

static void parse_fails(const char *passphrase, enum err expected, const char *expected_why)
{
    struct certificate *const untouched = (struct certificate *)&pem;
    struct certificate *c = untouched;
    buf_reset(&why);
    assert_int_equal(certificate_parse_pem(buf_span(&pem), span_of(passphrase), &c, &why),
                     expected);
    assert_ptr_equal(c, untouched);
    assert_string_equal(buf_text(&why), expected_why);
}

static struct certificate *parse_made(const struct recipe *recipe)
{
    struct made made = make_certificate(recipe);
    buf_reset(&pem);
    add_certificate_pem(&pem, made.x);
    add_key_pem(&pem, made.key, NULL);
    made_done(&made);
    return parse_ok(NULL);
}

/* A root, two intermediates and a leaf, in an order that no server would send. */
static void test_chain_order(void **state)
{
    (void)state;
    struct made root = make_certificate(&(struct recipe){.subject = "CN=Root", .authority = true});
    struct made upper = make_certificate(
        &(struct recipe){.subject = "CN=Upper", .authority = true, .issuer = &root});
    struct made lower = make_certificate(
        &(struct recipe){.subject = "CN=Lower", .authority = true, .issuer = &upper});
    struct made leaf =
        make_certificate(&(struct recipe){.names = "a.example.com", .issuer = &lower});
    struct made other =
        make_certificate(&(struct recipe){.subject = "CN=Other", .authority = true});
    X509 *const all[] = {upper.x, root.x, leaf.x, other.x, lower.x, upper.x};
    for (int with_key = 0; with_key < 2; with_key++) {
        buf_reset(&pem);
        buf_add_text(&pem, "Bag Attributes\n  localKeyID: 01\n");
        for (size_t i = 0; i < COUNT_OF(all); i++) {
            if (!with_key && all[i] == other.x)
                continue; /* without the key nobody can tell which of two ends of chains is meant */
            add_certificate_pem(&pem, all[i]);
            if (with_key && i == 1)
                add_key_pem(&pem, leaf.key, NULL);
        }
        struct certificate *c = parse_ok(NULL);
        assert_int_equal(X509_cmp(c->leaf, leaf.x), 0);
        assert_int_equal(c->key_matches, with_key);
        assert_int_equal(sk_X509_num(c->chain), 3);
        X509 *const expected[] = {lower.x, upper.x, root.x};
        for (int i = 0; i < 3; i++)
            assert_int_equal(X509_cmp(sk_X509_value(c->chain, i), expected[i]), 0);
        assert_span(c->issuer, "CN=Lower");
        certificate_free(c);
    }
    made_done(&root);
    made_done(&upper);
    made_done(&lower);
    made_done(&leaf);
    made_done(&other);
}

/* An authority that comes self-signed and cross-signed: the chain goes the long way. A name that is
 * forged without the key is no issuer. */
static void test_cross_signed(void **state)
{
    (void)state;
    struct made old_root =
        make_certificate(&(struct recipe){.subject = "CN=Old", .authority = true});
    struct made new_root =
        make_certificate(&(struct recipe){.subject = "CN=New", .authority = true});
    struct made crossed = make_certificate(&(struct recipe){
        .subject = "CN=New", .authority = true, .issuer = &old_root, .key = new_root.key});
    struct made forged = make_certificate(
        &(struct recipe){.subject = "CN=New", .authority = true, .issuer = &old_root});
    struct made leaf =
        make_certificate(&(struct recipe){.names = "a.example.com", .issuer = &new_root});
    X509 *const all[] = {forged.x, new_root.x, crossed.x, leaf.x};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        add_certificate_pem(&pem, all[i]);
    add_key_pem(&pem, leaf.key, NULL);
    struct certificate *c = parse_ok(NULL);
    assert_int_equal(sk_X509_num(c->chain), 1);
    assert_int_equal(X509_cmp(sk_X509_value(c->chain, 0), crossed.x), 0);
    certificate_free(c);
    made_done(&old_root);
    made_done(&new_root);
    made_done(&crossed);
    made_done(&forged);
    made_done(&leaf);
}

/* A renewal with the same key, appended to what was there. */
static void test_renewed_with_same_key(void **state)
{
    (void)state;
    int64_t now = clock_now_ms();
    struct made old =
        make_certificate(&(struct recipe){.names = "a.example.com", .not_after_ms = now + DAY_MS});
    struct made renewed = make_certificate(&(struct recipe){
        .names = "a.example.com", .not_after_ms = now + 90 * DAY_MS, .key = old.key});
    add_certificate_pem(&pem, old.x);
    add_certificate_pem(&pem, renewed.x);
    add_key_pem(&pem, old.key, NULL);
    struct certificate *c = parse_ok(NULL);
    assert_int_equal(X509_cmp(c->leaf, renewed.x), 0);
    certificate_free(c);
    made_done(&old);
    made_done(&renewed);
}

static void test_wrong_key(void **state)
{
    (void)state;
    struct made made = make_certificate(&(struct recipe){.names = "a.example.com"});
    EVP_PKEY *other = make_key("RSA 2048");
    add_certificate_pem(&pem, made.x);
    add_key_pem(&pem, other, NULL);
    struct certificate *c = parse_ok(NULL);
    assert_non_null(c->key);
    assert_false(c->key_matches);
    certificate_free(c);
    add_key_pem(&pem, other, NULL); /* the same key twice is one */
    certificate_free(parse_ok(NULL));
    add_key_pem(&pem, made.key, NULL);
    parse_fails("", ERR_SYNTAX, "there is more than one private key");
    EVP_PKEY_free(other);
    made_done(&made);
}

static void test_encrypted_keys(void **state)
{
    (void)state;
    struct made made =
        make_certificate(&(struct recipe){.names = "a.example.com", .key_type = "RSA 2048"});
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, made.key, EVP_aes_128_cbc(),
                                                          (unsigned char *)"old secret", 10, NULL,
                                                          NULL),
                     1);
    char *legacy = NULL;
    size_t legacy_n = (size_t)BIO_get_mem_data(bio, &legacy);
    for (int old_form = 0; old_form < 2; old_form++) {
        buf_reset(&pem);
        add_certificate_pem(&pem, made.x);
        if (old_form)
            assert_int_equal(buf_add(&pem, span_make(legacy, legacy_n)), OK);
        else
            add_key_pem(&pem, made.key, "old secret");
        struct certificate *c = parse_ok("old secret");
        assert_true(c->key_matches);
        certificate_free(c);
        parse_fails("", ERR_DENIED, "the private key is encrypted and no passphrase was given");
        parse_fails("wrong", ERR_DENIED, "the passphrase does not open the private key");
    }
    BIO_free(bio);
    made_done(&made);
}

static void test_damage(void **state)
{
    (void)state;
    parse_fails("", ERR_SYNTAX, "there is no certificate in it");
    buf_add_text(&pem, "hello\n");
    parse_fails("", ERR_SYNTAX, "there is no certificate in it");
    struct made made = make_certificate(&(struct recipe){.names = "a.example.com"});
    buf_reset(&pem);
    add_key_pem(&pem, made.key, NULL);
    parse_fails("", ERR_SYNTAX, "there is no certificate in it");
    buf_reset(&pem);
    add_certificate_pem(&pem, made.x);
    size_t whole = pem.n;
    char *text = malloc(whole);
    memcpy(text, pem.p, whole);
    /* A file that is still being written: no cut of it is taken for a certificate, but the last
     * line's end may lack. */
    for (size_t n = 1; n < whole - 1; n++) {
        buf_reset(&pem);
        buf_add(&pem, span_make(text, n));
        struct certificate *c = NULL;
        assert_int_equal(certificate_parse_pem(buf_span(&pem), SPAN_NONE, &c, &why), ERR_SYNTAX);
    }
    buf_reset(&pem);
    buf_add(&pem, span_make(text, whole));
    memcpy(pem.p + 60, "AAAAAAAAAAAAAAAA", 16);
    parse_fails("", ERR_SYNTAX, "a certificate is damaged");
    buf_reset(&pem);
    buf_add_text(&pem, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    parse_fails("", ERR_SYNTAX, "the private key is damaged or of an unknown kind");
    free(text);
    made_done(&made);
}

static void test_limits(void **state)
{
    (void)state;
    buf_add_text(&pem, "x");
    char *large = calloc(1, CERT_PEM_MAX + 1);
    struct certificate *c = NULL;
    assert_int_equal(certificate_parse_pem(span_make(large, CERT_PEM_MAX + 1), SPAN_NONE, &c, &why),
                     ERR_LIMIT);
    assert_int_equal(certificate_parse_pem(span_make(large, CERT_PEM_MAX), SPAN_NONE, &c, &why),
                     ERR_SYNTAX);
    free(large);
    EVP_PKEY *key = make_key(NULL);
    buf_reset(&pem);
    for (int i = 0; i <= CERT_CHAIN_MAX + 1; i++) {
        if (i == CERT_CHAIN_MAX + 1)
            certificate_free(parse_ok(NULL));
        struct made made = make_certificate(&(struct recipe){.names = "a.example.com", .key = key});
        add_certificate_pem(&pem, made.x);
        made_done(&made);
    }
    parse_fails("", ERR_LIMIT, "there are too many certificates");
    struct buf names = BUF_INIT(BUF_UNLIMITED);
    for (int i = 0; i <= CERT_NAMES_MAX; i++) {
        if (i == CERT_NAMES_MAX) {
            c = parse_made(&(struct recipe){.names = buf_text(&names), .key = key});
            assert_int_equal(c->name_count, CERT_NAMES_MAX);
            certificate_free(c);
        }
        buf_addf(&names, "%sn%d.example.com", i ? "," : "", i);
    }
    struct made made = make_certificate(&(struct recipe){.names = buf_text(&names), .key = key});
    buf_reset(&pem);
    add_certificate_pem(&pem, made.x);
    parse_fails("", ERR_LIMIT, "the certificate has more than 1024 names");
    made_done(&made);
    EVP_PKEY_free(key);
    buf_done(&names);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_chain_order), TEST(test_cross_signed),   TEST(test_renewed_with_same_key),
        TEST(test_wrong_key),   TEST(test_encrypted_keys), TEST(test_damage),
        TEST(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
