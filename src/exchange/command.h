/* command: the line that was typed in front of a print: prompt, cmdlet, parameters, what it was
 * piped to. It says of what the listing is, whose, and whether it is the whole. For this folder
 * alone. */
#ifndef EXCHANGE_COMMAND_H
#define EXCHANGE_COMMAND_H

#include "exchange/reader.h"

/* The text behind a prompt ("[PS] C:\>", "PS C:\Users\x> ", "[PS] >", "C:\>", ">>"); all of the
 * line and false where there is none. */
bool command_prompt(struct span line, struct span *typed);
/* False where no cmdlet stands in it. */
bool command_read(struct span typed, struct command *command);

/* Takes the line where it is one that was typed, and makes it the listing at hand. */
reader_part command_part;

#endif
