/* table: rows under headings that fit the terminal: columns give up width, then leave, in a stated
 * order. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "base/arena.h"
#include "cli/terminal.h"

struct column {
    const char *title;
    unsigned least; /* may be cut to this many characters; 0: is never cut */
    unsigned leave; /* leaves a narrow terminal in falling order; 0: never */
    bool right;     /* numbers */
};

struct table_cell {
    struct span text;
    enum style style;
};

struct table {
    const struct column *columns;
    size_t column_count;
    struct table_cell *cells; /* row after row */
    size_t cell_count, room;
    struct arena arena;
};

void table_init(struct table *t, const struct column *columns, size_t count);
void table_done(struct table *t);
/* The next cell of the row, left to right; made harmless on the way in. */
void table_add(struct table *t, enum style style, struct span text);
void table_addf(struct table *t, enum style style, const char *format, ...) PRINTF_LIKE(3, 4);
/* Headings and rows, each line with `indent` blanks before it. Every row must be complete. */
void table_print(const struct table *t, const struct terminal *terminal, unsigned indent,
                 struct buf *out);

#endif
