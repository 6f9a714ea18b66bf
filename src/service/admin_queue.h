/* What the queue's handlers share. */
#ifndef SERVICE_ADMIN_QUEUE_H
#define SERVICE_ADMIN_QUEUE_H

#include "service/admin_call.h"
#include "service/deliver.h"
#include "store/queue.h"

/* Where a filter's members come from: the query of a GET, the "filter" object of an action. */
struct filter_source {
    struct admin_call *call;
    const json_t *object; /* NULL: the query */
};

/* False: the answer was given. *is_empty: nothing narrows it. What is read is given up with
 * admin_filter_done, once the store has answered. */
bool admin_read_filter(const struct filter_source *source, struct queue_filter *filter,
                       bool *is_empty) MUST_USE;
void admin_filter_done(struct queue_filter *filter);

json_t *admin_message(struct arena *arena, const struct queued_message *message,
                      const struct snapshot *s, const struct deliver_next_hop *hops,
                      size_t hop_count);
/* Next hops live until a callback returns; the copies as long as the arena. */
struct deliver_next_hop *admin_copy_hops(struct arena *arena, const struct deliver_next_hop *hops,
                                         size_t count);
json_t *admin_next_hop(const struct deliver_next_hop *hop);

#endif
