/* store: the data folder. One SQLite database (state.db: WAL, synchronous FULL) with the process's
 * only connection, owned by one thread; segment files for message contents and for the journal of
 * commits, which the database follows. Everything that waits is written with one flush (group
 * commit). A failed flush is never retried: the process stops, as what the disk holds is unknown
 * then.
 *
 * Folder: state.db, segments/, lock, reserve (only takes space), admin.sock, certificates/. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"
#include "io/loop.h"

struct store;

/* Opens or makes the folder (0700) and its database, upgrades its form, removes what an interrupted
 * run left. Takes a lock: ERR_BUSY where another process holds it. `why` gets a sentence with what
 * to do. */
enum err store_open(const char *directory, struct store **store, struct buf *why) MUST_USE;
/* Starts the store's thread; before that, calls run on the caller's thread (for the start and for
 * tests). */
enum err store_start(struct store *store) MUST_USE;
/* Commits what waits, then stops. */
void store_close(struct store *store);

struct store_statistics {
    uint64_t commits, arrivals, updates;
    /* In the queue now; what was done may be counted for a fraction of a second more. */
    uint64_t messages, recipients;
    uint64_t bytes; /* of content */
};
/* From any thread. */
struct store_statistics store_statistics(struct store *store);

#endif
