/* way: which recipients go by a send connector, or to a next hop: what a listing of the queue says
 * of them, as a filter for the store. */
#ifndef SERVICE_ADMIN_WAY_H
#define SERVICE_ADMIN_WAY_H

#include "service/world.h"
#include "store/queue.h"

struct way;

/* Patterns (text_glob; empty: any) for the connector's name, and for the next hop as listings show
 * it ("out/smart-hosts"); both live as long as the way. Keeps the snapshot until way_free. */
struct way *way_new(struct snapshot *snapshot, struct span connector, struct span next_hop);
void way_free(struct way *way); /* may be NULL */

/* Where the recipient goes by the snapshot's document; where nothing takes it, where it was tried
 * last. */
queue_goes_fn way_goes;

#endif
