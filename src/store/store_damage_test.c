/* A damaged disk: what was damaged is told as such, what was not is still delivered, and nothing
 * crashes. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/segments.h"
#include "store/testing.h"

enum { MESSAGES = 12 };

struct fixture {
    char *folder;
    struct store *store;
    struct testing_message messages[MESSAGES];
};

/* Small ones of 1000 octets in one segment; the last two in files of their own. */
static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->folder = testing_folder();
    f->store = testing_open(f->folder);
    for (uint64_t i = 0; i < MESSAGES; i++) {
        f->messages[i] = (struct testing_message){
            .seed = i, .size = i < MESSAGES - 2 ? 1000 : 300000, .recipients = 1};
        if (testing_accept(f->store, &f->messages[i]) != OK)
            return -1;
    }
    store_close(f->store);
    f->store = NULL;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    testing_remove(f->folder);
    free(f);
    return 0;
}

/* The n-th file of the segments, by name: the shared one, then the large ones. */
static int open_segment(struct fixture *f, int n)
{
    char path[300];
    struct dirent **names = NULL;
    snprintf(path, sizeof(path), "%s/segments", f->folder);
    int count = scandir(path, &names, NULL, alphasort), file = -1;
    for (int i = 0; i < count; i++) {
        char name[600];
        snprintf(name, sizeof(name), "%s/%s", path, names[i]->d_name);
        if (i == n + 2) /* behind . and .. */
            file = open(name, O_RDWR | O_CLOEXEC);
        free(names[i]);
    }
    free(names);
    assert_true(file >= 0);
    return file;
}

static void flip(int file, uint64_t offset, int bit)
{
    unsigned char byte = 0;
    assert_int_equal(pread(file, &byte, 1, (off_t)offset), 1);
    byte ^= (unsigned char)(1 << bit);
    assert_int_equal(pwrite(file, &byte, 1, (off_t)offset), 1);
}

static size_t count_whole(struct fixture *f)
{
    size_t whole = 0;
    f->store = testing_open(f->folder);
    if (store_start(f->store) != OK)
        fail();
    for (int i = 0; i < MESSAGES; i++) {
        enum err err = testing_check(f->store, &f->messages[i]);
        assert_true(err == OK || err == ERR_CORRUPT);
        whole += err == OK;
    }
    store_close(f->store);
    f->store = NULL;
    return whole;
}

static void test_flipped_bits(void **state)
{
    struct fixture *f = *state;
    uint64_t random = 3;
    for (int round = 0; round < 60; round++) {
        int n = (int)(testing_random(&random) % 3), bit = (int)(testing_random(&random) % 8);
        uint64_t length = (n == 0 ? 1000 : 300000) + RECORD_HEADER;
        uint64_t offset = testing_random(&random) % length;
        int file = open_segment(f, n);
        if (n == 0)
            offset += testing_record_offset(file, RECORD_CONTENT,
                                            testing_random(&random) % (MESSAGES - 2));
        flip(file, offset, bit);
        assert_int_equal(count_whole(f), MESSAGES - 1);
        flip(file, offset, bit);
        close(file);
    }
    assert_int_equal(count_whole(f), MESSAGES);
}

static void test_short_files(void **state)
{
    struct fixture *f = *state;
    int file = open_segment(f, 0);
    assert_int_equal(ftruncate(file, (off_t)testing_record_offset(file, RECORD_CONTENT, 3) + 5), 0);
    close(file);
    assert_int_equal(count_whole(f), 3 + 2);
    file = open_segment(f, 1);
    assert_int_equal(ftruncate(file, 0), 0);
    close(file);
    file = open_segment(f, 2);
    assert_int_equal(ftruncate(file, 299999), 0);
    close(file);
    assert_int_equal(count_whole(f), 3);
}

/* The rows are there and their files are not. The messages can still be listed and removed. */
static void test_lost_files(void **state)
{
    struct fixture *f = *state;
    char command[300];
    snprintf(command, sizeof(command), "rm %s/segments/*", f->folder);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): our own folder */
    assert_int_equal(count_whole(f), 0);
    f->store = testing_open(f->folder);
    struct testing_message more = {.seed = 99, .size = 10, .recipients = 1};
    assert_int_equal(testing_accept(f->store, &more), OK);
    assert_int_equal(testing_check(f->store, &more), OK);
    assert_int_equal(testing_act(f->store, QUEUE_ACTION_REMOVE, &(struct queue_filter){0}, 1),
                     MESSAGES + 1);
    assert_int_equal(store_statistics(f->store).messages, 0);
}

/* A database that is none is refused with words, not taken for an empty one. */
static void test_broken_database(void **state)
{
    struct fixture *f = *state;
    char path[300];
    snprintf(path, sizeof(path), "%s/state.db", f->folder);
    int file = open(path, O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(pwrite(file, "this is no database at all", 26, 0), 26);
    close(file);
    struct buf why = BUF_INIT(4096);
    assert_int_equal(store_open(f->folder, &f->store, &why), ERR_CORRUPT);
    assert_null(f->store);
    assert_non_null(strstr(buf_text(&why), "state.db"));
    buf_done(&why);
    uint64_t blocks = 0;
    assert_int_equal(testing_segments(f->folder, &blocks), 3); /* and nothing was cleaned away */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_flipped_bits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_short_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lost_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_broken_database, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("store_damage", tests, NULL, NULL);
}
