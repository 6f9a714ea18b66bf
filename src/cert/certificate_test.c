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

static void test_fields(void **state)
{
    (void)state;
    int64_t from = 1600000000000, to = 1900000000000;
    struct certificate *c = parse_made(&(struct recipe){
        .subject = "C=DE/O=Example, \"Inc\"/CN=mail.example.com",
        .names = "MAIL.Example.COM,*.example.org,b.example.com.",
        .not_before_ms = from,
        .not_after_ms = to,
    });
    assert_int_equal(c->name_count, 3);
    assert_span(c->names[0], "mail.example.com");
    assert_span(c->names[1], "*.example.org");
    assert_span(c->names[2], "b.example.com");
    assert_span(c->subject, "CN=mail.example.com, O=\"Example, \"\"Inc\"\"\", C=DE");
    assert_span(c->issuer, "CN=mail.example.com, O=\"Example, \"\"Inc\"\"\", C=DE");
    assert_span(c->key_type, "ECDSA P-256");
    assert_true(c->not_before_ms == from && c->not_after_ms == to);
    assert_int_equal(c->version, 3);
    assert_true(c->key_matches && c->self_signed && c->server_auth && c->client_auth);
    assert_false(c->names_from_cn || c->weak_signature);
    assert_int_equal(c->services, 0);
    assert_int_equal(strlen(c->thumbprint), 40);
    assert_int_equal(strspn(c->thumbprint, "0123456789abcdef"), 40);
    buf_reset(&why);
    certificate_add_summary(&why, c);
    assert_string_equal(buf_text(&why), "mail.example.com +2");
    certificate_free(c);
}

static void test_subject_text(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"C=US/O=Let's Encrypt/CN=R11", "CN=R11, O=Let's Encrypt, C=US"},
        {"DC=example/DC=com", "DC=com, DC=example"},
        {"ST=Hessen/emailAddress=a@example.com", "E=a@example.com, S=Hessen"},
        {"serialNumber=1/street=Weg 1/SN=B/GN=A/initials=I/title=Dr/L=X/OU=Y",
         "OU=Y, L=X, T=Dr, I=I, G=A, SN=B, STREET=Weg 1, SERIALNUMBER=1"},
        {"O= lead", "O=\" lead\""},
        {"O=a+b", "O=\"a+b\""},
        {"O=a#;<>", "O=\"a#;<>\""},
        {"O=J\xc3\xbcrgen", "O=J\xc3\xbcrgen"},
        {"O=a\x07z", "O=a?z"},
        {"O=a\nz", "O=\"a?z\""},
        {"1.3.6.1.4.1.311.60.2.1.3=DE", "OID.1.3.6.1.4.1.311.60.2.1.3=DE"},
        {NULL, ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct certificate *c =
            parse_made(&(struct recipe){.subject = cases[i][0], .names = "a.example.com"});
        assert_span(c->subject, cases[i][1]);
        certificate_free(c);
    }
}

static void test_key_types(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"P-256", "ECDSA P-256"},
                                           {"P-384", "ECDSA P-384"},
                                           {"secp256k1", "ECDSA secp256k1"},
                                           {"RSA 2048", "RSA 2048"},
                                           {"Ed25519", "Ed25519"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct certificate *c =
            parse_made(&(struct recipe){.names = "a.example.com", .key_type = cases[i][0]});
        assert_span(c->key_type, cases[i][1]);
        assert_true(c->key_matches);
        certificate_free(c);
    }
}

static void test_names(void **state)
{
    (void)state;
    const struct {
        struct recipe recipe;
        const char *names;
        bool from_cn;
    } cases[] = {
        {{.subject = "CN=Mail.Example.com"}, "mail.example.com", true},
        {{.subject = "CN=Example Server"}, "", false},
        {{.subject = "CN=first.example.com/CN=last.example.com"}, "last.example.com", true},
        {{.subject = "CN=mail.example.com", .email = "a@example.com"}, "mail.example.com", true},
        /* A dNSName, even one that cannot be used, silences the CN. */
        {{.subject = "CN=mail.example.com", .names = "a.example.com"}, "a.example.com", false},
        {{.subject = "CN=mail.example.com", .raw_name = SPAN("a b")}, "", false},
        {{.raw_name = SPAN("good.example.com\0.evil.example")}, "", false},
        {{.raw_name = SPAN("b\xc3\xbc.example.com"), .names = "ok.example.com"},
         "ok.example.com",
         false},
        {{.names = "w*.example.com,*.com,*,a.*.example.com,*.example.com"}, "*.example.com", false},
        {{.names = "-a.example.com,a-.example.com,a..example.com,.example.com,_dmarc.example.com"},
         "_dmarc.example.com",
         false},
        {{.names = "123456789012345678901234567890123456789012345678901234567890123.example.com"},
         "123456789012345678901234567890123456789012345678901234567890123.example.com",
         false},
        {{.names = "1234567890123456789012345678901234567890123456789012345678901234.example.com"},
         "",
         false},
        {{.names = "localhost"}, "localhost", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct certificate *c = parse_made(&cases[i].recipe);
        struct buf names = BUF_INIT(1000);
        for (size_t j = 0; j < c->name_count; j++)
            buf_addf(&names, "%s" SPAN_FMT, j ? " " : "", SPAN_ARG(c->names[j]));
        assert_string_equal(buf_text(&names), cases[i].names);
        assert_int_equal(c->names_from_cn, cases[i].from_cn);
        buf_done(&names);
        certificate_free(c);
    }
}

static void test_covers(void **state)
{
    (void)state;
    struct certificate *c = parse_made(&(struct recipe){
        .names = "mail.example.com,*.example.com,*.xn--mnchen-3ya.example,single"});
    static const struct {
        const char *name;
        enum name_match match;
    } cases[] = {
        {"mail.example.com", NAME_EXACT},
        {"MAIL.EXAMPLE.COM.", NAME_EXACT},
        {"other.example.com", NAME_WILDCARD},
        {"*.example.com", NAME_NO_MATCH}, /* a host is asked for, not a pattern */
        {"example.com", NAME_NO_MATCH},
        {".example.com", NAME_NO_MATCH},
        {"a.b.example.com", NAME_NO_MATCH},
        {"aexample.com", NAME_NO_MATCH},
        {"mail.example.com.evil.example", NAME_NO_MATCH},
        {"a.m\xc3\xbcnchen.example", NAME_WILDCARD},
        {"a.xn--mnchen-3ya.example", NAME_WILDCARD},
        {"single", NAME_EXACT},
        {"", NAME_NO_MATCH},
        {".", NAME_NO_MATCH},
        {"mail example.com", NAME_NO_MATCH},
        {"mail.example.com..", NAME_NO_MATCH},
        {"\xff.example.com", NAME_NO_MATCH},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (certificate_covers(c, span_of(cases[i].name)) != cases[i].match)
            fail_msg("%s", cases[i].name);
    assert_int_equal(certificate_covers(c, SPAN("mail.example.com\0")), NAME_NO_MATCH);
    assert_int_equal(certificate_covers(c, SPAN_NONE), NAME_NO_MATCH);
    certificate_free(c);
}

static void test_usage_and_signature(void **state)
{
    (void)state;
    static const struct {
        const char *usage;
        bool server, client;
    } cases[] = {{NULL, true, true},
                 {"serverAuth", true, false},
                 {"clientAuth", false, true},
                 {"serverAuth,clientAuth", true, true},
                 {"anyExtendedKeyUsage", true, true},
                 {"emailProtection", false, false}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct certificate *c =
            parse_made(&(struct recipe){.names = "a.example.com", .usage = cases[i].usage});
        assert_int_equal(c->server_auth, cases[i].server);
        assert_int_equal(c->client_auth, cases[i].client);
        certificate_free(c);
    }
    struct made root = make_certificate(&(struct recipe){.subject = "CN=Root", .authority = true});
    struct certificate *weak = parse_made(
        &(struct recipe){.names = "a.example.com", .issuer = &root, .digest = EVP_sha1()});
    assert_true(weak->weak_signature && !weak->self_signed);
    struct certificate *own =
        parse_made(&(struct recipe){.names = "a.example.com", .digest = EVP_sha1()});
    assert_true(own->self_signed && !own->weak_signature);
    struct certificate *old =
        parse_made(&(struct recipe){.subject = "CN=a.example.com", .version1 = true});
    assert_int_equal(old->version, 1);
    certificate_free(weak);
    certificate_free(own);
    certificate_free(old);
    made_done(&root);
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
    struct made forged = make_certificate(&(struct recipe){.subject = "CN=New", .authority = true});
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

static void test_self_signed(void **state)
{
    (void)state;
    struct span names[] = {SPAN("Mail.Example.com"), SPAN("m\xc3\xbcnchen.example")};
    struct certificate *c = NULL;
    int64_t from = 1700000000000, to = 4000000000000; /* beyond 2050: GeneralizedTime */
    assert_int_equal(certificate_new_self_signed(names, 2, from, to, &c), OK);
    assert_int_equal(c->name_count, 2);
    assert_span(c->names[0], "mail.example.com");
    assert_span(c->names[1], "xn--mnchen-3ya.example");
    assert_span(c->subject, "CN=mail.example.com");
    assert_span(c->key_type, "ECDSA P-256");
    assert_true(c->self_signed && c->key_matches && c->server_auth && c->client_auth &&
                c->version == 3);
    assert_true(c->not_before_ms == from && c->not_after_ms == to && !c->names_from_cn);
    struct certificate *again = NULL;
    assert_int_equal(certificate_write_pem(c, true, &pem), OK);
    again = parse_ok(NULL);
    assert_string_equal(again->thumbprint, c->thumbprint);
    assert_true(again->key_matches);
    certificate_free(again);
    buf_reset(&pem);
    assert_int_equal(certificate_write_pem(c, false, &pem), OK);
    again = parse_ok(NULL);
    assert_null(again->key);
    size_t before = pem.n;
    assert_int_equal(certificate_write_pem(again, true, &pem), ERR_NOT_FOUND);
    assert_int_equal(pem.n, before);
    certificate_free(again);
    certificate_free(c);
    /* A first name that is too long for a CN stands in the subjectAltName alone. */
    struct span long_name =
        SPAN("a23456789012345678901234567890.a23456789012345678901234567890.long.example");
    assert_int_equal(certificate_new_self_signed(&long_name, 1, from, to, &c), OK);
    assert_span(c->subject, "");
    assert_int_equal(certificate_covers(c, long_name), NAME_EXACT);
    certificate_free(c);
    struct span bad = SPAN("not a name");
    assert_int_equal(certificate_new_self_signed(&bad, 1, from, to, &c), ERR_SYNTAX);
    assert_int_equal(certificate_new_self_signed(names, 0, from, to, &c), ERR_RANGE);
    assert_int_equal(certificate_new_self_signed(names, 2, to, from, &c), ERR_RANGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_fields),      TEST(test_subject_text),   TEST(test_key_types),
        TEST(test_names),       TEST(test_covers),         TEST(test_usage_and_signature),
        TEST(test_chain_order), TEST(test_cross_signed),   TEST(test_renewed_with_same_key),
        TEST(test_wrong_key),   TEST(test_encrypted_keys), TEST(test_damage),
        TEST(test_limits),      TEST(test_self_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
