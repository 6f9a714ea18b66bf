#include "exchange/powershell_read.h"

/* Line and column of where the reader is, counted on from where they were asked for last. */
static void count_lines(struct powershell_reader *r)
{
    if (r->line == 0 || r->at < r->counted) {
        r->counted = 0;
        r->line = r->column = 1;
    }
    for (; r->counted < r->at && r->counted < r->text.n; r->counted++) {
        bool end = r->text.p[r->counted] == '\n';
        r->line += end;
        r->column = end ? 1 : r->column + 1;
    }
}

void powershell_fail(struct powershell_reader *r, const char *format, ...)
{
    va_list args;
    if (r->failed)
        return;
    r->failed = true;
    r->unfinished = r->at >= r->text.n;
    count_lines(r);
    buf_addf(r->why, "line %u, column %u: ", r->line, r->column);
    va_start(args, format);
    buf_vaddf(r->why, format, args);
    va_end(args);
}

struct powershell_node *powershell_node(struct powershell_reader *r, enum powershell_kind kind,
                                        struct span text)
{
    struct powershell_node *node = ARENA_NEW(r->arena, struct powershell_node);
    node->kind = kind;
    node->text = text;
    if (kind == POWERSHELL_COMMAND || kind == POWERSHELL_PARAMETER) {
        count_lines(r);
        node->line = r->line;
        node->column = r->column;
    }
    return node;
}

void powershell_append(struct powershell_node ***end, struct powershell_node *node)
{
    **end = node;
    *end = &node->next;
}

char powershell_peek(const struct powershell_reader *r, size_t ahead)
{
    return r->at + ahead < r->text.n ? r->text.p[r->at + ahead] : 0;
}

void powershell_skip(struct powershell_reader *r, bool lines)
{
    for (;;) {
        char c = powershell_peek(r, 0);
        if (c == ' ' || c == '\t' || c == '\r' || (lines && (c == '\n' || c == ';')))
            r->at++;
        else if (c == '`' && powershell_peek(r, 1) == '\n')
            r->at += 2;
        else if (c == '`' && powershell_peek(r, 1) == '\r' && powershell_peek(r, 2) == '\n')
            r->at += 3;
        else if (c == '#')
            while (powershell_peek(r, 0) && powershell_peek(r, 0) != '\n')
                r->at++;
        else
            return;
    }
}

bool powershell_take(struct powershell_reader *r, const char *token)
{
    if (!span_starts(span_skip(r->text, r->at), span_of(token)))
        return false;
    r->at += strlen(token);
    return true;
}
