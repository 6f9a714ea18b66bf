/* deliver: the journey out. The scheduler of one thread: what waits for which next hop, what is
 * due, how many connections each next hop gets. The queue in the store is the truth; here are only
 * small notes about each waiting recipient. */
#ifndef SERVICE_DELIVER_H
#define SERVICE_DELIVER_H

#include "mail/envelope.h"
#include "store/queue.h"

struct world;
struct deliver;

/* Reads all that waits in the store (before it is started). `why` gets a sentence on failure. */
enum err deliver_new(struct world *world, struct deliver **deliver, struct buf *why) MUST_USE;
enum err deliver_start(struct deliver *d) MUST_USE;
/* Lets deliveries that are under way finish for a few seconds, then stops the thread. What is cut
 * off is repeated at the next start. */
void deliver_stop(struct deliver *d);
void deliver_free(struct deliver *d);

/* From any thread; all copy what they are given. */

/* A message is durable in the queue. */
void deliver_arrived(struct deliver *d, const struct envelope *envelope);
/* The document has changed: routes are decided anew. */
void deliver_document_changed(struct deliver *d);
/* The wall clock was moved: what is due by it is done now, without waiting for timers that began
 * before. */
void deliver_time_passed(struct deliver *d);
void deliver_acted(struct deliver *d, enum queue_action action, const struct queue_acted *acted,
                   size_t count);

struct deliver_next_hop {
    struct span key, connector, destination;
    struct span state; /* "idle", "active", "retry", "held", "unreachable" */
    struct span last_error;
    uint64_t waiting;   /* recipients that wait: neither held nor being sent */
    uint64_t in_flight; /* recipients */
    uint64_t connections;
    int64_t next_attempt_ms, last_attempt_ms; /* 0: none */
};
typedef void deliver_next_hops_fn(void *context, const struct deliver_next_hop *hops, size_t count);
/* fn is called on `loop`; the hops live until it returns. */
void deliver_next_hops(struct deliver *d, struct loop *loop, deliver_next_hops_fn *fn,
                       void *context);

#endif
