/* offline: the document and the certificates, read from files without a daemon. */
#ifndef CLI_OFFLINE_H
#define CLI_OFFLINE_H

#include "cli/command.h"
#include "present/view.h"

struct offline {
    struct document *document; /* of --config; NULL: none was named */
    struct certificate_set *set;
    struct view view;
};

/* Whether --offline or --config wishes it, or no daemon answers and there is a folder to read. */
bool offline_is_wished(struct command *c);
/* The view at a moment. Otherwise the message was given and the exit code is returned. Close it in
 * each case. */
int offline_open(struct command *c, int64_t at_ms, struct offline *o);
/* For what is about connectors: a document must be named. */
int offline_needs_document(struct command *c, const struct offline *o);
void offline_close(struct offline *o);

#endif
