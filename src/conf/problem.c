#include "conf/problem.h"

#include <stdlib.h>

/* The next free place; NULL past the maximum. An error may push a warning out. */
static struct problem *next_place(struct problems *problems, bool warning)
{
    if (!warning)
        problems->errors++;
    if (!problems->items) {
        problems->items = ARENA_ARRAY(&problems->arena, struct problem, DOCUMENT_PROBLEMS_MAX);
        problems->capacity = DOCUMENT_PROBLEMS_MAX;
    }
    if (problems->count < problems->capacity)
        return &problems->items[problems->count++];
    for (size_t i = problems->count; !warning && i-- > 0;)
        if (problems->items[i].warning)
            return &problems->items[i];
    return NULL;
}

static void add(struct problems *problems, struct problem problem, const struct node *at,
                const char *format, va_list args)
{
    struct problem *place = next_place(problems, problem.warning);
    if (!place)
        return;
    struct buf text = BUF_INIT(BUF_UNLIMITED), path = BUF_INIT(BUF_UNLIMITED);
    buf_vaddf(&text, format, args);
    if (at)
        tree_add_path(&path, at);
    problem.text = arena_copy(&problems->arena, buf_span(&text));
    problem.path = arena_copy(&problems->arena, buf_span(&path));
    problem.remedy = arena_copy(&problems->arena, problem.remedy);
    buf_done(&text);
    buf_done(&path);
    *place = problem;
}

/* A scalar is pointed at itself; a map or list at its key, as its own place is the first thing
 * inside. */
static struct problem problem_at(bool warning, const struct node *at, struct span remedy)
{
    struct problem problem = {.warning = warning, .remedy = remedy};
    if (!at)
        return problem;
    bool at_key = at->key_line && (at->kind != NODE_SCALAR || tree_is_empty(at));
    problem.line = at_key ? at->key_line : at->line;
    problem.column = at_key ? at->key_column : at->column;
    return problem;
}

void problem_error(struct problems *problems, const struct node *at, struct span remedy,
                   const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(problems, problem_at(false, at, remedy), at, format, args);
    va_end(args);
}

void problem_warning(struct problems *problems, const struct node *at, struct span remedy,
                     const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(problems, problem_at(true, at, remedy), at, format, args);
    va_end(args);
}

void problem_syntax(struct problems *problems, unsigned line, unsigned column, struct span remedy,
                    const char *format, ...)
{
    struct problem problem = {.line = line, .column = column, .remedy = remedy};
    va_list args;
    va_start(args, format);
    add(problems, problem, NULL, format, args);
    va_end(args);
}

/* By place; qsort is not stable, so the order of finding decides among equals. */
static int compare(const void *left, const void *right)
{
    const struct problem *a = left, *b = right;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    if (a->warning != b->warning)
        return a->warning ? 1 : -1;
    return span_cmp(a->text, b->text);
}

void problems_sort(struct problems *problems)
{
    if (problems->count > 1)
        qsort(problems->items, problems->count, sizeof(*problems->items), compare);
}

void problems_done(struct problems *problems)
{
    arena_done(&problems->arena);
    *problems = (struct problems){0};
}

void problem_add_text(struct buf *out, const char *file, const struct problem *problem)
{
    buf_add_text(out, file);
    if (problem->line)
        buf_addf(out, ":%u:%u", problem->line, problem->column);
    buf_addf(out, ": %s", problem->warning ? "warning: " : "");
    if (problem->path.n)
        buf_addf(out, SPAN_FMT ": ", SPAN_ARG(problem->path));
    buf_addf(out, SPAN_FMT "\n", SPAN_ARG(problem->text));
    if (problem->remedy.n)
        buf_addf(out, "    " SPAN_FMT "\n", SPAN_ARG(problem->remedy));
}
