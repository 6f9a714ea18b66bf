#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>

#include "base/clock.h"
#include "cert/bundle.h"
#include "cert/chain.h"
#include "cert/test_world.h"

static struct buf file, why;
static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    buf_init(&file, BUF_UNLIMITED);
    buf_init(&why, 1000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&file);
    buf_done(&why);
    arena_done(&arena);
    assert_int_equal(ERR_peek_error(), 0);
    return 0;
}

static struct bundle *read_ok(const char *passphrase, const char *form)
{
    struct bundle *b = NULL;
    enum err err = bundle_read(buf_span(&file), span_of(passphrase), &b, &why);
    if (err != OK)
        fail_msg("%s: %s", err_text(err), buf_text(&why));
    assert_string_equal(b->form, form);
    return b;
}

static void read_fails(const char *passphrase, enum err expected, const char *part)
{
    struct bundle *const untouched = (struct bundle *)&file;
    struct bundle *b = untouched;
    buf_reset(&why);
    assert_int_equal(bundle_read(buf_span(&file), span_of(passphrase), &b, &why), expected);
    assert_ptr_equal(b, untouched);
    if (span_search(buf_span(&why), span_of(part)) == why.n)
        fail_msg("\"%s\" does not say \"%s\"", buf_text(&why), part);
}

/* The one certificate of a bundle: the leaf with its chain, and its key where there is one. */
static void assert_leaf(const struct bundle *b, int chain, bool with_key)
{
    struct certificate **list = NULL;
    size_t count = 0;
    assert_int_equal(bundle_certificates(b, NULL, 0, NULL, &arena, &list, &count, &why), OK);
    assert_int_equal(count, 1);
    assert_int_equal(X509_cmp(list[0]->leaf, world.leaf.x), 0);
    assert_int_equal(sk_X509_num(list[0]->chain), chain);
    assert_int_equal(list[0]->key_matches, with_key);
    certificate_free(list[0]);
}

static void test_pem(void **state)
{
    (void)state;
    add_world_pem(&file);
    struct bundle *b = read_ok("", "PEM");
    assert_int_equal(sk_X509_num(b->certificates), 3);
    assert_int_equal(b->key_count, 1);
    assert_int_equal(b->friendly_name.n, 0);
    assert_leaf(b, 2, true);
    bundle_free(b);
    bundle_free(NULL);
}

static void test_odd_texts(void **state)
{
    (void)state;
    add_world_pem(&file);
    struct buf plain = BUF_INIT(BUF_UNLIMITED);
    assert_int_equal(buf_add(&plain, buf_span(&file)), OK);
    for (int form = 0; form < 3; form++) {
        static const char *const marks[] = {"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"};
        buf_reset(&file);
        buf_add_text(&file, marks[form]);
        for (size_t i = 0; i < plain.n; i++) {
            if (form == 2)
                buf_add_char(&file, '\0');
            buf_add_char(&file, plain.p[i]);
            if (form == 1)
                buf_add_char(&file, '\0');
        }
        struct bundle *b = read_ok("", "PEM");
        assert_leaf(b, 2, true);
        bundle_free(b);
        if (form > 0) {
            buf_add_char(&file, '\0'); /* half a character */
            read_fails("", ERR_SYNTAX, "neither PEM nor DER");
        }
    }
    buf_done(&plain);
}

static void test_der(void **state)
{
    (void)state;
    BIO *bio = BIO_new(BIO_s_mem());
    i2d_X509_bio(bio, world.leaf.x);
    i2d_X509_bio(bio, world.middle.x);
    add_bio_content(&file, bio);
    struct bundle *b = read_ok("", "DER");
    assert_leaf(b, 1, false);
    bundle_free(b);
    buf_add_char(&file, '\n');
    read_fails("", ERR_SYNTAX, "something else behind");
    for (int form = 0; form < 3; form++) {
        buf_reset(&file);
        bio = BIO_new(BIO_s_mem());
        if (form == 0)
            i2d_PrivateKey_bio(bio, world.leaf.key);
        else
            i2d_PKCS8PrivateKey_bio(bio, world.leaf.key, form == 2 ? EVP_aes_256_cbc() : NULL,
                                    "secret", 6, NULL, NULL);
        add_bio_content(&file, bio);
        b = read_ok("secret", "DER");
        assert_int_equal(b->key_count, 1);
        assert_int_equal(EVP_PKEY_eq(b->keys[0], world.leaf.key), 1);
        bundle_free(b);
    }
    read_fails("", ERR_DENIED, "no passphrase was given");
    read_fails("wrong", ERR_DENIED, "does not open");
}

static void test_pkcs7(void **state)
{
    (void)state;
    X509 *const list[] = {world.root.x, world.middle.x, world.leaf.x};
    PKCS7 *p7 = PKCS7_new();
    assert_int_equal(PKCS7_set_type(p7, NID_pkcs7_signed), 1);
    assert_int_equal(PKCS7_content_new(p7, NID_pkcs7_data), 1);
    for (int i = 0; i < 3; i++)
        PKCS7_add_certificate(p7, list[i]);
    for (int form = 0; form < 2; form++) {
        BIO *bio = BIO_new(BIO_s_mem());
        buf_reset(&file);
        if (form == 0)
            i2d_PKCS7_bio(bio, p7);
        else
            PEM_write_bio_PKCS7(bio, p7);
        add_bio_content(&file, bio);
        struct bundle *b = read_ok("", "PKCS#7");
        assert_leaf(b, 2, false);
        bundle_free(b);
    }
    buf_reset(&file);
    buf_add_text(&file, "-----BEGIN PKCS7-----\nMAMCAQA=\n-----END PKCS7-----\n");
    read_fails("", ERR_SYNTAX, "PKCS#7 part is damaged");
    PKCS7_free(p7);
}

/* Old: RC2 with 40 bits, 3DES and a SHA-1 MAC, as Windows up to 2016 and OpenSSL 1 write it. */
static void write_pkcs12(const char *passphrase, bool old, bool with_mac)
{
    OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *modern = OSSL_PROVIDER_load(context, "default");
    OSSL_PROVIDER *legacy = OSSL_PROVIDER_load(context, "legacy");
    assert_non_null(legacy);
    X509 *const list[] = {world.root.x, world.middle.x};
    STACK_OF(X509) *chain = stack_of(list, 2);
    PKCS12 *p12 = PKCS12_create_ex(
        passphrase, "M\xc3\xbcnchen 2026", world.leaf.key, world.leaf.x, chain,
        old ? NID_pbe_WithSHA1And3_Key_TripleDES_CBC : NID_aes_256_cbc,
        old ? NID_pbe_WithSHA1And40BitRC2_CBC : NID_aes_256_cbc, 2000, -1, 0, context, NULL);
    assert_non_null(p12);
    if (with_mac)
        assert_int_equal(
            PKCS12_set_mac(p12, passphrase, -1, NULL, 0, 2000, old ? EVP_sha1() : EVP_sha256()), 1);
    BIO *bio = BIO_new(BIO_s_mem());
    i2d_PKCS12_bio(bio, p12);
    buf_reset(&file);
    add_bio_content(&file, bio);
    PKCS12_free(p12);
    sk_X509_free(chain);
    OSSL_PROVIDER_unload(legacy);
    OSSL_PROVIDER_unload(modern);
    OSSL_LIB_CTX_free(context);
}

static void test_pkcs12(void **state)
{
    (void)state;
    for (int old = 0; old < 2; old++) {
        for (int with_mac = 0; with_mac < 2; with_mac++) {
            write_pkcs12("p\xc3\xa4ssword", old, with_mac);
            struct bundle *b = read_ok("p\xc3\xa4ssword", "PKCS#12");
            assert_leaf(b, 2, true);
            assert_true(span_eq(b->friendly_name, SPAN("M\xc3\xbcnchen 2026")));
            bundle_free(b);
            read_fails("password", ERR_DENIED, "the passphrase does not open");
            read_fails("", ERR_DENIED, with_mac ? "none was given" : "does not open");
        }
    }
    /* The old ciphers were there for the file only. */
    assert_null(EVP_CIPHER_fetch(NULL, "RC2-40-CBC", NULL));
    ERR_clear_error();
}

/* Distributions ship the old ciphers apart: then the file is not to blame, nor the passphrase. */
static void test_without_legacy_provider(void **state)
{
    (void)state;
    write_pkcs12("secret", true, true);
    setenv("OPENSSL_MODULES", "/nonexistent", 1);
    read_fails("secret", ERR_DENIED, "legacy provider, which is not installed");
    read_fails("wrong", ERR_DENIED, "the passphrase does not open the file");
    unsetenv("OPENSSL_MODULES");
    bundle_free(read_ok("secret", "PKCS#12"));
}

static void test_pkcs12_without_passphrase(void **state)
{
    (void)state;
    for (int none = 0; none < 2; none++) {
        write_pkcs12(none ? NULL : "", true, true);
        struct bundle *b = read_ok("", "PKCS#12");
        assert_leaf(b, 2, true);
        bundle_free(b);
    }
}

static void test_cut(void **state)
{
    (void)state;
    write_pkcs12("secret", false, true);
    struct bundle *b = NULL;
    size_t n = file.n;
    for (size_t i = 0; i < n; i += i < 64 || n - i < 64 ? 1 : 37)
        assert_int_equal(bundle_read(span_head(buf_span(&file), i), SPAN("secret"), &b, &why),
                         ERR_SYNTAX);
    assert_null(b);
    write_pkcs12("secret", false, false);
    srandom(7);
    for (int i = 0; i < 100; i++) { /* damage anywhere: an error or a bundle, never a fault */
        size_t at = (size_t)random() % file.n;
        char before = file.p[at];
        file.p[at] = (char)random();
        if (bundle_read(buf_span(&file), SPAN("secret"), &b, &why) == OK)
            bundle_free(b);
        file.p[at] = before;
    }
}

static void test_nothing(void **state)
{
    (void)state;
    read_fails("", ERR_SYNTAX, "neither PEM nor DER");
    buf_add_text(&file, "hello");
    read_fails("", ERR_SYNTAX, "neither PEM nor DER");
    buf_reset(&file);
    buf_add_text(&file, "-----BEGIN X-----\nAAAA\n-----END X-----\n");
    read_fails("", ERR_SYNTAX, "neither a certificate nor a private key");
}

static void test_size_limits(void **state)
{
    (void)state;
    char *large = calloc(1, BUNDLE_MAX + 1);
    struct bundle *b = NULL;
    assert_int_equal(bundle_read(span_make(large, BUNDLE_MAX + 1), SPAN_NONE, &b, &why), ERR_LIMIT);
    assert_int_equal(bundle_read(span_make(large, BUNDLE_MAX), SPAN_NONE, &b, &why), ERR_SYNTAX);
    assert_int_equal(bundle_read(SPAN("x"), span_make(large, BUNDLE_PASSPHRASE_MAX + 1), &b, &why),
                     ERR_LIMIT);
    free(large);
    for (int i = 0; i < 65; i++) {
        EVP_PKEY *key = make_key(NULL);
        add_key_pem(&file, key, NULL);
        EVP_PKEY_free(key);
        if (i == 63)
            bundle_free(read_ok("", "PEM"));
    }
    read_fails("", ERR_LIMIT, "too many private keys");
    buf_reset(&file);
    for (int i = 0; i < 129; i++) {
        struct made made =
            make_certificate(&(struct recipe){.names = "a.example", .key = world.leaf.key});
        add_certificate_pem(&file, made.x);
        made_done(&made);
        if (i == 127)
            bundle_free(read_ok("", "PEM"));
    }
    read_fails("", ERR_LIMIT, "too many certificates");
}

/* A file may ask for years of key derivation: it is refused before a round was done. */
static void test_rounds(void **state)
{
    (void)state;
    for (int scrypt = 0; scrypt < 2; scrypt++) {
        X509_SIG *key = X509_SIG_new();
        X509_ALGOR *made =
            scrypt ? PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, 0, NULL, 1024, 8, 100)
                   : PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), 2000000000, NULL, 0, NULL,
                                       NID_hmacWithSHA256);
        X509_ALGOR *algorithm = NULL;
        ASN1_OCTET_STRING *data = NULL;
        assert_non_null(made);
        X509_SIG_getm(key, &algorithm, &data);
        assert_int_equal(X509_ALGOR_copy(algorithm, made), 1);
        ASN1_OCTET_STRING_set(data, (const unsigned char *)"0123456789abcdef", 16);
        BIO *bio = BIO_new(BIO_s_mem());
        PEM_write_bio_PKCS8(bio, key);
        buf_reset(&file);
        add_bio_content(&file, bio);
        X509_ALGOR_free(made);
        X509_SIG_free(key);
        read_fails("secret", ERR_LIMIT, "more rounds");
        read_fails("", ERR_DENIED, "no passphrase was given");
    }
    PKCS12 *p12 = PKCS12_init(NID_pkcs7_data);
    assert_int_equal(PKCS12_setup_mac(p12, 2000000000, NULL, 8, EVP_sha256()), 1);
    BIO *bio = BIO_new(BIO_s_mem());
    i2d_PKCS12_bio(bio, p12);
    buf_reset(&file);
    add_bio_content(&file, bio);
    PKCS12_free(p12);
    read_fails("secret", ERR_LIMIT, "more rounds");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pem),
        TEST(test_odd_texts),
        TEST(test_der),
        TEST(test_pkcs7),
        TEST(test_pkcs12),
        TEST(test_pkcs12_without_passphrase),
        TEST(test_without_legacy_provider),
        TEST(test_cut),
        TEST(test_nothing),
        TEST(test_size_limits),
        TEST(test_rounds),
    };
    return cmocka_run_group_tests(tests, make_world, end_world);
}
