/* deliver_messages: the messages that wait, by id. The links stand inside the messages, so that one
 * of a million costs no memory of its own here. */
#ifndef SERVICE_DELIVER_MESSAGES_H
#define SERVICE_DELIVER_MESSAGES_H

#include <stddef.h>

#include "mail/ids.h"

struct message_link {
    struct message_link *next; /* of the same slot */
    struct message_id id;
};

struct message_table {
    struct message_link **slots;
    size_t count, size;
};

void message_table_done(struct message_table *table);
/* No other of this id may be in it. */
void message_table_add(struct message_table *table, struct message_link *link);
/* NULL where there is none. */
struct message_link *message_table_get(const struct message_table *table, struct message_id id);
/* It has to be in the table. */
void message_table_remove(struct message_table *table, struct message_link *link);
/* In no order; visit may free the one that it is given, where the table is not used any more. */
void message_table_each(const struct message_table *table,
                        void (*visit)(struct message_link *link, void *context), void *context);

#endif
