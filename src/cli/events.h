/* How grave an event or finding is, as a style. */
#ifndef CLI_EVENTS_H
#define CLI_EVENTS_H

#include "cli/terminal.h"

enum style level_style(struct span level);

#endif
