#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/err.h>

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
        TEST(test_fields), TEST(test_subject_text),        TEST(test_key_types),   TEST(test_names),
        TEST(test_covers), TEST(test_usage_and_signature), TEST(test_self_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
