#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/inside.h"
#include "store/queue_rows.h"

/* ---- the folder ---- */

static enum err world_failed(struct buf *why, const char *what, const char *path)
{
    int error = errno;
    buf_addf(why, "cannot %s %s: %s", what, path, strerror(error));
    if (error == EACCES || error == EPERM || error == EROFS) {
        buf_add_text(why,
                     "; give its owner's rights to this program's user, or name another folder "
                     "with --data");
        return ERR_DENIED;
    }
    return error == ENOSPC || error == EDQUOT ? ERR_FULL : ERR_IO;
}

static enum err open_directory(struct store *s, struct buf *why)
{
    if (mkdir(s->directory, 0700) != 0 && errno != EEXIST)
        return world_failed(why, "make the data folder", s->directory);
    s->directory_file = open(s->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->directory_file < 0)
        return world_failed(why, "open the data folder", s->directory);
    return OK;
}

static enum err take_lock(struct store *s, struct buf *why)
{
    s->lock_file = openat(s->directory_file, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_file < 0)
        return world_failed(why, "open the lock in", s->directory);
    char text[32] = "";
    if (flock(s->lock_file, LOCK_EX | LOCK_NB) == 0) {
        int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
        /* The number only helps people. */
        if (ftruncate(s->lock_file, 0) != 0 || pwrite(s->lock_file, text, (size_t)n, 0) != n)
            return world_failed(why, "write the lock in", s->directory);
        return OK;
    }
    if (errno != EWOULDBLOCK)
        return world_failed(why, "lock", s->directory);
    ssize_t n = pread(s->lock_file, text, sizeof(text) - 1, 0);
    struct span owner = span_trim(span_make(text, n > 0 ? (size_t)n : 0));
    buf_addf(why,
             "the data folder %s is in use by process " SPAN_FMT
             "; stop that one first, or name another folder with --data",
             s->directory, SPAN_ARG(owner));
    return ERR_BUSY;
}

static enum err open_database(struct store *s, struct buf *why)
{
    struct buf path = BUF_INIT(BUF_UNLIMITED);
    buf_addf(&path, "%s/state.db", s->directory);
    /* Made here for its mode; SQLite gives the same to the log beside it. */
    int file = openat(s->directory_file, "state.db", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    enum err err = file < 0 ? world_failed(why, "open", buf_text(&path)) : OK;
    if (file >= 0)
        close(file);
    if (err == OK)
        err = database_open(&s->database, buf_text(&path), why);
    buf_done(&path);
    return err;
}

/* A new folder's name is in the folder above it. */
static enum err sync_names(const struct store *s, struct buf *why)
{
    int above = openat(s->directory_file, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_synced = fsync(s->directory_file) == 0 && (above < 0 || fsync(above) == 0);
    enum err err = is_synced ? OK : world_failed(why, "make durable", s->directory);
    if (above >= 0)
        close(above);
    return err;
}

/* ---- open and close ---- */

static enum err open_all(struct store *s, struct buf *why)
{
    enum err err = open_directory(s, why);
    if (err == OK)
        err = take_lock(s, why);
    if (err != OK)
        return err;
    if (segments_open(&s->segments, s->directory_file) != OK)
        return world_failed(why, "open the segments in", s->directory);
    err = open_database(s, why);
    if (err != OK)
        return err;
    reserve_open(&s->reserve, s->directory_file);
    err = journal_replay(s);
    if (err == OK)
        err = queue_rows_count(s);
    if (err != OK) {
        buf_addf(why, "cannot read the queue in %s: %s", s->directory, err_text(err));
        if (err == ERR_FULL)
            buf_add_text(why, "; free some space there, nothing of the queue is lost");
        return err;
    }
    if (segments_clean(&s->segments) != OK)
        return world_failed(why, "clean the segments in", s->directory);
    return sync_names(s, why);
}

static void free_store(struct store *s)
{
    if (s->database.handle)
        database_close(&s->database);
    segments_close(&s->segments);
    journal_done(&s->journal);
    reserve_close(&s->reserve);
    fresh_done(&s->fresh);
    if (s->lock_file >= 0)
        close(s->lock_file); /* releases the lock, last */
    if (s->directory_file >= 0)
        close(s->directory_file);
    pthread_cond_destroy(&s->reader_wakes);
    pthread_cond_destroy(&s->writer_wakes);
    pthread_mutex_destroy(&s->lock);
    free(s->directory);
    free(s);
}

enum err store_open(const char *directory, struct store **store, struct buf *why)
{
    struct store *s = calloc(1, sizeof(*s));
    if (!s || !(s->directory = strdup(directory)))
        abort();
    s->directory_file = s->lock_file = s->reserve.file = -1;
    segments_init(&s->segments);
    journal_init(&s->journal);
    fresh_init(&s->fresh);
    job_list_init(&s->waiting);
    job_list_init(&s->to_read);
    pthread_mutex_init(&s->lock, NULL);
    store_thread_init(s);
    enum err err = open_all(s, why);
    if (err != OK) {
        free_store(s);
        return err;
    }
    *store = s;
    return OK;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    if (s->is_running)
        store_thread_stop(s);
    journal_follow(s, JOURNAL_ALL); /* without space for it, the next start does it */
    free_store(s);
}

struct store_statistics store_statistics(struct store *store)
{
    const struct store_counts *c = &store->counts;
    return (struct store_statistics){.commits = atomic_load(&c->commits),
                                     .arrivals = atomic_load(&c->arrivals),
                                     .updates = atomic_load(&c->updates),
                                     .messages = atomic_load(&c->messages),
                                     .recipients = atomic_load(&c->recipients),
                                     .bytes = atomic_load(&c->bytes)};
}
