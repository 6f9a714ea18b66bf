/* log_file: SQLite's write-ahead log, written in few pieces.
 *
 * SQLite writes each page of a commit by two calls, its frame's header and its content. Here what
 * stands one behind the other is kept until it is flushed, read or overtaken, and then written by
 * one. Nothing is kept behind a flush, so what a commit promises is the same; a write that fails
 * shows in the call that needed it, as the error of a write. All other files are SQLite's own.
 *
 * While flushes are put off, a flush only writes what was kept. A commit is then as durable as the
 * kernel likes, and whole or not there at all, as with SQLite's synchronous = NORMAL. */
#ifndef STORE_LOG_FILE_H
#define STORE_LOG_FILE_H

#include <stdbool.h>

/* The name for sqlite3_open_v2; registered by the first call. From any thread. */
const char *log_file_vfs(void);

struct sqlite3;
/* Puts the flushes of this database's log off, or no longer; the next one that is not put off
 * covers all. The flush of a log that began anew is never put off: SQLite's recovery relies on it.
 */
void log_file_put_off(struct sqlite3 *handle, bool is_put_off);

#endif
