/* certificates: lists of certificates as text. */
#ifndef CLI_CERTIFICATES_H
#define CLI_CERTIFICATES_H

#include "cli/command.h"

/* The answer of GET /v1/certificates: a line for each certificate and request, and what cannot be
 * used. */
void certificates_say(struct command *c, const json_t *answer);

#endif
