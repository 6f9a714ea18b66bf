/* lines: the logical lines that all of Postfix's files are made of: a line that begins with a blank
 * goes on the one before, lines that are empty or begin with "#" count for nothing. */
#ifndef POSTFIX_LINES_H
#define POSTFIX_LINES_H

#include "base/arena.h"
#include "base/buf.h"

enum {
    POSTFIX_FILE_MAX = 4 * 1024 * 1024, /* bytes of one file; tables of a large site */
    POSTFIX_LINES_MAX = 200000,         /* logical lines of one file */
};

struct postfix_lines {
    struct span rest;
    unsigned line; /* of the physical line that `rest` begins with, from 1 */
};

struct postfix_lines postfix_lines(struct span text);
/* The next logical line, its parts joined by a blank, and the number of its first physical line.
 * False at the end. The text lives in the arena. */
bool postfix_lines_next(struct postfix_lines *l, struct arena *arena, struct span *text,
                        unsigned *line);

/* Takes the next word off *rest; "{ ... }" is one word, with its braces. False at the end. Blanks
 * separate words, and commas where `commas` is given. */
bool postfix_word(struct span *rest, bool commas, struct span *word);

#endif
