#include "cli/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/verbs.h"

static const struct option items[] = {
    {"data", "DIR", "a folder", 'd'},
    {"json", NULL, "a switch", 'j'},
    {"older-than", "AGE", "an age", 0},
};
static const struct option_table table = {items, COUNT_OF(items)};

struct parsed {
    struct options options;
    struct buf why;
    size_t used;
    enum err err;
};

/* Literals are const, main's arguments are not: nobody writes to either. */
static struct parsed parse(const char *const *args, size_t count, bool to_next_word)
{
    struct parsed p = {.why = BUF_INIT(BUF_UNLIMITED)};
    options_init(&p.options);
    options_know(&p.options, &table);
    p.err = options_parse(&p.options, (char *const *)(uintptr_t)args, count, to_next_word, &p.used,
                          &p.why);
    return p;
}

static void parsed_done(struct parsed *p)
{
    options_done(&p->options);
    buf_done(&p->why);
}

#define ARGS(...) ((const char *[]){__VA_ARGS__})

static void test_every_form_is_read(void **state)
{
    (void)state;
    static const char *const forms[][4] = {
        {"--data", "/d", "-j", "word"},
        {"-d", "/d", "--json", "word"},
        {"word", "-d/d", "-j", "--"},
        {"--data=/d", "word", "--json", "--"},
    };
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        struct parsed p = parse(forms[i], 4, false);
        assert_int_equal(p.err, OK);
        assert_int_equal(p.used, 4);
        assert_true(span_eq(options_text(&p.options, "data"), SPAN("/d")));
        assert_true(options_has(&p.options, "json"));
        assert_false(options_has(&p.options, "older-than"));
        assert_int_equal(options_text(&p.options, "older-than").n, 0);
        assert_int_equal(p.options.word_count, 1);
        assert_string_equal(p.options.words[0], "word");
        parsed_done(&p);
    }
}

static void test_words_behind_the_dashes_are_words(void **state)
{
    (void)state;
    struct parsed p = parse(ARGS("-", "--", "--json", "-x"), 4, false);
    assert_int_equal(p.err, OK);
    assert_int_equal(p.options.word_count, 3);
    assert_string_equal(p.options.words[0], "-");
    assert_string_equal(p.options.words[1], "--json");
    assert_string_equal(p.options.words[2], "-x");
    assert_false(options_has(&p.options, "json"));
    parsed_done(&p);
}

static void test_an_empty_value_is_a_value(void **state)
{
    (void)state;
    struct parsed p = parse(ARGS("--data=", "--older-than", ""), 3, false);
    assert_int_equal(p.err, OK);
    assert_true(options_has(&p.options, "data"));
    assert_int_equal(options_text(&p.options, "data").n, 0);
    assert_true(options_has(&p.options, "older-than"));
    parsed_done(&p);
}

static void test_a_value_may_look_like_an_option(void **state)
{
    (void)state;
    struct parsed p = parse(ARGS("--data", "--json"), 2, false);
    assert_int_equal(p.err, OK);
    assert_true(span_eq(options_text(&p.options, "data"), SPAN("--json")));
    assert_false(options_has(&p.options, "json"));
    parsed_done(&p);
}

static void test_wrong_lines_say_why(void **state)
{
    (void)state;
    static const struct {
        const char *args[3];
        const char *why;
    } cases[] = {
        {{"--jsno", "a", "b"}, "there is no option --jsno; did you mean --json?"},
        {{"--older-then=2h", "a", "b"},
         "there is no option --older-then; did you mean --older-than?"},
        {{"--zzzzzzzz", "a", "b"}, "there is no option --zzzzzzzz"},
        {{"-x", "a", "b"}, "there is no option -x"},
        {{"--json=yes", "a", "b"}, "--json takes no value"},
        {{"-jd", "a", "b"}, "--json takes no value"},
        {{"a", "b", "--data"}, "--data needs a value: --data DIR"},
        {{"--json", "-j", "a"}, "--json is given twice"},
        {{"--data=a", "-d", "b"}, "--data is given twice"},
        {{"--", "a", "b"}, NULL},
        {{"--=", "a", "b"}, "there is no option --"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct parsed p = parse(cases[i].args, 3, false);
        assert_int_equal(p.err, cases[i].why ? ERR_SYNTAX : OK);
        assert_string_equal(buf_text(&p.why), cases[i].why ? cases[i].why : "");
        parsed_done(&p);
    }
}

static void test_stops_behind_the_next_word(void **state)
{
    (void)state;
    const char *const args[] = {"-j", "queue", "--unknown", "list"};
    struct parsed p = parse(args, 4, true);
    assert_int_equal(p.err, OK);
    assert_int_equal(p.used, 2);
    assert_int_equal(p.options.word_count, 1);
    parsed_done(&p);
    p = parse(args, 1, true);
    assert_int_equal(p.err, OK);
    assert_int_equal(p.used, 1);
    assert_int_equal(p.options.word_count, 0);
    parsed_done(&p);
}

static void test_words_are_limited(void **state)
{
    (void)state;
    static const char *args[WORDS_MAX + 1];
    for (size_t i = 0; i < COUNT_OF(args); i++)
        args[i] = "w";
    struct parsed p = parse(args, WORDS_MAX, false);
    assert_int_equal(p.err, OK);
    assert_int_equal(p.options.word_count, WORDS_MAX);
    parsed_done(&p);
    p = parse(args, WORDS_MAX + 1, false);
    assert_int_equal(p.err, ERR_SYNTAX);
    parsed_done(&p);
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const verbs_known[] = {"queue", "config", "track", "status",
                                              "receive-connector"};
    static const struct {
        const char *word, *nearest;
    } cases[] = {
        {"qeue", "queue"},
        {"QUEUE", "queue"},
        {"confg", "config"},
        {"trak", "track"},
        {"receive", "receive-connector"},
        {"stauts", "status"},
        {"zebra", NULL},
        {"", NULL},
        {"q", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *found = options_nearest(cases[i].word, verbs_known, COUNT_OF(verbs_known));
        if (cases[i].nearest)
            assert_string_equal(found ? found : "", cases[i].nearest);
        else
            assert_null(found);
    }
}

/* The table of verbs is checked as a whole: a mistake in it would show only when somebody uses that
 * verb. */
static void test_the_verbs_fit_together(void **state)
{
    (void)state;
    for (size_t i = 0; i < verb_count; i++) {
        const struct verb *v = &verbs[i];
        struct options o;
        options_init(&o);
        options_know(&o, &global_options);
        for (size_t j = 0; j < COUNT_OF(v->options); j++)
            if (v->options[j])
                options_know(&o, v->options[j]);
        for (size_t a = 0; a < o.table_count; a++)
            for (size_t x = 0; x < o.tables[a]->count; x++)
                for (size_t b = 0; b < o.table_count; b++)
                    for (size_t y = 0; y < o.tables[b]->count; y++) {
                        const struct option *p = &o.tables[a]->items[x],
                                            *q = &o.tables[b]->items[y];
                        assert_true(p == q || strcmp(p->name, q->name) != 0);
                        assert_true(p == q || !p->letter || p->letter != q->letter);
                    }
        assert_true(v->least_words <= v->most_words);
        assert_true((v->most_words > 0) == (*v->words != '\0'));
        assert_ptr_equal(verb_find(v->name, v->action), v);
        assert_int_equal(verb_has_actions(v->name), v->action != NULL);
        struct buf help = BUF_INIT(BUF_UNLIMITED);
        help_add_action(&help, v);
        assert_true(span_search(buf_span(&help), span_of(v->summary)) < help.n);
        buf_done(&help);
        options_done(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form_is_read),
        cmocka_unit_test(test_words_behind_the_dashes_are_words),
        cmocka_unit_test(test_an_empty_value_is_a_value),
        cmocka_unit_test(test_a_value_may_look_like_an_option),
        cmocka_unit_test(test_wrong_lines_say_why),
        cmocka_unit_test(test_stops_behind_the_next_word),
        cmocka_unit_test(test_words_are_limited),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_the_verbs_fit_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
