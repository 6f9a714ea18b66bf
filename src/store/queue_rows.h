/* queue_rows: the rows of messages and recipients, read and written within the transaction of a
 * batch. Store's thread. */
#ifndef STORE_QUEUE_ROWS_H
#define STORE_QUEUE_ROWS_H

#include "store/inside.h"
#include "store/message.h"
#include "store/queue.h"

/* While the store opens: counts what is queued and tells the segments which contents are needed. */
enum err queue_rows_count(struct store *store) MUST_USE;

enum err queue_rows_insert(struct store *store, const struct queue_arrival *arrival,
                           const struct place *content) MUST_USE;

/* What a transaction took out of the queue; takes effect in memory only once it is durable. */
struct queue_gone {
    struct place *places; /* of messages whose last recipient went */
    size_t messages, capacity;
    uint64_t recipients;
};
void queue_gone_reset(struct queue_gone *gone);
/* A message that went with its last recipients. */
void queue_gone_add(struct queue_gone *gone, const struct place *content, uint64_t recipients);
void queue_gone_done(struct queue_gone *gone);
/* After COMMIT. */
void queue_gone_settle(struct store *store, const struct queue_gone *gone);

/* Removes a recipient, and the message with its last one. One that is not there is no error. */
enum err queue_rows_remove(struct store *store, const struct message_id *id, uint32_t number,
                           struct queue_gone *gone) MUST_USE;
enum err queue_rows_update(struct store *store, const struct queue_update *update,
                           struct queue_gone *gone) MUST_USE;

/* Which recipients to read: all, or these in rising order. */
struct recipient_choice {
    const uint32_t *numbers;
    size_t count;
    bool is_all;
};
/* A message without its content; ERR_NOT_FOUND where it has gone, or none of the recipients is
 * left. */
enum err queue_rows_get(struct store *store, const struct message_id *id,
                        struct recipient_choice choice, struct stored_message **m) MUST_USE;

#endif
