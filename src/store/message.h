/* message: a queued message in memory, with the way to its content. Counted; immutable once others
 * can see it.
 *
 * A small content is held in memory, so what was checked is what is delivered and its segment may
 * do what it likes. A large one is an open file, which stays readable also after it was unlinked.
 */
#ifndef STORE_MESSAGE_H
#define STORE_MESSAGE_H

#include <stdatomic.h>

#include "store/queue.h"
#include "store/segments.h"

struct stored_message {
    struct queued_message message; /* first, so that the one is the other */
    _Atomic unsigned references;
    struct arena arena;
    struct place place;
    char *content; /* of a small one; NULL before it was read, and for a listed message */
    int file;      /* of a large one, else -1 */
    /* In the cache of fresh messages, under its lock. */
    struct list fresh;
    size_t fresh_cost;
};

/* One reference, no content. */
struct stored_message *stored_message_new(void);

/* Reads and checks the content at message->place. ERR_NOT_FOUND: no such segment; ERR_CORRUPT;
 * ERR_IO. */
enum err stored_message_load(struct stored_message *m, const struct segments *segments) MUST_USE;

#endif
