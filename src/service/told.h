/* told: findings that were made known. Each is recorded and logged once per cause, again when its
 * cause or its stage changes, and once more when it is mended. On the main loop. */
#ifndef SERVICE_TOLD_H
#define SERVICE_TOLD_H

#include "policy/finding.h"
#include "service/world.h"

struct told;

struct told *told_new(struct world *world);
void told_free(struct told *told);

/* One look: told_begin, every finding of the look, told_end. What was told before and is not found
 * this time has been mended. */
void told_begin(struct told *told);
void told_add(struct told *told, const struct finding *finding);
void told_end(struct told *told);

#endif
