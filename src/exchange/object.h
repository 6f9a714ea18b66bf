/* object: one thing as some print shows it, property by property, before anybody asks what it is.
 * Format-List, Format-Table, CLIXML and JSON all make these; object_take makes of one what it is.
 * For this folder alone. */
#ifndef EXCHANGE_OBJECT_H
#define EXCHANGE_OBJECT_H

#include "exchange/reader.h"

enum {
    OBJECT_PROPERTIES_MAX = 400, /* an Exchange server prints 120 */
    /* Where a print was wrapped: between words as far as one can tell, or in the middle of one.
     * source removes both from what is read, so nobody can forge them. */
    WRAP_BETWEEN = '\x1e',
    WRAP_WITHIN = '\x1f',
};

struct object_property {
    struct span name, text; /* text may hold the two marks of wrapping */
    bool is_list;           /* CLIXML, JSON: items instead of text */
    bool cut;               /* a cell that ends in an ellipsis */
    struct span *items;
    size_t item_count;
    unsigned line;
};

struct object {
    enum object_kind kind; /* what the print says it is, where it does */
    struct object_property *properties;
    size_t count, capacity;
    unsigned line;
};

struct object_property *object_add(struct arena *arena, struct object *o, struct span name,
                                   struct span text, unsigned line);
/* By name without regard to case; NULL: not printed. */
const struct object_property *object_find(const struct object *o, const char *name);
/* Which kind the names of the properties speak of. */
enum object_kind object_guess(const struct object *o);
/* Whether any reader knows this property. */
bool object_knows(struct span name);

/* Adds what it is to the case. False where it cannot be told, or it lacks what tells it from
 * others. */
bool object_take(struct exchange_reader *r, const struct object *o);

/* Each kind's own. */
bool certificate_take(struct exchange_reader *r, const struct object *o);
bool connector_take(struct exchange_reader *r, const struct object *o, bool sends);
bool server_take(struct exchange_reader *r, const struct object *o);
bool domain_take(struct exchange_reader *r, const struct object *o);
bool queue_take(struct exchange_reader *r, const struct object *o);
bool event_take(struct exchange_reader *r, const struct object *o);

#endif
