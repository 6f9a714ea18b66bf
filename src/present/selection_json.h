/* selection_json: selections, explanations and plans as JSON. */
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

struct explain {
    struct span connector;
    struct span sni;                       /* empty: the connector's own name */
    struct span if_removed;                /* thumbprint; empty: none */
    const struct certificate *if_imported; /* NULL: none */
    enum chain_state imported_chain;
};
/* Why the connector presents what it presents at view->now_ms. ERR_NOT_FOUND, ERR_RANGE with `why`:
 * no such connector, no such certificate. */
enum err explain_to_json(const struct view *view, const struct explain *explain, json_t **value,
                         struct buf *why) MUST_USE;

#endif
