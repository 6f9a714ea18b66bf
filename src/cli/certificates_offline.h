/* certificates_offline: the certificates in the data folder, read without a daemon. */
#ifndef CLI_CERTIFICATES_OFFLINE_H
#define CLI_CERTIFICATES_OFFLINE_H

#include "cli/command.h"

/* The answer of GET /v1/certificates, as far as files tell it. Which connector uses what is decided
 * for the document that --config names; without one nothing is said of it. Trusted roots are not
 * consulted. On failure the message was given and the exit code is returned. */
int certificates_read_offline(struct command *c, json_t **answer);

#endif
