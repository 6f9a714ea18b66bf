/* The prompt: lines with history and completion by libedit. */
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/shell.h"
#include "cli/shell_cmdlets.h"

void shell_interact(struct shell *s)
{
    char line[4096];
    s->interactive = true;
    while (!s->leaves && fgets(line, sizeof(line), stdin))
        shell_execute(s, span_of(line));
}
