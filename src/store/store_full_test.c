/* A full disk, and a disk that fails. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/inside.h"
#include "store/testing.h"

enum { MANY = 900, NO_MOUNTS = 77 };

struct run {
    struct store *store;
    struct testing_message messages[MANY];
    enum err results[MANY];
    sem_t sem;
};

struct one {
    struct run *run;
    size_t number;
};

static void on_done(void *context, struct queue_commit *c, enum err err)
{
    struct one *one = context;
    one->run->results[one->number] = err;
    queue_commit_free(c);
    sem_post(&one->run->sem);
    free(one);
}

/* Submits all at once, so that they meet in few batches, every tenth one large. */
static void submit_all(struct run *run, size_t count, size_t size)
{
    size_t submitted = 0;
    sem_init(&run->sem, 0, 0);
    for (size_t i = 0; i < count; i++) {
        run->messages[i] = (struct testing_message){
            .seed = i, .size = i % 10 == 9 ? 10 * size : size, .recipients = 1};
        struct queue_commit *c = queue_commit_new();
        testing_arrive(run->store, c, &run->messages[i]);
        if (!c->arrivals->content) { /* no space for its file */
            run->results[i] = ERR_FULL;
            queue_commit_free(c);
            continue;
        }
        struct one *one = malloc(sizeof(*one));
        *one = (struct one){run, i};
        c->done = on_done;
        c->context = one;
        queue_submit(run->store, c);
        submitted++;
    }
    while (submitted > 0)
        if (sem_wait(&run->sem) == 0)
            submitted--;
    sem_destroy(&run->sem);
}

/* What was accepted is there, what was refused is not. Returns how many were refused. */
static size_t check_all(struct run *run, size_t count)
{
    size_t refused = 0;
    for (size_t i = 0; i < count; i++) {
        enum err err = testing_check(run->store, &run->messages[i]);
        assert_true(run->results[i] == OK || run->results[i] == ERR_FULL);
        assert_int_equal(err, run->results[i] == OK ? OK : ERR_NOT_FOUND);
        refused += run->results[i] != OK;
    }
    assert_int_equal(testing_statistics(run->store).messages, count - refused);
    return refused;
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit = {bytes, RLIM_INFINITY};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* No file may grow beyond a limit: writes fail in the middle of a batch, in contents as in rows. */
static void test_short_of_space(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    char *folder = testing_folder();
    struct run *run = calloc(1, sizeof(*run));
    run->store = testing_open(folder);
    assert_int_equal(store_start(run->store), OK);
    limit_files(1 << 20);
    submit_all(run, MANY, 20000);
    size_t refused = check_all(run, MANY);
    assert_true(refused > 0 && refused < MANY);
    limit_files(RLIM_INFINITY);
    struct testing_message more = {.seed = 1, .size = 500000, .recipients = 1};
    assert_int_equal(testing_accept(run->store, &more), OK);
    assert_int_equal(testing_check(run->store, &more), OK);
    store_close(run->store);
    run->store = testing_open(folder);
    assert_int_equal(testing_act(run->store, QUEUE_ACTION_REMOVE,
                                 &(struct queue_filter){.id = more.id, .has_id = true}, 1),
                     1);
    assert_int_equal(check_all(run, MANY), refused);
    store_close(run->store);
    free(run);
    testing_remove(folder);
}

/* ---- a file system that is really full ---- */

static bool mount_small(const char *folder)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("sealpost-test", folder, "tmpfs", 0, "size=32m") == 0;
}

/* What was delivered must be able to leave, however full it is. */
static void drain(struct run *run)
{
    for (size_t i = 0; i < MANY; i++) {
        struct queue_update done = {.id = run->messages[i].id, .kind = QUEUE_DONE};
        assert_int_equal(testing_update(run->store, done), OK);
    }
    assert_int_equal(testing_statistics(run->store).messages, 0);
    struct testing_message more = {.seed = 1, .size = 500000, .recipients = 1};
    assert_int_equal(testing_accept(run->store, &more), OK);
}

_Noreturn static void fill_file_system(const char *folder)
{
    if (!mount_small(folder))
        _exit(NO_MOUNTS);
    struct run *run = calloc(1, sizeof(*run));
    run->store = testing_open(folder);
    assert_int_equal(store_start(run->store), OK);
    submit_all(run, MANY, 20000);
    size_t refused = check_all(run, MANY);
    assert_true(refused > 0 && refused < MANY);
    store_close(run->store);
    run->store = testing_open(folder);
    assert_int_equal(check_all(run, MANY), refused);
    drain(run);
    store_close(run->store);
    free(run);
    _exit(0);
}

static int run_in_child(void (*fn)(const char *folder), const char *folder)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fn(folder);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_full_file_system(void **state)
{
    (void)state;
    char *folder = testing_folder();
    int result = run_in_child(fill_file_system, folder);
    testing_remove(folder);
    if (result == NO_MOUNTS)
        skip(); /* not allowed here; the test above covers most of it */
    assert_int_equal(result, 0);
}

/* ---- a disk that fails ---- */

/* /dev/null takes every write and cannot be flushed. */
static void fail_to_flush(const char *folder)
{
    struct store *store = testing_open(folder);
    struct testing_message m = {.seed = 1, .size = 10, .recipients = 1};
    assert_int_equal(testing_accept(store, &m), OK);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_true(dup2(null, store->segments.current_file) >= 0);
    m.id = (struct message_id){{0}};
    enum err err = testing_accept(store, &m);
    _exit(err == OK ? 1 : 2);
}

static void test_failed_flush_ends_the_process(void **state)
{
    (void)state;
    char *folder = testing_folder();
    assert_int_equal(run_in_child(fail_to_flush, folder), 70);
    struct store *store = testing_open(folder);
    assert_int_equal(testing_statistics(store).messages,
                     1); /* and nothing was said of the second */
    store_close(store);
    testing_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_of_space),
        cmocka_unit_test(test_full_file_system),
        cmocka_unit_test(test_failed_flush_ends_the_process),
    };
    return cmocka_run_group_tests_name("store_full", tests, NULL, NULL);
}
