#include "cert/tlsa.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "base/encode.h"
#include "cert/test_maker.h"

static struct made root, leaf;
static struct certificate *certificate;

static int set_up(void **state)
{
    (void)state;
    root = make_certificate(&(struct recipe){.subject = "CN=Root", .authority = true});
    leaf = make_certificate(&(struct recipe){
        .subject = "CN=mail.example.com", .names = "mail.example.com", .issuer = &root});
    struct buf pem = BUF_INIT(BUF_UNLIMITED), why = BUF_INIT(1000);
    add_certificate_pem(&pem, leaf.x);
    add_certificate_pem(&pem, root.x);
    add_key_pem(&pem, leaf.key, NULL);
    assert_int_equal(certificate_parse_pem(buf_span(&pem), SPAN_NONE, &certificate, &why), OK);
    buf_done(&pem);
    buf_done(&why);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    certificate_free(certificate);
    made_done(&leaf);
    made_done(&root);
    return 0;
}

/* The record's data, made another way than the code under test makes it. */
static struct buf data_of(X509 *x, unsigned selector, unsigned matching)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    int length = selector ? i2d_PUBKEY(X509_get0_pubkey(x), &der) : i2d_X509(x, &der);
    assert_true(length > 0);
    if (matching == 0)
        buf_add(&out, span_make((const char *)der, (size_t)length));
    else if (EVP_Digest(der, (size_t)length, digest, &n,
                        matching == 1 ? EVP_sha256() : EVP_sha512(), NULL) == 1)
        buf_add(&out, span_make((const char *)digest, n));
    OPENSSL_free(der);
    return out;
}

/* Every usage, selector and matching type, against leaf and root. */
static void test_every_kind(void **state)
{
    (void)state;
    for (uint8_t usage = 0; usage <= 4; usage++)
        for (uint8_t selector = 0; selector <= 2; selector++)
            for (uint8_t matching = 0; matching <= 3; matching++) {
                struct buf of_leaf = data_of(leaf.x, selector, matching),
                           of_root = data_of(root.x, selector, matching);
                bool known = usage <= 3 && selector <= 1 && matching <= 2;
                bool is_leaf = usage == TLSA_DANE_EE || usage == TLSA_PKIX_EE;
                assert_int_equal(certificate_matches_tlsa(certificate, usage, selector, matching,
                                                          buf_span(&of_leaf)),
                                 known && is_leaf);
                assert_int_equal(certificate_matches_tlsa(certificate, usage, selector, matching,
                                                          buf_span(&of_root)),
                                 known && !is_leaf);
                assert_int_equal(tlsa_is_usable(usage, selector, matching), known && usage >= 2);
                assert_false(
                    certificate_matches_tlsa(certificate, usage, selector, matching, SPAN("")));
                struct span cut = span_head(buf_span(&of_leaf), of_leaf.n - 1);
                assert_false(certificate_matches_tlsa(certificate, usage, selector, matching, cut));
                buf_done(&of_leaf);
                buf_done(&of_root);
            }
}

static void test_record_to_publish(void **state)
{
    (void)state;
    struct buf record = BUF_INIT(BUF_UNLIMITED), data = BUF_INIT(BUF_UNLIMITED);
    tlsa_add_record(&record, certificate);
    assert_true(span_starts(buf_span(&record), SPAN("3 1 1 ")));
    test_add_unhex(&data, span_skip(buf_span(&record), 6));
    assert_true(certificate_matches_tlsa(certificate, 3, 1, 1, buf_span(&data)));
    buf_done(&record);
    buf_done(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_record_to_publish),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
