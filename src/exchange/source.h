/* source: one input as lines of clean UTF-8, whatever it was copied through. Blanks of any kind are
 * spaces, what cannot be seen is gone; typographic quotes stay (a name may hold them, and that they
 * stand there is evidence) and are folded where sentences are compared. Lines keep the numbers that
 * an editor shows. */
#ifndef EXCHANGE_SOURCE_H
#define EXCHANGE_SOURCE_H

#include "base/arena.h"
#include "base/buf.h"

struct source_line {
    struct span text; /* without the end of line; blanks in front stay, behind too */
    unsigned number;  /* from 1 */
};

struct source {
    struct span file;
    struct span text; /* all lines, each with LF behind it */
    struct source_line *lines;
    size_t count;
};

/* Lives in the arena. Any bytes are some text: this cannot fail. */
struct source source_read(struct arena *arena, struct span file, struct span bytes);

/* Takes one character off the front; what is not UTF-8 counts as Windows-1252. *s is not empty. */
unsigned source_character(struct span *s);
void source_add_character(struct buf *out, unsigned c);

/* ’ ‘ ‛ ′ “ ” become ' and ". In the arena where something changes. */
struct span source_fold_quotes(struct arena *arena, struct span s);

/* How many characters, which is what columns of a print count. */
size_t source_columns(struct span s);

#endif
