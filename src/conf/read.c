/* The tree into the structs, led by the schema. */
#include <assert.h>

#include "base/map.h"
#include "base/text.h"
#include "conf/value.h"

enum { NAME_LETTERS_MAX = 64 }; /* Exchange's limit for a connector's name */

static void set_default(const struct schema_key *key, struct arena *arena, void *object)
{
    if (key->type == VALUE_MAP)
        schema_set_defaults(key->map, arena, (char *)object + key->offset);
    if (!key->fallback)
        return;
    struct problems problems = {0};
    struct reading r = {arena, &problems};
    struct node node = {.kind = NODE_SCALAR, .plain = true, .text = span_of(key->fallback)};
    value_read(&r, key, &node, object);
    assert(problems.errors == 0);
}

void schema_set_defaults(const struct schema_map *map, struct arena *arena, void *object)
{
    for (const struct schema_key *key = map->keys; key->name; key++)
        set_default(key, arena, object);
}

static void report_unknown_key(struct reading *r, const struct schema_map *map,
                               const struct node *node)
{
    /* The key is wrong, not its value, so that is the place. */
    struct node at = *node;
    at.line = node->key_line;
    at.column = node->key_column;
    const char *product;
    const struct schema_key *nearest = schema_nearest(map, node->name, &product);
    struct buf remedy = BUF_INIT(BUF_UNLIMITED);
    if (product)
        buf_addf(&remedy, "%s's " SPAN_FMT " is %s here", product, SPAN_ARG(node->name),
                 nearest->name);
    else if (nearest)
        buf_addf(&remedy, "did you mean %s?", nearest->name);
    else
        buf_add_text(&remedy, "remove it, or see sealpost.yaml(5) for the keys that exist");
    problem_error(r->problems, &at, buf_span(&remedy), "%s has no such key", map->title);
    buf_done(&remedy);
}

static void check_required(struct reading *r, const struct schema_map *map, struct node *node)
{
    for (const struct schema_key *key = map->keys; key->name; key++) {
        if (!key->required || tree_get(node, span_of(key->name)))
            continue;
        struct buf remedy = BUF_INIT(BUF_UNLIMITED);
        buf_addf(&remedy, "add \"%s: ...\": %s", key->name, key->explanation);
        problem_error(r->problems, node, buf_span(&remedy), "%s needs the key %s", map->title,
                      key->name);
        buf_done(&remedy);
    }
}

void schema_read_map(struct reading *r, const struct schema_map *map, struct node *node,
                     void *object)
{
    /* "queue:" with nothing below it is an empty map. */
    if (node->kind != NODE_MAP && !tree_is_empty(node)) {
        value_wrong_kind(r, node, "a map of keys");
        return;
    }
    for (struct node *child = node->first; child; child = child->next) {
        const struct schema_key *key = schema_find(map, child->name);
        if (key)
            value_read(r, key, child, object);
        else
            report_unknown_key(r, map, child);
    }
    check_required(r, map, node);
}

/* Letters, not bytes: continuation bytes of UTF-8 do not count. */
static size_t count_letters(struct span s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

/* Names stand in queue keys ("connector/destination"), log lines and paths of the API. */
static void check_name(struct reading *r, const struct node *node)
{
    size_t letters = count_letters(node->name);
    bool is_trimmed = span_trim(node->name).n == node->name.n;
    if (letters >= 1 && letters <= NAME_LETTERS_MAX && is_trimmed &&
        span_find(node->name, '/') == node->name.n)
        return;
    problem_error(r->problems, node,
                  SPAN("use 1 to 64 letters without \"/\" and without blanks at the ends"),
                  "\"" SPAN_FMT "\" cannot be a connector's name", SPAN_ARG(node->name));
}

/* Names that differ only in case would be confused by people, and are one name to Exchange. */
static void check_name_is_new(struct reading *r, const struct node *node, struct map *names)
{
    char *folded = arena_text(r->arena, node->name);
    text_lower_all(folded, node->name.n);
    const struct node *before = map_set(names, span_of(folded), (void *)(uintptr_t)node);
    if (before)
        problem_error(r->problems, node, SPAN("give one of them another name"),
                      "the name differs only in case from \"" SPAN_FMT "\" in line %u",
                      SPAN_ARG(before->name), before->key_line);
}

void schema_read_named(struct reading *r, const struct schema_key *key, struct node *node,
                       void *object)
{
    if (node->kind != NODE_MAP) {
        if (!tree_is_empty(node))
            value_wrong_kind(r, node, "a map of names");
        return;
    }
    void *defaults = arena_alloc(r->arena, key->map->size);
    schema_set_defaults(key->map, r->arena, defaults);
    char *items = arena_alloc_array(r->arena, key->map->size, node->count ? node->count : 1);
    char *item = items;
    struct map names;
    map_init(&names);
    for (struct node *child = node->first; child; child = child->next) {
        size_t before = r->problems->errors;
        struct span name = arena_copy(r->arena, child->name);
        memcpy(item, defaults, key->map->size);
        memcpy(item, &name, sizeof(name));
        check_name(r, child);
        check_name_is_new(r, child, &names);
        schema_read_map(r, key->map, child, item);
        child->broken = r->problems->errors != before;
        item += key->map->size;
    }
    map_done(&names);
    memcpy((char *)object + key->offset, &items, sizeof(items));
    memcpy((char *)object + key->count_offset, &node->count, sizeof(node->count));
}
