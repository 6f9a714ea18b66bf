#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "cert/request.h"
#include "cert/test_maker.h"

static struct buf pem, why;
static struct arena arena;
static EVP_PKEY *key;

static int set_up(void **state)
{
    (void)state;
    buf_init(&pem, BUF_UNLIMITED);
    buf_init(&why, 1000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&pem);
    buf_done(&why);
    arena_done(&arena);
    assert_int_equal(ERR_peek_error(), 0);
    return 0;
}

static void assert_names(const struct span *names, size_t count, const char *expected)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = 0; i < count; i++)
        buf_addf(&out, "%s" SPAN_FMT, i ? " " : "", SPAN_ARG(names[i]));
    assert_string_equal(buf_text(&out), expected);
    buf_done(&out);
}

static void parse_fails(enum err expected, const char *part)
{
    struct span *const untouched = (struct span *)&pem, *names = untouched;
    size_t count = 77;
    char spki[65];
    buf_reset(&why);
    assert_int_equal(request_parse(&arena, buf_span(&pem), &names, &count, spki, &why), expected);
    assert_ptr_equal(names, untouched);
    assert_int_equal(count, 77);
    if (span_search(buf_span(&why), span_of(part)) == why.n)
        fail_msg("\"%s\" does not say \"%s\"", buf_text(&why), part);
}

static void parse_ok(const char *expected)
{
    struct span *names = NULL;
    size_t count = 0;
    char spki[65], own[65];
    enum err err = request_parse(&arena, buf_span(&pem), &names, &count, spki, &why);
    if (err != OK)
        fail_msg("%s", buf_text(&why));
    assert_names(names, count, expected);
    key_spki_hash(key, own);
    assert_string_equal(spki, own);
}

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        enum key_kind kind;
        const char *name;
        int bits;
    } cases[] = {{KEY_P256, "p256", 256},
                 {KEY_P384, "p384", 384},
                 {KEY_RSA_2048, "rsa2048", 2048},
                 {KEY_RSA_3072, "rsa3072", 0},
                 {KEY_RSA_4096, "rsa4096", 0}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum key_kind kind = KEY_P256;
        EVP_PKEY *made = NULL;
        assert_string_equal(key_kind_name(cases[i].kind), cases[i].name);
        assert_int_equal(key_kind_parse(span_of(cases[i].name), &kind), OK);
        assert_int_equal(kind, cases[i].kind);
        if (cases[i].bits == 0)
            continue; /* takes too long to make */
        assert_int_equal(key_new(kind, &made), OK);
        assert_int_equal(EVP_PKEY_get_bits(made), cases[i].bits);
        EVP_PKEY_free(made);
    }
    enum key_kind kind;
    assert_int_equal(key_kind_parse(SPAN("P256"), &kind), OK);
    assert_int_equal(key_kind_parse(SPAN("rsa1024"), &kind), ERR_SYNTAX);
    assert_int_equal(key_kind_parse(SPAN_NONE, &kind), ERR_SYNTAX);
}

static void test_keys(void **state)
{
    (void)state;
    EVP_PKEY *read = NULL;
    assert_int_equal(key_write_pem(key, &pem), OK);
    assert_true(span_starts(buf_span(&pem), SPAN("-----BEGIN PRIVATE KEY-----\n")));
    assert_int_equal(key_read_pem(buf_span(&pem), SPAN_NONE, &read, &why), OK);
    assert_int_equal(EVP_PKEY_eq(read, key), 1);
    EVP_PKEY_free(read);
    buf_reset(&pem);
    add_key_pem(&pem, key, "secret");
    assert_int_equal(key_read_pem(buf_span(&pem), SPAN("secret"), &read, &why), OK);
    EVP_PKEY_free(read);
    read = NULL;
    assert_int_equal(key_read_pem(buf_span(&pem), SPAN("wrong"), &read, &why), ERR_DENIED);
    assert_int_equal(key_read_pem(buf_span(&pem), SPAN_NONE, &read, &why), ERR_DENIED);
    buf_reset(&why);
    assert_int_equal(key_read_pem(SPAN("hello"), SPAN_NONE, &read, &why), ERR_SYNTAX);
    assert_string_equal(buf_text(&why), "there is no private key in it");
    EVP_PKEY *other = make_key(NULL);
    buf_reset(&pem);
    add_key_pem(&pem, key, NULL);
    add_key_pem(&pem, other, NULL);
    assert_int_equal(key_read_pem(buf_span(&pem), SPAN_NONE, &read, &why), ERR_SYNTAX);
    EVP_PKEY_free(other);
    assert_null(read);
}

static void test_request(void **state)
{
    (void)state;
    struct span names[] = {SPAN("Mail.Example.com"), SPAN("*.example.org."),
                           SPAN("m\xc3\xbcnchen.example"), SPAN("mail.example.com")};
    assert_int_equal(request_new(key, names, COUNT_OF(names), &pem), OK);
    parse_ok("mail.example.com *.example.org xn--mnchen-3ya.example");
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509_REQ *request = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
    char subject[256] = "";
    X509_NAME_oneline(X509_REQ_get_subject_name(request), subject, sizeof(subject));
    assert_string_equal(subject, "/CN=mail.example.com");
    unsigned char *der = NULL;
    int n = i2d_X509_REQ(request, &der);
    buf_reset(&pem);
    buf_add(&pem, span_make((char *)der, (size_t)n));
    parse_ok("mail.example.com *.example.org xn--mnchen-3ya.example");
    OPENSSL_free(der);
    X509_REQ_free(request);
    BIO_free(bio);
}

/* Exchange and certreq label theirs so. */
static void test_windows_label(void **state)
{
    (void)state;
    struct span name = SPAN("a.example.com");
    assert_int_equal(request_new(key, &name, 1, &pem), OK);
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    struct span rest = buf_span(&pem), line;
    while (span_cut(&rest, '\n', &line))
        if (span_starts(line, SPAN("-----")))
            buf_addf(&text, "-----%s NEW CERTIFICATE REQUEST-----\r\n", text.n ? "END" : "BEGIN");
        else
            buf_addf(&text, SPAN_FMT "\r\n", SPAN_ARG(line));
    buf_done(&pem);
    pem = text;
    parse_ok("a.example.com");
}

static void test_long_first_name(void **state)
{
    (void)state;
    struct span names[] = {
        SPAN("a23456789012345678901234567890.a23456789012345678901234567890.long.example"),
        SPAN("short.example")};
    assert_int_equal(request_new(key, names, 2, &pem), OK);
    parse_ok("a23456789012345678901234567890.a23456789012345678901234567890.long.example "
             "short.example");
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509_REQ *request = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
    assert_int_equal(X509_NAME_entry_count(X509_REQ_get_subject_name(request)), 0);
    X509_REQ_free(request);
    BIO_free(bio);
}

static void test_refused_names(void **state)
{
    (void)state;
    struct span bad = SPAN("not a name"), good = SPAN("a.example.com");
    assert_int_equal(request_new(key, &good, 0, &pem), ERR_RANGE);
    assert_int_equal(request_new(key, &bad, 1, &pem), ERR_SYNTAX);
    struct span *many = calloc(CERT_NAMES_MAX + 1, sizeof(*many));
    for (size_t i = 0; i <= CERT_NAMES_MAX; i++)
        many[i] = arena_printf(&arena, "n%zu.example.com", i);
    assert_int_equal(request_new(key, many, CERT_NAMES_MAX + 1, &pem), ERR_LIMIT);
    assert_int_equal(pem.n, 0);
    assert_int_equal(request_new(key, many, CERT_NAMES_MAX, &pem), OK);
    struct span *names = NULL;
    size_t count = 0;
    char spki[65];
    assert_int_equal(request_parse(&arena, buf_span(&pem), &names, &count, spki, &why), OK);
    assert_int_equal(count, CERT_NAMES_MAX);
    free(many);
}

static void test_ed25519(void **state)
{
    (void)state;
    EVP_PKEY *edwards = make_key("Ed25519");
    struct span name = SPAN("a.example.com"), *names = NULL;
    size_t count = 0;
    char spki[65], own[65];
    assert_int_equal(request_new(edwards, &name, 1, &pem), OK);
    assert_int_equal(request_parse(&arena, buf_span(&pem), &names, &count, spki, &why), OK);
    key_spki_hash(edwards, own);
    assert_string_equal(spki, own);
    EVP_PKEY_free(edwards);
}

/* A request as other tools make it: with a CN alone, or with neither. */
static void write_foreign(const char *common_name)
{
    X509_REQ *request = X509_REQ_new();
    X509_NAME *subject = X509_REQ_get_subject_name(request);
    if (common_name)
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)common_name,
                                   -1, -1, 0);
    X509_REQ_set_pubkey(request, key);
    X509_REQ_sign(request, key, EVP_sha256());
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509_REQ(bio, request);
    char *p = NULL;
    long n = BIO_get_mem_data(bio, &p);
    buf_reset(&pem);
    buf_add(&pem, span_make(p, (size_t)n));
    BIO_free(bio);
    X509_REQ_free(request);
}

static void test_foreign(void **state)
{
    (void)state;
    write_foreign("Mail.example.com");
    parse_ok("mail.example.com");
    write_foreign("My Server");
    parse_ok("");
    write_foreign(NULL);
    parse_ok("");
}

static void test_damage(void **state)
{
    (void)state;
    parse_fails(ERR_SYNTAX, "no certificate request");
    buf_add_text(&pem, "hello");
    parse_fails(ERR_SYNTAX, "no certificate request");
    struct made made = make_certificate(&(struct recipe){.names = "a.example.com", .key = key});
    buf_reset(&pem);
    add_certificate_pem(&pem, made.x);
    parse_fails(ERR_SYNTAX, "no certificate request");
    made_done(&made);
    struct span name = SPAN("a.example.com");
    buf_reset(&pem);
    assert_int_equal(request_new(key, &name, 1, &pem), OK);
    char *text = malloc(pem.n);
    size_t whole = pem.n;
    memcpy(text, pem.p, whole);
    for (size_t n = 1; n + 1 < whole; n += 3) {
        buf_reset(&pem);
        buf_add(&pem, span_make(text, n));
        parse_fails(ERR_SYNTAX, "damaged");
    }
    free(text);
    char *large = calloc(1, REQUEST_MAX + 1);
    buf_done(&pem);
    pem = (struct buf){large, REQUEST_MAX + 1, REQUEST_MAX + 1, BUF_UNLIMITED};
    parse_fails(ERR_LIMIT, "too large");
}

/* Somebody changed a name under way. */
static void test_forged(void **state)
{
    (void)state;
    struct span name = SPAN("a.example.com");
    assert_int_equal(request_new(key, &name, 1, &pem), OK);
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509_REQ *request = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
    unsigned char *der = NULL;
    int n = i2d_X509_REQ(request, &der);
    buf_reset(&pem);
    buf_add(&pem, span_make((char *)der, (size_t)n));
    size_t at = span_search(buf_span(&pem), SPAN("a.example.com"));
    assert_true(at < pem.n);
    pem.p[at] = 'b';
    parse_fails(ERR_CORRUPT, "signature does not verify");
    OPENSSL_free(der);
    X509_REQ_free(request);
    BIO_free(bio);
}

static int make_shared_key(void **state)
{
    (void)state;
    key = make_key(NULL);
    return 0;
}

static int free_shared_key(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_kinds),           TEST(test_keys),
        TEST(test_request),         TEST(test_windows_label),
        TEST(test_long_first_name), TEST(test_refused_names),
        TEST(test_ed25519),         TEST(test_foreign),
        TEST(test_damage),          TEST(test_forged),
    };
    return cmocka_run_group_tests(tests, make_shared_key, free_shared_key);
}
