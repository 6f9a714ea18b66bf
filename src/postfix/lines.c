#include "postfix/lines.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

struct postfix_lines postfix_lines(struct span text)
{
    return (struct postfix_lines){text, 1};
}

static bool counts(struct span line)
{
    struct span bare = span_trim(line);
    return bare.n && bare.p[0] != '#';
}

static struct span first_line(const struct postfix_lines *l)
{
    return span_head(l->rest, span_find(l->rest, '\n'));
}

static void skip_line(struct postfix_lines *l)
{
    struct span part;
    l->line++;
    if (!span_cut(&l->rest, '\n', &part))
        l->rest = SPAN_NONE;
}

bool postfix_lines_next(struct postfix_lines *l, struct arena *arena, struct span *text,
                        unsigned *line)
{
    while (l->rest.n && !counts(first_line(l)))
        skip_line(l);
    if (l->rest.n == 0)
        return false;
    struct buf joined = BUF_INIT(BUF_UNLIMITED);
    *line = l->line;
    for (bool first = true; l->rest.n; first = false) {
        struct span part = first_line(l);
        if (counts(part) && !first && !is_blank(part.p[0]))
            break;
        if (counts(part)) {
            buf_add_text(&joined, first ? "" : " ");
            buf_add(&joined, span_trim(part));
        }
        skip_line(l);
    }
    *text = arena_copy(arena, buf_span(&joined));
    buf_done(&joined);
    return true;
}

static size_t braced(struct span s)
{
    size_t depth = 0, i = 0;
    for (; i < s.n; i++) {
        depth += s.p[i] == '{';
        depth -= s.p[i] == '}' && depth;
        if (depth == 0)
            return i + 1;
    }
    return i;
}

bool postfix_word(struct span *rest, bool commas, struct span *word)
{
    size_t i = 0;
    while (i < rest->n &&
           (is_blank(rest->p[i]) || rest->p[i] == '\n' || (commas && rest->p[i] == ',')))
        i++;
    struct span s = span_skip(*rest, i);
    if (s.n == 0)
        return false;
    size_t n = s.p[0] == '{' ? braced(s) : 0;
    while (n < s.n && !is_blank(s.p[n]) && s.p[n] != '\n' && !(commas && s.p[n] == ','))
        n += s.p[n] == '{' ? braced(span_skip(s, n)) : 1;
    *word = span_head(s, n);
    *rest = span_skip(s, n);
    return true;
}
