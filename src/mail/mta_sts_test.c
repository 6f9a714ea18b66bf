/* Records and policies of MTA-STS: a table of cases for each. */
#include "mail/mta_sts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"

static void test_records(void **state)
{
    static const struct {
        const char *text, *id; /* NULL: no record of MTA-STS */
    } cases[] = {
        {"v=STSv1; id=20160831085700Z;", "20160831085700Z"},
        {"v=STSv1;id=a", "a"},
        {"v=STSv1 ; id=a ; later=b", "a"},
        {"v=STSv1; later=b; id=c", "c"},
        {"v=STSv1; id=a; id=b", "a"},
        {"v=STSv1; id=", NULL},
        {"v=STSv1; id=a-b", NULL},
        {"v=STSv1; id=123456789012345678901234567890123", NULL},
        {"v=STSv1", NULL},
        {"v=stsv1; id=a", NULL},
        {"v=STSv2; id=a", NULL},
        {" id=a; v=STSv1", NULL},
        {"v=spf1 -all", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct span id = SPAN_NONE;
        bool found = mta_sts_parse_record(span_of(cases[i].text), &id);
        if (found != (cases[i].id != NULL) || (found && !span_eq(id, span_of(cases[i].id))))
            fail_msg("%s", cases[i].text);
    }
}

static void test_policy(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct mta_sts_policy p;
    struct span why = SPAN_NONE;
    const char *text = "version: STSv1\r\nmode: enforce\r\n\r\nmx: Mail.Example.com\r\n"
                       "mx:*.example.net\r\nmax_age: 604800\r\nmode: none\r\nlater: x\r\n";
    assert_int_equal(mta_sts_parse_policy(&arena, span_of(text), &p, &why), OK);
    assert_int_equal(p.mode, MTA_STS_ENFORCE);
    assert_int_equal(p.max_age_s, 604800);
    assert_int_equal(p.mx_count, 2);
    assert_true(mta_sts_lists(&p, SPAN("MAIL.example.com")));
    assert_true(mta_sts_lists(&p, SPAN("mx1.Example.net")));
    assert_false(mta_sts_lists(&p, SPAN("example.net")));
    assert_false(mta_sts_lists(&p, SPAN(".example.net")));
    assert_false(mta_sts_lists(&p, SPAN("a.b.example.net"))); /* one label only */
    assert_false(mta_sts_lists(&p, SPAN("mail.example.org")));
    assert_int_equal(
        mta_sts_parse_policy(&arena, SPAN("version: STSv1\nmode: none\nmax_age: 0"), &p, &why), OK);
    assert_int_equal(p.mode, MTA_STS_NONE);
    assert_int_equal(p.mx_count, 0);
    arena_done(&arena);
}

static void test_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "a key is missing: version"},
        {"version: STSv2\n", "the version is unknown: STSv2"},
        {"version: STSv1\nmode: strict\n", "the mode is none of enforce, testing, none: strict"},
        {"version: STSv1\nmax_age: 1\nmx: a\n", "a key is missing: mode"},
        {"version: STSv1\nmode: testing\nmax_age: 1\n", "a key is missing: mx"},
        {"version: STSv1\nmode: none\n", "a key is missing: max_age"},
        {"version: STSv1\nmode: none\nmax_age: -1\n",
         "max_age is not a number of at most 31557600 seconds: -1"},
        {"version: STSv1\nmode: none\nmax_age: 31557601\n",
         "max_age is not a number of at most 31557600 seconds: 31557601"},
        {"version: STSv1\nmx: mail_1.example\n", "mx is not a host name: mail_1.example"},
        {"version: STSv1\nmx: *.*.example\n", "mx is not a host name: *.*.example"},
        {"version: STSv1\nmx:\n", "mx is not a host name: "},
        {"<html>\n", "a line has no colon: <html>"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena arena = ARENA_INIT;
        struct mta_sts_policy p;
        struct span why = SPAN_NONE;
        assert_int_equal(mta_sts_parse_policy(&arena, span_of(cases[i].text), &p, &why),
                         ERR_SYNTAX);
        assert_string_equal(arena_text(&arena, why), cases[i].why);
        arena_done(&arena);
    }
}

static void test_limits(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    struct mta_sts_policy p;
    struct span why = SPAN_NONE;
    buf_add_text(&text, "version: STSv1\nmode: enforce\nmax_age: 1\n");
    for (size_t i = 0; i < MTA_STS_MX_MAX; i++)
        buf_addf(&text, "mx: mx%zu.example\n", i);
    assert_int_equal(mta_sts_parse_policy(&arena, buf_span(&text), &p, &why), OK);
    assert_int_equal(p.mx_count, MTA_STS_MX_MAX);
    buf_add_text(&text, "mx: one.more.example\n");
    assert_int_equal(mta_sts_parse_policy(&arena, buf_span(&text), &p, &why), ERR_LIMIT);
    buf_reset(&text);
    while (text.n <= MTA_STS_POLICY_MAX)
        buf_add_text(&text, "a: b\n");
    assert_int_equal(mta_sts_parse_policy(&arena, buf_span(&text), &p, &why), ERR_LIMIT);
    buf_done(&text);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_policy),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
