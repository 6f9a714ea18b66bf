/* finding_json: diagnoses as JSON. The members that events have bear the events' names. */
#ifndef PRESENT_FINDING_JSON_H
#define PRESENT_FINDING_JSON_H

#include <jansson.h>

#include "policy/finding.h"

/* {"id", "name", "fault", "severity", "level", "subject", "text" (the cause), "evidence",
 * "consequence", "remedy" (commands, separated by line ends), "safe-fix"} */
json_t *finding_to_json(const struct finding *finding);
json_t *findings_to_json(const struct findings *findings);
/* The worst severity: "green", "yellow" or "red". */
const char *findings_health(const struct findings *findings);

#endif
