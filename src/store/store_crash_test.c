/* A process that is killed under load: whatever it was told is durable is there afterwards, whole;
 * whatever was removed stays away; nothing half-written shows. (What power loss does is the file
 * system's and SQLite's part, and is not seen here: the page cache survives a killed process.) */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/testing.h"

enum { ROUNDS = 12, WINDOW = 24, KNOWN_MAX = 200000 };

/* What the child says, each in one atomic write. */
enum word { ACCEPTED, REMOVING, REMOVED };
struct notice {
    enum word word;
    struct message_id id;
    uint64_t seed, size;
};

/* ---- the child ---- */

struct load {
    struct store *store;
    int pipe;
};

/* On its way: the message of one commit. */
struct shipment {
    struct load *load;
    uint64_t random;
    struct testing_message message;
};

static void say(const struct load *load, enum word word, const struct testing_message *m)
{
    struct notice notice = {word, m->id, m->seed, m->size};
    if (write(load->pipe, &notice, sizeof(notice)) != (ssize_t)sizeof(notice))
        _exit(1);
}

static void ship(struct shipment *s);

static void on_removed(void *context, struct queue_commit *c, enum err err)
{
    struct shipment *s = context;
    queue_commit_free(c);
    if (err != OK)
        _exit(2);
    say(s->load, REMOVED, &s->message);
    ship(s);
}

static void remove_again(struct shipment *s)
{
    struct queue_commit *c = queue_commit_new();
    c->updates = ARENA_ARRAY(&c->arena, struct queue_update, 2);
    c->updates[0] = (struct queue_update){.id = s->message.id, .recipient = 0, .kind = QUEUE_DONE};
    c->updates[1] = (struct queue_update){.id = s->message.id, .recipient = 1, .kind = QUEUE_DONE};
    c->update_count = 2;
    c->done = on_removed;
    c->context = s;
    say(s->load, REMOVING, &s->message);
    queue_submit(s->load->store, c);
}

static void on_accepted(void *context, struct queue_commit *c, enum err err)
{
    struct shipment *s = context;
    queue_commit_free(c);
    if (err != OK)
        _exit(3);
    say(s->load, ACCEPTED, &s->message);
    if (testing_random(&s->random) % 2)
        remove_again(s);
    else
        ship(s);
}

static void ship(struct shipment *s)
{
    uint64_t random = testing_random(&s->random);
    s->message =
        (struct testing_message){.seed = random,
                                 .size = random % 40 ? random % 9000 : 100000 + random % 200000,
                                 .recipients = 2,
                                 .received_ms = clock_now_ms()};
    struct queue_commit *c = queue_commit_new();
    testing_arrive(s->load->store, c, &s->message);
    c->done = on_accepted;
    c->context = s;
    queue_submit(s->load->store, c);
}

/* Never returns: it is killed. */
_Noreturn static void run_child(const char *folder, int pipe, uint64_t seed)
{
    struct load load = {testing_open(folder), pipe};
    static struct shipment shipments[WINDOW];
    if (store_start(load.store) != OK)
        _exit(4);
    for (unsigned i = 0; i < WINDOW; i++) {
        shipments[i].load = &load;
        shipments[i].random = seed * WINDOW + i;
        ship(&shipments[i]);
    }
    for (;;)
        pause();
}

/* ---- the parent ---- */

struct known {
    struct testing_message message;
    enum word word;
};

struct book {
    struct known *all;
    size_t count;
};

static struct known *look_up(struct book *book, struct message_id id)
{
    for (size_t i = book->count; i-- > 0;)
        if (message_id_eq(book->all[i].message.id, id))
            return &book->all[i];
    return NULL;
}

static void note(struct book *book, const struct notice *n)
{
    struct known *k = look_up(book, n->id);
    if (!k) {
        assert_int_equal(n->word, ACCEPTED);
        assert_true(book->count < KNOWN_MAX);
        k = &book->all[book->count++];
        k->message = (struct testing_message){.id = n->id, .seed = n->seed, .size = n->size};
    }
    k->word = n->word;
}

static void read_notices(struct book *book, int pipe)
{
    struct notice n;
    while (read(pipe, &n, sizeof(n)) == (ssize_t)sizeof(n))
        note(book, &n);
}

/* Those whose answer did not come through are there as well, or not; but never in part. */
static size_t check_all(struct store *store)
{
    struct message_id after = {{0}};
    size_t count = 0;
    for (bool more = true; more;) {
        struct testing_page page;
        testing_list(store, &(struct queue_filter){0}, after, 100, &page);
        assert_int_equal(page.err, OK);
        for (size_t i = 0; i < page.count; i++) {
            struct queued_message *m = NULL;
            after = page.items[i]->envelope.id;
            assert_int_equal(testing_fetch(store, after, &m), OK);
            queued_message_free(m);
        }
        count += page.count;
        more = page.has_more;
        testing_page_done(&page);
    }
    return count;
}

static void verify(struct book *book, const char *folder)
{
    struct store *store = testing_open(folder);
    size_t kept = 0;
    for (size_t i = 0; i < book->count; i++) {
        struct known *k = &book->all[i];
        enum err err = testing_check(store, &k->message);
        if (k->word == ACCEPTED)
            assert_int_equal(err, OK);
        else if (k->word == REMOVED)
            assert_int_equal(err, ERR_NOT_FOUND);
        else
            assert_true(err == OK || err == ERR_NOT_FOUND);
        if (err == OK)
            book->all[kept++] = *k;
    }
    book->count = kept;
    size_t all = check_all(store);
    assert_int_equal(store_statistics(store).messages, all);
    assert_true(all >= kept);
    store_close(store);
}

static void wait_and_kill(struct book *book, pid_t child, int pipe, int64_t ms)
{
    int64_t until = clock_monotonic_ms() + ms;
    struct pollfd p = {.fd = pipe, .events = POLLIN};
    for (int64_t left = ms; left > 0; left = until - clock_monotonic_ms()) {
        struct notice n;
        if (poll(&p, 1, (int)left) == 1) {
            assert_int_equal(read(pipe, &n, sizeof(n)), sizeof(n));
            note(book, &n);
        }
    }
    int status = 0;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_killed_at_any_moment(void **state)
{
    (void)state;
    char *folder = testing_folder();
    struct book book = {.all = calloc(KNOWN_MAX, sizeof(struct known))};
    uint64_t random = (uint64_t)clock_now_ms();
    size_t accepted = 0;
    print_message("seed %llu\n", (unsigned long long)random);
    for (unsigned round = 0; round < ROUNDS; round++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        uint64_t seed = testing_random(&random);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(ends[0]);
            run_child(folder, ends[1], seed);
        }
        close(ends[1]);
        wait_and_kill(&book, child, ends[0], 5 + (int64_t)(seed % 120));
        read_notices(&book, ends[0]);
        close(ends[0]);
        accepted += book.count;
        verify(&book, folder);
    }
    assert_true(accepted > 0);
    free(book.all);
    testing_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_killed_at_any_moment)};
    return cmocka_run_group_tests_name("store_crash", tests, NULL, NULL);
}
