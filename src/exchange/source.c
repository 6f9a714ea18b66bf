#include "exchange/source.h"

#include <stdlib.h>

#include "base/text.h"

/* Windows-1252 between 0x80 and 0x9f; what it does not define is nothing. */
static const unsigned short windows_1252[32] = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178};

static size_t sequence_length(unsigned char first)
{
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if (first >= 0xe0 && first <= 0xef)
        return 3;
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

unsigned source_character(struct span *s)
{
    unsigned char first = (unsigned char)s->p[0];
    size_t n = sequence_length(first);
    if (n > 0 && n <= s->n && text_is_utf8(span_head(*s, n))) {
        unsigned c = first & (0x7fU >> n);
        for (size_t i = 1; i < n; i++)
            c = c << 6 | ((unsigned char)s->p[i] & 0x3fU);
        *s = span_skip(*s, n);
        return c;
    }
    *s = span_skip(*s, 1);
    return first >= 0x80 && first < 0xa0 ? windows_1252[first - 0x80] : first;
}

void source_add_character(struct buf *out, unsigned c)
{
    char bytes[4];
    size_t n = 0;
    if (c < 0x80) {
        bytes[n++] = (char)c;
    } else if (c < 0x800) {
        bytes[n++] = (char)(0xc0 | c >> 6);
        bytes[n++] = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        bytes[n++] = (char)(0xe0 | c >> 12);
        bytes[n++] = (char)(0x80 | (c >> 6 & 0x3f));
        bytes[n++] = (char)(0x80 | (c & 0x3f));
    } else {
        bytes[n++] = (char)(0xf0 | c >> 18);
        bytes[n++] = (char)(0x80 | (c >> 12 & 0x3f));
        bytes[n++] = (char)(0x80 | (c >> 6 & 0x3f));
        bytes[n++] = (char)(0x80 | (c & 0x3f));
    }
    buf_add(out, span_make(bytes, n));
}

static bool is_blank(unsigned c)
{
    return c == ' ' || c == '\t' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Marks of direction (the certificate console copies one in front of a thumbprint), zero-width
 * blanks, soft hyphens, byte order marks in the middle, controls. */
static bool is_invisible(unsigned c)
{
    return (c < 0x20) || c == 0x7f || c == 0xad || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x2064) ||
           (c >= 0x2066 && c <= 0x2069) || (c >= 0xd800 && c <= 0xdfff) || c == 0xfeff ||
           c > 0x10ffff;
}

struct cleaner {
    struct buf out;
    unsigned last;   /* '\r' may be half of an end of line */
    int escape_left; /* colours of PowerShell 7: ESC [ ... letter */
};

enum { ESCAPE_MAX = 20 }; /* characters of one escape sequence */

/* True where the character was part of an escape sequence. */
static bool skip_escape(struct cleaner *t, unsigned c)
{
    if (c == 0x1b) {
        t->escape_left = ESCAPE_MAX;
        return true;
    }
    if (t->escape_left == 0)
        return false;
    if (t->escape_left == ESCAPE_MAX) {
        t->escape_left = c == '[' ? ESCAPE_MAX - 1 : 0;
        return c == '[';
    }
    bool ends = c < 0x20 || (c >= 0x40 && c <= 0x7e);
    t->escape_left = ends ? 0 : t->escape_left - 1;
    return c >= 0x20;
}

static void clean(struct cleaner *t, unsigned c)
{
    if (skip_escape(t, c))
        return;
    unsigned last = t->last;
    t->last = c;
    if (c == '\n' && last == '\r')
        return; /* the CR ended the line */
    if (c == '\r' && last == '\r')
        return; /* CR CR LF: text mode twice */
    if (c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029 || c == 0x0c)
        buf_add_char(&t->out, '\n');
    else if (is_blank(c))
        buf_add_char(&t->out, ' ');
    else if (c == 0xff1a) /* the full-width colon of Japanese and Chinese labels */
        buf_add_char(&t->out, ':');
    else if (!is_invisible(c))
        source_add_character(&t->out, c);
}

enum encoding { ENCODING_BYTES, ENCODING_UTF16_LE, ENCODING_UTF16_BE };

static bool is_plain(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!text_is_printable(s.p[i]) && s.p[i] != '\n' && s.p[i] != '\r')
            return false;
    }
    return true;
}

/* UTF-16 without a mark: the ASCII in it (ends of line, digits, names) has a NUL in every second
 * byte, always on the same side. */
static enum encoding encoding_of(struct span s)
{
    if (span_starts(s, SPAN("\xff\xfe")))
        return ENCODING_UTF16_LE;
    if (span_starts(s, SPAN("\xfe\xff")))
        return ENCODING_UTF16_BE;
    if (is_plain(span_head(s, 32)))
        return ENCODING_BYTES;
    struct span sample = span_head(s, 8192);
    size_t zero[2] = {0, 0};
    for (size_t i = 0; i < sample.n; i++)
        zero[i % 2] += sample.p[i] == '\0';
    if (zero[1] * 20 > sample.n && zero[0] * 8 < zero[1])
        return ENCODING_UTF16_LE;
    if (zero[0] * 20 > sample.n && zero[1] * 8 < zero[0])
        return ENCODING_UTF16_BE;
    return ENCODING_BYTES;
}

static unsigned unit_at(struct span s, size_t at, enum encoding encoding)
{
    unsigned a = (unsigned char)s.p[at], b = (unsigned char)s.p[at + 1];
    return encoding == ENCODING_UTF16_LE ? a | b << 8 : a << 8 | b;
}

static void clean_utf16(struct cleaner *t, struct span s, enum encoding encoding)
{
    for (size_t i = 0; i + 1 < s.n; i += 2) {
        unsigned c = unit_at(s, i, encoding);
        if (c >= 0xd800 && c < 0xdc00 && i + 3 < s.n) {
            unsigned low = unit_at(s, i + 2, encoding);
            if (low >= 0xdc00 && low < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                i += 2;
            }
        }
        clean(t, c);
    }
}

static void split_lines(struct arena *arena, struct source *source)
{
    size_t count = 0;
    for (size_t i = 0; i < source->text.n; i++)
        count += source->text.p[i] == '\n';
    source->lines = ARENA_ARRAY(arena, struct source_line, count + 1);
    struct span rest = source->text;
    while (rest.n > 0) {
        size_t n = span_find(rest, '\n');
        source->lines[source->count] =
            (struct source_line){span_head(rest, n), (unsigned)source->count + 1};
        source->count++;
        rest = span_skip(rest, n + 1);
    }
}

struct source source_read(struct arena *arena, struct span file, struct span bytes)
{
    struct source source = {.file = arena_copy(arena, file)};
    struct cleaner t = {.out = BUF_INIT(BUF_UNLIMITED)};
    enum encoding encoding = encoding_of(bytes);
    if (encoding == ENCODING_BYTES) {
        /* NULs vanish: UTF-16 that ">>" appended to plain text reads well then. */
        for (struct span rest = bytes; rest.n > 0;)
            clean(&t, source_character(&rest));
    } else {
        clean_utf16(&t, bytes, encoding);
    }
    if (t.out.n > 0 && t.out.p[t.out.n - 1] != '\n')
        buf_add_char(&t.out, '\n');
    source.text = arena_copy(arena, buf_span(&t.out));
    buf_done(&t.out);
    split_lines(arena, &source);
    return source;
}

struct span source_fold_quotes(struct arena *arena, struct span s)
{
    if (text_is_ascii(s))
        return s;
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    while (s.n > 0) {
        unsigned c = source_character(&s);
        if ((c >= 0x2018 && c <= 0x201b) || c == 0x2032 || c == 0xb4)
            c = '\'';
        else if (c >= 0x201c && c <= 0x201f)
            c = '"';
        source_add_character(&out, c);
    }
    struct span folded = arena_copy(arena, buf_span(&out));
    buf_done(&out);
    return folded;
}

size_t source_columns(struct span s)
{
    size_t columns = 0;
    for (size_t i = 0; i < s.n; i++)
        columns += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return columns;
}
