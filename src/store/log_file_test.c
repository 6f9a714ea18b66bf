/* The write-ahead log behind log_file: what was committed is in the file, however large it was. */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/log_file.h"
#include "store/testing.h"

/* ---- flushes of the log are counted below it ---- */

static sqlite3_vfs counting;
static sqlite3_io_methods counted;
static const sqlite3_io_methods *uncounted;
static int flushes;

static int count_sync(sqlite3_file *file, int flags)
{
    flushes++;
    return uncounted->xSync(file, flags);
}

static int open_counted(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                        int *flags_out)
{
    const sqlite3_vfs *own = vfs->pAppData;
    int result = own->xOpen((sqlite3_vfs *)own, name, file, flags, flags_out);
    if (result == SQLITE_OK && flags & SQLITE_OPEN_WAL) {
        uncounted = file->pMethods;
        counted = *uncounted;
        counted.xSync = count_sync;
        file->pMethods = &counted;
    }
    return result;
}

/* Before the first call of log_file_vfs, which builds on what is the default then. */
static void count_flushes(void)
{
    sqlite3_vfs *own = sqlite3_vfs_find(NULL);
    counting = *own;
    counting.zName = "counting";
    counting.pAppData = own;
    counting.xOpen = open_counted;
    sqlite3_vfs_register(&counting, 1);
}

static void run(sqlite3 *d, const char *text)
{
    char *why = NULL;
    if (sqlite3_exec(d, text, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", text, why);
}

static sqlite3 *open_database(const char *folder)
{
    char path[300];
    sqlite3 *d = NULL;
    snprintf(path, sizeof(path), "%s/a.db", folder);
    assert_int_equal(
        sqlite3_open_v2(path, &d, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, log_file_vfs()),
        SQLITE_OK);
    run(d, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
           "PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = 20;");
    return d;
}

static long long ask(sqlite3 *d, const char *text)
{
    sqlite3_stmt *s = NULL;
    assert_int_equal(sqlite3_prepare_v2(d, text, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    long long value = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return value;
}

/* What a crash would leave: a copy of both files as they are, read by SQLite alone. */
static long long ask_copy(const char *folder, const char *text)
{
    char command[1000];
    snprintf(command, sizeof(command),
             "rm -rf %s/copy && mkdir %s/copy && cp %s/a.db %s/a.db-wal %s/copy/", folder, folder,
             folder, folder, folder);
    assert_int_equal(system(command), 0);
    sqlite3 *d = NULL;
    snprintf(command, sizeof(command), "%s/copy/a.db", folder);
    assert_int_equal(sqlite3_open_v2(command, &d, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
    long long value = ask(d, text);
    sqlite3_close(d);
    return value;
}

static void test_commits_are_in_the_file(void **state)
{
    (void)state;
    char *folder = testing_folder();
    sqlite3 *d = open_database(folder);
    run(d, "CREATE TABLE t(n INTEGER PRIMARY KEY, x BLOB)");
    for (int i = 1; i <= 5; i++) {
        run(d, "INSERT INTO t(x) VALUES(randomblob(9000))");
        assert_int_equal(ask_copy(folder, "SELECT count(*) FROM t"), i);
    }
    run(d, "BEGIN; INSERT INTO t(x) VALUES(randomblob(9000))");
    assert_int_equal(ask_copy(folder, "SELECT count(*) FROM t"), 5);
    run(d, "ROLLBACK");
    sqlite3_close(d);
    testing_remove(folder);
}

/* Larger than what is kept and than SQLite's own cache, so that pages are written early and read
 * back within the transaction; then the log is written from its beginning again. */
static void test_large_and_again(void **state)
{
    (void)state;
    static const char many[] =
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 500) "
        "INSERT INTO t(x) SELECT randomblob(3000) FROM c";
    char *folder = testing_folder();
    sqlite3 *d = open_database(folder);
    run(d, "CREATE TABLE t(n INTEGER PRIMARY KEY, x BLOB)");
    for (int round = 1; round <= 3; round++) {
        run(d, "BEGIN");
        run(d, many);
        assert_int_equal(ask(d, "SELECT count(*) FROM t WHERE length(x) = 3000"), 500 * round);
        run(d, "COMMIT");
        assert_int_equal(ask_copy(folder, "SELECT count(*) FROM t"), 500 * round);
        run(d, "PRAGMA wal_checkpoint(RESTART)");
        run(d, "UPDATE t SET x = randomblob(3000) WHERE n % 100 = 0");
    }
    run(d, "PRAGMA integrity_check");
    sqlite3_close(d);
    sqlite3 *plain = NULL;
    char path[300];
    snprintf(path, sizeof(path), "%s/a.db", folder);
    assert_int_equal(sqlite3_open(path, &plain), SQLITE_OK);
    assert_int_equal(ask(plain, "SELECT count(*) FROM t"), 1500);
    sqlite3_close(plain);
    testing_remove(folder);
}

/* A commit whose flush is put off is in the file all the same; where the log began anew, its first
 * flush is not put off. */
static void test_put_off(void **state)
{
    (void)state;
    char *folder = testing_folder();
    sqlite3 *d = open_database(folder);
    run(d, "CREATE TABLE t(n INTEGER PRIMARY KEY, x BLOB); INSERT INTO t(x) VALUES('a')");
    flushes = 0;
    log_file_put_off(d, true);
    run(d, "INSERT INTO t(x) VALUES('b')");
    assert_int_equal(ask_copy(folder, "SELECT count(*) FROM t"), 2);
    assert_int_equal(flushes, 0);
    log_file_put_off(d, false);
    run(d, "INSERT INTO t(x) VALUES('c')");
    assert_int_equal(flushes, 1);
    log_file_put_off(d, true);
    run(d, "INSERT INTO t(x) VALUES('d')");
    log_file_put_off(d, false);
    run(d, "PRAGMA wal_checkpoint(PASSIVE)"); /* flushes the log before it reads from it */
    assert_int_equal(flushes, 2);
    log_file_put_off(d, true);
    run(d, "INSERT INTO t(x) VALUES('e')"); /* from its beginning */
    assert_int_equal(flushes, 3);
    run(d, "INSERT INTO t(x) VALUES('f')");
    assert_int_equal(flushes, 3);
    assert_int_equal(ask_copy(folder, "SELECT count(*) FROM t"), 6);
    sqlite3_close(d);
    testing_remove(folder);
}

int main(void)
{
    count_flushes();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commits_are_in_the_file),
        cmocka_unit_test(test_large_and_again),
        cmocka_unit_test(test_put_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
