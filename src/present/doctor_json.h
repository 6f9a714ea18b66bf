/* doctor_json: every rule of the fault catalogue over what is known, as JSON. */
#ifndef PRESENT_DOCTOR_JSON_H
#define PRESENT_DOCTOR_JSON_H

#include <jansson.h>

#include "policy/diagnose.h"
#include "present/view.h"

/* Adds what the view and the wire tell. */
void doctor_findings(struct findings *findings, const struct view *view,
                     const struct wire_fact *wire, size_t wire_count);
/* {"health", "findings", "time", "listeners", "published"}: what was seen of each listener, and
 * what is published about the own names (published_json.h) */
json_t *doctor_to_json(const struct view *view, const struct wire_fact *wire, size_t wire_count);
/* One look at a listener. */
json_t *wire_fact_to_json(const struct wire_fact *fact);

#endif
