/* content: the writer's inside, for commits. */
#ifndef STORE_CONTENT_H
#define STORE_CONTENT_H

#include "store/queue.h"
#include "store/segments.h"

struct queue_writer {
    struct store *store;
    struct buf buf; /* a small content; of a large one what is not yet written */
    uint64_t size;
    uint64_t written;  /* of a large one */
    uint64_t started;  /* up to where its way to the disk was begun */
    uint32_t checksum; /* of the content so far */
    uint64_t number;   /* a large one's file */
    int file;          /* -1 while it is small */
    enum err err;      /* the first failure; stays */
};

static inline bool queue_writer_is_large(const struct queue_writer *w)
{
    return w->file >= 0;
}

/* Writes what is left of a large content and its header. ERR_FULL, ERR_IO. */
enum err queue_writer_finish(struct queue_writer *w, struct message_id id) MUST_USE;
/* Makes it durable (not its name), or ends the process. */
void queue_writer_sync(const struct queue_writer *w);

#endif
