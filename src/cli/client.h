/* client: requests to the daemon's API over the Unix socket in its data folder. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "cli/command.h"

/* A request target, "/v1/queue/messages?sender=a%40b": client_target begins it, the others add to
 * it. */
void client_target(struct buf *target, const char *path);
/* A further part of the path, escaped. */
void client_add_part(struct buf *target, struct span part);
/* A query parameter; left out where the value is empty. */
void client_add_query(struct buf *target, const char *name, struct span value);

/* Whether a daemon listens there now. Says nothing. */
bool client_is_reachable(struct command *c);

struct request {
    const char *method; /* "GET" */
    struct buf *target;
    const char *content_type; /* NULL: no body */
    struct span body;
};

/* Asks and waits. CLI_DONE: *answer is the JSON value (NULL where there is none), to be released.
 * Otherwise the message was given and the exit code is returned; only for a refused document (422)
 * and a refused change (409) *answer is set as well, without a message, as its
 * problems or its plan are the caller's to show. */
int client_ask(struct command *c, const struct request *request, json_t **answer);
/* GET of a target. */
int client_get(struct command *c, struct buf *target, json_t **answer);
/* A request with a JSON body, which is released; NULL: an empty one. */
int client_send(struct command *c, const char *method, struct buf *target, json_t *body,
                json_t **answer);

/* GET whose answer comes in pieces, for as long as it takes. take returns false to end it. */
typedef bool client_piece_fn(void *context, struct span piece);
int client_stream(struct command *c, struct buf *target, client_piece_fn *take, void *context);

#endif
