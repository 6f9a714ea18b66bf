/* selection_json: selections and plans as JSON. */
#ifndef PRESENT_SELECTION_JSON_H
#define PRESENT_SELECTION_JSON_H

#include <jansson.h>

#include "present/view.h"

/* {"chosen", "reason", "detail", "match", "expired", "fallback"} */
json_t *verdict_to_json(const struct verdict *verdict);

/* {"refused", "refusal", "remedy", "connectors": [{"connector", "effect", "before", "after",
 * "text", "consequence"}], "send-connectors", "superseded", "findings"}. Connectors with the effect
 * "same" are listed as well. */
json_t *plan_to_json(const struct plan *plan);

/* {"thumbprint", "names", "expires", "name-covered", "expired"}, or null where nothing is chosen.
 */
json_t *selection_to_json(const struct selection *selection);
/* Entries of "connectors" and "send-connectors". */
json_t *plan_connector_to_json(const struct plan_connector *c);
json_t *plan_send_connector_to_json(const struct plan_send_connector *c);

#endif
