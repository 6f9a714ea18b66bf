/* shell_change: the daemon's answers to changes, shown as the other verbs show them. */
#ifndef CLI_SHELL_CHANGE_H
#define CLI_SHELL_CHANGE_H

#include "cli/shell_cmdlets.h"

/* Adds dry-run to a target where -WhatIf was given. */
void change_add_dry_run(struct buf *target, enum cmdlet_go go);
/* Shows the plan of a change of certificates. `force` is the command that does it all the same, for
 * a refused one. False where it was refused; then the answer is released. */
bool change_say_plan(struct cmdlet_call *call, int code, json_t *answer, const char *force);
/* Shows and releases the answer to a change of the document. False where it was refused. */
bool change_say_document(struct cmdlet_call *call, int code, json_t *answer);

#endif
