/* The small tools of the floor, a group for each; num, encode and ip have files of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/text.h"

#define assert_text(buf, text) assert_string_equal(buf_text(buf), (text))

static void test_err_texts(void **state)
{
    (void)state;
    for (int i = 0; i < ERR_COUNT; i++)
        assert_non_null(err_text((enum err)i));
    assert_string_equal(err_text(ERR_NOT_FOUND), "not found");
    assert_string_equal(err_text(ERR_COUNT), "unknown error");
}

static void test_span_comparisons(void **state)
{
    (void)state;
    assert_true(span_eq(SPAN("abc"), span_of("abc")));
    assert_true(span_eq(SPAN_NONE, SPAN("")));
    assert_false(span_eq(SPAN("abc"), SPAN("abC")));
    assert_true(span_ieq(SPAN("aBc"), SPAN("AbC")));
    assert_false(span_ieq(SPAN("\xC3"), SPAN("\xE3"))); /* only ASCII is folded */
    assert_true(span_cmp(SPAN("a"), SPAN("b")) < 0);
    assert_true(span_cmp(SPAN("ab"), SPAN("a")) > 0);
    assert_true(span_cmp(SPAN("\x7F"), SPAN("\x80")) < 0); /* bytes are unsigned */
    assert_int_equal(span_cmp(SPAN_NONE, SPAN("")), 0);
    assert_true(span_starts(SPAN("abc"), SPAN("ab")));
    assert_false(span_starts(SPAN("a"), SPAN("ab")));
    assert_true(span_istarts(SPAN("MAIL FROM"), SPAN("mail")));
    assert_true(span_iends(SPAN("a.EXAMPLE"), SPAN(".example")));
    assert_false(span_iends(SPAN("example"), SPAN(".example")));
}

static void test_span_searches(void **state)
{
    (void)state;
    assert_int_equal(span_find(SPAN("a.b.c"), '.'), 1);
    assert_int_equal(span_rfind(SPAN("a.b.c"), '.'), 3);
    assert_int_equal(span_find(SPAN("abc"), '.'), 3);
    assert_int_equal(span_rfind(SPAN("abc"), '.'), 3);
    assert_int_equal(span_find(SPAN_NONE, '.'), 0);
    assert_int_equal(span_search(SPAN("a\r\nb"), SPAN("\r\n")), 1);
    assert_int_equal(span_search(SPAN("abc"), SPAN("cd")), 3);
    assert_int_equal(span_skip(SPAN("abc"), 9).n, 0);
    assert_int_equal(span_head(SPAN("abc"), 9).n, 3);
    assert_true(span_eq(span_trim(SPAN(" \t\r\na b\n ")), SPAN("a b")));
    assert_int_equal(span_trim(SPAN(" \n")).n, 0);
}

static void test_span_cut(void **state)
{
    (void)state;
    struct span rest = SPAN("a,,b,"), part;
    const char *const parts[] = {"a", "", "b", ""};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        assert_true(span_cut(&rest, ',', &part));
        assert_true(span_eq(part, span_of(parts[i])));
    }
    assert_false(span_cut(&rest, ',', &part));
    rest = SPAN("");
    assert_true(span_cut(&rest, ',', &part));
    assert_int_equal(part.n, 0);
    assert_false(span_cut(&rest, ',', &part));
}

static void test_buf_limits(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4);
    assert_string_equal(buf_text(&b), "");
    assert_int_equal(buf_add_text(&b, "abc"), OK);
    assert_int_equal(buf_add_text(&b, "de"), ERR_LIMIT); /* all or nothing */
    assert_int_equal(buf_addf(&b, "%d", 12), ERR_LIMIT);
    assert_text(&b, "abc");
    assert_int_equal(buf_addf(&b, "%d", 1), OK);
    assert_int_equal(buf_add_char(&b, 'x'), ERR_LIMIT);
    assert_null(buf_room(&b, 1));
    assert_null(buf_room(&b, SIZE_MAX));
    buf_consume(&b, 1);
    assert_text(&b, "bc1");
    assert_int_equal(buf_add(&b, SPAN_NONE), OK);
    buf_consume(&b, 3);
    assert_int_equal(b.n, 0);
    buf_done(&b);
    assert_int_equal(b.limit, 4);
    buf_init(&b, 0);
    assert_int_equal(buf_add_char(&b, 'x'), ERR_LIMIT);
    assert_int_equal(buf_add(&b, SPAN("")), OK);
    assert_string_equal(buf_text(&b), "");
    buf_done(&b);
}

static void test_buf_take_and_room(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(BUF_UNLIMITED);
    char *taken = buf_take(&b);
    assert_string_equal(taken, "");
    free(taken);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buf_addf(&b, "%03d,", i), OK);
    assert_int_equal(b.n, 4000);
    char *at = buf_room(&b, 3);
    memcpy(at, "end", 3);
    buf_grow(&b, 3);
    taken = buf_take(&b);
    assert_int_equal(strlen(taken), 4003);
    assert_memory_equal(taken + 3996, "999,end", 8);
    assert_int_equal(b.n, 0);
    free(taken);
    buf_done(&b);
}

static void test_arena(void **state)
{
    (void)state;
    struct arena a = ARENA_INIT;
    for (size_t n = 0; n < 3000; n += 7) {
        unsigned char *p = arena_alloc(&a, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xAA, n); /* overlap with another one, or its end, would be seen */
    }
    assert_non_null(arena_alloc(&a, 1 << 20));
    struct span copy = arena_copy(&a, SPAN("a\0b"));
    assert_int_equal(copy.n, 3);
    assert_memory_equal(copy.p, "a\0b", 4);
    assert_int_equal(arena_copy(&a, SPAN_NONE).n, 0);
    assert_true(span_eq(arena_printf(&a, "%s-%d", "x", 7), SPAN("x-7")));
    int *numbers = ARENA_ARRAY(&a, int, 10);
    assert_int_equal(numbers[9], 0);
    assert_non_null(ARENA_ARRAY(&a, int, 0));
    arena_reset(&a); /* large and small blocks behind it: one is left, zeroed */
    for (size_t n = 1; n < 3000; n += 97) {
        const unsigned char *p = arena_alloc(&a, n);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset((unsigned char *)p, 0xff, n);
        if (n % 5 == 0)
            arena_reset(&a);
    }
    arena_done(&a);
    arena_reset(&a);
    assert_null(a.newest);
    arena_done(&a);
}

struct item {
    int number;
    struct list node;
};

static int list_sum(struct list *head)
{
    int sum = 0;
    LIST_EACH(item, head, struct item, node)
    sum = sum * 10 + item->number;
    return sum;
}

static void test_list(void **state)
{
    (void)state;
    struct list head;
    struct item items[4] = {{1}, {2}, {3}, {4}};
    list_init(&head);
    assert_true(list_is_empty(&head));
    assert_null(list_take(&head));
    list_remove(&items[0].node); /* in no list yet */
    assert_false(list_is_linked(&items[0].node));
    for (int i = 0; i < 3; i++)
        list_append(&head, &items[i].node);
    list_prepend(&head, &items[3].node);
    assert_int_equal(list_sum(&head), 4123);
    LIST_EACH(item, &head, struct item, node)
    {
        if (item->number % 2)
            continue;
        list_remove(&item->node);
    }
    assert_int_equal(list_sum(&head), 13);
    list_remove(&items[3].node); /* twice */
    int seen = 0;
    LIST_EACH(item, &head, struct item, node)
    {
        seen += item->number;
        break;
    }
    assert_int_equal(seen, 1);
    assert_ptr_equal(list_take(&head), &items[0].node);
    assert_ptr_equal(list_take(&head), &items[2].node);
    assert_true(list_is_empty(&head));
}

static void count_entries(struct span key, void *value, void *context)
{
    assert_int_equal(key.n, strlen((const char *)value));
    ++*(size_t *)context;
}

static void test_map(void **state)
{
    (void)state;
    static char keys[1000][24];
    struct map m;
    map_init(&m);
    assert_null(map_get(&m, SPAN("x")));
    assert_null(map_remove(&m, SPAN("x")));
    for (int i = 0; i < 1000; i++) {
        snprintf(keys[i], sizeof(keys[i]), "%0*d", 1 + i % 20, i);
        assert_null(map_set(&m, span_of(keys[i]), keys[i]));
    }
    assert_int_equal(m.count, 1000);
    assert_ptr_equal(map_set(&m, span_of(keys[5]), keys[5]), keys[5]);
    for (int i = 0; i < 1000; i += 2)
        assert_ptr_equal(map_remove(&m, span_of(keys[i])), keys[i]);
    for (int i = 0; i < 1000; i++)
        assert_ptr_equal(map_get(&m, span_of(keys[i])), i % 2 ? keys[i] : NULL);
    size_t visited = 0;
    map_each(&m, count_entries, &visited);
    assert_int_equal(visited, 500);
    int one, two;
    map_set(&m, SPAN_NONE, &one);
    map_set(&m, SPAN("a\0b"), &two);
    assert_ptr_equal(map_get(&m, SPAN("")), &one);
    assert_ptr_equal(map_get(&m, SPAN("a\0b")), &two);
    assert_null(map_get(&m, SPAN("a\0c")));
    map_done(&m);
    assert_null(map_get(&m, SPAN("")));
}

static void test_text(void **state)
{
    (void)state;
    assert_int_equal(text_hex('f'), 15);
    assert_int_equal(text_hex('A'), 10);
    assert_int_equal(text_hex('g'), -1);
    assert_true(text_is_ascii(SPAN("a\x7F")));
    assert_false(text_is_ascii(SPAN("a\x80")));
    const char *const good[] = {
        "", "a", "\xC3\xBC", "\xE2\x82\xAC", "\xF0\x9F\x93\xA7", "\xF4\x8F\xBF\xBF"};
    for (size_t i = 0; i < COUNT_OF(good); i++)
        assert_true(text_is_utf8(span_of(good[i])));
    const char *const bad[] = {"\x80",
                               "\xC3",
                               "\xC0\x80",
                               "\xC1\xBF",
                               "\xE0\x9F\xBF",
                               "\xED\xA0\x80",
                               "\xF0\x8F\xBF\xBF",
                               "\xF4\x90\x80\x80",
                               "\xF5\x80\x80\x80",
                               "\xE2\x82",
                               "\xC3(",
                               "\xFF"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(text_is_utf8(span_of(bad[i])));
}

static void test_text_glob(void **state)
{
    (void)state;
    assert_true(text_glob(SPAN("*.example"), SPAN("a.b.EXAMPLE")));
    assert_false(text_glob(SPAN("*.example"), SPAN("example")));
    assert_true(text_glob(SPAN("*"), SPAN("")));
    assert_true(text_glob(SPAN("a?c*"), SPAN("abc")));
    assert_false(text_glob(SPAN("a?c"), SPAN("ac")));
    assert_true(text_glob(SPAN("*a*b*c"), SPAN("xxaxxbxbxxc")));
    assert_false(text_glob(SPAN(""), SPAN("a")));
    char hostile[2000];
    memset(hostile, 'a', sizeof(hostile)); /* no exponential time */
    assert_false(text_glob(SPAN("*a*a*a*a*a*a*a*a*b"), span_make(hostile, sizeof(hostile))));
}

static void test_clock_texts(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(200);
    int64_t ms = 0;
    assert_int_equal(clock_parse_iso(SPAN("2026-11-22T18:46:05.123Z"), &ms), OK);
    clock_add_iso(&b, ms);
    assert_text(&b, "2026-11-22T18:46:05.123Z");
    buf_reset(&b);
    clock_add_rfc5322(&b, ms);
    assert_text(&b, "Sun, 22 Nov 2026 18:46:05 +0000");
    assert_int_equal(clock_parse_iso(SPAN("1970-01-02"), &ms), OK);
    assert_true(ms == DAY_MS);
    assert_int_equal(clock_parse_iso(SPAN("2024-02-29"), &ms), OK);
    buf_reset(&b);
    clock_add_iso(&b, -1);
    assert_text(&b, "1969-12-31T23:59:59.999Z");
    buf_done(&b);
}

static void test_clock_refuses(void **state)
{
    (void)state;
    int64_t ms = 77;
    const char *const bad[] = {"",
                               "2026",
                               "2026-13-01",
                               "2026-00-01",
                               "2026-02-29",
                               "2026-04-31",
                               "26-01-01",
                               "2026-01-01T",
                               "2026-01-01T25:00:00Z",
                               "2026-01-0100:00:00Z",
                               "2026-01-01T00:00:00",
                               "2026-01-01T00:00:00.1Z",
                               "2026-01-01T00:00:00+01:00",
                               "2026-01-01T00:00:00Zx"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(clock_parse_iso(span_of(bad[i]), &ms), ERR_SYNTAX);
    assert_int_equal(ms, 77);
}

static void test_clock_set(void **state)
{
    (void)state;
    clock_set_ms(12345);
    assert_int_equal(clock_now_ms(), 12345);
    assert_int_equal(clock_monotonic_ms(), 12345);
    clock_release();
    assert_true(clock_now_ms() > 1600000000000);
    int64_t before = clock_monotonic_ms();
    assert_true(clock_monotonic_ms() >= before);
}

/* Standard error, caught in a pipe. */
struct caught {
    int saved, read_end;
};

static struct caught catch_log(void)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct caught c = {dup(STDERR_FILENO), ends[0]};
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    return c;
}

/* What was written since, in *out; catches no more. */
static void caught_log(struct caught c, struct buf *out)
{
    dup2(c.saved, STDERR_FILENO);
    close(c.saved);
    for (;;) {
        ssize_t n = read(c.read_end, buf_room(out, 4096), 4096);
        if (n <= 0)
            break;
        buf_grow(out, (size_t)n);
    }
    close(c.read_end);
}

/* What log_write puts on standard error, in *out. */
static void logged(struct buf *out, const struct log_field *fields, size_t count)
{
    struct caught c = catch_log();
    log_write(LOG_WARNING, "tested", fields, count);
    caught_log(c, out);
}

static int waiting_bytes(struct caught c)
{
    int n = 0;
    assert_int_equal(ioctl(c.read_end, FIONREAD, &n), 0);
    return n;
}

/* Gathered lines come together, in their order; an error does not wait, and takes with it what
 * stands before it; a line that is larger than what is kept is written as it is. */
static void test_log_gather(void **state)
{
    (void)state;
    char *huge = malloc(10000);
    memset(huge, 'h', 10000);
    struct buf b = BUF_INIT(BUF_UNLIMITED);
    log_setup(LOG_INFO, false);
    struct caught c = catch_log();
    log_gather();
    LOG(LOG_INFO, "one", LOG_N("n", 1));
    assert_int_equal(waiting_bytes(c), 0);
    LOG(LOG_ERROR, "two", LOG_N("n", 2));
    int first = waiting_bytes(c);
    assert_true(first > 0);
    LOG(LOG_INFO, "three", LOG_S("text", span_make(huge, 4000)));
    LOG(LOG_INFO, "four", LOG_S("text", span_make(huge, 10000)),
        LOG_S("again", span_make(huge, 99)));
    assert_true(waiting_bytes(c) > first + 8000);
    LOG(LOG_INFO, "five", LOG_N("n", 5));
    log_release();
    caught_log(c, &b);
    size_t at = 0;
    static const char *const words[] = {"event=one", "event=two", "event=three", "event=four",
                                        "event=five n=5\n"};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        struct span rest = span_skip(buf_span(&b), at);
        size_t found = span_search(rest, span_of(words[i]));
        assert_true(found < rest.n);
        at += found;
    }
    buf_done(&b);
    free(huge);
}

static void test_log_lines(void **state)
{
    (void)state;
    const struct log_field fields[] = {LOG_T("who", "a b"), LOG_T("empty", ""), LOG_N("n", -3)};
    struct buf b = BUF_INIT(BUF_UNLIMITED);
    clock_set_ms(1000);
    log_setup(LOG_WARNING, false);
    assert_false(log_wants(LOG_INFO));
    assert_true(log_wants(LOG_ERROR));
    logged(&b, fields, COUNT_OF(fields));
    assert_text(&b, "time=1970-01-01T00:00:01.000Z level=warning event=tested who=\"a b\" n=-3\n");
    buf_reset(&b);
    log_setup(LOG_INFO, true);
    logged(&b, fields, COUNT_OF(fields));
    assert_text(&b,
                "{\"time\":\"1970-01-01T00:00:01.000Z\",\"level\":\"warning\",\"event\":\"tested\","
                "\"who\":\"a b\",\"n\":-3}\n");
    buf_done(&b);
    clock_release();
}

/* However much a peer gives, a line stays well-formed and bounded. */
static void test_log_huge_values(void **state)
{
    (void)state;
    char *huge = malloc(100000);
    memset(huge, '"', 100000);
    struct log_field fields[20];
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        fields[i] = LOG_S("huge", span_make(huge, 100000));
    struct buf b = BUF_INIT(BUF_UNLIMITED);
    log_setup(LOG_INFO, true);
    logged(&b, fields, COUNT_OF(fields));
    assert_true(b.n < 32768);
    assert_true(span_iends(buf_span(&b), SPAN("\\\"\\\"\"}\n")));
    buf_done(&b);
    free(huge);
    log_setup(LOG_INFO, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err_texts),
        cmocka_unit_test(test_span_comparisons),
        cmocka_unit_test(test_span_searches),
        cmocka_unit_test(test_span_cut),
        cmocka_unit_test(test_buf_limits),
        cmocka_unit_test(test_buf_take_and_room),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_glob),
        cmocka_unit_test(test_clock_texts),
        cmocka_unit_test(test_clock_refuses),
        cmocka_unit_test(test_clock_set),
        cmocka_unit_test(test_log_lines),
        cmocka_unit_test(test_log_gather),
        cmocka_unit_test(test_log_huge_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
