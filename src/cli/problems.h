/* problems: what is wrong with a document, and what became of a change, as text. */
#ifndef CLI_PROBLEMS_H
#define CLI_PROBLEMS_H

#include "cli/command.h"

/* The API's problems: "sealpost.yaml:12:5: error: path: text" and the remedy below it. Without a
 * file, places are left out: they mean nothing to who did not write the text. */
void problems_say(struct command *c, struct span file, const json_t *problems);

/* Shows the answer to a change (its diff, plan, revision, problems) and releases it; returns the
 * exit code. code is what the request ended with; file names the document in problems. */
int change_say(struct command *c, struct span file, int code, json_t *answer);

/* A diff, line by line, in the colours of diffs. */
void diff_say(struct command *c, struct span diff);

#endif
