/* value: one value of the document, from the tree into its struct and from there to JSON. */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include <jansson.h>

#include "conf/problem.h"
#include "conf/schema.h"

struct reading {
    struct arena *arena; /* the document's */
    struct problems *problems;
};

/* Every key's default, into a zeroed object. */
void schema_set_defaults(const struct schema_map *map, struct arena *arena, void *object);
/* Reads a map into an object that holds the defaults. Problems mark the nodes as broken. */
void schema_read_map(struct reading *r, const struct schema_map *map, struct node *node,
                     void *object);
/* Reads a map of names to maps into an array of objects that begin with their name (struct span).
 */
void schema_read_named(struct reading *r, const struct schema_key *key, struct node *node,
                       void *object);
/* Reads one value; an error leaves the object as it was. */
void value_read(struct reading *r, const struct schema_key *key, struct node *node, void *object);
void value_read_list(struct reading *r, const struct schema_key *key, struct node *node,
                     void *object);
/* One domain, or pattern where wildcard is given; false after an error. */
bool value_read_domain(struct reading *r, const struct node *node, struct span text, bool *wildcard,
                       struct span *domain);
/* One endpoint into *item; false after an error. */
bool value_read_endpoint(struct reading *r, const struct schema_key *key, struct node *node,
                         void *item);
/* One absolute path; false after an error. */
bool value_read_path(struct reading *r, const struct node *node, struct span *path);
/* "expected ..., not ..." for a node of the wrong kind. */
void value_wrong_kind(struct reading *r, const struct node *node, const char *expected);

/* NULL where nothing is set. The form is the one the document is written in: "36MB", "unlimited".
 */
json_t *value_to_json(const struct schema_key *key, const void *object);
json_t *value_endpoint_to_json(const void *item);
json_t *value_list_to_json(const struct schema_key *key, const void *object);
json_t *value_text(const char *format, ...) PRINTF_LIKE(1, 2);
json_t *value_string(struct span s);
/* A number as the document writes it: "36MB", "5m", "99%", "25". */
void value_add_number(struct buf *out, const struct schema_key *key, uint64_t value);

uint64_t value_load(const struct schema_key *key, const void *object);
void value_store(const struct schema_key *key, void *object, uint64_t value);

#endif
