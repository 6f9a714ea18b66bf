/* One change of the text: tree in, change, text out. Comments and the author's layout are not kept.
 */
#include <stdlib.h>

#include "conf/problem.h"
#include "conf/value.h"
#include "conf/yaml_out.h"

static json_t *tree_to_json(const struct node *node)
{
    if (node->kind == NODE_SCALAR)
        return tree_is_empty(node) ? json_null() : value_string(node->text);
    json_t *out = node->kind == NODE_LIST ? json_array() : json_object();
    for (const struct node *child = node->first; child; child = child->next)
        if (node->kind == NODE_LIST)
            json_array_append_new(out, tree_to_json(child));
        else
            json_object_setn_new(out, child->name.p, child->name.n, tree_to_json(child));
    return out;
}

/* Takes the next name off a path: quoted, or the longest name that is in the map already (names may
 * hold dots), or up to the next dot. */
static enum err cut_name(struct arena *arena, const struct node *map, struct span *path,
                         struct span *name)
{
    if (span_starts(*path, SPAN("\""))) {
        char *text = arena_alloc(arena, path->n + 1);
        size_t n = 0, i = 1;
        for (; i < path->n && path->p[i] != '"'; i++) {
            if (path->p[i] == '\\' && i + 1 < path->n)
                i++;
            text[n++] = path->p[i];
        }
        if (i == path->n)
            return ERR_SYNTAX;
        *name = span_make(text, n);
        *path = span_skip(*path, i + 1);
    } else {
        size_t n = span_find(*path, '.');
        for (const struct node *child = map->first; child; child = child->next)
            if (child->name.n > n && span_starts(*path, child->name) &&
                (path->n == child->name.n || path->p[child->name.n] == '.'))
                n = child->name.n;
        *name = span_head(*path, n);
        *path = span_skip(*path, n);
    }
    if (name->n == 0 || !tree_text_is_fit(*name) || (path->n && path->p[0] != '.') || path->n == 1)
        return ERR_SYNTAX;
    *path = span_skip(*path, 1);
    return OK;
}

/* Makes the node what the value is, with all that is below it. */
static void replace(struct arena *arena, struct node *node, const struct node *value)
{
    node->kind = value->kind;
    node->plain = value->plain;
    node->text = value->text;
    node->first = node->last = NULL;
    node->count = 0;
    for (const struct node *child = value->first; child; child = child->next)
        replace(arena, tree_add(arena, node, child->name), child);
}

static enum err set_at(struct arena *arena, struct node *root, struct span path,
                       const struct node *value, struct buf *why)
{
    struct node *node = root;
    struct span whole = path, name;
    for (int depth = 1; path.n; depth++) {
        if (depth > DOCUMENT_DEPTH_MAX) {
            buf_addf(why, "the path is deeper than %d levels", DOCUMENT_DEPTH_MAX);
            return ERR_SYNTAX;
        }
        if (cut_name(arena, node, &path, &name) != OK) {
            buf_addf(why, "\"" SPAN_FMT "\" is not a path like receive-connectors.internet.fqdn",
                     SPAN_ARG(whole));
            return ERR_SYNTAX;
        }
        struct node *child = tree_get(node, name);
        if (!child && !value) {
            buf_addf(why, "there is no \"" SPAN_FMT "\" to remove", SPAN_ARG(whole));
            return ERR_NOT_FOUND;
        }
        if (!child)
            child = tree_add(arena, node, arena_copy(arena, name));
        bool is_new = child->kind == NODE_SCALAR && child->text.n == 0;
        if (path.n && (is_new || tree_is_empty(child)))
            child->kind = NODE_MAP;
        if (path.n && child->kind != NODE_MAP) {
            buf_addf(why, "\"" SPAN_FMT "\" has no keys below it", SPAN_ARG(name));
            return ERR_NOT_FOUND;
        }
        node = child;
    }
    if (value)
        replace(arena, node, value);
    else
        tree_remove(node);
    return OK;
}

static enum err explain(const struct problems *problems, struct buf *why)
{
    const struct problem *first = &problems->items[0];
    buf_addf(why, SPAN_FMT, SPAN_ARG(first->text));
    if (first->line)
        buf_addf(why, " (line %u)", first->line);
    return ERR_SYNTAX;
}

/* Writes the tree, unless path and value together became too deep or too much to be read again. */
static enum err write_readable(struct arena *arena, const struct node *root, struct buf *out,
                               struct buf *why)
{
    struct problems problems = {0};
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    json_t *json = tree_to_json(root);
    yaml_write(&text, json);
    json_decref(json);
    tree_parse(arena, &problems, buf_span(&text));
    enum err err = problems.errors ? explain(&problems, why) : buf_add(out, buf_span(&text));
    if (err == ERR_LIMIT)
        buf_add_text(why, "the document would become too large");
    problems_done(&problems);
    buf_done(&text);
    return err;
}

enum err document_edit(struct span yaml, struct span path, struct span value, struct buf *out,
                       struct buf *why)
{
    struct arena arena = ARENA_INIT;
    struct problems problems = {0};
    struct node *root = tree_parse(&arena, &problems, yaml), *node = NULL;
    enum err err = OK;
    if (value.n)
        node = tree_parse_value(&arena, &problems, value);
    if (problems.errors) {
        err = explain(&problems, why);
    } else if (path.n == 0) {
        buf_add_text(why, "the path is empty");
        err = ERR_SYNTAX;
    } else {
        err = set_at(&arena, root, path, node, why);
    }
    if (err == OK)
        err = write_readable(&arena, root, out, why);
    problems_done(&problems);
    arena_done(&arena);
    return err;
}
