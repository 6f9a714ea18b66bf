/* What the tests of reading share: a case that is read from text, and how its values are asked.
 * Included by tests only. */
#ifndef EXCHANGE_CASE_SCRIPT_H
#define EXCHANGE_CASE_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "exchange/case.h"

static struct exchange_case *c;
static struct buf file_bytes;

static inline void forget(void)
{
    exchange_case_free(c);
    c = NULL;
    buf_done(&file_bytes);
}

static inline int leave(void **state)
{
    (void)state;
    forget();
    return 0;
}

/* Bytes that end where the input ends, so that the sanitizer sees every step too far. */
static inline enum err read_exactly(struct exchange_case *into, const char *name, struct span bytes)
{
    char *exact = malloc(bytes.n ? bytes.n : 1);
    struct buf why = BUF_INIT(1000);
    assert_non_null(exact);
    if (bytes.n)
        memcpy(exact, bytes.p, bytes.n);
    enum err err = exchange_case_read(into, span_of(name), span_make(exact, bytes.n), &why);
    free(exact);
    buf_done(&why);
    return err;
}

static inline void read_span(struct span bytes)
{
    forget();
    c = exchange_case_new();
    assert_int_equal(read_exactly(c, "paste.txt", bytes), OK);
    exchange_case_finish(c);
}

static inline void read_text(const char *text)
{
    read_span(span_of(text));
}

/* A file of the corpus. */
static inline struct span corpus_file(const char *name)
{
    char path[1000];
    snprintf(path, sizeof(path), "%s/%s", getenv("EXCHANGE_CORPUS"), name);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s cannot be read", path);
    buf_done(&file_bytes);
    buf_init(&file_bytes, BUF_UNLIMITED);
    size_t n = 0;
    do {
        n = fread(buf_room(&file_bytes, 65536), 1, 65536, f);
        buf_grow(&file_bytes, n);
    } while (n > 0);
    fclose(f);
    return buf_span(&file_bytes);
}

static inline void read_file(const char *name)
{
    struct span bytes = corpus_file(name);
    struct exchange_case *old = c;
    c = exchange_case_new();
    exchange_case_free(old);
    assert_int_equal(read_exactly(c, name, bytes), OK);
    exchange_case_finish(c);
}

static inline void is_span(struct span s, const char *expected)
{
    if (!span_eq(s, span_of(expected)))
        fail_msg("\"" SPAN_FMT "\" is not \"%s\"", SPAN_ARG(s), expected);
}

/* NULL: it is not printed. */
static inline void is_value(const struct exchange_value *value, const char *expected)
{
    assert_int_equal(value->printed, expected != NULL);
    if (expected)
        is_span(value->text, expected);
}

/* Items with "|" between them; a "+" at the end: more may follow. */
static inline void is_list(const struct exchange_list *list, const char *expected)
{
    char text[2000] = "";
    size_t n = 0;
    assert_true(list->printed);
    for (size_t i = 0; i < list->count; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s" SPAN_FMT, i ? "|" : "",
                              SPAN_ARG(list->items[i]));
    snprintf(text + n, sizeof(text) - n, "%s", list->truncated ? "+" : "");
    assert_string_equal(text, expected);
}

#endif
