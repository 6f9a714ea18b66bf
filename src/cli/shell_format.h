/* shell_format: values as PowerShell lays them out: lists of "Name : value", tables, and the
 * default view of each type. */
#ifndef CLI_SHELL_FORMAT_H
#define CLI_SHELL_FORMAT_H

#include "cli/shell_select.h"

/* Format-List, Format-Table. `wanted` NULL: the properties that the type shows by default. False
 * after a failure. */
bool format_list(struct shell *s, const struct shell_list *items, const struct shell_value *wanted,
                 struct buf *out);
bool format_table(struct shell *s, const struct shell_list *items, const struct shell_value *wanted,
                  struct buf *out);
/* What stands at the end of a pipeline without a format. */
bool format_results(struct shell *s, const struct shell_list *items, struct buf *out);

#endif
