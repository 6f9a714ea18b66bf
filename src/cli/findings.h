/* findings: diagnoses as text. */
#ifndef CLI_FINDINGS_H
#define CLI_FINDINGS_H

#include <jansson.h>

#include "cli/terminal.h"

/* What, consequence and remedy, whole, as the remedy is there to be pasted; in_full: with the
 * evidence. Returns the number of lines. */
size_t finding_add(struct buf *out, const struct terminal *t, const json_t *finding, bool in_full);
/* Commands below each other: "remedy      one", "or          other". */
size_t remedy_add(struct buf *out, const struct terminal *t, struct span remedy);

#endif
