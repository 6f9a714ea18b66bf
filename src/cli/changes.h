/* changes: what changes of certificates and of the document have in common: options, and the answer
 * with its plan. */
#ifndef CLI_CHANGES_H
#define CLI_CHANGES_H

#include "cli/command.h"

/* dry-run and force, from the options. */
void changes_add_query(struct command *c, struct buf *target);
/* Comma- or blank-separated words of an option as a JSON array under a key; nothing where the
 * option is absent. */
void changes_set_list(struct command *c, json_t *body, const char *key, const char *option);
void changes_set_text(struct command *c, json_t *body, const char *key, const char *option);

/* Shows the answer to a change of certificates and releases it; returns the exit code. `done` says
 * what became of the certificate: "removed". */
int changes_say(struct command *c, int code, json_t *answer, const char *done);
/* Shows a change that was refused with its plan (409), remedy and all; returns the exit code. */
int changes_refuse(struct command *c, const json_t *answer);
/* The connectors of a plan that would fare otherwise, before and after, a line each. */
void plan_say(struct command *c, const json_t *plan);

#endif
