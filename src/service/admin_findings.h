/* What is wrong right now, judged from the state of things and not from what was recorded. */
#ifndef SERVICE_ADMIN_FINDINGS_H
#define SERVICE_ADMIN_FINDINGS_H

#include "service/admin_call.h"
#include "service/deliver.h"

/* An array of findings: of the queue, of everything about certificates, of next hops. *health:
 * "green" without any, "yellow" with warnings, "red" with errors. */
json_t *admin_findings(struct admin_call *call, const struct snapshot *s,
                       const struct deliver_next_hop *hops, size_t hop_count, const char **health);

#endif
