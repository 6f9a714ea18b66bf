/* passphrase: from a file or a prompt without echo, never from the command line, where every user
 * of the machine could read it. */
#ifndef CLI_PASSPHRASE_H
#define CLI_PASSPHRASE_H

#include "cli/command.h"

enum { PASSPHRASE_MAX = 1024 };

/* The first line of --passphrase-file; else, where there is a terminal, what is typed (`twice` to
 * be sure). ERR_NOT_FOUND: neither. On failure the message was given. The caller wipes it with
 * passphrase_done. */
enum err passphrase_read(struct command *c, bool twice, struct buf *passphrase) MUST_USE;
/* Only from --passphrase-file; empty where it is absent. */
enum err passphrase_read_file(struct command *c, struct buf *passphrase) MUST_USE;
/* Asks on the terminal, without echo. ERR_NOT_FOUND: there is none. Says nothing. */
enum err passphrase_ask(const char *prompt, struct buf *line) MUST_USE;
bool passphrase_can_ask(void);
void passphrase_done(struct buf *passphrase);

#endif
