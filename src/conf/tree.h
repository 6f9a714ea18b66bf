/* tree: YAML text as nodes that know where they stood. Only the part of YAML that a configuration
 * needs: one document, mappings with plain text keys, lists and scalars. Refused: anchors and
 * aliases (a few bytes could grow to gigabytes), tags (the schema gives the types), duplicate keys,
 * control characters, depth and size beyond the limits. */
#ifndef CONF_TREE_H
#define CONF_TREE_H

#include "base/arena.h"
#include "base/buf.h"

enum { TREE_NODES_MAX = 500000 };

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    unsigned line, column;         /* of the value, 1-based */
    unsigned key_line, key_column; /* of its key; 0 where it has none */
    bool plain;                    /* a scalar without quotes */
    bool broken;                   /* for the reader: an error was found in it */
    struct span text;              /* a scalar's */
    struct span name;              /* its key in the map above */
    size_t index;                  /* its place in the list above */
    struct node *up, *first, *last, *next;
    size_t count; /* of its children */
};

struct problems;

/* The root (a map; empty for an empty text), or NULL after problems. Everything lives in the arena.
 */
struct node *tree_parse(struct arena *arena, struct problems *problems, struct span yaml);
/* As above, but any kind of value may stand at the top. */
struct node *tree_parse_value(struct arena *arena, struct problems *problems, struct span yaml);

/* The child of that key, or at that place; NULL where there is none. */
struct node *tree_get(const struct node *map, struct span name);
struct node *tree_at(const struct node *list, size_t index);
/* Nothing was written, or null: "key:", "~". */
bool tree_is_empty(const struct node *node);
/* "receive-connectors.internet.bind[0]"; names that hold a dot or quote are quoted. */
void tree_add_path(struct buf *out, const struct node *node);
void tree_add_name(struct buf *out, struct span name);

/* Whether it could stand in a document: UTF-8 without control characters, and not too long. */
bool tree_text_is_fit(struct span text);

/* Adds a child at the end. */
struct node *tree_add(struct arena *arena, struct node *up, struct span name);
void tree_remove(struct node *child);

#endif
