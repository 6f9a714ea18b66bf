#include "base/span.h"

#include "base/text.h"

struct span span_head(struct span s, size_t n)
{
    return (struct span){s.p, n < s.n ? n : s.n};
}

struct span span_skip(struct span s, size_t n)
{
    return n < s.n ? (struct span){s.p + n, s.n - n} : (struct span){s.p ? s.p + s.n : NULL, 0};
}

bool span_eq(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool span_ieq(struct span a, struct span b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (text_lower(a.p[i]) != text_lower(b.p[i]))
            return false;
    return true;
}

int span_cmp(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    if (order != 0)
        return order;
    return (a.n > b.n) - (a.n < b.n);
}

bool span_starts(struct span s, struct span head)
{
    return s.n >= head.n && span_eq(span_head(s, head.n), head);
}

bool span_istarts(struct span s, struct span head)
{
    return s.n >= head.n && span_ieq(span_head(s, head.n), head);
}

bool span_iends(struct span s, struct span tail)
{
    return s.n >= tail.n && span_ieq(span_skip(s, s.n - tail.n), tail);
}

size_t span_find(struct span s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return at ? (size_t)(at - s.p) : s.n;
}

size_t span_rfind(struct span s, char c)
{
    for (size_t i = s.n; i > 0; i--)
        if (s.p[i - 1] == c)
            return i - 1;
    return s.n;
}

size_t span_search(struct span s, struct span needle)
{
    const char *at = s.n && needle.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
    return at ? (size_t)(at - s.p) : s.n;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span s)
{
    while (s.n && is_space(s.p[0]))
        s = span_skip(s, 1);
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool span_cut(struct span *rest, char separator, struct span *part)
{
    if (!rest->p)
        return false;
    size_t at = span_find(*rest, separator);
    *part = span_head(*rest, at);
    *rest = at < rest->n ? span_skip(*rest, at + 1) : SPAN_NONE;
    return true;
}
