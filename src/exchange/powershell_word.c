/* The words of the language: strings with and without expansion, variables, numbers, bare words. */
#include "exchange/powershell_read.h"

#include <stdlib.h>

#include "base/text.h"

enum { NUMBER_MAX = 40 };

struct span powershell_name(struct powershell_reader *r)
{
    size_t from = r->at;
    while (text_is_alnum(powershell_peek(r, 0)) || powershell_peek(r, 0) == '_')
        r->at++;
    return span_make(r->text.p + from, r->at - from);
}

static const struct {
    const char *suffix;
    double factor;
} multiples[] = {{"kb", 1024.0}, {"mb", 1048576.0}, {"gb", 1073741824.0}, {"tb", 1099511627776.0}};

bool powershell_number(struct span word, double *number)
{
    char text[NUMBER_MAX + 1];
    double factor = 1;
    for (size_t i = 0; i < COUNT_OF(multiples); i++)
        if (span_iends(word, span_of(multiples[i].suffix))) {
            word.n -= 2;
            factor = multiples[i].factor;
            break;
        }
    if (word.n == 0 || word.n > NUMBER_MAX)
        return false;
    for (size_t i = 0; i < word.n; i++) {
        text[i] = word.p[i];
        if (!text_is_digit(word.p[i]) && word.p[i] != '.' && !(i == 0 && word.p[i] == '-'))
            return false;
    }
    text[word.n] = 0;
    char *end;
    *number = strtod(text, &end) * factor;
    return *end == 0 && end != text && text[word.n - 1] != '.';
}

struct powershell_node *powershell_variable(struct powershell_reader *r)
{
    r->at++; /* '$' */
    bool braced = powershell_take(r, "{");
    struct span name;
    if (braced) {
        size_t from = r->at;
        while (powershell_peek(r, 0) && powershell_peek(r, 0) != '}')
            r->at++;
        name = span_make(r->text.p + from, r->at - from);
        if (!powershell_take(r, "}"))
            powershell_fail(r, "the name of a variable has no closing brace");
    } else {
        size_t from = r->at;
        name = powershell_name(r);
        if (span_ieq(name, SPAN("env")) && powershell_take(r, ":")) {
            powershell_name(r);
            name = span_make(r->text.p + from, r->at - from);
        }
    }
    if (!name.n)
        powershell_fail(r, "after $ stands no name of a variable");
    return powershell_node(r, POWERSHELL_VARIABLE, name);
}

/* ---- strings ---- */

/* PowerShell takes the typographic quotes for plain ones: pasted procedures often have them.
 * Returns the length of the quote at the place, 0 where there is none. */
static size_t quote_at(const struct powershell_reader *r, char kind)
{
    static const char *const single[] = {"\u2018", "\u2019", "\u201a", "\u201b"};
    static const char *const twin[] = {"\u201c", "\u201d", "\u201e"};
    struct span rest = span_skip(r->text, r->at);
    if (powershell_peek(r, 0) == kind)
        return 1;
    size_t count = kind == '\'' ? COUNT_OF(single) : COUNT_OF(twin);
    for (size_t i = 0; i < count; i++)
        if (span_starts(rest, span_of(kind == '\'' ? single[i] : twin[i])))
            return 3;
    return 0;
}

static struct powershell_node *literal(struct powershell_reader *r, struct buf *text)
{
    struct powershell_node *node =
        powershell_node(r, POWERSHELL_LITERAL, arena_copy(r->arena, buf_span(text)));
    node->quoted = true;
    buf_reset(text);
    return node;
}

static struct powershell_node *single_quoted(struct powershell_reader *r)
{
    struct buf text = BUF_INIT(POWERSHELL_BYTES_MAX);
    r->at += quote_at(r, '\'');
    for (;;) {
        size_t quote = quote_at(r, '\'');
        if (!powershell_peek(r, 0)) {
            powershell_fail(r, "a string in single quotes has no end");
            r->unfinished = true;
            break;
        }
        r->at += quote;
        if (quote && !quote_at(r, '\''))
            break;
        if (quote) /* doubled: one of them belongs to the text */
            r->at += quote_at(r, '\'');
        buf_add_char(&text, quote ? '\'' : r->text.p[r->at++]);
    }
    struct powershell_node *node = literal(r, &text);
    buf_done(&text);
    return node;
}

static char escaped(char c)
{
    switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case '0': return ' ';
    default: return c;
    }
}

/* $name, $name.Property is $name and text; $( ... ) is a pipeline. */
static struct powershell_node *expansion(struct powershell_reader *r)
{
    if (powershell_peek(r, 1) != '(')
        return powershell_variable(r);
    r->at += 2;
    struct powershell_node *inner = powershell_statements(r, ')');
    if (!r->failed && !powershell_take(r, ")"))
        powershell_fail(r, "$( has no closing parenthesis");
    return inner;
}

static bool expands(const struct powershell_reader *r)
{
    char next = powershell_peek(r, 1);
    return powershell_peek(r, 0) == '$' &&
           (text_is_alpha(next) || next == '_' || next == '(' || next == '{');
}

static struct powershell_node *double_quoted(struct powershell_reader *r)
{
    struct powershell_node *whole = powershell_node(r, POWERSHELL_EXPAND, SPAN_NONE);
    struct powershell_node **end = &whole->items;
    struct buf text = BUF_INIT(POWERSHELL_BYTES_MAX);
    r->at += quote_at(r, '"');
    while (!r->failed) {
        size_t quote = quote_at(r, '"');
        char c = powershell_peek(r, 0);
        if (!c) {
            powershell_fail(r, "a string in double quotes has no end");
            r->unfinished = true;
        } else if (quote) {
            r->at += quote;
            if (!quote_at(r, '"'))
                break;
            r->at += quote_at(r, '"');
            buf_add_char(&text, '"');
        } else if (c == '`' && powershell_peek(r, 1)) {
            buf_add_char(&text, escaped(powershell_peek(r, 1)));
            r->at += 2;
        } else if (expands(r)) {
            powershell_append(&end, literal(r, &text));
            powershell_append(&end, expansion(r));
        } else {
            buf_add_char(&text, c);
            r->at++;
        }
    }
    struct powershell_node *last = literal(r, &text);
    buf_done(&text);
    if (!whole->items)
        return last;
    powershell_append(&end, last);
    return whole;
}

struct powershell_node *powershell_quoted(struct powershell_reader *r)
{
    if (quote_at(r, '\''))
        return single_quoted(r);
    return quote_at(r, '"') ? double_quoted(r) : NULL;
}

/* ---- bare words ---- */

static bool ends_bare(char c)
{
    return c == 0 || strchr(" \t\r\n|;,(){}'\"", c) != NULL;
}

/* A bare word in a command: also paths, host names, "Server\Connector" and numbers. */
struct powershell_node *powershell_bare(struct powershell_reader *r)
{
    size_t from = r->at;
    while (!ends_bare(powershell_peek(r, 0)))
        r->at++;
    struct span word = span_make(r->text.p + from, r->at - from);
    if (!word.n)
        powershell_fail(r, "\"%c\" is not expected here", powershell_peek(r, 0));
    struct powershell_node *node = powershell_node(r, POWERSHELL_LITERAL, word);
    if (powershell_number(word, &node->number))
        node->kind = POWERSHELL_NUMBER;
    return node;
}
