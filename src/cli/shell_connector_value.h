/* shell_connector_value: the values of a connector's keys as Exchange writes them, and back. Which
 * key is meant is the schema's matter (its .exchange names). Pure. */
#ifndef CLI_SHELL_CONNECTOR_VALUE_H
#define CLI_SHELL_CONNECTOR_VALUE_H

#include "cli/shell_value.h"
#include "conf/schema.h"

/* A key of a connector's JSON as a property: 00:05:00, "36 MB (37,748,736 bytes)", "SMTP:*;1",
 * Unlimited. */
struct shell_value *connector_property(struct arena *a, const struct schema_key *key,
                                       const json_t *value);

/* A parameter's value as the member to send. $null and empty become JSON null, which removes the
 * key; @{Add=...; Remove=...} changes the list that `current` (may be NULL) is. ERR_SYNTAX with a
 * sentence in `why`. The caller releases *member. */
enum err connector_member(struct arena *a, const struct schema_key *key,
                          const struct shell_value *value, const json_t *current, json_t **member,
                          struct buf *why) MUST_USE;

#endif
