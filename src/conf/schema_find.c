#include "base/text.h"
#include "conf/schema.h"

const struct schema_key *schema_find(const struct schema_map *map, struct span name)
{
    for (const struct schema_key *key = map->keys; key->name; key++)
        if (span_eq(name, span_of(key->name)))
            return key;
    return NULL;
}

enum { DISTANCE_LETTERS_MAX = 40 }; /* longer than any key */

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein's distance with one row. */
size_t schema_distance(struct span a, struct span b, size_t limit)
{
    size_t row[DISTANCE_LETTERS_MAX + 1];
    if (a.n > DISTANCE_LETTERS_MAX || b.n > DISTANCE_LETTERS_MAX)
        return limit;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            bool same = text_lower(a.p[i - 1]) == text_lower(b.p[j - 1]);
            size_t changed = diagonal + !same;
            diagonal = row[j];
            row[j] = least(changed, row[j] + 1, row[j - 1] + 1);
        }
    }
    return row[b.n] < limit ? row[b.n] : limit;
}

const struct schema_key *schema_nearest(const struct schema_map *map, struct span name,
                                        const char **product)
{
    const struct schema_key *nearest = NULL;
    size_t least_distance = name.n / 3 + 2;
    *product = NULL;
    for (const struct schema_key *key = map->keys; key->name; key++) {
        bool exchange = key->exchange && span_ieq(name, span_of(key->exchange));
        if (exchange || (key->postfix && span_ieq(name, span_of(key->postfix)))) {
            *product = exchange ? "Exchange" : "Postfix";
            return key;
        }
        size_t distance = schema_distance(name, span_of(key->name), least_distance);
        if (distance < least_distance) {
            least_distance = distance;
            nearest = key;
        }
    }
    return nearest;
}
