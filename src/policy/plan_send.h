/* plan_send: the part of a plan that concerns send connectors with a client certificate. */
#ifndef POLICY_PLAN_SEND_H
#define POLICY_PLAN_SEND_H

#include "policy/plan.h"

/* Fills plan->send_connectors, and adds to plan->remedy. */
void plan_send_connectors(struct arena *arena, const struct plan_state *before,
                          const struct plan_state *after, int64_t now_ms, struct plan *plan);

#endif
