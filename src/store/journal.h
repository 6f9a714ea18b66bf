/* journal: commits that are durable and not yet in the database.
 *
 * A commit is a record in the current segment, behind the contents that came with it, so one flush
 * makes all of a batch durable, and everybody is answered after it. The database follows: some
 * milliseconds later many commits at once become rows, in a transaction that nobody waits for and
 * that is not flushed. A message that came and went in the meantime never becomes a row at all.
 *
 * The database says how far it has followed, in the same transaction as the rows. At a start, what
 * stands behind that place is done again (journal_replay). Records are only needed in the current
 * segment: before another becomes that, the database follows and is flushed. Records carry the
 * segment's epoch, a random number, and rise by one, so that neither what an earlier use of the
 * file left behind nor a message's content is ever taken for one.
 *
 * All runs on the store's thread. */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "base/buf.h"
#include "base/map.h"
#include "store/queue.h"
#include "store/segments.h"

enum { JOURNAL_ALL = 1 << 30 };

struct journal_entry;

struct journal {
    uint64_t epoch, next_sequence;
    struct journal_entry *first, **last; /* what the database has to follow */
    size_t count, octets;
    int64_t due_ms;      /* monotonic; when it should follow */
    struct map arrivals; /* id to struct journal_arrival, of messages in these */
};

void journal_init(struct journal *j);
void journal_done(struct journal *j);

/* ---- writing ---- */

/* Makes sure that there is a current segment with room. ERR_FULL, ERR_IO: nothing has changed. */
enum err journal_make_room(struct store *store) MUST_USE;
/* The same, but gives up the current segment where nothing in it is needed. */
enum err journal_make_empty(struct store *store) MUST_USE;
/* Between segments_begin and segments_write, behind the contents: appends the record of a commit,
 * made by journal_record_encode, and sets its place and the places of the contents. */
enum err journal_append(struct store *store, struct segment_piece *record, struct place *place,
                        struct place *contents, size_t count) MUST_USE;
/* Once it is durable: has the database follow. Takes the record's memory. */
void journal_add(struct store *store, struct buf *record, const struct place *place,
                 const struct queue_commit *commit, int64_t now_ms);

/* ---- the database ---- */

/* Monotonic time when it should follow; 0: there is nothing. */
int64_t journal_due_ms(const struct journal *j);
/* Whether it is so far behind that others have to wait for it. */
bool journal_is_long(const struct store *store, int64_t now_ms);
/* How many commits it should follow by at once, then: about a millisecond's work, more only where
 * it would fall behind further. */
size_t journal_step(const struct store *store);
/* Has it follow by so many commits at most. ERR_FULL: later. Any other failure ends the process;
 * the journal stands. */
enum err journal_apply(struct store *store, size_t most) MUST_USE;
/* The same for those to whom it does not matter: without space it is tried again a second later. */
void journal_follow(struct store *store, size_t most);

/* While the store opens, before anything is counted: brings in what is not in the database yet.
 * ERR_CORRUPT: records that this program cannot read. */
enum err journal_replay(struct store *store) MUST_USE;

#endif
