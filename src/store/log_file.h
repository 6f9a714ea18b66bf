/* log_file: SQLite's write-ahead log, written in few pieces.
 *
 * SQLite writes each page of a commit by two calls, its frame's header and its content. Here what
 * stands one behind the other is kept until it is flushed, read or overtaken, and then written by
 * one. Nothing is kept behind a flush, so what a commit promises is the same; a write that fails
 * shows in the call that needed it, as the error of a write. All other files are SQLite's own. */
#ifndef STORE_LOG_FILE_H
#define STORE_LOG_FILE_H

/* The name for sqlite3_open_v2; registered by the first call. From any thread. */
const char *log_file_vfs(void);

#endif
