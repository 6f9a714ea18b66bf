#include "cert/ari.h"

#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* RFC 9773, appendix A. */
static const char example[] = "-----BEGIN CERTIFICATE-----\n"
                              "MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt\n"
                              "cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS\n"
                              "BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu\n"
                              "7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf\n"
                              "qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B\n"
                              "yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb\n"
                              "+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK\n"
                              "-----END CERTIFICATE-----\n";

static X509 *read_example(void)
{
    BIO *bio = BIO_new_mem_buf(example, -1);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(x);
    return x;
}

static void test_example_of_the_rfc(void **state)
{
    struct buf id = BUF_INIT(256);
    X509 *x = read_example();
    (void)state;
    assert_int_equal(ari_certificate_id(x, &id), OK);
    assert_string_equal(buf_text(&id), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
    X509_free(x);
    buf_done(&id);
}

static void test_without_authority_key(void **state)
{
    struct buf id = BUF_INIT(256);
    X509 *bare = X509_new();
    (void)state;
    assert_int_equal(ari_certificate_id(bare, &id), ERR_UNSUPPORTED);
    assert_int_equal(id.n, 0);
    X509_free(bare);
    buf_done(&id);
}

static void test_times(void **state)
{
    static const struct {
        const char *text;
        int64_t ms; /* negative: malformed */
    } table[] = {
        {"2025-01-02T04:00:00Z", 1735790400000},
        {"2025-01-02T04:00:00.5Z", 1735790400000},
        {"2025-01-02T04:00:00.123456789Z", 1735790400000},
        {"2025-01-02t04:00:00z", 1735790400000},
        {"2025-01-02T04:00:00+00:00", 1735790400000},
        {"2025-01-02T05:30:00+01:30", 1735790400000},
        {"2025-01-02T00:00:00-04:00", 1735790400000},
        {"2025-01-02T04:00:00", -1},
        {"2025-01-02T04:00:00.Z", -1},
        {"2025-01-02 04:00:00Z", -1},
        {"2025-13-02T04:00:00Z", -1},
        {"2025-01-02T04:00:00+1:00", -1},
        {"2025-01-02T04:00:00+24:00", -1},
        {"2025-01-02T04:00:00ZZ", -1},
        {"2025-01-02", -1},
        {"", -1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        int64_t ms = -1;
        enum err err = ari_parse_time(span_of(table[i].text), &ms);
        assert_int_equal(err == OK, table[i].ms >= 0);
        assert_int_equal(ms, table[i].ms);
    }
}

#define TEST(fn) cmocka_unit_test(fn)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_example_of_the_rfc),
        TEST(test_without_authority_key),
        TEST(test_times),
    };
    return cmocka_run_group_tests_name("ari", tests, NULL, NULL);
}
