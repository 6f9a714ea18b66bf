#include "store/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/testing.h"

/* RFC 3720, appendix B.4. */
static void test_known_values(void **state)
{
    (void)state;
    static const char zeros[32];
    char ones[32];
    memset(ones, 0xff, sizeof(ones));
    assert_int_equal(checksum_add(0, SPAN("123456789")), 0xe3069283);
    assert_int_equal(checksum_add(0, span_make(zeros, 32)), 0x8a9136aa);
    assert_int_equal(checksum_add(0, span_make(ones, 32)), 0x62a8ab43);
    assert_int_equal(checksum_add(0, SPAN_NONE), 0);
}

/* Whole, in pieces, and without special instructions. */
static void test_ways_agree(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (int round = 0; round < 300; round++) {
        size_t n = testing_random(&random) % 700, cut = n ? testing_random(&random) % n : 0;
        char *p = testing_content(testing_random(&random), n);
        uint32_t whole = checksum_add(0, span_make(p, n));
        uint32_t pieces =
            checksum_add(checksum_add(0, span_make(p, cut)), span_make(p + cut, n - cut));
        uint32_t portable = checksum_add_portable(checksum_add_portable(0, span_make(p, cut)),
                                                  span_make(p + cut, n - cut));
        assert_int_equal(whole, pieces);
        assert_int_equal(whole, portable);
        if (n) {
            p[cut] = (char)(p[cut] ^ 1 << round % 8);
            assert_int_not_equal(checksum_add(0, span_make(p, n)), whole);
        }
        free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_ways_agree),
    };
    return cmocka_run_group_tests_name("checksum", tests, NULL, NULL);
}
