/* listen: the receive loops (threads) and the listeners on them. One listener per endpoint and
 * loop, so the kernel spreads connections; which connector takes a connection is decided per
 * connection (policy/accept). */
#ifndef SERVICE_LISTEN_H
#define SERVICE_LISTEN_H

#include "service/world.h"

struct listen;

struct listen *listen_new(struct world *world, unsigned loop_count);
/* Stops accepting, ends sessions (those in the middle of a message get a few seconds), joins the
 * threads. */
void listen_stop(struct listen *listen);
/* After the store was closed, which may still answer sessions that were cut off. */
void listen_free(struct listen *listen);
enum err listen_start(struct listen *listen) MUST_USE;

/* Opens what the document binds and is not yet open; nothing is closed yet. On failure everything
 * is as before and `why` names the endpoint, the connector and what to do. Sockets passed by
 * systemd (LISTEN_FDS) are used where they match. On the main loop or before it runs. */
enum err listen_open(struct listen *listen, const struct document *document,
                     struct buf *why) MUST_USE;
/* Starts the newly opened and closes those that the document no longer binds. Open sessions go on.
 */
void listen_settle(struct listen *listen, const struct document *document);
/* Closes what listen_open opened and listen_settle did not start. */
void listen_abandon(struct listen *listen);

/* Visits the endpoints that are open. */
void listen_each(struct listen *listen,
                 void (*visit)(void *context, const struct endpoint *endpoint), void *context);

#endif
