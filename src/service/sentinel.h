/* sentinel: connects to each own listener as a stranger would, and compares what it sees with the selection. On the main loop. */
#ifndef SERVICE_SENTINEL_H
#define SERVICE_SENTINEL_H

#include "policy/diagnose.h"
#include "service/world.h"

struct sentinel;

struct sentinel *sentinel_new(struct world *world);
void sentinel_free(struct sentinel *sentinel);
/* Looks now (again, if it is already looking). fn may be NULL; facts and findings live until it returns. */
typedef void sentinel_fn(void *context, const struct wire_fact *facts, size_t count, const struct findings *findings);
void sentinel_look(struct sentinel *sentinel, sentinel_fn *fn, void *context);
/* What was seen last; copies into the arena. */
size_t sentinel_last(struct sentinel *sentinel, struct arena *arena, const struct wire_fact **facts);

#endif
