/* The journal: what was answered is there after a power cut, which takes all from the database that
 * was not flushed; what was not whole is not; what is over stays over. A power cut is played by a
 * process that ends without a word, and by the database's files as they were when they were last
 * flushed. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/inside.h"
#include "store/journal_record.h"
#include "store/testing.h"

enum { MESSAGES = 200, DONE_EACH = 3, LARGE_EACH = 50 };

static struct testing_message message_of(uint64_t seed)
{
    return (struct testing_message){.id = {.b = {1, (uint8_t)(seed >> 8), (uint8_t)seed}},
                                    .seed = seed,
                                    .size = seed % LARGE_EACH == 7 ? 200000 : 500 + seed,
                                    .recipients = 2,
                                    .received_ms = 1000};
}

static void accept_one(struct store *store, uint64_t seed)
{
    struct testing_message m = message_of(seed);
    assert_int_equal(testing_accept(store, &m), OK);
}

static void end_one(struct store *store, uint64_t seed)
{
    struct testing_message m = message_of(seed);
    struct queue_update done = {.id = m.id, .recipient = 0, .kind = QUEUE_DONE};
    assert_int_equal(testing_update(store, done), OK);
    done.recipient = 1;
    assert_int_equal(testing_update(store, done), OK);
}

/* ---- a power cut ---- */

static void copy_database(const char *folder, const char *from, const char *to)
{
    char command[400];
    snprintf(command, sizeof(command), "cd %s && mkdir -p kept && cp %s/state.db* %s/", folder,
             from, to);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): our own folder */
}

/* The first commit makes a segment current, which flushes the database; nothing after it does. */
static struct store *begin(const char *folder, bool is_running)
{
    struct store *store = testing_open(folder);
    accept_one(store, 0);
    copy_database(folder, ".", "kept");
    if (is_running)
        assert_int_equal(store_start(store), OK);
    return store;
}

typedef void life_fn(const char *folder);

static void live_and_die(const char *folder, life_fn *live)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        live(folder);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    copy_database(folder, "kept", ".");
}

static void live(const char *folder)
{
    struct store *store = begin(folder, true);
    for (uint64_t seed = 1; seed < MESSAGES; seed++) {
        accept_one(store, seed);
        if (seed % DONE_EACH == 0)
            end_one(store, seed);
        if (seed % 20 == 0) /* the database follows now and then, unflushed */
            testing_statistics(store);
    }
}

static void check_all(struct store *store, uint64_t from, uint64_t to)
{
    for (uint64_t seed = from; seed < to; seed++) {
        struct testing_message m = message_of(seed);
        bool is_over = seed > 0 && seed % DONE_EACH == 0;
        assert_int_equal(testing_check(store, &m), is_over ? ERR_NOT_FOUND : OK);
    }
}

static void test_power_cut(void **state)
{
    (void)state;
    char *folder = testing_folder();
    live_and_die(folder, live);
    for (int round = 0; round < 2; round++) { /* and again, from what that start made of it */
        struct store *store = testing_open(folder);
        check_all(store, 0, MESSAGES);
        size_t over = (MESSAGES - 1) / DONE_EACH;
        assert_int_equal(testing_statistics(store).messages, MESSAGES - over);
        assert_int_equal(testing_statistics(store).recipients, 2 * (MESSAGES - over));
        store_close(store);
    }
    testing_remove(folder);
}

static void live_slowly(const char *folder)
{
    struct store *store = begin(folder, false);
    for (uint64_t seed = 1; seed < 10; seed++)
        accept_one(store, seed);
}

/* ---- what is on the disk is torn ---- */

static int open_shared_segment(const char *folder)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/segments/%016x.seg", folder, 1U);
    int file = open(path, O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    return file;
}

static void damage(const char *folder, enum record_kind kind, uint64_t n, uint64_t within)
{
    int file = open_shared_segment(folder);
    off_t at = (off_t)(testing_record_offset(file, kind, n) + within);
    char octet = 0;
    assert_int_equal(pread(file, &octet, 1, at), 1);
    octet ^= 4;
    assert_int_equal(pwrite(file, &octet, 1, at), 1);
    close(file);
}

static size_t count_after(const char *folder)
{
    struct store *store = testing_open(folder);
    size_t count = testing_statistics(store).messages;
    check_all(store, 0, 1);
    store_close(store);
    return count;
}

/* Only the commit whose content it is goes, as it was not answered. (Seed 7 has its own file.) */
static void test_torn_content(void **state)
{
    (void)state;
    char *folder = testing_folder();
    live_and_die(folder, live_slowly);
    damage(folder, RECORD_CONTENT, 4, RECORD_HEADER + 3);
    assert_int_equal(count_after(folder), 9);
    testing_remove(folder);
}

/* Nothing behind a torn record is believed. */
static void test_torn_record(void **state)
{
    (void)state;
    for (uint64_t within = 0; within < RECORD_HEADER + 12; within += 3) {
        char *folder = testing_folder();
        live_and_die(folder, live_slowly);
        damage(folder, RECORD_COMMIT, 5, within);
        assert_int_equal(count_after(folder), 5);
        testing_remove(folder);
    }
}

static void test_cut_short(void **state)
{
    (void)state;
    char *folder = testing_folder();
    live_and_die(folder, live_slowly);
    int file = open_shared_segment(folder);
    assert_int_equal(
        ftruncate(file, (off_t)testing_record_offset(file, RECORD_COMMIT, 8) + RECORD_HEADER + 5),
        0);
    close(file);
    assert_int_equal(count_after(folder), 8);
    testing_remove(folder);
}

/* ---- an earlier use of the file ---- */

/* All of these are over when the segment is used from its beginning, over their records. */
static void live_twice(const char *folder)
{
    struct store *store = testing_open(folder);
    for (uint64_t seed = 1; seed < 40; seed++) {
        accept_one(store, seed);
        end_one(store, seed);
    }
    assert_int_equal(journal_make_empty(store), OK);
    assert_int_equal(store->segments.current->end, 0);
    accept_one(store, 0);
    assert_int_equal(store->segments.current->number, 1);
    copy_database(folder, ".", "kept");
}

static void test_earlier_records(void **state)
{
    (void)state;
    char *folder = testing_folder();
    live_and_die(folder, live_twice);
    assert_int_equal(count_after(folder), 1);
    testing_remove(folder);
}

/* ---- a message that is over before it is a row ---- */

static void test_never_a_row(void **state)
{
    struct testing_fixture *f = *state;
    accept_one(f->store, 1);
    end_one(f->store, 1);
    accept_one(f->store, 2);
    assert_int_equal(testing_statistics(f->store).messages, 1);
    assert_int_equal(testing_statistics(f->store).recipients, 2);
    assert_int_equal(testing_statistics(f->store).bytes, message_of(2).size);
    store_close(f->store);
    f->store = testing_open(f->folder);
    assert_int_equal(testing_statistics(f->store).messages, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_power_cut),
        cmocka_unit_test(test_torn_content),
        cmocka_unit_test(test_torn_record),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_earlier_records),
        cmocka_unit_test_setup_teardown(test_never_a_row, testing_set_up_running,
                                        testing_tear_down),
    };
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
