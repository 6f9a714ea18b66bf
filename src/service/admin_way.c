#include "service/admin_way.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/text.h"
#include "policy/route.h"

struct way {
    struct snapshot *snapshot;
    struct span connector, next_hop;
    struct map known;  /* domain -> address of YES or NO, for messages up to any_size */
    uint64_t any_size; /* no connector is too small for a message of this size */
};

static char yes, no;

static uint64_t smallest_limit(const struct document *d)
{
    uint64_t smallest = UINT64_MAX;
    for (size_t i = 0; i < d->send_connector_count; i++)
        if (d->send_connectors[i].max_message_size < smallest)
            smallest = d->send_connectors[i].max_message_size;
    return smallest;
}

struct way *way_new(struct snapshot *snapshot, struct span connector, struct span next_hop)
{
    struct way *w = calloc(1, sizeof(*w));
    if (!w)
        abort();
    w->snapshot = snapshot_keep(snapshot);
    w->connector = connector;
    w->next_hop = next_hop;
    w->any_size = smallest_limit(snapshot->document);
    map_init(&w->known);
    return w;
}

void way_free(struct way *way)
{
    if (!way)
        return;
    map_done(&way->known);
    snapshot_release(way->snapshot);
    free(way);
}

static bool fits(const struct way *w, struct span connector, struct span next_hop)
{
    return (w->connector.n == 0 || text_glob(w->connector, connector)) &&
           (w->next_hop.n == 0 || text_glob(w->next_hop, next_hop));
}

bool way_goes(void *context, const struct queue_place *place)
{
    struct way *w = context;
    bool is_small = place->size <= w->any_size;
    const char *known = is_small ? map_get(&w->known, place->domain) : NULL;
    if (known)
        return known == &yes;
    struct arena arena = ARENA_INIT;
    struct route route = route_select(&arena, w->snapshot->document, place->domain, place->size);
    bool goes;
    if (route.found) {
        goes = fits(w, route.next_hop.connector->name, route.next_hop.key);
        if (is_small)
            map_set(&w->known, place->domain, goes ? &yes : &no);
    } else {
        goes = fits(w, place->last_connector,
                    queue_next_hop_text(&arena, place->last_connector, place->last_next_hop));
    }
    arena_done(&arena);
    return goes;
}
