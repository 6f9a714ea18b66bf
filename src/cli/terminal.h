/* terminal: what the output goes to: its width, whether it takes colour. Text of peers (replies,
 * subjects, names) is made harmless before it is shown: it could carry escape sequences. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include "base/buf.h"

struct terminal {
    bool is_terminal;
    bool colour;
    unsigned width, height; /* characters; 0: unlimited, as it is for pipes and files */
};

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_FAINT, STYLE_GOOD, STYLE_WARNING, STYLE_BAD };

enum colour_wish { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };
/* Looks at the descriptor, COLUMNS, LINES, TERM and NO_COLOR. */
struct terminal terminal_of(int fd, enum colour_wish wish);

/* Text in a style; plain where the terminal takes no colour. The text must be harmless already. */
void terminal_add(struct buf *out, const struct terminal *t, enum style style, struct span text);

/* Text as one harmless line: control characters, those that turn the writing direction, and bytes
 * that are not UTF-8 become '?', blanks of all kinds one space. */
void clean_add(struct buf *out, struct span text);
/* How many columns text takes: its characters, counted. */
size_t clean_width(struct span text);
/* Harmless text, broken at blanks into lines of at most `width` columns (0: one line), in a style;
 * all but the first begin with `indent` blanks, and `taken` columns of the first are used already.
 * Ends with a line end. Returns the number of lines. */
size_t wrap_add(struct buf *out, const struct terminal *t, enum style style, struct span text,
                size_t taken, size_t indent);
/* The head of text that takes at most `width` columns, with an ellipsis where something is missing.
 */
void clean_add_cut(struct buf *out, struct span text, size_t width);

#endif
