#include "cli/table.h"

#include <assert.h>
#include <stdlib.h>

enum { COLUMNS_MAX = 16, GAP = 2 };

void table_init(struct table *t, const struct column *columns, size_t count)
{
    assert(count > 0 && count <= COLUMNS_MAX);
    *t = (struct table){.columns = columns, .column_count = count};
}

void table_done(struct table *t)
{
    free(t->cells);
    arena_done(&t->arena);
    *t = (struct table){0};
}

void table_add(struct table *t, enum style style, struct span text)
{
    if (t->cell_count == t->room) {
        t->room = t->room ? 2 * t->room : 64;
        t->cells = reallocarray(t->cells, t->room, sizeof(*t->cells));
        if (!t->cells)
            abort();
    }
    struct buf clean = BUF_INIT(BUF_UNLIMITED);
    clean_add(&clean, text);
    t->cells[t->cell_count++] = (struct table_cell){arena_copy(&t->arena, buf_span(&clean)), style};
    buf_done(&clean);
}

void table_addf(struct table *t, enum style style, const char *format, ...)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    va_list args;
    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    table_add(t, style, buf_span(&text));
    buf_done(&text);
}

/* How wide each column is; 0: it is not shown. */
struct widths {
    size_t of[COLUMNS_MAX];
};

static struct widths measure(const struct table *t)
{
    struct widths w = {0};
    for (size_t i = 0; i < t->column_count; i++)
        w.of[i] = clean_width(span_of(t->columns[i].title));
    for (size_t i = 0; i < t->cell_count; i++) {
        size_t width = clean_width(t->cells[i].text), column = i % t->column_count;
        if (width > w.of[column])
            w.of[column] = width;
    }
    return w;
}

static size_t total(const struct table *t, const struct widths *w)
{
    size_t sum = 0;
    for (size_t i = 0; i < t->column_count; i++)
        if (w->of[i])
            sum += w->of[i] + (sum ? GAP : 0);
    return sum;
}

/* Takes one character from the widest column that may be cut. */
static bool cut_one(const struct table *t, struct widths *w)
{
    size_t widest = t->column_count;
    for (size_t i = 0; i < t->column_count; i++)
        if (t->columns[i].least && w->of[i] > t->columns[i].least &&
            (widest == t->column_count || w->of[i] > w->of[widest]))
            widest = i;
    if (widest == t->column_count)
        return false;
    w->of[widest]--;
    return true;
}

static bool drop_one(const struct table *t, struct widths *w)
{
    size_t first = t->column_count;
    for (size_t i = 0; i < t->column_count; i++)
        if (t->columns[i].leave && w->of[i] &&
            (first == t->column_count || t->columns[i].leave > t->columns[first].leave))
            first = i;
    if (first == t->column_count)
        return false;
    w->of[first] = 0;
    return true;
}

/* Columns leave only where cutting alone cannot do; those that stay get back what became free. */
static struct widths fit(const struct table *t, size_t room)
{
    struct widths natural = measure(t);
    for (;;) {
        struct widths w = natural;
        while (total(t, &w) > room && cut_one(t, &w))
            ;
        if (total(t, &w) <= room || !drop_one(t, &natural))
            return w;
    }
}

static void add_blanks(struct buf *out, size_t n)
{
    while (n--)
        buf_add_char(out, ' ');
}

static void print_row(const struct table *t, const struct terminal *terminal,
                      const struct widths *w, const struct table_cell *cells, unsigned indent,
                      struct buf *out)
{
    size_t owed =
        indent; /* blanks that are written only before more text, so no line ends with them */
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = 0; i < t->column_count; i++) {
        if (w->of[i] == 0)
            continue;
        buf_reset(&text);
        clean_add_cut(&text, cells[i].text, w->of[i]);
        size_t missing = w->of[i] - clean_width(buf_span(&text));
        if (t->columns[i].right)
            owed += missing;
        if (text.n) {
            add_blanks(out, owed);
            terminal_add(out, terminal, cells[i].style, buf_span(&text));
            owed = 0;
        } else if (t->columns[i].right) {
            missing = 0;
        }
        owed += GAP + (t->columns[i].right ? 0 : missing);
    }
    buf_done(&text);
    buf_add_char(out, '\n');
}

void table_print(const struct table *t, const struct terminal *terminal, unsigned indent,
                 struct buf *out)
{
    assert(t->cell_count % t->column_count == 0);
    struct widths w = fit(t, terminal->width > indent ? terminal->width - indent
                             : terminal->width        ? 1
                                                      : SIZE_MAX);
    struct table_cell titles[COLUMNS_MAX];
    for (size_t i = 0; i < t->column_count; i++)
        titles[i] = (struct table_cell){span_of(t->columns[i].title), STYLE_FAINT};
    print_row(t, terminal, &w, titles, indent, out);
    for (size_t i = 0; i < t->cell_count; i += t->column_count)
        print_row(t, terminal, &w, t->cells + i, indent, out);
}
