#include "store/database.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "store/log_file.h"

enum {
    EXIT_UNKNOWN_DISK = 70, /* EX_SOFTWARE of sysexits.h: the supervisor starts us again */
    CACHE_KIB = 8192, /* holds the upper pages of a tree with a million recipients; what is below
                         them is old mail, and the kernel has it */
    WAL_RESERVED_BYTES = 12 << 20, /* what it grows to under load, until it is checkpointed */
    WAL_KEPT_BYTES = 64 << 20,     /* a log that grew beyond this in a burst is cut back */
};

void store_fatal(const char *what, const char *why)
{
    LOG(LOG_ERROR, "store-failed", LOG_T("what", what), LOG_T("why", why),
        LOG_T("next", "what the disk holds is unknown; the process ends and reads it anew"));
    _exit(EXIT_UNKNOWN_DISK);
}

static bool is_no_space(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

static enum err to_err(struct database *d, int result)
{
    switch (result & 255) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return OK;
    case SQLITE_FULL: return ERR_FULL;
    case SQLITE_IOERR:
        if (result == SQLITE_IOERR_FSYNC || result == SQLITE_IOERR_DIR_FSYNC)
            store_fatal("flush of the database", sqlite3_errmsg(d->handle));
        /* SQLite takes only ENOSPC for a full disk; the call that failed was the last that set
         * errno. A write that failed left no commit record, so the log is as it was. */
        return result == SQLITE_IOERR_WRITE && is_no_space(errno) ? ERR_FULL : ERR_IO;
    case SQLITE_NOMEM: abort();
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ERR_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ERR_BUSY;
    case SQLITE_CONSTRAINT: return ERR_EXISTS;
    case SQLITE_TOOBIG: return ERR_LIMIT;
    case SQLITE_READONLY:
    case SQLITE_PERM: return ERR_DENIED;
    default: return ERR_IO;
    }
}

static enum err execute(struct database *d, const char *text)
{
    return to_err(d, sqlite3_exec(d->handle, text, NULL, NULL, NULL));
}

static enum err read_version(struct database *d, int *version)
{
    sqlite3_stmt *s = NULL;
    enum err err = to_err(d, sqlite3_prepare_v2(d->handle, "PRAGMA user_version", -1, &s, NULL));
    if (err == OK)
        err = to_err(d, sqlite3_step(s));
    if (err == OK)
        *version = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    return err;
}

static enum err upgrade(struct database *d, struct buf *why)
{
    int version = 0;
    enum err err = read_version(d, &version);
    if (err == OK && version > SCHEMA_VERSION) {
        buf_addf(why,
                 "the database was written by a newer version (form %d, this program knows %d); "
                 "run that version, or restore a copy made before the upgrade",
                 version, SCHEMA_VERSION);
        return ERR_UNSUPPORTED;
    }
    for (; err == OK && version < SCHEMA_VERSION; version++) {
        char mark[64];
        sqlite3_snprintf(sizeof(mark), mark, "PRAGMA user_version = %d", version + 1);
        if ((err = database_begin(d)) != OK)
            break;
        err = execute(d, schema_steps[version]);
        if (err == OK)
            err = execute(d, mark);
        if (err == OK)
            err = database_commit(d);
        else
            database_rollback(d);
    }
    return err;
}

static enum err prepare(struct database *d)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        int result = sqlite3_prepare_v3(d->handle, statement_texts[i], -1,
                                        SQLITE_PREPARE_PERSISTENT, &d->statements[i], NULL);
        if (result != SQLITE_OK)
            return to_err(d, result);
    }
    return OK;
}

static int count_wal_pages(void *context, sqlite3 *handle, const char *name, int pages)
{
    (void)handle;
    (void)name;
    ((struct database *)context)->wal_pages = pages;
    return SQLITE_OK;
}

static enum err configure(struct database *d)
{
    char text[320];
    sqlite3_snprintf(sizeof(text), text,
                     "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                     "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
                     "PRAGMA cache_size = -%d; PRAGMA journal_size_limit = %d;"
                     "PRAGMA trusted_schema = OFF;",
                     CACHE_KIB, WAL_KEPT_BYTES);
    sqlite3_extended_result_codes(d->handle, 1);
    enum err err = execute(d, text);
    /* The hook takes the place of automatic checkpoints, which would run within a commit. */
    sqlite3_wal_hook(d->handle, count_wal_pages, d);
    return err;
}

/* Gives the log its length and blocks beforehand: a flush then need not write its inode. Where that
 * fails, commits take longer, nothing more. Zeros behind the last frame end the log as the file's
 * end does. */
static void reserve_log(struct database *d, const char *path)
{
    char log_path[PATH_MAX];
    sqlite3_snprintf(sizeof(log_path), log_path, "%s-wal", path);
    d->log_file = open(log_path, O_RDWR | O_CLOEXEC);
    if (d->log_file < 0)
        return;
    int reserved = fallocate(d->log_file, 0, 0, WAL_RESERVED_BYTES);
    (void)reserved;
}

enum err database_open(struct database *d, const char *path, struct buf *why)
{
    *d = (struct database){.log_file = -1};
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int result = sqlite3_open_v2(path, &d->handle, flags, log_file_vfs());
    if (result == SQLITE_NOMEM)
        abort();
    size_t said = why->n;
    enum err err = to_err(d, result);
    if (err == OK)
        err = configure(d);
    if (err == OK)
        err = upgrade(d, why);
    if (err == OK)
        err = prepare(d);
    if (err == OK)
        reserve_log(d, path);
    if (err != OK && why->n == said)
        buf_addf(why, "cannot use %s: %s", path, sqlite3_errmsg(d->handle));
    if (err != OK)
        database_close(d);
    return err;
}

void database_close(struct database *d)
{
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(d->statements[i]);
    sqlite3_close(d->handle);
    if (d->log_file >= 0)
        close(d->log_file);
    *d = (struct database){.log_file = -1};
}

enum err database_begin(struct database *d)
{
    return execute(d, "BEGIN");
}

enum err database_commit(struct database *d)
{
    int result = sqlite3_exec(d->handle, "COMMIT", NULL, NULL, NULL);
    enum err err = to_err(d, result);
    if (err == ERR_IO && result != SQLITE_IOERR_WRITE)
        store_fatal("commit to the database", sqlite3_errmsg(d->handle));
    if (err != OK)
        database_rollback(d);
    return err;
}

enum err database_commit_unflushed(struct database *d)
{
    log_file_put_off(d->handle, true);
    enum err err = database_commit(d);
    log_file_put_off(d->handle, false);
    /* On its way to the disk, so that the flush that comes finds little left. Only a hint. */
    int started = sync_file_range(d->log_file, 0, 0, SYNC_FILE_RANGE_WRITE);
    (void)started;
    return err;
}

void database_rollback(struct database *d)
{
    /* SQLite has rolled back by itself after some errors. */
    if (sqlite3_get_autocommit(d->handle))
        return;
    if (execute(d, "ROLLBACK") != OK)
        store_fatal("rollback of the database", sqlite3_errmsg(d->handle));
}

void database_checkpoint(struct database *d)
{
    int log_pages = 0, moved = 0;
    int result =
        sqlite3_wal_checkpoint_v2(d->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &log_pages, &moved);
    if (to_err(d, result) == ERR_IO)
        store_fatal("checkpoint of the database", sqlite3_errmsg(d->handle));
    d->wal_pages = log_pages - moved;
}

struct query query_open(struct database *d, enum statement which)
{
    return (struct query){.database = d, .statement = d->statements[which]};
}

void query_set_number(struct query *q, int64_t number)
{
    int result = sqlite3_bind_int64(q->statement, ++q->parameter, number);
    assert(result == SQLITE_OK);
}

void query_set_text(struct query *q, struct span text)
{
    int result = sqlite3_bind_text64(q->statement, ++q->parameter, text.p ? text.p : "", text.n,
                                     SQLITE_STATIC, SQLITE_UTF8);
    assert(result == SQLITE_OK);
}

void query_set_id(struct query *q, const struct message_id *id)
{
    int result =
        sqlite3_bind_blob(q->statement, ++q->parameter, id->b, sizeof(id->b), SQLITE_STATIC);
    assert(result == SQLITE_OK);
}

enum err query_next(struct query *q, bool *row)
{
    int result = sqlite3_step(q->statement);
    enum err err = to_err(q->database, result);
    if (err != OK)
        return err;
    q->column = 0;
    *row = result == SQLITE_ROW;
    return OK;
}

int64_t query_number(struct query *q)
{
    return sqlite3_column_int64(q->statement, q->column++);
}

struct span query_text(struct query *q)
{
    const char *p = (const char *)sqlite3_column_text(q->statement, q->column);
    size_t n = (size_t)sqlite3_column_bytes(q->statement, q->column++);
    return p ? span_make(p, n) : SPAN("");
}

struct message_id query_id(struct query *q)
{
    struct message_id id = {{0}};
    const void *p = sqlite3_column_blob(q->statement, q->column);
    if (p && sqlite3_column_bytes(q->statement, q->column) == (int)sizeof(id.b))
        memcpy(id.b, p, sizeof(id.b));
    q->column++;
    return id;
}

void query_close(struct query *q)
{
    sqlite3_reset(q->statement);
}

enum err query_run(struct query *q)
{
    bool row = false;
    enum err err = query_next(q, &row);
    query_close(q);
    return err;
}

int64_t database_changes(const struct database *d)
{
    return sqlite3_changes64(d->handle);
}

int64_t database_last_number(const struct database *d)
{
    return sqlite3_last_insert_rowid(d->handle);
}
