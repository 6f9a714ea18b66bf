#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/err.h>

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

static struct certificate **list;
static size_t count;

static enum err find(const struct bundle *b, EVP_PKEY *const *extra, size_t extra_count,
                     STACK_OF(X509) * known)
{
    return bundle_certificates(b, extra, extra_count, known, &arena, &list, &count, &why);
}

static void test_leaves(void **state)
{
    (void)state;
    add_world_pem(&file);
    add_certificate_pem(&file, world.alone.x);
    struct bundle *b = read_ok("", "PEM");
    EVP_PKEY *extra[] = {world.alone.key};
    assert_int_equal(find(b, extra, 1, NULL), OK);
    assert_int_equal(count, 2);
    assert_int_equal(X509_cmp(list[0]->leaf, world.leaf.x), 0);
    assert_int_equal(X509_cmp(list[1]->leaf, world.alone.x), 0);
    assert_true(list[0]->key_matches && list[1]->key_matches);
    assert_int_equal(sk_X509_num(list[1]->chain), 0);
    certificate_free(list[0]);
    certificate_free(list[1]);
    bundle_free(b);
    buf_reset(&file); /* authorities alone are nothing to present */
    add_certificate_pem(&file, world.root.x);
    add_certificate_pem(&file, world.middle.x);
    b = read_ok("", "PEM");
    assert_int_equal(find(b, NULL, 0, NULL), ERR_NOT_FOUND);
    assert_string_equal(buf_text(&why), "it holds only certificates of authorities");
    bundle_free(b);
    buf_reset(&file);
    buf_reset(&why);
    add_key_pem(&file, world.leaf.key, NULL);
    b = read_ok("", "PEM");
    assert_int_equal(find(b, NULL, 0, NULL), ERR_NOT_FOUND);
    assert_string_equal(buf_text(&why), "there is no certificate in it");
    bundle_free(b);
}

/* A torn pair: new certificate, old key. Together, and said so. */
static void test_torn(void **state)
{
    (void)state;
    add_certificate_pem(&file, world.leaf.x);
    add_key_pem(&file, world.alone.key, NULL);
    struct bundle *b = read_ok("", "PEM");
    assert_int_equal(find(b, NULL, 0, NULL), OK);
    assert_int_equal(count, 1);
    assert_non_null(list[0]->key);
    assert_false(list[0]->key_matches);
    certificate_free(list[0]);
    EVP_PKEY *extra[] = {world.leaf.key}; /* the right one is known: it is taken */
    assert_int_equal(find(b, extra, 1, NULL), OK);
    assert_true(list[0]->key_matches);
    certificate_free(list[0]);
    bundle_free(b);
}

static void test_known_intermediates(void **state)
{
    (void)state;
    struct made crossed = make_certificate(&(struct recipe){.subject = "CN=Middle",
                                                            .authority = true,
                                                            .issuer = &world.root,
                                                            .key = world.middle.key,
                                                            .not_after_ms = clock_now_ms() - DAY_MS,
                                                            .not_before_ms = 1000000000000});
    X509 *const all[] = {world.alone.x, crossed.x, world.root.x, world.leaf.x, world.middle.x};
    STACK_OF(X509) *known = stack_of(all, COUNT_OF(all));
    add_certificate_pem(&file, world.leaf.x);
    struct bundle *b = read_ok("", "PEM");
    assert_int_equal(find(b, NULL, 0, known), OK);
    assert_int_equal(sk_X509_num(list[0]->chain), 2);
    assert_int_equal(X509_cmp(sk_X509_value(list[0]->chain, 0), world.middle.x),
                     0); /* not the expired one */
    assert_int_equal(X509_cmp(sk_X509_value(list[0]->chain, 1), world.root.x), 0);
    assert_int_equal(certificate_complete_chain(list[0], known), 0);
    assert_int_equal(certificate_chain_state(list[0], NULL), CHAIN_PRIVATE);
    certificate_free(list[0]);
    assert_int_equal(find(b, NULL, 0, NULL), OK);
    assert_int_equal(certificate_complete_chain(list[0], NULL), 0);
    assert_int_equal(certificate_chain_state(list[0], NULL), CHAIN_INCOMPLETE);
    certificate_free(list[0]);
    sk_X509_free(known);
    bundle_free(b);
    made_done(&crossed);
}

/* Two authorities that signed each other make no endless chain. */
static void test_circle(void **state)
{
    (void)state;
    EVP_PKEY *key_a = make_key(NULL), *key_b = make_key(NULL);
    struct made a0 =
        make_certificate(&(struct recipe){.subject = "CN=A", .authority = true, .key = key_a});
    struct made b0 =
        make_certificate(&(struct recipe){.subject = "CN=B", .authority = true, .key = key_b});
    struct made ab = make_certificate(
        &(struct recipe){.subject = "CN=A", .authority = true, .key = key_a, .issuer = &b0});
    struct made ba = make_certificate(
        &(struct recipe){.subject = "CN=B", .authority = true, .key = key_b, .issuer = &a0});
    struct made end = make_certificate(&(struct recipe){.names = "a.example", .issuer = &a0});
    X509 *const all[] = {ab.x, ba.x};
    STACK_OF(X509) *known = stack_of(all, 2);
    for (int within = 0; within < 2; within++) {
        buf_reset(&file);
        add_certificate_pem(&file, end.x);
        for (int i = 0; within && i < 2; i++)
            add_certificate_pem(&file, all[i]);
        struct bundle *b = read_ok("", "PEM");
        assert_int_equal(find(b, NULL, 0, known), OK);
        assert_int_equal(count, 1);
        assert_int_equal(sk_X509_num(list[0]->chain), 2);
        certificate_free(list[0]);
        bundle_free(b);
    }
    sk_X509_free(known);
    struct made *const made[] = {&a0, &b0, &ab, &ba, &end};
    for (size_t i = 0; i < COUNT_OF(made); i++)
        made_done(made[i]);
    EVP_PKEY_free(key_a);
    EVP_PKEY_free(key_b);
}

static void test_export(void **state)
{
    (void)state;
    add_world_pem(&file);
    struct bundle *b = read_ok("", "PEM");
    assert_int_equal(find(b, NULL, 0, NULL), OK);
    bundle_free(b);
    struct certificate *c = list[0];
    buf_reset(&file);
    assert_int_equal(bundle_write_pkcs12(c, SPAN_NONE, SPAN_NONE, &file), ERR_REFUSED);
    assert_int_equal(bundle_write_pkcs12(c, SPAN("a\0b"), SPAN_NONE, &file), ERR_SYNTAX);
    assert_int_equal(bundle_write_pkcs12(c, SPAN("a"), SPAN("a\0b"), &file), ERR_SYNTAX);
    char large[BUNDLE_PASSPHRASE_MAX + 1] = "";
    assert_int_equal(bundle_write_pkcs12(c, span_make(large, sizeof(large)), SPAN_NONE, &file),
                     ERR_LIMIT);
    assert_int_equal(file.n, 0);
    assert_int_equal(bundle_write_pkcs12(c,
                                         SPAN("s\xc3\xa9"
                                              "cret"),
                                         SPAN("Name"), &file),
                     OK);
    b = read_ok("s\xc3\xa9"
                "cret",
                "PKCS#12");
    assert_int_equal(find(b, NULL, 0, NULL), OK);
    assert_int_equal(count, 1);
    assert_true(list[0]->key_matches);
    assert_string_equal(list[0]->thumbprint, c->thumbprint);
    assert_int_equal(sk_X509_num(list[0]->chain), 2);
    certificate_free(list[0]);
    assert_true(span_eq(b->friendly_name, SPAN("Name")));
    bundle_free(b);
    EVP_PKEY_free(c->key);
    c->key = world.alone.key;
    buf_reset(&file);
    assert_int_equal(bundle_write_pkcs12(c, SPAN("a"), SPAN_NONE, &file), ERR_UNSUPPORTED);
    c->key = NULL;
    assert_int_equal(bundle_write_pkcs12(c, SPAN("a"), SPAN_NONE, &file), ERR_NOT_FOUND);
    certificate_free(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_leaves), TEST(test_torn),   TEST(test_known_intermediates),
        TEST(test_circle), TEST(test_export),
    };
    return cmocka_run_group_tests(tests, make_world, end_world);
}
