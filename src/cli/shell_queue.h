/* shell_queue: what the cmdlets about queues and about messages share. A queue is what waits for
 * one next hop; its identity is "SERVER\connector/destination". */
#ifndef CLI_SHELL_QUEUE_H
#define CLI_SHELL_QUEUE_H

#include "cli/shell_cmdlets.h"

/* Calls visit for each message that waits, until it returns false. False after a failure. */
typedef bool queue_message_fn(void *context, const json_t *message);
bool queue_messages(struct shell *s, const char *state, queue_message_fn *visit, void *context);

/* "hold", "release", "retry" or "remove" for what the filter (released) matches; adds to *count. */
bool queue_change(struct shell *s, const char *action, json_t *filter, int64_t *count);
/* The same for those recipients of one message that wait for a next hop; all where it is empty. */
bool queue_change_message(struct shell *s, const char *action, const json_t *message,
                          struct span hop, int64_t *count);

/* -Filter {Status -eq 'Retry' -and MessageCount -gt 5} or the same as a text. True where it is
 * absent. False after a failure. */
bool queue_passes(struct cmdlet_call *call, struct shell_value *object, bool *matches);
/* -ResultSize: Unlimited or a number; 1000 where it is absent. False after a failure. */
bool queue_result_size(struct cmdlet_call *call, size_t *count);
/* What stands behind the server's name in an identity. */
struct span queue_local_part(struct shell *s, struct span identity);

#endif
