/* queue_filter: the filter options of the queue's verbs, as the API wants them. */
#ifndef CLI_QUEUE_FILTER_H
#define CLI_QUEUE_FILTER_H

#include "cli/command.h"

/* An object with a member for each filter that is given, an empty one where there is none. NULL:
 * wrong usage, the message was given. */
json_t *queue_filter_read(struct command *c);
/* Whether all words are queue ids; otherwise the message was given. An id that could not be sent
 * would drop out of the filter and let it match more. */
bool queue_ids_check(struct command *c);
void queue_filter_add_query(struct buf *target, const json_t *filter);

#endif
