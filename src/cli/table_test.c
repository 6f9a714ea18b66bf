#include "cli/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct column columns[] = {
    {"NAME"}, {"NOTE", .least = 6}, {"SIZE", .right = true}, {"EXTRA", .leave = 1}};

static void fill(struct table *t)
{
    table_init(t, columns, COUNT_OF(columns));
    table_add(t, STYLE_BOLD, SPAN("inside"));
    table_add(t, STYLE_PLAIN, SPAN("a note that is rather long"));
    table_addf(t, STYLE_PLAIN, "%d", 7);
    table_add(t, STYLE_PLAIN, SPAN("one"));
    table_add(t, STYLE_PLAIN, SPAN("x"));
    table_add(t, STYLE_PLAIN, SPAN("short"));
    table_addf(t, STYLE_BAD, "%d", 12345);
    table_add(t, STYLE_PLAIN, SPAN(""));
}

static void check(unsigned width, bool colour, unsigned indent, const char *expected)
{
    struct table t;
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    struct terminal terminal = {.is_terminal = width > 0, .width = width, .colour = colour};
    fill(&t);
    table_print(&t, &terminal, indent, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_done(&out);
    table_done(&t);
}

static void test_nothing_is_cut_without_a_terminal(void **state)
{
    (void)state;
    check(0, false, 0,
          "NAME    NOTE                         SIZE  EXTRA\n"
          "inside  a note that is rather long      7  one\n"
          "x       short                       12345\n");
}

static void test_columns_give_way_in_order(void **state)
{
    (void)state;
    check(48, false, 0,
          "NAME    NOTE                         SIZE  EXTRA\n"
          "inside  a note that is rather long      7  one\n"
          "x       short                       12345\n");
    check(30, false, 0,
          "NAME    NOTE       SIZE  EXTRA\n"
          "inside  a note…       7  one\n"
          "x       short     12345\n");
    /* 28 columns are needed with all columns at their least; below that, EXTRA leaves and NOTE gets
     * its place */
    check(27, false, 0,
          "NAME    NOTE           SIZE\n"
          "inside  a note that…      7\n"
          "x       short         12345\n");
}

static void test_what_cannot_fit_is_still_whole(void **state)
{
    (void)state;
    check(5, false, 0,
          "NAME    NOTE     SIZE\n"
          "inside  a not…      7\n"
          "x       short   12345\n");
}

static void test_indent_takes_part(void **state)
{
    (void)state;
    check(32, false, 2,
          "  NAME    NOTE       SIZE  EXTRA\n"
          "  inside  a note…       7  one\n"
          "  x       short     12345\n");
}

static void test_colours_take_no_width(void **state)
{
    (void)state;
    check(0, true, 0,
          "\033[2mNAME\033[0m    \033[2mNOTE\033[0m                         \033[2mSIZE\033[0m  "
          "\033[2mEXTRA\033[0m\n"
          "\033[1minside\033[0m  a note that is rather long      7  one\n"
          "x       short                       \033[31m12345\033[0m\n");
}

static void test_no_line_is_wider_than_the_terminal(void **state)
{
    (void)state;
    for (unsigned width = 21; width < 60; width++) {
        struct table t;
        struct buf out = BUF_INIT(BUF_UNLIMITED);
        struct terminal terminal = {.is_terminal = true, .width = width};
        fill(&t);
        table_print(&t, &terminal, 0, &out);
        struct span rest = buf_span(&out), line;
        while (span_cut(&rest, '\n', &line))
            assert_true(clean_width(line) <= width);
        buf_done(&out);
        table_done(&t);
    }
}

static void check_clean(struct span text, const char *expected)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    clean_add(&out, text);
    assert_string_equal(buf_text(&out), expected);
    buf_done(&out);
}

static void test_peers_text_is_harmless(void **state)
{
    (void)state;
    check_clean(SPAN("plain text"), "plain text");
    check_clean(SPAN("  one\r\n two\tthree \n"), "one two three");
    check_clean(SPAN("\033[2J\033]0;title\007"), "?[2J?]0;title?");
    check_clean(SPAN("nul\0byte \177"), "nul?byte ?");
    check_clean(SPAN("caf\xC3\xA9 \xE2\x82\xAC"), "caf\xC3\xA9 \xE2\x82\xAC");
    check_clean(SPAN("c1 \xC2\x9B"
                     "31m"),
                "c1 ?31m");
    check_clean(SPAN("no-break\xC2\xA0space"), "no-break\xC2\xA0space");
    check_clean(SPAN("turn \xE2\x80\xAE"
                     "exe.txt \xE2\x81\xA6x"),
                "turn ?exe.txt ?x");
    check_clean(SPAN("latin1 \xE9 cut \xE2\x82"), "latin1 ? cut ??");
    check_clean(SPAN_NONE, "");
}

static void test_cutting_counts_characters(void **state)
{
    (void)state;
    static const struct {
        size_t width;
        const char *text;
    } cases[] = {{6, "\xC3\xA9t\xC3\xA9 12"},
                 {5, "\xC3\xA9t\xC3\xA9…"},
                 {2, "\xC3\xA9…"},
                 {1, "…"},
                 {0, ""}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out = BUF_INIT(BUF_UNLIMITED);
        clean_add_cut(&out, SPAN("\xC3\xA9t\xC3\xA9 12"), cases[i].width);
        assert_string_equal(buf_text(&out), cases[i].text);
        assert_true(clean_width(buf_span(&out)) <= cases[i].width);
        buf_done(&out);
    }
}

static void check_wrapped(unsigned width, const char *expected, size_t lines)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    struct terminal terminal = {.width = width};
    struct span text = SPAN("one two three fourfivesixseveneight nine");
    assert_int_equal(wrap_add(&out, &terminal, STYLE_PLAIN, text, 4, 4), lines);
    assert_string_equal(buf_text(&out), expected);
    buf_done(&out);
}

static void test_wrapping(void **state)
{
    (void)state;
    check_wrapped(0, "one two three fourfivesixseveneight nine\n", 1);
    check_wrapped(44, "one two three fourfivesixseveneight nine\n", 1);
    check_wrapped(43, "one two three fourfivesixseveneight\n    nine\n", 2);
    check_wrapped(20, "one two three\n    fourfivesixseven\n    eight nine\n", 3);
    check_wrapped(5, "one two three fourfivesixseveneight nine\n", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_cut_without_a_terminal),
        cmocka_unit_test(test_columns_give_way_in_order),
        cmocka_unit_test(test_what_cannot_fit_is_still_whole),
        cmocka_unit_test(test_indent_takes_part),
        cmocka_unit_test(test_colours_take_no_width),
        cmocka_unit_test(test_no_line_is_wider_than_the_terminal),
        cmocka_unit_test(test_peers_text_is_harmless),
        cmocka_unit_test(test_cutting_counts_characters),
        cmocka_unit_test(test_wrapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
