/* Looking at the queue and acting on it, before the store's thread runs and while it runs. */
#include "store/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/testing.h"

/* ---- pending ---- */

struct pending_seen {
    struct queue_pending all[8];
    size_t count;
    char domains[8][32];
};

static void see(void *context, const struct queue_pending *p)
{
    struct pending_seen *seen = context;
    assert_true(seen->count < 8);
    memcpy(seen->domains[seen->count], p->domain.p, p->domain.n);
    seen->all[seen->count++] = *p;
}

static void test_pending(void **state)
{
    struct testing_fixture *f = *state;
    struct testing_message a = testing_accepted(f, 1, 100, 2), b = testing_accepted(f, 2, 300, 1);
    testing_update(f->store,
                   (struct queue_update){
                       .id = a.id, .kind = QUEUE_LATER, .attempts = 2, .next_attempt_ms = 5});
    testing_act(f->store, QUEUE_ACTION_HOLD, &(struct queue_filter){.id = b.id, .has_id = true}, 1);
    struct pending_seen seen = {.count = 0};
    assert_int_equal(queue_each_pending(f->store, see, &seen), OK);
    assert_int_equal(seen.count, 3);
    assert_true(message_id_eq(seen.all[0].id, a.id) && message_id_eq(seen.all[2].id, b.id));
    assert_int_equal(seen.all[0].attempts, 2);
    assert_int_equal(seen.all[0].next_attempt_ms, 5);
    assert_int_equal(seen.all[1].recipient, 1);
    assert_int_equal(seen.all[1].received_ms, a.received_ms);
    assert_int_equal(seen.all[2].size, 300);
    assert_int_equal(seen.all[2].state, RECIPIENT_HELD);
    assert_string_equal(seen.domains[1], "d2.example");
}

/* ---- listing and acting ---- */

static void assert_found(struct testing_fixture *f, struct queue_filter filter, size_t messages,
                         size_t recipients)
{
    struct testing_page page;
    testing_list(f->store, &filter, (struct message_id){{0}}, 100, &page);
    assert_int_equal(page.err, OK);
    assert_int_equal(page.count, messages);
    assert_false(page.has_more);
    size_t found = 0;
    for (size_t i = 0; i < page.count; i++)
        found += page.items[i]->recipient_count;
    assert_int_equal(found, recipients);
    testing_page_done(&page);
}

/* As routing would ask: here, what was tried last counts, and the size is the message's. */
static bool goes_outside(void *context, const struct queue_place *place)
{
    struct arena arena = ARENA_INIT;
    (void)context;
    assert_int_equal(place->size, 10);
    assert_true(place->domain.n > 0);
    bool outside = span_eq(queue_next_hop_text(&arena, place->last_connector, place->last_next_hop),
                           SPAN("Outside/mx.example"));
    arena_done(&arena);
    return outside;
}

static void test_filters(void **state)
{
    struct testing_fixture *f = *state;
    struct testing_message m[6];
    for (uint64_t i = 0; i < 6;
         i++) /* two recipients each: domains i and i + 1 of 5, senders i of 7 */
        m[i] = testing_accepted(f, i, 10, 2);
    struct queue_update later = {.id = m[3].id,
                                 .kind = QUEUE_LATER,
                                 .connector = SPAN("Outside"),
                                 .next_hop = SPAN("mx.example")};
    testing_update(f->store, later);
    assert_found(f, (struct queue_filter){0}, 6, 12);
    assert_found(f, (struct queue_filter){.id = m[2].id, .has_id = true}, 1, 2);
    assert_found(f, (struct queue_filter){.id = message_id_new(1), .has_id = true}, 0, 0);
    assert_found(f, (struct queue_filter){.domain = SPAN("D1.*")}, 3, 3);
    assert_found(f, (struct queue_filter){.recipient = SPAN("user1@*")}, 6, 6);
    assert_found(f, (struct queue_filter){.sender = SPAN("s4@*")}, 1, 2);
    assert_found(f, (struct queue_filter){.sender = SPAN("s[4]@*")}, 0,
                 0); /* brackets are no pattern */
    assert_found(f, (struct queue_filter){.receive_connector = SPAN("inter???")}, 6, 12);
    assert_found(f, (struct queue_filter){.receive_connector = SPAN("dsn")}, 0, 0);
    assert_found(f, (struct queue_filter){.goes = goes_outside}, 1, 1);
    assert_found(f, (struct queue_filter){.goes = goes_outside, .sender = SPAN("s3@*")}, 1, 1);
    assert_found(f, (struct queue_filter){.goes = goes_outside, .sender = SPAN("s4@*")}, 0, 0);
    assert_found(f, (struct queue_filter){.older_than_ms = 1002}, 2, 4);
    assert_found(f, (struct queue_filter){.newer_than_ms = 1002}, 3, 6);
    assert_found(f, (struct queue_filter){.has_state = true, .state = RECIPIENT_HELD}, 0, 0);
    assert_found(f, (struct queue_filter){.has_state = true, .domain = SPAN("d0.example")}, 3, 3);
}

static void test_pages(void **state)
{
    struct testing_fixture *f = *state;
    for (uint64_t i = 0; i < 25; i++)
        testing_accepted(f, i, 10, 3);
    struct message_id after = {{0}};
    size_t seen = 0;
    for (bool more = true; more;) {
        struct testing_page page;
        testing_list(f->store, &(struct queue_filter){0}, after, 10, &page);
        more = page.has_more;
        for (size_t i = 0; i < page.count; i++) {
            assert_int_equal(page.items[i]->envelope.received_ms, 1000 + seen++);
            assert_int_equal(page.items[i]->recipient_count, 3);
        }
        assert_int_equal(page.count, more ? 10 : 5);
        after = page.items[page.count - 1]->envelope.id;
        char p[1];
        assert_int_equal(queued_message_read(page.items[0], 0, p, 1),
                         -1); /* lists carry no content */
        testing_page_done(&page);
    }
    assert_int_equal(seen, 25);
}

static struct queue_filter by_id(const struct testing_message *m)
{
    return (struct queue_filter){.id = m->id, .has_id = true};
}

static void test_acts(void **state)
{
    struct testing_fixture *f = *state;
    struct testing_message a = testing_accepted(f, 1, 10, 2), b = testing_accepted(f, 2, 200000, 1);
    struct queue_filter held = {.has_state = true, .state = RECIPIENT_HELD}, of_a = by_id(&a),
                        of_b = by_id(&b);
    assert_int_equal(testing_act(f->store, QUEUE_ACTION_HOLD, &of_a, 50), 2);
    assert_int_equal(testing_act(f->store, QUEUE_ACTION_HOLD, &(struct queue_filter){0}, 50), 1);
    assert_found(f, held, 2, 3);
    assert_int_equal(testing_act(f->store, QUEUE_ACTION_RELEASE, &of_a, 60), 2);
    assert_int_equal(testing_act(f->store, QUEUE_ACTION_RELEASE, &of_a, 61), 0);
    assert_found(f, held, 1, 1);
    assert_int_equal(testing_act(f->store, QUEUE_ACTION_RETRY, &of_a, 70), 2);
    struct queued_message *q = NULL;
    assert_int_equal(testing_fetch(f->store, a.id, &q), OK);
    assert_int_equal(q->recipients[1].next_attempt_ms, 70);
    assert_int_equal(q->recipients[1].state, RECIPIENT_QUEUED);
    queued_message_free(q);
    assert_int_equal(testing_act(f->store, QUEUE_ACTION_REMOVE, &of_b, 80), 1);
    assert_int_equal(testing_check(f->store, &b), ERR_NOT_FOUND);
    assert_int_equal(testing_act(f->store, QUEUE_ACTION_REMOVE, &of_b, 80), 0);
    assert_int_equal(testing_statistics(f->store).messages, 1);
}

/* More than one step of a scan and of an act, with the thread at work. */
static void test_long_acts(void **state)
{
    struct testing_fixture *f = *state;
    enum { MESSAGES = 30, RECIPIENTS = 500 };
    for (uint64_t i = 0; i < MESSAGES; i++)
        testing_accepted(f, i, 10, RECIPIENTS);
    struct queue_filter d1 = {.domain = SPAN("d1.example"), .sender = SPAN("*@from.example")};
    assert_int_equal(testing_act(f->store, QUEUE_ACTION_HOLD, &d1, 5), MESSAGES * RECIPIENTS / 5);
    assert_found(f, (struct queue_filter){.has_state = true, .state = RECIPIENT_HELD}, MESSAGES,
                 MESSAGES * RECIPIENTS / 5);
    assert_found(f, (struct queue_filter){.recipient = SPAN("user499@*")}, MESSAGES, MESSAGES);
    assert_int_equal(testing_act(f->store, QUEUE_ACTION_REMOVE, &(struct queue_filter){0}, 5),
                     MESSAGES * RECIPIENTS);
    assert_found(f, (struct queue_filter){0}, 0, 0);
    struct store_statistics s = testing_statistics(f->store);
    assert_int_equal(s.messages + s.recipients + s.bytes, 0);
}

/* ---- the order of submission ---- */

static void ignore_commit(void *context, struct queue_commit *c, enum err err)
{
    (void)context;
    (void)err;
    queue_commit_free(c);
}

static void ignore_acted(void *context, enum err err, const struct queue_acted *acted, size_t count)
{
    (void)context;
    (void)err;
    (void)acted;
    (void)count;
}

/* Who fetches after a change was submitted sees it, though nobody waited for it and the message is
 * fresh. */
static void test_fetch_sees_what_was_submitted(void **state)
{
    struct testing_fixture *f = *state;
    struct loop *loop = loop_new();
    for (uint64_t i = 0; i < 20; i++) {
        struct testing_message m = testing_accepted(f, i, 500, 1);
        struct queue_filter filter = by_id(&m);
        struct queued_message *q = NULL;
        queue_act(f->store, QUEUE_ACTION_HOLD, &filter, 5, SPAN("tester"), NULL, ignore_acted,
                  NULL);
        assert_int_equal(testing_fetch_on(loop, f->store, m.id, &q), OK);
        assert_int_equal(q->recipients->state, RECIPIENT_HELD);
        queued_message_free(q);
        m = testing_accepted(f, i, 500, 1);
        struct queue_commit *c = queue_commit_new();
        c->updates = ARENA_NEW(&c->arena, struct queue_update);
        *c->updates = (struct queue_update){.id = m.id, .kind = QUEUE_DONE};
        c->update_count = 1;
        c->done = ignore_commit;
        queue_submit(f->store, c);
        assert_int_equal(testing_fetch_on(loop, f->store, m.id, &q), ERR_NOT_FOUND);
    }
    loop_free(loop);
}

/* What left memory is read back, whole; a message that is in use stays with who uses it. */
static void test_cooled(void **state)
{
    struct testing_fixture *f = *state;
    struct loop *loop = loop_new();
    struct testing_message m = testing_accepted(f, 7, 5000, 1);
    struct queued_message *before, *after;
    assert_int_equal(testing_fetch_on(loop, f->store, m.id, &before), OK);
    queue_cool(f->store, m.id);
    queue_cool(f->store, m.id);
    assert_int_equal(testing_fetch_on(loop, f->store, m.id, &after), OK);
    assert_ptr_not_equal(before, after);
    assert_true(testing_content_is(before, 7, 5000));
    assert_true(testing_content_is(after, 7, 5000));
    queued_message_free(before);
    queued_message_free(after);
    loop_free(loop);
}

#define BOTH(test)                                                                                 \
    cmocka_unit_test_setup_teardown(test, testing_set_up, testing_tear_down),                      \
        cmocka_unit_test_setup_teardown(test, testing_set_up_running, testing_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pending, testing_set_up, testing_tear_down),
        BOTH(test_filters),
        BOTH(test_pages),
        BOTH(test_acts),
        BOTH(test_long_acts),
        BOTH(test_fetch_sees_what_was_submitted),
        BOTH(test_cooled),
    };
    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
