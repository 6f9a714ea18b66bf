/* What the tests of the document share. Included by tests only. */
#ifndef CONF_PARSE_SCRIPT_H
#define CONF_PARSE_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conf/document.h"

/* All problems of a text, one per line, as they are shown; "" where there is none. The caller
 * frees. */
static inline char *problems_of(const char *yaml)
{
    struct problems problems = {0};
    struct document *d = NULL;
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    enum err err = document_parse(span_of(yaml), &problems, &d);
    assert_int_equal(err, problems.errors ? ERR_SYNTAX : OK);
    for (size_t i = 0; i < problems.count; i++)
        problem_add_text(&text, "f", &problems.items[i]);
    problems_done(&problems);
    document_free(d);
    return buf_take(&text);
}

/* A text without errors; warnings are let pass. */
static inline struct document *parse_ok(const char *yaml)
{
    struct problems problems = {0};
    struct document *d = NULL;
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    enum err err = document_parse(span_of(yaml), &problems, &d);
    for (size_t i = 0; i < problems.count; i++)
        problem_add_text(&text, "f", &problems.items[i]);
    if (err != OK)
        fail_msg("%s\n%s", yaml, buf_text(&text));
    buf_done(&text);
    problems_done(&problems);
    return d;
}

static inline void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static inline void assert_span(struct span s, const char *text)
{
    if (!span_eq(s, span_of(text)))
        fail_msg("\"" SPAN_FMT "\" is not \"%s\"", SPAN_ARG(s), text);
}

#endif
