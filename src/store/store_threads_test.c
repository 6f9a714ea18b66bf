/* Many submitters at once, each with a loop and a thread of its own. Made for ThreadSanitizer:
 *   meson setup build/tsan -Dtests=true -Db_sanitize=thread && meson test -C build/tsan
 * unit-store_threads */
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/testing.h"

enum { SUBMITTERS = 4, MESSAGES = 150, WINDOW = 8 };

struct submitter {
    struct store *store;
    struct loop *loop;
    uint64_t random;
    size_t started;
    _Atomic size_t ended;
    struct submitter *peer; /* who reads what we accepted, on its own thread */
    size_t failures, listed;
};

struct trip {
    struct submitter *s;
    struct testing_message message;
};

static void start_trip(struct submitter *s);

static void end_trip(struct trip *t)
{
    struct submitter *s = t->s;
    free(t);
    start_trip(s);
    atomic_fetch_add(&s->ended, 1);
}

static void on_removed(void *context, struct queue_commit *c, enum err err)
{
    struct trip *t = context;
    queue_commit_free(c);
    t->s->failures += err != OK;
    end_trip(t);
}

static void remove_one(struct trip *t)
{
    struct queue_commit *c = queue_commit_new();
    c->updates = ARENA_ARRAY(&c->arena, struct queue_update, 2);
    for (uint32_t i = 0; i < 2; i++)
        c->updates[i] =
            (struct queue_update){.id = t->message.id, .recipient = i, .kind = QUEUE_DONE};
    c->update_count = 2;
    c->done = on_removed;
    c->context = t;
    c->loop = t->s->loop;
    queue_submit(t->s->store, c);
}

static void on_listed(void *context, enum err err, struct queued_message *const *messages,
                      size_t count, bool more)
{
    (void)messages;
    (void)more;
    struct submitter *s = context;
    s->failures += err != OK;
    s->listed += count;
}

/* On our own loop: the message was read by the peer. */
static void on_read(void *context)
{
    struct trip *t = context;
    if (testing_random(&t->s->random) % 16 == 0)
        queue_list(t->s->store, &(struct queue_filter){.domain = SPAN("d1.*")},
                   (struct message_id){{0}}, 20, t->s->loop, on_listed, t->s);
    if (testing_random(&t->s->random) % 3 == 0)
        end_trip(t); /* stays in the queue */
    else
        remove_one(t);
}

/* On the peer's loop. */
static void on_fetched(void *context, enum err err, struct queued_message *m)
{
    struct trip *t = context;
    if (err != OK || !testing_content_is(m, t->message.seed, t->message.size))
        t->s->peer->failures++;
    queued_message_free(m);
    loop_post(t->s->loop, on_read, t);
}

static void on_accepted(void *context, struct queue_commit *c, enum err err)
{
    struct trip *t = context;
    queue_commit_free(c);
    t->s->failures += err != OK;
    queue_fetch(t->s->store, t->message.id, t->s->peer->loop, on_fetched, t);
}

static void start_trip(struct submitter *s)
{
    if (s->started == MESSAGES)
        return;
    s->started++;
    struct trip *t = malloc(sizeof(*t));
    uint64_t random = testing_random(&s->random);
    t->s = s;
    t->message =
        (struct testing_message){.seed = random,
                                 .size = random % 30 ? random % 6000 : 100000 + random % 90000,
                                 .recipients = 2,
                                 .received_ms = clock_now_ms()};
    struct queue_commit *c = queue_commit_new();
    testing_arrive(s->store, c, &t->message);
    c->done = on_accepted;
    c->context = t;
    c->loop = s->loop;
    queue_submit(s->store, c);
}

static void begin(void *context)
{
    for (int i = 0; i < WINDOW; i++)
        start_trip(context);
}

static size_t count_ended(struct submitter *all)
{
    size_t ended = 0;
    for (size_t i = 0; i < SUBMITTERS; i++)
        ended += atomic_load(&all[i].ended);
    return ended;
}

static void pause_for(int ms)
{
    struct timespec t = {0, ms * 1000000L};
    nanosleep(&t, NULL);
}

static void test_many_submitters(void **state)
{
    (void)state;
    char *folder = testing_folder();
    struct store *store = testing_open(folder);
    struct submitter all[SUBMITTERS] = {{0}};
    assert_int_equal(store_start(store), OK);
    for (size_t i = 0; i < SUBMITTERS; i++) {
        all[i].store = store;
        all[i].loop = loop_new();
        all[i].random = i + 1;
        all[i].peer = &all[(i + 1) % SUBMITTERS];
    }
    for (size_t i = 0; i < SUBMITTERS; i++) {
        assert_int_equal(loop_start(all[i].loop, "submitter"), OK);
        loop_post(all[i].loop, begin, &all[i]);
    }
    while (count_ended(all) < SUBMITTERS * MESSAGES) {
        testing_act(store, QUEUE_ACTION_RETRY, &(struct queue_filter){.recipient = SPAN("user1@*")},
                    5);
        pause_for(5);
    }
    /* Goes behind all lists that are still on their way. */
    testing_act(store, QUEUE_ACTION_RETRY, &(struct queue_filter){0}, 6);
    struct store_statistics s = testing_statistics(store);
    for (size_t i = 0; i < SUBMITTERS; i++)
        loop_join(all[i].loop);
    store_close(store);
    for (size_t i = 0; i < SUBMITTERS; i++) {
        assert_int_equal(all[i].failures, 0);
        loop_free(all[i].loop);
    }
    store = testing_open(folder);
    struct store_statistics after = testing_statistics(store);
    assert_int_equal(after.messages, s.messages);
    assert_int_equal(after.bytes, s.bytes);
    assert_int_equal(after.recipients, 2 * s.messages);
    store_close(store);
    testing_remove(folder);
}

/* ---- a fetch and a removal at once ---- */

struct race {
    sem_t sem;
    enum err fetched;
    bool is_whole;
    struct testing_message message;
};

static void on_raced_fetch(void *context, enum err err, struct queued_message *m)
{
    struct race *r = context;
    r->fetched = err;
    r->is_whole = err != OK || testing_content_is(m, r->message.seed, r->message.size);
    queued_message_free(m);
    sem_post(&r->sem);
}

static void on_raced_removal(void *context, struct queue_commit *c, enum err err)
{
    (void)err;
    struct race *r = context;
    queue_commit_free(c);
    sem_post(&r->sem);
}

static void race(struct store *store, uint64_t seed)
{
    struct race r = {.message = {.seed = seed, .size = 60000, .recipients = 1}};
    struct testing_message next = {.seed = seed + 1, .size = 50000, .recipients = 1};
    assert_int_equal(testing_accept(store, &r.message), OK);
    sem_init(&r.sem, 0, 0);
    queue_fetch(store, r.message.id, NULL, on_raced_fetch, &r);
    struct queue_commit *c = queue_commit_new();
    c->updates = ARENA_NEW(&c->arena, struct queue_update);
    *c->updates = (struct queue_update){.id = r.message.id, .kind = QUEUE_DONE};
    c->update_count = 1;
    c->done = on_raced_removal;
    c->context = &r;
    queue_submit(store, c);
    /* Overwrites the place of the one that went. */
    assert_int_equal(testing_accept(store, &next), OK);
    for (int waits = 2; waits > 0;)
        waits -= sem_wait(&r.sem) == 0;
    sem_destroy(&r.sem);
    assert_true(r.fetched == OK || r.fetched == ERR_NOT_FOUND);
    assert_true(r.is_whole);
    struct queue_update done = {.id = next.id, .kind = QUEUE_DONE};
    assert_int_equal(testing_update(store, done), OK);
}

/* The space of a message may be given back or written again while it is read: it was there, whole,
 * or it is not. */
static void test_fetch_and_removal(void **state)
{
    (void)state;
    char *folder = testing_folder();
    struct store *store = testing_open(folder);
    assert_int_equal(store_start(store), OK);
    for (uint64_t i = 0; i < 300; i++)
        race(store, i);
    store_close(store);
    testing_remove(folder);
}

static void on_patient(void *context, struct queue_commit *c, enum err err)
{
    queue_commit_free(c);
    assert_int_equal(err, OK);
    sem_post(context);
}

static void remove_patiently(struct store *store, const struct testing_message *message, sem_t *sem)
{
    struct queue_commit *c = queue_commit_new();
    c->updates = ARENA_NEW(&c->arena, struct queue_update);
    c->updates[0] = (struct queue_update){.id = message->id, .kind = QUEUE_DONE};
    c->update_count = 1;
    c->can_wait = true;
    c->done = on_patient;
    c->context = sem;
    queue_submit(store, c);
}

/* What can wait is done with what cannot, and before it where it was submitted before; else some
 * milliseconds later; and at the end. */
static void test_what_can_wait(void **state)
{
    (void)state;
    char *folder = testing_folder();
    struct store *store = testing_open(folder);
    struct testing_fixture f = {folder, store};
    sem_t sem;
    assert_int_equal(sem_init(&sem, 0, 0), 0);
    assert_int_equal(store_start(store), OK);
    for (uint64_t i = 0; i < 20; i++) {
        struct testing_message message = testing_accepted(&f, i, 100, 1);
        struct queued_message *gone = NULL;
        remove_patiently(store, &message, &sem);
        if (i % 2)
            assert_int_equal(testing_fetch(store, message.id, &gone), ERR_NOT_FOUND);
        while (sem_wait(&sem) != 0)
            continue;
    }
    struct testing_message last = testing_accepted(&f, 20, 100, 1);
    remove_patiently(store, &last, &sem);
    store_close(store);
    assert_int_equal(sem_trywait(&sem), 0);
    sem_destroy(&sem);
    testing_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_submitters),
        cmocka_unit_test(test_fetch_and_removal),
        cmocka_unit_test(test_what_can_wait),
    };
    return cmocka_run_group_tests_name("store_threads", tests, NULL, NULL);
}
