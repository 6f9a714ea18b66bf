/* What changed between two documents, over their whole values: a default that moved is a change as
 * well. */
#include "base/map.h"
#include "conf/export.h"
#include "conf/tree.h"

static void add_value(struct buf *out, const json_t *value)
{
    const char *name;
    json_t *item;
    size_t i;
    switch (json_typeof(value)) {
    case JSON_STRING:
        buf_add(out, span_make(json_string_value(value), json_string_length(value)));
        break;
    case JSON_INTEGER: buf_addf(out, "%lld", (long long)json_integer_value(value)); break;
    case JSON_ARRAY:
        buf_add_char(out, '[');
        json_array_foreach(value, i, item)
        {
            buf_add_text(out, i ? ", " : "");
            add_value(out, item);
        }
        buf_add_char(out, ']');
        break;
    case JSON_OBJECT:
        buf_add_char(out, '{');
        i = 0;
        json_object_foreach((json_t *)value, name, item)
        {
            buf_addf(out, "%s%s: ", i++ ? ", " : "", name);
            add_value(out, item);
        }
        buf_add_char(out, '}');
        break;
    default: buf_add_text(out, json_is_true(value) ? "true" : "false");
    }
}

/* "+ path: value" */
static void add_line(struct buf *out, char sign, struct span path, const json_t *value)
{
    buf_addf(out, "%c " SPAN_FMT ": ", sign, SPAN_ARG(path));
    add_value(out, value);
    buf_add_char(out, '\n');
}

/* One line for each item of `list` that is not in `other`; returns how many. */
static size_t add_items(struct buf *out, char sign, struct span path, const json_t *list,
                        const json_t *other)
{
    struct map there;
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    size_t i, n = 0;
    json_t *item;
    map_init(&there);
    json_array_foreach(other, i, item)
    {
        buf_reset(&text);
        add_value(&text, item);
        map_set(&there, buf_span(&text), item);
    }
    json_array_foreach(list, i, item)
    {
        buf_reset(&text);
        add_value(&text, item);
        if (map_get(&there, buf_span(&text)))
            continue;
        add_line(out, sign, path, item);
        n++;
    }
    buf_done(&text);
    map_done(&there);
    return n;
}

static void diff_value(struct buf *out, struct buf *path, const json_t *before,
                       const json_t *after);

static void diff_child(struct buf *out, struct buf *path, const char *name, const json_t *before,
                       const json_t *after)
{
    size_t length = path->n;
    if (length)
        buf_add_char(path, '.');
    tree_add_name(path, span_of(name));
    diff_value(out, path, json_object_get(before, name), json_object_get(after, name));
    path->n = length;
}

static void diff_value(struct buf *out, struct buf *path, const json_t *before, const json_t *after)
{
    const char *name;
    json_t *value;
    if (!before || !after) {
        add_line(out, before ? '-' : '+', buf_span(path), before ? before : after);
        return;
    }
    if (json_is_object(before)) {
        json_object_foreach((json_t *)before, name, value)
            diff_child(out, path, name, before, after);
        json_object_foreach((json_t *)after, name, value) if (!json_object_get(before, name))
            diff_child(out, path, name, before, after);
        return;
    }
    if (json_equal(before, after))
        return;
    /* A list whose items stayed but moved is shown as a whole. */
    if (json_is_array(before) && add_items(out, '-', buf_span(path), before, after) +
                                     add_items(out, '+', buf_span(path), after, before))
        return;
    buf_addf(out, "  " SPAN_FMT ": ", SPAN_ARG(buf_span(path)));
    add_value(out, before);
    buf_add_text(out, " -> ");
    add_value(out, after);
    buf_add_char(out, '\n');
}

/* Connectors that only one side has are shown by their essence, not with all defaults. */
static void shorten(json_t *whole, const json_t *essence, const json_t *other, const char *key)
{
    const char *name;
    json_t *connector;
    json_object_foreach(json_object_get(essence, key), name, connector)
    {
        if (!json_object_get(json_object_get(other, key), name))
            json_object_set(json_object_get(whole, key), name, connector);
    }
}

void document_add_diff(struct buf *out, const struct document *before, const struct document *after)
{
    static const char *const named[] = {"receive-connectors", "send-connectors"};
    json_t *whole[2] = {export_document(before, EXPORT_WHOLE),
                        export_document(after, EXPORT_WHOLE)};
    json_t *essence[2] = {export_document(before, EXPORT_ESSENCE),
                          export_document(after, EXPORT_ESSENCE)};
    for (size_t i = 0; i < COUNT_OF(named); i++) {
        shorten(whole[0], essence[0], whole[1], named[i]);
        shorten(whole[1], essence[1], whole[0], named[i]);
    }
    struct buf path = BUF_INIT(BUF_UNLIMITED);
    diff_value(out, &path, whole[0], whole[1]);
    buf_done(&path);
    for (size_t i = 0; i < COUNT_OF(whole); i++) {
        json_decref(whole[i]);
        json_decref(essence[i]);
    }
}
