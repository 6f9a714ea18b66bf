/* journal_inside: what the files of the journal share. */
#ifndef STORE_JOURNAL_INSIDE_H
#define STORE_JOURNAL_INSIDE_H

#include "store/inside.h"
#include "store/journal.h"
#include "store/queue_rows.h"

/* A message that is not in the database yet. */
struct journal_arrival {
    struct message_id id;
    size_t count, left; /* recipients; those that are not done */
    bool *is_done;      /* for each recipient */
};

struct journal_entry {
    struct journal_entry *next;
    char *octets; /* the record's content */
    struct place place;
    int64_t came_ms; /* monotonic */
    size_t arrival_count;
    struct journal_arrival arrivals[];
};

/* How far the database has followed. */
struct journal_position {
    uint64_t segment, offset, epoch, sequence;
};
/* ERR_NOT_FOUND: there was never a journal. */
enum err journal_position_read(struct store *store, struct journal_position *position) MUST_USE;
/* Within a transaction. */
enum err journal_position_write(struct store *store,
                                const struct journal_position *position) MUST_USE;

/* The id in a record's header. */
struct message_id journal_key(uint64_t epoch, uint64_t sequence);

/* Makes rows of the first entries, so many at most, and notes the position behind the last of them,
 * in a transaction that is not flushed. `gone` is for queue_gone_settle. */
enum err journal_make_rows(struct store *store, size_t most, struct queue_gone *gone) MUST_USE;
/* Forgets the first entries, which are rows. */
void journal_drop(struct journal *j, size_t count);

#endif
