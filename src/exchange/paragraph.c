#include "exchange/paragraph.h"

#include "base/text.h"
#include "exchange/command.h"
#include "exchange/event.h"
#include "exchange/listing.h"
#include "exchange/object.h"

enum { PHRASE_MAX = 200 };

static bool ends_text(const struct exchange_reader *r, size_t at)
{
    struct span line = r->source.lines[at].text;
    struct span typed, trimmed = span_trim(line);
    return trimmed.n == 0 || span_starts(trimmed, SPAN("-----BEGIN ")) ||
           command_prompt(line, &typed) || listing_begins(r, at) || event_head_begins(r, at);
}

static void squeeze(struct exchange_reader *r, struct paragraph *p)
{
    char *squeezed = arena_alloc(&r->c->arena, p->text.n + 1);
    p->offsets = ARENA_ARRAY(&r->c->arena, unsigned, p->text.n + 1);
    size_t n = 0;
    for (struct span rest = p->text; rest.n > 0;) {
        unsigned offset = (unsigned)(rest.p - p->text.p);
        struct span before = rest;
        unsigned c = source_character(&rest);
        if (c == ' ' || c == (unsigned)WRAP_BETWEEN || c == (unsigned)WRAP_WITHIN || c == '\n')
            continue;
        if ((c >= 0x2018 && c <= 0x201b) || c == 0xb4)
            c = '\'';
        else if (c >= 0x201c && c <= 0x201f)
            c = '"';
        if (c < 0x80) {
            p->offsets[n] = offset;
            squeezed[n++] = text_lower((char)c);
            continue;
        }
        for (size_t i = 0; i < before.n - rest.n; i++) {
            p->offsets[n] = offset + (unsigned)i;
            squeezed[n++] = before.p[i];
        }
    }
    p->offsets[n] = (unsigned)p->text.n;
    p->squeezed = span_make(squeezed, n);
}

/* Cut by a window: all lines but the last are equally long (a blank at the end may be lost). Else
 * the text was wrapped between words. */
static bool is_cut(const struct exchange_reader *r, size_t at, size_t count)
{
    size_t most = 0, least = SIZE_MAX;
    for (size_t i = 0; i + 1 < count; i++) {
        size_t columns = source_columns(r->source.lines[at + i].text);
        most = columns > most ? columns : most;
        least = columns < least ? columns : least;
    }
    return count > 1 && most >= 40 && least + 1 >= most;
}

struct paragraph paragraph_read(struct exchange_reader *r, size_t at)
{
    struct paragraph p = {.first = at, .count = 1};
    size_t bytes = r->source.lines[at].text.n, columns = 0;
    while (at + p.count < r->source.count && !ends_text(r, at + p.count) &&
           bytes + r->source.lines[at + p.count].text.n < PARAGRAPH_MAX)
        bytes += r->source.lines[at + p.count++].text.n;
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    p.starts = ARENA_ARRAY(&r->c->arena, unsigned, p.count);
    bool cut = is_cut(r, at, p.count);
    for (size_t i = 0; i + 1 < p.count && cut; i++) {
        size_t here = source_columns(r->source.lines[at + i].text);
        columns = here > columns ? here : columns;
    }
    for (size_t i = 0; i < p.count; i++) {
        struct span line = r->source.lines[at + i].text;
        p.starts[i] = (unsigned)text.n;
        buf_add(&text, span_head(line, PARAGRAPH_MAX));
        if (i + 1 < p.count)
            buf_add_char(&text,
                         cut && source_columns(line) == columns ? WRAP_WITHIN : WRAP_BETWEEN);
    }
    p.text = arena_copy(&r->c->arena, buf_span(&text));
    buf_done(&text);
    squeeze(r, &p);
    return p;
}

struct paragraph paragraph_of(struct exchange_reader *r, struct span text, size_t at)
{
    struct paragraph p = {.text = span_head(text, PARAGRAPH_MAX), .first = at, .count = 1};
    p.starts = ARENA_NEW(&r->c->arena, unsigned);
    squeeze(r, &p);
    return p;
}

size_t paragraph_find(const struct paragraph *p, const char *phrase, size_t from, size_t *end)
{
    char wanted[PHRASE_MAX];
    size_t n = 0;
    for (; *phrase && n < sizeof(wanted); phrase++) {
        if (*phrase != ' ')
            wanted[n++] = text_lower(*phrase);
    }
    if (from > p->squeezed.n)
        return p->squeezed.n;
    const char *found = memmem(p->squeezed.p + from, p->squeezed.n - from, wanted, n);
    if (!found)
        return p->squeezed.n;
    if (end)
        *end = (size_t)(found - p->squeezed.p) + n;
    return (size_t)(found - p->squeezed.p);
}

bool paragraph_has(const struct paragraph *p, const char *phrase)
{
    return paragraph_find(p, phrase, 0, NULL) < p->squeezed.n;
}

struct span paragraph_between(const struct paragraph *p, size_t from, size_t to)
{
    size_t first = p->offsets[from], last = p->offsets[to];
    struct span s = span_make(p->text.p + first, last > first ? last - first : 0);
    while (s.n > 0 && (s.p[s.n - 1] == WRAP_BETWEEN || s.p[s.n - 1] == WRAP_WITHIN))
        s.n--;
    return span_trim(s);
}

unsigned paragraph_line(const struct exchange_reader *r, const struct paragraph *p, size_t at)
{
    size_t line = 0;
    while (line + 1 < p->count && p->starts[line + 1] <= p->offsets[at])
        line++;
    size_t index = p->first + line;
    return index < r->source.count ? r->source.lines[index].number : 0;
}
