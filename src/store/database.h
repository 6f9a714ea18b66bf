/* database: the one SQLite connection. WAL, synchronous FULL, exclusive locking: no other process
 * can write beside us, and there is no shared memory to keep.
 *
 * A COMMIT or checkpoint that fails with an I/O error ends the process (store_fatal), as nobody
 * knows then what the disk holds. Lack of space before a commit is an ordinary error. */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include "base/buf.h"
#include "mail/ids.h"
#include "store/statements.h"

struct sqlite3;
struct sqlite3_stmt;

struct database {
    struct sqlite3 *handle;
    struct sqlite3_stmt *statements[STATEMENT_COUNT];
    int wal_pages; /* in the write-ahead log since its last start */
    int log_file;  /* the same file, for hints to the kernel; -1: none */
};

/* Prints why to standard error and ends the process with status 70 (EX_SOFTWARE), flushing nothing.
 */
_Noreturn void store_fatal(const char *what, const char *why);

/* ERR_UNSUPPORTED: written by a newer version. `why` gets a sentence. */
enum err database_open(struct database *d, const char *path, struct buf *why) MUST_USE;
void database_close(struct database *d);

enum err database_begin(struct database *d) MUST_USE;
/* OK: durable. Else everything since begin was rolled back. */
enum err database_commit(struct database *d) MUST_USE;
/* The same, but that it is durable only with the next database_commit that changed something, or
 * checkpoint: for what can be done again from elsewhere. */
enum err database_commit_unflushed(struct database *d) MUST_USE;
void database_rollback(struct database *d);
/* Moves the write-ahead log into the database, so that it starts anew. Lack of space only leaves it
 * undone. */
void database_checkpoint(struct database *d);

/* One run of a prepared statement: parameters in the order of the question marks, then rows,
 * columns in order.
 *
 *   struct query q = query_open(d, STATEMENT_X);
 *   query_set_id(&q, id);
 *   while ((err = query_next(&q, &row)) == OK && row)
 *       n = query_number(&q);
 *   query_close(&q);
 */
struct query {
    struct database *database;
    struct sqlite3_stmt *statement;
    int parameter, column;
};

struct query query_open(struct database *d, enum statement which);
void query_set_number(struct query *q, int64_t number);
/* Borrowed until query_close. */
void query_set_text(struct query *q, struct span text);
void query_set_id(struct query *q, const struct message_id *id);
/* *row says whether there is one; false at the end. */
enum err query_next(struct query *q, bool *row) MUST_USE;
int64_t query_number(struct query *q);
/* Lives until the next row or query_close. */
struct span query_text(struct query *q);
struct message_id query_id(struct query *q);
void query_close(struct query *q);
/* Steps a statement that yields no rows, and closes it. */
enum err query_run(struct query *q) MUST_USE;
/* Rows that the last INSERT, UPDATE or DELETE touched; the row number that the last INSERT made. */
int64_t database_changes(const struct database *d);
int64_t database_last_number(const struct database *d);

#endif
