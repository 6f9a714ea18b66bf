#include "cli/terminal.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/num.h"
#include "base/text.h"

enum { WIDTH_USUAL = 80, HEIGHT_USUAL = 24, WIDTH_LEAST = 20, SIDE_MAX = 1000 };

static unsigned side_from(const char *variable, unsigned measured, unsigned usual)
{
    uint64_t value = 0;
    const char *text = getenv(variable);
    if (measured == 0 && text && num_parse(span_of(text), SIDE_MAX, &value) == OK && value)
        return (unsigned)value;
    return measured ? measured : usual;
}

static bool wants_colour(enum colour_wish wish, bool is_terminal)
{
    if (wish != COLOUR_AUTO)
        return wish == COLOUR_ALWAYS;
    const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
    return is_terminal && !(no_colour && *no_colour) && !(term && strcmp(term, "dumb") == 0);
}

struct terminal terminal_of(int fd, enum colour_wish wish)
{
    struct terminal t = {.is_terminal = isatty(fd) == 1};
    t.colour = wants_colour(wish, t.is_terminal);
    if (!t.is_terminal)
        return t;
    struct winsize size = {0};
    if (ioctl(fd, TIOCGWINSZ, &size) != 0)
        size = (struct winsize){0};
    t.width = side_from("COLUMNS", size.ws_col, WIDTH_USUAL);
    t.height = side_from("LINES", size.ws_row, HEIGHT_USUAL);
    if (t.width < WIDTH_LEAST)
        t.width = WIDTH_LEAST;
    return t;
}

void terminal_add(struct buf *out, const struct terminal *t, enum style style, struct span text)
{
    static const char *const codes[] = {"", "1", "2", "32", "33", "31"};
    bool styled = t->colour && style != STYLE_PLAIN && text.n;
    if (styled)
        buf_addf(out, "\033[%sm", codes[style]);
    buf_add(out, text);
    if (styled)
        buf_add_text(out, "\033[0m");
}

/* The length of the character at the head of s; 0 where it is no UTF-8. */
static size_t character(struct span s)
{
    for (size_t n = 1; n <= 4 && n <= s.n; n++)
        if (text_is_utf8(span_head(s, n)))
            return n;
    return 0;
}

/* C1 controls (U+0080 to U+009F), and the marks that reorder what is written (U+200E, U+200F,
 * U+202A to U+202E, U+2066 to U+2069): with them a peer could make one text look like another. Also
 * the line separators U+2028 and U+2029. */
static bool is_treacherous(struct span c)
{
    const unsigned char *u = (const unsigned char *)c.p;
    if (c.n == 2)
        return u[0] == 0xC2 && u[1] < 0xA0;
    if (c.n != 3 || u[0] != 0xE2)
        return false;
    if (u[1] == 0x80)
        return u[2] == 0x8E || u[2] == 0x8F || (u[2] >= 0xA8 && u[2] <= 0xAE);
    return u[1] == 0x81 && u[2] >= 0xA6 && u[2] <= 0xA9;
}

void clean_add(struct buf *out, struct span text)
{
    text = span_trim(text);
    bool blank_before = false;
    while (text.n) {
        char c = text.p[0];
        size_t n = character(text);
        bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (blank && !blank_before)
            buf_add_char(out, ' ');
        else if (!blank && (n == 0 || (n == 1 && !text_is_printable(c)) ||
                            is_treacherous(span_head(text, n))))
            buf_add_char(out, '?');
        else if (!blank)
            buf_add(out, span_head(text, n));
        blank_before = blank;
        text = span_skip(text, n ? n : 1);
    }
}

size_t clean_width(struct span text)
{
    size_t width = 0;
    for (size_t i = 0; i < text.n; i++)
        width += ((unsigned char)text.p[i] & 0xC0) != 0x80;
    return width;
}

void clean_add_cut(struct buf *out, struct span text, size_t width)
{
    if (clean_width(text) <= width) {
        buf_add(out, text);
        return;
    }
    if (width == 0)
        return;
    size_t n = 0;
    for (size_t seen = 0; n < text.n; n++) {
        seen += ((unsigned char)text.p[n] & 0xC0) != 0x80;
        if (seen == width) /* the last column is for the ellipsis */
            break;
    }
    buf_add(out, span_trim(span_head(text, n)));
    buf_add_text(out, "\xE2\x80\xA6");
}

/* How many bytes of text go on a line of `room` columns: up to a blank, or as much as fits where
 * there is none. */
static size_t line_length(struct span text, size_t room)
{
    size_t n = 0, blank = 0, columns = 0;
    for (; n < text.n; n++) {
        columns += ((unsigned char)text.p[n] & 0xC0) != 0x80;
        if (columns > room)
            return blank ? blank : n;
        if (text.p[n] == ' ')
            blank = n;
    }
    return n;
}

size_t wrap_add(struct buf *out, const struct terminal *t, enum style style, struct span text,
                size_t taken, size_t indent)
{
    struct buf clean = BUF_INIT(BUF_UNLIMITED);
    size_t lines = 0;
    clean_add(&clean, text);
    struct span rest = buf_span(&clean);
    do {
        size_t before = lines ? indent : taken;
        /* A terminal too narrow for the indent gets long lines, which it breaks itself. */
        size_t room = t->width > before + WIDTH_LEAST / 2 ? t->width - before : SIZE_MAX;
        size_t n = line_length(rest, room);
        for (size_t i = 0; i < indent && lines; i++)
            buf_add_char(out, ' ');
        terminal_add(out, t, style, span_head(rest, n));
        buf_add_char(out, '\n');
        rest = span_trim(span_skip(rest, n));
        lines++;
    } while (rest.n);
    buf_done(&clean);
    return lines;
}
