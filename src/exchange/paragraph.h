/* paragraph: lines of running text as one sentence that was perhaps wrapped, anywhere. Phrases are
 * found without regard to case, blanks, the kind of quotes, and where lines ended. For this folder
 * alone. */
#ifndef EXCHANGE_PARAGRAPH_H
#define EXCHANGE_PARAGRAPH_H

#include "exchange/reader.h"

enum { PARAGRAPH_MAX = 64 * 1024 }; /* bytes; Exchange's longest text has 2 KB */

struct paragraph {
    struct span text;     /* joined, with the marks of wrapping (exchange/object.h) */
    struct span squeezed; /* without blanks and marks, lower case, plain quotes */
    unsigned *offsets;    /* where in `text` each byte of `squeezed` stands; one more for its end */
    unsigned *starts;     /* where in `text` each line begins */
    size_t first, count;  /* lines of the source */
};

/* From line `at` to the next blank line, prompt or part that is no text. At least one line. */
struct paragraph paragraph_read(struct exchange_reader *r, size_t at);
/* Some text that is no lines of the source (the message in an exported event). */
struct paragraph paragraph_of(struct exchange_reader *r, struct span text, size_t at);

/* Where the phrase stands in `squeezed`, from `from` on; squeezed.n: nowhere. `end` (may be NULL)
 * gets where it ends. */
size_t paragraph_find(const struct paragraph *p, const char *phrase, size_t from, size_t *end);
bool paragraph_has(const struct paragraph *p, const char *phrase);
/* The text between two places of `squeezed`, trimmed, marks and all. */
struct span paragraph_between(const struct paragraph *p, size_t from, size_t to);
/* The number of the line in which a place of `squeezed` stands. */
unsigned paragraph_line(const struct exchange_reader *r, const struct paragraph *p, size_t at);

#endif
