#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "policy/diagnose.h"

static const int64_t NOW_MS = 1800000000000;

static void test_stages_of_expiry(void **state)
{
    (void)state;
    static const struct {
        int64_t life_days, left_hours;
        unsigned stage;
    } cases[] = {
        {398, 31 * 24, 0}, {398, 30 * 24, 1}, {398, 15 * 24, 2},  {398, 7 * 24, 3},
        {398, 3 * 24, 4},  {90, 31 * 24, 0},  {90, 29 * 24, 1},   {47, 16 * 24, 0},
        {47, 15 * 24, 1},  {47, 7 * 24, 2},   {6, 49, 0},         {6, 48, 1},
        {6, 24, 2},        {6, 1, 2},         {3650, 40 * 24, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct certificate c = {.not_after_ms = NOW_MS + cases[i].left_hours * HOUR_MS};
        c.not_before_ms = c.not_after_ms - cases[i].life_days * DAY_MS;
        unsigned stage = 99;
        bool soon = diagnose_expires_soon(&c, NOW_MS, &stage);
        if (stage != cases[i].stage || soon != (stage > 0))
            fail_msg("case %zu: stage %u", i, stage);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stages_of_expiry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
