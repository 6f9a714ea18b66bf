#include "exchange/source.h"

#include "exchange/case_script.h"

static struct arena arena;

static void is_text(struct span bytes, const char *expected)
{
    struct source source = source_read(&arena, SPAN("x"), bytes);
    if (!span_eq(source.text, span_of(expected)))
        fail_msg("\"" SPAN_FMT "\" is not \"%s\"", SPAN_ARG(source.text), expected);
    arena_done(&arena);
}

static void test_encodings(void **state)
{
    (void)state;
    is_text(SPAN("\xef\xbb\xbf"
                 "a\r\nb"),
            "a\nb\n");
    is_text(SPAN("\xff\xfe"
                 "a\0\r\0\n\0\xe4\0"),
            "a\nä\n");
    is_text(SPAN("\xfe\xff\0a\0\n\xd8\x3d\xde\x00"), "a\n😀\n");
    is_text(SPAN("f\xfcr \x93"
                 "x\x94 \x85"),
            "für “x” …\n");
    is_text(SPAN("a\0b\0"), "ab\n");
    is_text(SPAN("what was there before ... was plain\n\xff\xfeU\0T\0F\0"),
            "what was there before ... was plain\nÿþUTF\n");
    is_text(SPAN(""), "");
}

static void test_what_cannot_be_seen(void **state)
{
    (void)state;
    is_text(SPAN("a\xc2\xa0"
                 "b\xe3\x80\x80"
                 "c\td"),
            "a b c d\n");
    is_text(SPAN("\xe2\x80\x8e"
                 "8c\xe2\x80\x8b"
                 "1d\xc2\xad"),
            "8c1d\n");
    is_text(SPAN("\x1b[32;1mName\x1b[0m : x"), "Name : x\n");
    is_text(SPAN("\x1e\x1f"
                 "a"),
            "a\n");
    is_text(SPAN("\xe8\xaa\xac\xe6\x98\x8e\xef\xbc\x9a"), "説明:\n");
}

static void test_lines(void **state)
{
    (void)state;
    struct source source = source_read(&arena, SPAN("x"), SPAN("a\r\n\r\nb\rc\n\nd"));
    assert_int_equal(source.count, 6);
    assert_int_equal(source.lines[5].number, 6);
    is_span(source.lines[2].text, "b");
    is_span(source.lines[3].text, "c");
    arena_done(&arena);
    is_text(SPAN("a\r\r\nb"), "a\nb\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_what_cannot_be_seen),
        cmocka_unit_test(test_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
