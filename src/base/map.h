/* map: byte strings to pointers. Keys are copied in. The hash is keyed with random bytes
 * (SipHash-1-3), so peers that choose keys cannot choose collisions. Values are borrowed. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdint.h>

#include "base/span.h"

struct map_entry;

struct map {
    struct map_entry **slots;
    size_t count, size;
    uint64_t seed[2];
};

void map_init(struct map *m);
void map_done(struct map *m);
/* The same for values that free() frees. */
void map_done_with_values(struct map *m);
/* NULL where the key is not in the map. */
void *map_get(const struct map *m, struct span key);
/* Sets or replaces; returns the value that stood there before, or NULL. value must not be NULL. */
void *map_set(struct map *m, struct span key, void *value);
/* Removes and returns the value, or NULL. */
void *map_remove(struct map *m, struct span key);
/* Calls visit for each entry, in no order; visit must not change the map. */
void map_each(const struct map *m, void (*visit)(struct span key, void *value, void *context),
              void *context);

#endif
