/* What each call of the store promises, before its thread runs and while it runs. */
#include "store/store.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/statements.h"
#include "store/testing.h"

static void reopen(struct testing_fixture *f)
{
    store_close(f->store);
    f->store = testing_open(f->folder);
}

static void assert_span(struct span s, const char *text)
{
    assert_int_equal(s.n, strlen(text));
    assert_memory_equal(s.p, text, s.n);
}

/* ---- the folder ---- */

static void test_folder_is_locked(void **state)
{
    struct testing_fixture *f = *state;
    struct store *second = NULL;
    struct buf why = BUF_INIT(4096);
    assert_int_equal(store_open(f->folder, &second, &why), ERR_BUSY);
    assert_null(second);
    assert_non_null(strstr(buf_text(&why), "in use by process"));
    buf_done(&why);
}

static void test_folder_that_cannot_be(void **state)
{
    (void)state;
    struct store *store = NULL;
    struct buf why = BUF_INIT(4096);
    assert_int_equal(store_open("/dev/null/sealpost", &store, &why), ERR_IO);
    assert_non_null(strstr(buf_text(&why), "/dev/null/sealpost"));
    buf_done(&why);
}

/* ---- messages ---- */

static void check_envelope(const struct envelope *e, const struct testing_message *m)
{
    assert_true(message_id_eq(e->id, m->id));
    assert_span(e->reverse_path, "s1@from.example");
    assert_span(e->envid, "envelope");
    assert_int_equal(e->ret, RET_HDRS);
    assert_int_equal(e->body, BODY_8BITMIME);
    assert_true(e->smtputf8);
    assert_int_equal(e->size, m->size);
    assert_int_equal(e->received_ms, m->received_ms);
    assert_span(e->connector, "internet");
    assert_span(e->client_ip, "192.0.2.1");
    assert_span(e->helo, "client.example");
    assert_span(e->protocol, "ESMTPS");
    assert_span(e->tls, "TLSv1.3 TLS_AES_256_GCM_SHA384");
    assert_span(e->header_message_id, "1@from.example");
    assert_span(e->subject, "h\xc3\xa9llo");
}

static void check_fetched(struct testing_fixture *f, const struct testing_message *m)
{
    struct queued_message *q = NULL;
    assert_int_equal(testing_fetch(f->store, m->id, &q), OK);
    check_envelope(&q->envelope, m);
    assert_true(q->content_has_8bit);
    assert_int_equal(q->recipient_count, 2);
    assert_int_equal(q->envelope.recipient_count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        const struct queued_recipient *r = &q->recipients[i];
        assert_int_equal(r->number, i);
        assert_int_equal(r->state, RECIPIENT_QUEUED);
        assert_int_equal(r->next_attempt_ms, m->received_ms);
        assert_int_equal(r->last_attempt_ms, 0);
        assert_int_equal(r->attempts, 0);
        assert_false(r->delay_notified);
        assert_span(r->recipient.address, i ? "user1@d2.example" : "user0@d1.example");
        assert_span(r->recipient.domain, i ? "d2.example" : "d1.example");
        assert_span(q->envelope.recipients[i].address, i ? "user1@d2.example" : "user0@d1.example");
        assert_span(r->recipient.orcpt, "rfc822;original+40somewhere.example");
        assert_int_equal(r->recipient.notify, NOTIFY_FAILURE | NOTIFY_DELAY);
        assert_int_equal(r->connector.n + r->next_hop.n + r->last_reply.n, 0);
    }
    assert_true(testing_content_is(q, m->seed, m->size));
    queued_message_free(q);
}

static void test_message_is_kept(void **state)
{
    struct testing_fixture *f = *state;
    struct testing_message m = testing_accepted(f, 1, 5000, 2);
    check_fetched(f, &m);
    reopen(f);
    check_fetched(f, &m);
}

/* Around the sizes at which a content gets a file to itself, and at which buffers are written. */
static void test_sizes(void **state)
{
    struct testing_fixture *f = *state;
    static const size_t sizes[] = {0,      1,          131071,         131072,
                                   131073, 2 * 131072, 2 * 131072 + 1, 5 << 20};
    struct testing_message m[COUNT_OF(sizes)];
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        m[i] = testing_accepted(f, i + 1, sizes[i], 1);
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        assert_int_equal(testing_check(f->store, &m[i]), OK);
    reopen(f);
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        assert_int_equal(testing_check(f->store, &m[i]), OK);
    uint64_t blocks = 0;
    assert_int_equal(testing_segments(f->folder, &blocks), 5);
}

static void test_read_ends(void **state)
{
    struct testing_fixture *f = *state;
    struct testing_message m = testing_accepted(f, 1, 300000, 1);
    struct queued_message *q = NULL;
    char p[16];
    assert_int_equal(testing_fetch(f->store, m.id, &q), OK);
    assert_int_equal(queued_message_read(q, 299999, p, sizeof(p)), 1);
    assert_int_equal(queued_message_read(q, 300000, p, sizeof(p)), 0);
    assert_int_equal(queued_message_read(q, UINT64_MAX, p, sizeof(p)), 0);
    queued_message_free(q);
}

static void test_unknown_is_not_found(void **state)
{
    struct testing_fixture *f = *state;
    struct queued_message *q = NULL;
    assert_int_equal(testing_fetch(f->store, message_id_new(1), &q), ERR_NOT_FOUND);
    assert_null(q);
    assert_int_equal(testing_update(f->store, (struct queue_update){.id = message_id_new(1),
                                                                    .kind = QUEUE_DONE}),
                     OK);
    assert_int_equal(testing_update(f->store, (struct queue_update){.id = message_id_new(1),
                                                                    .kind = QUEUE_LATER}),
                     OK);
}

/* An abandoned content leaves no file. */
static void test_writer_is_dropped(void **state)
{
    struct testing_fixture *f = *state;
    uint64_t blocks = 0;
    struct queue_writer *w = queue_writer_new(f->store);
    char *p = testing_content(1, 400000);
    assert_int_equal(queue_writer_add(w, span_make(p, 400000)), OK);
    assert_int_equal(queue_writer_size(w), 400000);
    assert_int_equal(testing_segments(f->folder, &blocks), 1);
    queue_writer_free(w);
    free(p);
    assert_int_equal(testing_segments(f->folder, &blocks), 0);
}

static void test_done_removes(void **state)
{
    struct testing_fixture *f = *state;
    struct testing_message m = testing_accepted(f, 1, 200000, 2);
    struct queue_update done = {.id = m.id, .recipient = 0, .kind = QUEUE_DONE};
    uint64_t blocks = 0;
    assert_int_equal(testing_update(f->store, done), OK);
    assert_int_equal(testing_update(f->store, done), OK); /* twice is once */
    struct queued_message *q = NULL;
    assert_int_equal(testing_fetch(f->store, m.id, &q), OK);
    assert_int_equal(q->recipient_count, 1);
    assert_int_equal(q->recipients[0].number, 1);
    done.recipient = 1;
    assert_int_equal(testing_update(f->store, done), OK);
    assert_true(testing_content_is(q, m.seed, m.size)); /* who holds it still reads it */
    queued_message_free(q);
    assert_int_equal(testing_check(f->store, &m), ERR_NOT_FOUND);
    struct store_statistics s = testing_statistics(f->store);
    assert_int_equal(s.messages + s.recipients + s.bytes, 0);
    reopen(f);
    assert_int_equal(testing_segments(f->folder, &blocks), 0);
}

static void check_later(struct testing_fixture *f, const struct testing_message *m)
{
    struct queued_message *q = NULL;
    assert_int_equal(testing_fetch(f->store, m->id, &q), OK);
    const struct queued_recipient *r = &q->recipients[1];
    assert_int_equal(q->recipients[0].attempts, 0);
    assert_int_equal(r->attempts, 3);
    assert_int_equal(r->next_attempt_ms, 77000);
    assert_int_equal(r->last_attempt_ms, 66000);
    assert_span(r->connector, "outside");
    assert_span(r->next_hop, "mx.example");
    assert_span(r->last_reply, "451 4.3.0 later");
    assert_true(r->delay_notified);
    queued_message_free(q);
}

static void test_later_and_noted(void **state)
{
    struct testing_fixture *f = *state;
    struct testing_message m = testing_accepted(f, 1, 100, 2);
    struct queue_update later = {.id = m.id,
                                 .recipient = 1,
                                 .kind = QUEUE_LATER,
                                 .attempts = 3,
                                 .next_attempt_ms = 77000,
                                 .last_attempt_ms = 66000,
                                 .connector = SPAN("outside"),
                                 .next_hop = SPAN("mx.example"),
                                 .last_reply = SPAN("451 4.3.0 later")};
    assert_int_equal(testing_update(f->store, later), OK);
    struct queue_update noted = {
        .id = m.id, .recipient = 1, .kind = QUEUE_NOTED, .delay_notified = true, .attempts = 99};
    assert_int_equal(testing_update(f->store, noted), OK);
    check_later(f, &m);
    reopen(f);
    check_later(f, &m);
}

static void test_statistics(void **state)
{
    struct testing_fixture *f = *state;
    testing_accepted(f, 1, 100, 2);
    struct testing_message m = testing_accepted(f, 2, 200000, 3);
    testing_update(f->store, (struct queue_update){.id = m.id, .recipient = 2, .kind = QUEUE_DONE});
    struct store_statistics s = testing_statistics(f->store);
    assert_int_equal(s.commits, 3);
    assert_int_equal(s.arrivals, 2);
    assert_int_equal(s.updates, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(s.messages, 2);
        assert_int_equal(s.recipients, 4);
        assert_int_equal(s.bytes, 200100);
        reopen(f);
        s = testing_statistics(f->store);
    }
}

/* ---- a database of a later version ---- */

static void test_newer_form_is_refused(void **state)
{
    struct testing_fixture *f = *state;
    store_close(f->store);
    char command[300];
    snprintf(command, sizeof(command), "%s/state.db", f->folder);
    FILE *db = fopen(command, "r+b");
    assert_non_null(db);
    fseek(db, 60, SEEK_SET); /* user_version, big-endian, in the header of an SQLite file */
    fwrite("\0\0\0\x63", 1, 4, db);
    fclose(db);
    struct buf why = BUF_INIT(4096);
    f->store = NULL;
    assert_int_equal(store_open(f->folder, &f->store, &why), ERR_UNSUPPORTED);
    assert_non_null(strstr(buf_text(&why), "newer version (form 99"));
    buf_done(&why);
}

/* What the first form held is there in the present one, and is ended as any other. */
static void test_older_form_is_taken_over(void **state)
{
    (void)state;
    static const char row[] =
        "INSERT INTO messages VALUES(x'01000000000000000000000000000000', 1, 0, 9, 1000, "
        "'a@example.com', 'internet', '', 0, 0, 0, 0, '', '', 'ESMTP', '', '', '');"
        "INSERT INTO recipients(message, number, state, domain, address, next_attempt_ms, notify, "
        "orcpt) VALUES(x'01000000000000000000000000000000', 0, 0, 'b.example', 'b@b.example', "
        "1000, 0, '');"
        "PRAGMA user_version = 1;";
    char *folder = testing_folder(), path[300];
    sqlite3 *d = NULL;
    snprintf(path, sizeof(path), "%s/state.db", folder);
    assert_int_equal(sqlite3_open(path, &d), SQLITE_OK);
    assert_int_equal(sqlite3_exec(d, schema_steps[0], NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(d, row, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(d);
    struct store *store = testing_open(folder);
    assert_int_equal(testing_statistics(store).bytes, 9);
    struct queue_update done = {.id = {.b = {1}}, .recipient = 0, .kind = QUEUE_DONE};
    assert_int_equal(testing_update(store, done), OK);
    assert_int_equal(testing_statistics(store).messages, 0);
    store_close(store);
    testing_remove(folder);
}

#define BOTH(test)                                                                                 \
    cmocka_unit_test_setup_teardown(test, testing_set_up, testing_tear_down),                      \
        cmocka_unit_test_setup_teardown(test, testing_set_up_running, testing_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_folder_is_locked, testing_set_up, testing_tear_down),
        cmocka_unit_test(test_folder_that_cannot_be),
        cmocka_unit_test_setup_teardown(test_newer_form_is_refused, testing_set_up,
                                        testing_tear_down),
        cmocka_unit_test(test_older_form_is_taken_over),
        BOTH(test_message_is_kept),
        BOTH(test_sizes),
        BOTH(test_read_ends),
        BOTH(test_unknown_is_not_found),
        BOTH(test_writer_is_dropped),
        BOTH(test_done_removes),
        BOTH(test_later_and_noted),
        BOTH(test_statistics),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
