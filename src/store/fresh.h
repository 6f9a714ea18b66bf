/* fresh: messages that were accepted a moment ago, whole, so that relaying them reads nothing back.
 * Bounded; the oldest go first. A message leaves as soon as anything about it changes. Any thread.
 */
#ifndef STORE_FRESH_H
#define STORE_FRESH_H

#include <pthread.h>

#include "base/list.h"
#include "base/map.h"
#include "store/message.h"

struct fresh {
    pthread_mutex_t lock;
    struct map table; /* id to struct stored_message */
    struct list oldest;
    size_t cost; /* of all, in octets */
};

void fresh_init(struct fresh *f);
void fresh_done(struct fresh *f);
/* Takes the reference over. */
void fresh_add(struct fresh *f, struct stored_message *m);
/* A further reference, or NULL. */
struct stored_message *fresh_get(struct fresh *f, struct message_id id);
void fresh_drop(struct fresh *f, struct message_id id);

#endif
