/* connectors: words about connectors and their certificates that several verbs use. */
#ifndef CLI_CONNECTORS_H
#define CLI_CONNECTORS_H

#include "cli/command.h"

/* A JSON value as one line of text: "a, b", "cost: 5". Not yet harmless. */
void value_add_text(struct buf *out, const json_t *value);
/* "9c41 0aa2": enough to tell certificates apart, and to be typed. */
void thumbprint_add(struct buf *out, struct span thumbprint);
/* What a receive connector presents: "9c41 0aa2 in 41 days", "9c41 0aa2 (fallback)", and how good
 * that is. */
enum style presented_add(struct buf *out, const json_t *presents, int64_t now_ms);
/* All members of an object, a line each; `before` stands before each name. */
void fields_say(struct command *c, const char *before, const json_t *object);

#endif
