#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "service/renew_private.h"

static char folder[32], path[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/renew-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/acme/state", folder);
    return 0;
}

static int tear_down(void **state)
{
    char below[64];
    (void)state;
    snprintf(below, sizeof(below), "%s/acme", folder);
    unlink(path);
    rmdir(below);
    assert_int_equal(rmdir(folder), 0); /* nothing else was left */
    return 0;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct renew_state was = {.thumbprint = "00112233445566778899aabbccddeeff00112233",
                              .configuration = UINT64_MAX >> 1,
                              .last_ms = 1700000000123,
                              .failures = 7,
                              .has_window = true,
                              .window_start_ms = 1700000001000,
                              .window_end_ms = 1700000002000,
                              .ari_next_ms = 1700000003000,
                              .last_error = BUF_INIT(2048)};
    struct renew_state is;
    struct stat status;
    buf_add_text(&was.last_error, "the order failed: a=b\nfailures=99");
    renew_state_save(folder, &was);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    renew_state_load(folder, &is);
    assert_string_equal(is.thumbprint, was.thumbprint);
    assert_true(is.configuration == was.configuration);
    assert_int_equal(is.last_ms, was.last_ms);
    assert_int_equal(is.failures, 7);
    assert_true(is.has_window);
    assert_int_equal(is.window_start_ms, was.window_start_ms);
    assert_int_equal(is.window_end_ms, was.window_end_ms);
    assert_int_equal(is.ari_next_ms, was.ari_next_ms);
    assert_string_equal(buf_text(&is.last_error), "the order failed: a=b failures=99");
    renew_state_done(&is);
    renew_state_done(&was);
}

static void test_missing_and_damaged(void **state)
{
    static const char *const damaged[] = {
        "",
        "\n\n=\n",
        "failures=-1\nlast-ms=99999999999999999999",
        "thumbprint=0011223344556677889900112233445566778899001122",
        "window-start-ms=5",
        "no sense at all"};
    struct renew_state is;
    (void)state;
    renew_state_load(folder, &is);
    assert_int_equal(is.failures + is.last_ms, 0);
    renew_state_save(folder, &is);
    renew_state_done(&is);
    for (size_t i = 0; i < COUNT_OF(damaged); i++) {
        assert_int_equal(renew_file_write(path, 0600, span_of(damaged[i])), OK);
        renew_state_load(folder, &is);
        assert_string_equal(is.thumbprint, "");
        assert_int_equal(is.failures + is.last_ms, 0);
        assert_false(is.has_window);
        renew_state_done(&is);
    }
}

static void test_configuration(void **state)
{
    struct span one[] = {SPAN("ab.example"), SPAN("c.example")};
    struct span other[] = {SPAN("ab.examplec"), SPAN(".example")};
    struct acme_conf a = {.directory = SPAN("https://a/"), .names = one, .name_count = 2}, b = a;
    (void)state;
    assert_true(renew_configuration(&a) == renew_configuration(&b));
    b.names = other; /* the same letters in all */
    assert_true(renew_configuration(&a) != renew_configuration(&b));
    b = a;
    b.http_bind.port = 8080;
    assert_true(renew_configuration(&a) != renew_configuration(&b));
    b = a;
    b.renew_at_percent = 50; /* nothing that could have failed */
    assert_true(renew_configuration(&a) == renew_configuration(&b));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip),
        TEST(test_missing_and_damaged),
        TEST(test_configuration),
    };
    return cmocka_run_group_tests_name("renew_state", tests, NULL, NULL);
}
