#include "store/log_file.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* More than most commits have. SQLite itself takes less than 128 KiB in one write. */
enum { KEPT_MAX = 120 << 10 };

/* Before the file of SQLite's own, which follows in the same memory. */
struct log_file {
    sqlite3_file base;
    char *kept;
    int n;
    sqlite3_int64 at; /* where `kept` belongs */
    bool is_put_off;  /* see log_file_put_off */
    bool is_begun;    /* its first octets were written since it was flushed */
};

static sqlite3_vfs vfs;
static sqlite3_vfs *own; /* SQLite's */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static sqlite3_file *real_of(sqlite3_file *file)
{
    return (sqlite3_file *)((struct log_file *)file + 1);
}

/* What failed is gone: SQLite rolls back and writes it anew. */
static int write_kept(sqlite3_file *file)
{
    struct log_file *f = (struct log_file *)file;
    int n = f->n;
    f->n = 0;
    sqlite3_file *real = real_of(file);
    return n ? real->pMethods->xWrite(real, f->kept, n, f->at) : SQLITE_OK;
}

static int close_file(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);
    int result = write_kept(file);
    int closed = real->pMethods->xClose(real);
    free(((struct log_file *)file)->kept);
    return result == SQLITE_OK ? closed : result;
}

static int read_file(sqlite3_file *file, void *p, int n, sqlite3_int64 offset)
{
    sqlite3_file *real = real_of(file);
    int result = write_kept(file);
    return result == SQLITE_OK ? real->pMethods->xRead(real, p, n, offset) : result;
}

static int write_file(sqlite3_file *file, const void *p, int n, sqlite3_int64 offset)
{
    struct log_file *f = (struct log_file *)file;
    f->is_begun |= offset == 0;
    if (f->n && (offset != f->at + f->n || n > KEPT_MAX - f->n)) {
        int result = write_kept(file);
        if (result != SQLITE_OK)
            return result;
    }
    if (n > KEPT_MAX)
        return real_of(file)->pMethods->xWrite(real_of(file), p, n, offset);
    if (f->n == 0)
        f->at = offset;
    memcpy(f->kept + f->n, p, (size_t)n);
    f->n += n;
    return SQLITE_OK;
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size)
{
    sqlite3_file *real = real_of(file);
    int result = write_kept(file);
    return result == SQLITE_OK ? real->pMethods->xTruncate(real, size) : result;
}

static int sync_file(sqlite3_file *file, int flags)
{
    struct log_file *f = (struct log_file *)file;
    sqlite3_file *real = real_of(file);
    int result = write_kept(file);
    if (result != SQLITE_OK || (f->is_put_off && !f->is_begun))
        return result;
    f->is_begun = false;
    return real->pMethods->xSync(real, flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    sqlite3_file *real = real_of(file);
    int result = write_kept(file);
    return result == SQLITE_OK ? real->pMethods->xFileSize(real, size) : result;
}

/* ---- as they are ---- */

static int lock_file(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int unlock_file(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int check_lock(sqlite3_file *file, int *is_locked)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), is_locked);
}

static int control_file(sqlite3_file *file, int operation, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

/* Version 1: a log needs neither shared memory nor mapped pages. */
static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = file_size,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_lock,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
};

static int open_file(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags,
                     int *flags_out)
{
    (void)self;
    if (!(flags & SQLITE_OPEN_WAL))
        return own->xOpen(own, name, file, flags, flags_out);
    struct log_file *f = (struct log_file *)file;
    *f = (struct log_file){.kept = malloc(KEPT_MAX)};
    if (!f->kept)
        abort();
    int result = own->xOpen(own, name, real_of(file), flags, flags_out);
    if (result == SQLITE_OK)
        f->base.pMethods = &methods;
    else
        free(f->kept);
    return result;
}

static void register_vfs(void)
{
    own = sqlite3_vfs_find(NULL);
    assert(own);
    vfs = *own;
    vfs.zName = "sealpost";
    vfs.szOsFile += (int)sizeof(struct log_file);
    vfs.xOpen = open_file;
    int result = sqlite3_vfs_register(&vfs, 0);
    assert(result == SQLITE_OK);
    (void)result;
}

const char *log_file_vfs(void)
{
    pthread_once(&once, register_vfs);
    return vfs.zName;
}

void log_file_put_off(sqlite3 *handle, bool is_put_off)
{
    sqlite3_file *file = NULL;
    int result = sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
    assert(result == SQLITE_OK);
    (void)result;
    if (file && file->pMethods == &methods)
        ((struct log_file *)file)->is_put_off = is_put_off;
}
