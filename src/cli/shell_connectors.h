/* shell_connectors: what the cmdlets about connectors share. */
#ifndef CLI_SHELL_CONNECTORS_H
#define CLI_SHELL_CONNECTORS_H

#include "cli/shell_cmdlets.h"

/* Receive connectors, or send connectors, by the cmdlet's schema. */
bool connectors_is_receive(const struct cmdlet_call *call);
/* The path of all, or of one where a name is given. */
void connectors_target(const struct cmdlet_call *call, struct buf *target, struct span name);
/* The connector that -Identity ("Name" or "Server\Name", whatever its case) or the item means, as
 * the daemon's JSON, to be released. NULL after a failure. */
json_t *connectors_find(struct cmdlet_call *call);
struct shell_value *connectors_object(struct cmdlet_call *call, const json_t *connector);
/* The members of the request for the bound parameters; `current`: the connector as it is, NULL for
 * a new one. NULL after a failure. */
json_t *connectors_members(struct cmdlet_call *call, const json_t *current);

#endif
