/* fix: the remedies of findings that can be applied without asking anybody: `doctor --fix`. Only
 * what a finding calls safe, and only commands of sealpost itself and the mode of key files. */
#ifndef CLI_FIX_H
#define CLI_FIX_H

#include "cli/command.h"

/* Says what would be done; returns how many findings can be mended. */
size_t fix_plan_say(struct command *c, const json_t *findings);
/* Does it, one after another. CLI_REFUSED where one of them failed; the others are done. */
int fix_apply(struct command *c, const json_t *findings);

/* Splits a command as the shell does, as far as remedies need it: blanks and single quotes. NULL
 * where there is more to it. The array ends with NULL; all in the arena. */
char **fix_words(struct arena *arena, struct span command, size_t *count);

#endif
