/* sentinel: connects to each own listener as a stranger would, and compares what it sees with the
 * selection. One visit after another from this machine itself, HELO "sentinel": without and with
 * the connector's name (SNI), and as clients that can verify only one kind of key, as far as the
 * connector has a certificate of that kind. What is judged is the connector that answers this
 * machine; others that share its listener are not seen. With implicit TLS a connection counts as
 * the offer. A listener that turns the visit away for now (421) tells nothing. On the main loop. */
#ifndef SERVICE_SENTINEL_H
#define SERVICE_SENTINEL_H

#include "policy/diagnose.h"
#include "service/world.h"

struct sentinel;

struct sentinel *sentinel_new(struct world *world);
void sentinel_free(struct sentinel *sentinel);
/* A new snapshot is in force: looks soon, once for several changes in a row. */
void sentinel_snapshot_changed(struct sentinel *sentinel);
/* Looks now (again, if it is already looking). fn may be NULL; facts and findings (of the wire
 * alone) live until it returns. */
typedef void sentinel_fn(void *context, const struct wire_fact *facts, size_t count,
                         const struct findings *findings);
void sentinel_look(struct sentinel *sentinel, sentinel_fn *fn, void *context);
/* What was seen last; copies into the arena. */
size_t sentinel_last(struct sentinel *sentinel, struct arena *arena,
                     const struct wire_fact **facts);

#endif
