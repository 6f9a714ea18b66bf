#include "exchange/table.h"

#include "exchange/command.h"
#include "exchange/property.h"

enum { COLUMNS_MAX = 40, ROWS_MAX = 20000 };

struct column {
    struct span name;
    size_t first, last; /* of the dashes, in characters */
    bool right;         /* numbers and the like stand right */
};

struct table {
    struct column columns[COLUMNS_MAX];
    size_t count;
    size_t first_row, end_row; /* lines */
};

static struct span line_at(const struct exchange_reader *r, size_t at)
{
    return at < r->source.count ? r->source.lines[at].text : SPAN_NONE;
}

/* The byte where a column begins; the end of the line where it is shorter. */
static size_t byte_of(struct span line, size_t column)
{
    size_t i = 0;
    for (; i < line.n; i++) {
        if (((unsigned char)line.p[i] & 0xc0) != 0x80 && column-- == 0)
            return i;
    }
    return line.n;
}

static struct span between(struct span line, size_t first, size_t end)
{
    size_t from = byte_of(line, first), to = byte_of(line, end);
    return span_make(line.p + from, to > from ? to - from : 0);
}

static char char_at(struct span line, size_t column)
{
    size_t at = byte_of(line, column);
    return at < line.n ? line.p[at] : ' ';
}

/* Dashes and blanks only, at least three dashes. */
static bool read_dashes(struct span line, struct table *t)
{
    size_t dashes = 0;
    t->count = 0;
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] != '-' && line.p[i] != ' ')
            return false;
        if (line.p[i] != '-')
            continue;
        dashes++;
        if (i == 0 || line.p[i - 1] == ' ') {
            if (t->count == COLUMNS_MAX)
                return false;
            t->columns[t->count++].first = i;
        }
        t->columns[t->count - 1].last = i;
    }
    return dashes >= 3;
}

static bool read_names(struct span header, struct table *t)
{
    for (size_t i = 0; i < t->count; i++) {
        struct column *c = &t->columns[i];
        size_t end = i + 1 < t->count ? t->columns[i + 1].first : SIZE_MAX;
        c->name = span_trim(between(header, c->first, end));
        if (c->name.n == 0 || span_find(c->name, ' ') < c->name.n)
            return false;
    }
    return true;
}

static void find_rows(const struct exchange_reader *r, struct table *t)
{
    struct span typed;
    size_t at = t->first_row;
    while (at < r->source.count && at - t->first_row < ROWS_MAX &&
           span_trim(line_at(r, at)).n > 0 && !command_prompt(line_at(r, at), &typed))
        at++;
    t->end_row = at;
}

/* A column stands left where every row that has it begins right under the name. */
static void find_sides(const struct exchange_reader *r, struct table *t)
{
    for (size_t i = 1; i < t->count; i++) {
        struct column *c = &t->columns[i];
        for (size_t at = t->first_row; at < t->end_row && !c->right; at++) {
            struct span line = line_at(r, at);
            bool holds = span_trim(between(line, c->first, c->last + 1)).n > 0;
            c->right =
                holds && (char_at(line, c->first) == ' ' || char_at(line, c->first - 1) != ' ');
        }
    }
}

/* Where the cell behind the gap between two columns begins. */
static size_t cut_between(struct span line, const struct column *a, const struct column *b)
{
    if (!b->right)
        return b->first;
    if (a->right)
        return a->last + 1;
    /* A text on the left and one on the right share the gap: the widest run of blanks parts them.
     */
    size_t best = a->last + 1, best_run = 0, run = 0;
    for (size_t column = a->first; column <= b->first; column++) {
        run = char_at(line, column) == ' ' ? run + 1 : 0;
        if (run > best_run) {
            best_run = run;
            best = column;
        }
    }
    return best;
}

static void add_cell(struct exchange_reader *r, struct object *o, struct span name,
                     struct span cell, unsigned line)
{
    cell = span_trim(cell);
    bool cut = !property_is_letters(cell) &&
               (span_iends(cell, SPAN("…")) || span_iends(cell, SPAN("...")));
    object_add(&r->c->arena, o, name, cell, line)->cut = cut;
}

static void take_row(struct exchange_reader *r, const struct table *t, size_t at)
{
    unsigned number = r->source.lines[at].number;
    struct object o = {.line = number};
    struct span line = line_at(r, at);
    size_t from = 0;
    for (size_t i = 0; i < t->count; i++) {
        size_t end =
            i + 1 < t->count ? cut_between(line, &t->columns[i], &t->columns[i + 1]) : SIZE_MAX;
        add_cell(r, &o, t->columns[i].name, between(line, from, end), number);
        from = end;
    }
    if (!object_take(r, &o))
        reader_add_unread(r, number, number,
                          SPAN("a row whose name is cut off, or of nothing that is known here"));
}

size_t table_part(struct exchange_reader *r, size_t at)
{
    struct table t = {0};
    if (at + 1 >= r->source.count || !read_dashes(line_at(r, at + 1), &t) ||
        !read_names(line_at(r, at), &t))
        return 0;
    size_t known = 0;
    for (size_t i = 0; i < t.count; i++)
        known += object_knows(t.columns[i].name);
    if (known == 0 && r->command.kind == OBJECT_UNKNOWN)
        return 0;
    t.first_row = at + 2;
    find_rows(r, &t);
    find_sides(r, &t);
    r->c->seen_table = true;
    for (size_t row = t.first_row; row < t.end_row; row++)
        take_row(r, &t, row);
    return t.end_row - at;
}
