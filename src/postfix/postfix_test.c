#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "postfix/conf.h"
#include "postfix/table.h"

static struct arena arena;

static int clean(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct postfix_conf conf_of(const char *main_cf, const char *master_cf)
{
    struct postfix_conf conf = {.arena = &arena, .host = SPAN("mx.example.test")};
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    assert_int_equal(postfix_main_read(&conf, span_of(main_cf), &why), OK);
    assert_int_equal(postfix_master_read(&conf, span_of(master_cf), &why), OK);
    buf_done(&why);
    return conf;
}

static void assert_value(const struct postfix_conf *conf, const char *name, const char *expected)
{
    struct span value;
    assert_int_equal(postfix_get(conf, NULL, span_of(name), &value), OK);
    assert_int_equal(value.n, strlen(expected));
    assert_memory_equal(value.p, expected, value.n);
}

static void lines_go_on_behind_comments(void **state)
{
    (void)state;
    struct postfix_conf conf = conf_of("# a comment\n\na = one\n   two,\n# in between\n\n\tthree\n"
                                       "b=1\r\na = last $b\n",
                                       "");
    assert_int_equal(conf.parameter_count, 3);
    assert_int_equal(conf.parameters[0].line, 3);
    assert_int_equal(conf.parameters[1].line, 8);
    assert_true(span_eq(conf.parameters[0].value, SPAN("one two, three")));
    assert_value(&conf, "a", "last 1");
}

static void names_are_put_in(void **state)
{
    (void)state;
    struct postfix_conf conf =
        conf_of("myhostname = mx.$mydomain\nmydomain = example.org\nempty =\n"
                "a = $myhostname/${mydomain}/$(mydomain)/$$x\n"
                "b = ${empty?no}${empty:yes}${mydomain?{set}:{unset}}${empty?{set}:{unset}}\n"
                "c = $data_directory/x $unknown.\n",
                "");
    assert_value(&conf, "a", "mx.example.org/example.org/example.org/$x");
    assert_value(&conf, "b", "yessetunset");
    assert_value(&conf, "c", "/var/lib/postfix/x .");
    assert_value(&conf, "mydestination", "mx.example.org, localhost.example.org, localhost");
    assert_true(postfix_is_named(&conf, SPAN("mydomain")));
    assert_false(postfix_is_named(&conf, SPAN("mydom")));
    struct postfix_conf bare = conf_of("", "");
    assert_value(&bare, "mydomain", "example.test");
}

static void comparisons_decide(void **state)
{
    (void)state;
    struct postfix_conf conf =
        conf_of("compatibility_level = 3.6\n"
                "a = ${{$compatibility_level} <level {3.10} ? {old} : {new}}\n"
                "b = ${{$compatibility_level} >=level {3.6} ? {new} : {old}}\n"
                "c = ${{9} < {10}?{less}:{more}}${{b} > {a}?{!}}\n"
                "d = ${{x$unknown} == {x} ? {same}}${{x} != {x} ? {other}}\n"
                "e = ${{2} <level {3} ? {$d} : {}}\n",
                "");
    assert_value(&conf, "a", "old");
    assert_value(&conf, "b", "new");
    assert_value(&conf, "c", "less!");
    assert_value(&conf, "d", "same");
    assert_value(&conf, "e", "same");
}

static void loops_end(void **state)
{
    (void)state;
    struct span value;
    struct postfix_conf conf =
        conf_of("a = $b\nb = x$a\nc = ${\nd = ${{a} ~ {b} ? {x} : {y}}\nf = ${{a} == }\n"
                "e0 =\ne1=$e0$e0$e0$e0\ne2=$e1$e1$e1$e1\ne3=$e2$e2$e2$e2\ne4=$e3$e3$e3$e3\n"
                "e5=$e4$e4$e4$e4\ne6=$e5$e5$e5$e5\ne7=$e6$e6$e6$e6\ne8=$e7$e7$e7$e7\n",
                "");
    assert_int_equal(postfix_get(&conf, NULL, SPAN("a"), &value), ERR_LIMIT);
    assert_int_equal(postfix_get(&conf, NULL, SPAN("c"), &value), ERR_SYNTAX);
    assert_int_equal(postfix_get(&conf, NULL, SPAN("d"), &value), ERR_UNSUPPORTED);
    assert_int_equal(postfix_get(&conf, NULL, SPAN("f"), &value), ERR_SYNTAX);
    assert_int_equal(postfix_get(&conf, NULL, SPAN("e8"), &value), ERR_LIMIT);
}

static void services_override(void **state)
{
    (void)state;
    struct span value;
    struct postfix_conf conf =
        conf_of("a = main\n", "smtp inet n - y - - smtpd\n"
                              "submission inet n - y - - smtpd\n"
                              "  -o a=its-own -o { b = two words }\n  -oc=$a\n");
    assert_int_equal(conf.service_count, 2);
    const struct postfix_service *s = &conf.services[1];
    assert_int_equal(s->override_count, 3);
    assert_int_equal(s->line, 2);
    assert_int_equal(postfix_get(&conf, s, SPAN("c"), &value), OK);
    assert_true(span_eq(value, SPAN("its-own")));
    assert_int_equal(postfix_get(&conf, s, SPAN("b"), &value), OK);
    assert_true(span_eq(value, SPAN("two words")));
    assert_int_equal(postfix_get(&conf, &conf.services[0], SPAN("a"), &value), OK);
    assert_true(span_eq(value, SPAN("main")));
}

static void what_is_no_configuration_is_refused(void **state)
{
    (void)state;
    struct postfix_conf conf = {.arena = &arena};
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    assert_int_equal(postfix_main_read(&conf, SPAN("a = 1\nno equals sign\n"), &why), ERR_SYNTAX);
    assert_non_null(strstr(buf_text(&why), "line 2"));
    assert_int_equal(postfix_master_read(&conf, SPAN("smtp inet n - y\n"), &why), ERR_SYNTAX);
    char *large = arena_alloc(&arena, POSTFIX_FILE_MAX + 1);
    assert_int_equal(postfix_main_read(&conf, span_make(large, POSTFIX_FILE_MAX + 1), &why),
                     ERR_LIMIT);
    buf_done(&why);
}

static void tables_are_lists(void **state)
{
    (void)state;
    struct postfix_table table;
    struct span name;
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    assert_int_equal(postfix_table_source(SPAN("proxy:hash:/etc/x"), &name), POSTFIX_FILE);
    assert_true(span_eq(name, SPAN("/etc/x")));
    assert_int_equal(postfix_table_source(SPAN("ldap:/etc/x"), &name), POSTFIX_FOREIGN);
    assert_int_equal(postfix_table_source(SPAN("example.com"), &name), POSTFIX_NO_TABLE);
    assert_int_equal(postfix_table_source(SPAN("[::1]/128"), &name), POSTFIX_NO_TABLE);
    assert_int_equal(postfix_table_read(&arena,
                                        SPAN("# c\nexample.com\tsmtp:[a]:25\nx.y  lmtp:unix:p\n"
                                             "   /q\nalone\n"),
                                        &table, &why),
                     OK);
    assert_int_equal(table.count, 3);
    assert_true(span_eq(table.entries[0].value, SPAN("smtp:[a]:25")));
    assert_true(span_eq(table.entries[1].value, SPAN("lmtp:unix:p /q")));
    assert_int_equal(table.entries[2].line, 5);
    assert_int_equal(postfix_table_source(SPAN("inline:{ a=1, { b = two words } }"), &name),
                     POSTFIX_INLINE);
    assert_int_equal(postfix_inline_read(&arena, name, &table, &why), OK);
    assert_int_equal(table.count, 2);
    assert_true(span_eq(table.entries[1].key, SPAN("b")));
    assert_true(span_eq(table.entries[1].value, SPAN("two words")));
    buf_done(&why);
}

static void times_have_units(void **state)
{
    (void)state;
    uint64_t ms;
    assert_true(postfix_time(SPAN("300"), 's', &ms) && ms == 300000);
    assert_true(postfix_time(SPAN("5d"), 's', &ms) && ms == 5 * 86400000ULL);
    assert_true(postfix_time(SPAN("0h"), 'h', &ms) && ms == 0);
    assert_false(postfix_time(SPAN(""), 's', &ms));
    assert_false(postfix_time(SPAN("5y"), 's', &ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(lines_go_on_behind_comments, clean),
        cmocka_unit_test_teardown(names_are_put_in, clean),
        cmocka_unit_test_teardown(comparisons_decide, clean),
        cmocka_unit_test_teardown(loops_end, clean),
        cmocka_unit_test_teardown(services_override, clean),
        cmocka_unit_test_teardown(what_is_no_configuration_is_refused, clean),
        cmocka_unit_test_teardown(tables_are_lists, clean),
        cmocka_unit_test_teardown(times_have_units, clean),
    };
    return cmocka_run_group_tests_name("postfix", tests, NULL, NULL);
}
