#include "cli/fix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect(const char *command, size_t count, const char *const *words)
{
    struct arena arena = ARENA_INIT;
    size_t n;
    char **found = fix_words(&arena, span_of(command), &n);
    assert_non_null(found);
    assert_int_equal(n, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(found[i], words[i]);
    assert_null(found[count]);
    arena_done(&arena);
}

static void test_words(void **state)
{
    (void)state;
    expect("sealpost cert enable 9c41 --services smtp", 6,
           (const char *const[]){"sealpost", "cert", "enable", "9c41", "--services", "smtp"});
    expect("  chmod 600   '/var/lib/a b/key.pem' ", 3,
           (const char *const[]){"chmod", "600", "/var/lib/a b/key.pem"});
    expect("chmod 600 'it'\\''s; here'", 3, (const char *const[]){"chmod", "600", "it's; here"});
}

/* What a shell would make more of is not for us to run. */
static void test_more_than_words(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "   ",
                                        "sealpost cert remove `reboot`",
                                        "sealpost cert remove $(reboot)",
                                        "sealpost a; reboot",
                                        "sealpost a && reboot",
                                        "sealpost a > /etc/passwd",
                                        "sealpost cert import FILE  # a comment",
                                        "chmod 600 *",
                                        "chmod 600 'no end"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct arena arena = ARENA_INIT;
        size_t n;
        assert_null(fix_words(&arena, span_of(wrong[i]), &n));
        arena_done(&arena);
    }
    struct buf many = BUF_INIT(BUF_UNLIMITED);
    struct arena arena = ARENA_INIT;
    size_t n;
    for (size_t i = 0; i < 1000; i++)
        buf_add_text(&many, "a ");
    assert_null(fix_words(&arena, buf_span(&many), &n));
    arena_done(&arena);
    buf_done(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_more_than_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
