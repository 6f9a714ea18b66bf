/* span: borrowed text or bytes. A span never owns, never frees and need not end with NUL. */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
    const char *p;
    size_t n;
};

/* A span over a string literal. */
#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})
/* For printf: "%.*s", SPAN_ARG(s). */
#define SPAN_FMT "%.*s"
#define SPAN_ARG(s) (int)(s).n, ((s).p ? (s).p : "")
#define SPAN_NONE ((struct span){NULL, 0})

static inline struct span span_of(const char *text)
{
    return (struct span){text, text ? strlen(text) : 0};
}

static inline struct span span_make(const char *p, size_t n)
{
    return (struct span){p, n};
}

/* The first n bytes (all, if there are fewer), and what follows them. */
struct span span_head(struct span s, size_t n);
struct span span_skip(struct span s, size_t n);

bool span_eq(struct span a, struct span b);
/* Compares with ASCII letters folded; other bytes must be equal. */
bool span_ieq(struct span a, struct span b);
/* Orders by bytes, shorter first where one is the head of the other: <0, 0, >0. */
int span_cmp(struct span a, struct span b);
bool span_starts(struct span s, struct span head);
bool span_istarts(struct span s, struct span head);
bool span_iends(struct span s, struct span tail);

/* Where c first (last) stands in s; s.n where it does not. */
size_t span_find(struct span s, char c);
size_t span_rfind(struct span s, char c);
/* Where needle first stands in s; s.n where it does not. */
size_t span_search(struct span s, struct span needle);

/* Without blanks, tabs, CR and LF at both ends. */
struct span span_trim(struct span s);

/* Takes what stands before the first `separator` off *rest and skips the separator; the last part
 * is all that is left. Returns false once *rest is used up (rest->p is then NULL). */
bool span_cut(struct span *rest, char separator, struct span *part);

#endif
