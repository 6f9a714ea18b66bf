#include "exchange/listing.h"

#include "base/text.h"
#include "exchange/command.h"
#include "exchange/object.h"

enum {
    NAME_MAX_LENGTH = 64,
    VALUE_LINES_MAX = 3000, /* RawData, one byte of the array after the other */
};

struct property_line {
    struct span name, value;
    size_t indent;
    bool blank_before_colon; /* as Format-List always has it */
};

static size_t indent_of(struct span line)
{
    size_t n = 0;
    while (n < line.n && line.p[n] == ' ')
        n++;
    return n;
}

static bool split(struct span line, struct property_line *found)
{
    if (!line.p)
        return false;
    size_t indent = indent_of(line), n = indent;
    if (n == line.n || !text_is_alpha(line.p[n]))
        return false;
    while (n < line.n && (text_is_alnum(line.p[n]) || line.p[n] == '_'))
        n++;
    size_t end = n;
    while (n < line.n && line.p[n] == ' ')
        n++;
    if (n == line.n || line.p[n] != ':' || end - indent > NAME_MAX_LENGTH)
        return false;
    bool spaced = n > end;
    if (n + 1 < line.n && line.p[n + 1] != ' ' && !spaced)
        return false; /* "https://", "C:\" */
    *found = (struct property_line){.name = span_make(line.p + indent, end - indent),
                                    .value = span_skip(line, n + 1),
                                    .indent = indent,
                                    .blank_before_colon = spaced};
    return true;
}

static bool is_blank(struct span line)
{
    return span_trim(line).n == 0;
}

static struct span line_at(const struct exchange_reader *r, size_t at)
{
    return at < r->source.count ? r->source.lines[at].text : SPAN_NONE;
}

/* Is this the first property of an object? One that nobody knows must at least look the part. */
static bool begins(const struct exchange_reader *r, size_t at, struct property_line *first)
{
    if (!split(line_at(r, at), first))
        return false;
    bool known = object_knows(first->name);
    if (first->blank_before_colon && (known || r->command.kind != OBJECT_UNKNOWN))
        return true;
    struct property_line next;
    size_t skip = at + 1;
    while (skip < r->source.count && is_blank(line_at(r, skip)) && skip < at + 2)
        skip++;
    if (!split(line_at(r, skip), &next))
        return false;
    bool next_known = object_knows(next.name);
    return first->blank_before_colon ? next.blank_before_colon : known && next_known;
}

bool listing_begins(const struct exchange_reader *r, size_t at)
{
    struct property_line first;
    return begins(r, at, &first) && first.blank_before_colon;
}

struct walk {
    struct object object;
    struct buf value; /* of the property at hand, with the marks of wrapping */
    struct property_line property;
    unsigned line;
    size_t value_lines;
    size_t last_columns; /* of the line before */
    struct span last;    /* its part of the value */
    size_t cut_columns;  /* the widest line that was cut: the window's width */
    bool brace_open;
    size_t blanks;
};

static void note_braces(struct walk *w, struct span part)
{
    for (size_t i = 0; i < part.n; i++) {
        if (part.p[i] == '{')
            w->brace_open = true;
        else if (part.p[i] == '}')
            w->brace_open = false;
    }
}

static void end_property(struct exchange_reader *r, struct walk *w)
{
    if (w->property.name.n > 0 && w->object.count < OBJECT_PROPERTIES_MAX)
        object_add(&r->c->arena, &w->object, w->property.name,
                   arena_copy(&r->c->arena, buf_span(&w->value)), w->line);
    buf_reset(&w->value);
    w->property.name = SPAN_NONE;
}

static void begin_property(struct exchange_reader *r, struct walk *w, size_t at,
                           const struct property_line *p)
{
    end_property(r, w);
    w->property = *p;
    w->line = r->source.lines[at].number;
    w->value_lines = 1;
    w->brace_open = false;
    struct span value = span_trim(p->value);
    buf_add(&w->value, value);
    note_braces(w, value);
    w->last = p->value;
    w->last_columns = source_columns(r->source.lines[at].text);
}

/* Format-List wraps between words, and within one only where it fills the line alone; a window
 * cuts at its width. */
static char wrap_mark(const struct walk *w, struct span line)
{
    struct span last = span_trim(w->last);
    if (last.n == 0 || span_iends(last, SPAN(",")))
        return WRAP_BETWEEN;
    if (indent_of(line) > w->property.indent + 1)
        return span_find(last, ' ') == last.n || span_iends(last, SPAN("-")) ? WRAP_WITHIN
                                                                             : WRAP_BETWEEN;
    bool starts_blank = indent_of(line) > w->property.indent;
    bool window = w->last_columns >= w->cut_columns && w->last_columns != 79 &&
                  w->last_columns != 119 && !span_iends(w->last, SPAN(" "));
    return window && !starts_blank ? WRAP_WITHIN : WRAP_BETWEEN;
}

/* Does the line go on with the value? */
static bool continues(const struct exchange_reader *r, const struct walk *w, size_t at)
{
    struct span line = line_at(r, at), typed;
    if (w->property.name.n == 0 || is_blank(line) || w->value_lines > VALUE_LINES_MAX)
        return false;
    if (indent_of(line) > w->property.indent + 1)
        return true;
    if (command_prompt(line, &typed))
        return false;
    return w->brace_open || w->last_columns >= 76;
}

static void add_continuation(struct exchange_reader *r, struct walk *w, size_t at)
{
    struct span line = line_at(r, at);
    buf_add_char(&w->value, wrap_mark(w, line));
    if (indent_of(line) <= w->property.indent + 1 && w->last_columns > w->cut_columns)
        w->cut_columns = w->last_columns;
    buf_add(&w->value, span_trim(line));
    note_braces(w, line);
    w->last = line;
    w->last_columns = source_columns(line);
    w->value_lines++;
}

/* True where the line is the next property of the same object. */
static bool goes_on(const struct walk *w, const struct property_line *p)
{
    if (p->indent > w->property.indent + 1 && w->property.name.n > 0)
        return false; /* wrapped text with a colon in it */
    if (span_ieq(w->property.name, p->name))
        return false;
    for (size_t i = 0; i < w->object.count; i++) {
        if (span_ieq(w->object.properties[i].name, p->name))
            return false;
    }
    return true;
}

/* A blank line ends an object, unless the first property already had one behind it: then all have,
 * and a name that comes again begins the next object. */
static bool passes_blank(const struct exchange_reader *r, struct walk *w, size_t at)
{
    struct property_line next;
    struct span behind = line_at(r, at + 1);
    if (w->brace_open && !is_blank(behind) && indent_of(behind) > w->property.indent + 1)
        return true; /* a list that goes on, copied from a web page */
    size_t properties = w->object.count + 1;
    bool all_spaced = w->blanks + 1 == properties;
    if (!all_spaced || !split(line_at(r, at + 1), &next) || !goes_on(w, &next) ||
        next.blank_before_colon != w->property.blank_before_colon)
        return false;
    w->blanks++;
    return true;
}

/* A name that comes again: the next object. */
static bool begins_next(const struct walk *w, struct span line)
{
    struct property_line next;
    return split(line, &next) && next.indent <= w->property.indent + 1 && object_knows(next.name);
}

/* Collects the object; the line behind it. */
static size_t collect(struct exchange_reader *r, struct walk *w, size_t at)
{
    struct property_line next;
    for (; at < r->source.count; at++) {
        struct span line = line_at(r, at);
        if (is_blank(line)) {
            if (!passes_blank(r, w, at))
                break;
        } else if (split(line, &next) && goes_on(w, &next) &&
                   (!w->brace_open || next.indent == w->property.indent)) {
            begin_property(r, w, at, &next);
        } else if (!begins_next(w, line) && continues(r, w, at)) {
            add_continuation(r, w, at);
        } else {
            break;
        }
    }
    end_property(r, w);
    return at;
}

size_t listing_part(struct exchange_reader *r, size_t at)
{
    struct walk w = {.value = BUF_INIT(BUF_UNLIMITED)};
    struct property_line first;
    /* "Description : ..." belongs to the head of an event that stands right in front. */
    bool of_event = r->head.open && r->source.lines[at].number <= r->head.last_line + 1;
    if (of_event || !begins(r, at, &first))
        return 0;
    w.object.line = r->source.lines[at].number;
    begin_property(r, &w, at, &first);
    size_t end = collect(r, &w, at + 1);
    buf_done(&w.value);
    if (!object_take(r, &w.object)) {
        bool known = object_guess(&w.object) != OBJECT_UNKNOWN;
        reader_add_unread(r, w.object.line, r->source.lines[end - 1].number,
                          known ? SPAN("nothing here tells this object from others: its name or "
                                       "thumbprint is missing")
                                : SPAN("these properties are of nothing that is known here"));
    }
    return end - at;
}
