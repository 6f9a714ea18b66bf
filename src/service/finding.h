/* finding: what is wrong with a receive connector's certificate, in the words of events. One
 * judgement for the event that is recorded and for the status that is asked for. Pure. */
#ifndef SERVICE_FINDING_H
#define SERVICE_FINDING_H

#include "service/snapshot.h"
#include "store/events.h"

/* False: nothing is wrong. Spans of the finding live in the arena, the snapshot, or for ever. */
bool finding_of_connector(struct arena *arena, const struct connector_tls *tls, int64_t now_ms,
                          struct event *finding);

#endif
