/* shell_select: properties as Format-List, Format-Table and Select-Object are given them: names,
 * also with wildcards, and calculated ones: @{n='Ends'; e={$_.NotAfter}}. */
#ifndef CLI_SHELL_SELECT_H
#define CLI_SHELL_SELECT_H

#include "cli/shell.h"

enum { SELECT_COLUMNS_MAX = 200 };

struct select_column {
    struct span name;
    struct shell_value *by; /* a block or the property's name */
};

struct select_columns {
    struct select_column items[SELECT_COLUMNS_MAX];
    size_t count;
};

/* The columns that `wanted` (a value or list) means for these items. False after a failure. */
bool select_read(struct shell *s, const struct shell_value *wanted, const struct shell_list *items,
                 struct select_columns *columns);
/* The columns of a type's default view: "Thumbprint Services Subject", where "Services=Letters"
 * shows the property Letters under the title Services. */
void select_usual(struct shell *s, const char *words, struct select_columns *columns);
/* An object of these columns only. NULL after a failure. */
struct shell_value *select_project(struct shell *s, struct shell_value *item,
                                   const struct select_columns *columns);

#endif
