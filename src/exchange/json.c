#include "exchange/json.h"

#include <jansson.h>

#include "base/text.h"
#include "exchange/object.h"

struct walk {
    struct exchange_reader *r;
    struct span text; /* of the value at hand, to find lines in */
    unsigned line;    /* where it begins */
    size_t counted;   /* up to here, ends of lines were counted */
    unsigned counted_line;
};

/* The line of `"name":` behind `from`, moving *from there: members come in the order in which they
 * stand. */
static unsigned line_of(struct walk *w, const char *name, size_t *from)
{
    size_t n = strlen(name);
    for (size_t i = *from; i + n + 2 <= w->text.n; i++) {
        if (w->text.p[i] == '"' && w->text.p[i + n + 1] == '"' &&
            memcmp(w->text.p + i + 1, name, n) == 0) {
            *from = i;
            break;
        }
    }
    if (*from < w->counted || w->counted_line == 0) {
        w->counted = 0;
        w->counted_line = w->line;
    }
    for (; w->counted < *from; w->counted++)
        w->counted_line += w->text.p[w->counted] == '\n';
    return w->counted_line;
}

static bool is_type_name(struct span text)
{
    return span_starts(text, SPAN("System.")) || span_starts(text, SPAN("Microsoft.Exchange."));
}

/* A name for what an object inside another is, if it has one. */
static const char *const namings[] = {"Value",    "value", "Expression", "Address", "Domain",
                                      "DateTime", "Name",  "Unicode",    "Id"};

static bool text_of(struct arena *arena, json_t *value, struct span *text)
{
    *text = SPAN_NONE;
    if (json_is_string(value))
        *text = arena_copy(arena, span_make(json_string_value(value), json_string_length(value)));
    else if (json_is_integer(value))
        *text = arena_printf(arena, "%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        *text = json_is_true(value) ? SPAN("True") : SPAN("False");
    else if (!json_is_null(value))
        return false;
    return !is_type_name(*text);
}

/* A value as text, or an object by what names it. */
static bool describe(struct arena *arena, json_t *value, struct span *text)
{
    if (!json_is_object(value))
        return text_of(arena, value, text);
    for (size_t i = 0; i < COUNT_OF(namings); i++) {
        json_t *inner = json_object_get(value, namings[i]);
        if (!json_is_string(inner) || !text_of(arena, inner, text))
            continue;
        json_t *port = json_object_get(value, "Port");
        if (json_is_integer(port))
            *text = arena_printf(arena, SPAN_FMT ":%lld", SPAN_ARG(*text),
                                 (long long)json_integer_value(port));
        return true;
    }
    return text_of(arena, json_object_get(value, "value"), text);
}

static void add_list(struct walk *w, struct object *o, struct span name, json_t *value,
                     unsigned line)
{
    struct arena *arena = &w->r->c->arena;
    struct span *items = ARENA_ARRAY(arena, struct span, json_array_size(value) + 1);
    size_t count = 0, index;
    bool all = true;
    json_t *item;
    json_array_foreach(value, index, item)
    {
        if (describe(arena, item, &items[count]))
            count++;
        else
            all = false;
    }
    if (!all && count == 0)
        return; /* too deep for the export: nothing was said */
    struct object_property *p = object_add(arena, o, name, SPAN_NONE, line);
    p->is_list = true;
    p->items = items;
    p->item_count = count;
    p->cut = !all;
}

static struct object object_of(struct walk *w, json_t *value, size_t *from)
{
    struct object o = {0};
    const char *key;
    json_t *member;
    bool first = true;
    json_object_foreach(value, key, member)
    {
        unsigned line = line_of(w, key, from);
        if (first)
            o.line = line;
        first = false;
        if (o.count >= OBJECT_PROPERTIES_MAX)
            break;
        struct span name = arena_copy(&w->r->c->arena, span_of(key)), text;
        if (json_is_array(member))
            add_list(w, &o, name, member, line);
        else if (describe(&w->r->c->arena, member, &text))
            object_add(&w->r->c->arena, &o, name, text, line);
    }
    return o;
}

/* Takes what the value is, or what it holds: {"Certificates": [...], "Connectors": [...]}. */
static bool take(struct walk *w, json_t *value, size_t depth, size_t from)
{
    bool taken = false;
    size_t index;
    json_t *item;
    const char *key;
    if (depth == JSON_DEPTH_MAX)
        return false;
    if (json_is_array(value)) {
        json_array_foreach(value, index, item)
        {
            taken |= take(w, item, depth + 1, from);
        }
        return taken;
    }
    if (!json_is_object(value))
        return false;
    size_t end = from;
    struct object o = object_of(w, value, &end);
    if (object_guess(&o) != OBJECT_UNKNOWN && object_take(w->r, &o))
        return true;
    json_object_foreach(value, key, item)
    {
        size_t at = from;
        line_of(w, key, &at);
        taken |= take(w, item, depth + 1, at);
    }
    return taken;
}

static size_t skip_blank(struct span s, size_t at)
{
    while (at < s.n && (s.p[at] == ' ' || s.p[at] == '\n'))
        at++;
    return at;
}

/* "{" and a name, or "[" and "{": nothing else that is printed begins so. */
static bool begins(struct span s)
{
    size_t at = skip_blank(s, 0);
    if (at == s.n || (s.p[at] != '{' && s.p[at] != '['))
        return false;
    size_t next = skip_blank(s, at + 1);
    return next < s.n && s.p[next] == (s.p[at] == '{' ? '"' : '{');
}

static unsigned lines_in(struct span s)
{
    unsigned lines = 0;
    for (size_t i = 0; i < s.n; i++)
        lines += s.p[i] == '\n';
    return lines;
}

/* One value at the front; how long it is, 0: damaged. */
static size_t read_value(struct exchange_reader *r, struct span s, unsigned line)
{
    json_error_t error;
    json_t *value = json_loadb(s.p, s.n < JSON_OBJECT_MAX ? s.n : JSON_OBJECT_MAX,
                               JSON_DISABLE_EOF_CHECK, &error);
    if (!value)
        return 0;
    size_t n = (size_t)error.position;
    struct walk w = {.r = r, .text = span_head(s, n), .line = line};
    if (!take(&w, value, 0, 0))
        reader_add_unread(r, line, line + lines_in(w.text),
                          SPAN("JSON of nothing that is known here"));
    json_decref(value);
    return n;
}

/* Values one by one, so that a break loses only the one it is in. Where it ends. */
static size_t read_values(struct exchange_reader *r, struct span s, unsigned line)
{
    size_t at = skip_blank(s, 0);
    bool array = s.p[at] == '[';
    at += array;
    while (at < s.n) {
        at = skip_blank(s, at);
        unsigned here = line + lines_in(span_head(s, at));
        if (at < s.n && s.p[at] == ']')
            return at + 1;
        size_t n = at < s.n && s.p[at] == '{' ? read_value(r, span_skip(s, at), here) : 0;
        if (n == 0) {
            reader_add_unread(r, here, line + lines_in(s),
                              SPAN("this JSON is damaged or breaks off"));
            r->c->certificates_cut |= r->last_object == OBJECT_CERTIFICATE;
            return s.n;
        }
        at = skip_blank(s, at + n);
        if (!array)
            return at;
        at += at < s.n && s.p[at] == ',';
    }
    return s.n;
}

size_t json_part(struct exchange_reader *r, size_t at)
{
    struct span line = r->source.lines[at].text;
    struct span rest = span_skip(r->source.text, (size_t)(line.p - r->source.text.p));
    if (!begins(rest))
        return 0;
    r->exported = true;
    size_t n = read_values(r, rest, r->source.lines[at].number);
    r->exported = false;
    r->last_object = OBJECT_UNKNOWN; /* whole, or said not to be */
    return lines_in(span_head(rest, n)) + (n == 0 || rest.p[n - 1] != '\n');
}
