/* Tracking, events and revisions. */
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/documents.h"
#include "store/testing.h"

/* What a search told, copied. */
struct found {
    sem_t sem;
    struct arena arena;
    enum err err;
    struct track_record *tracks;
    struct event *events;
    struct revision *revisions;
    size_t count;
    bool has_more;
};

static void begin(struct found *found)
{
    *found = (struct found){.err = OK};
    sem_init(&found->sem, 0, 0);
}

static void wait_for(struct found *found)
{
    while (sem_wait(&found->sem) != 0)
        continue;
    sem_destroy(&found->sem);
}

static void assert_span(struct span s, const char *text)
{
    assert_int_equal(s.n, strlen(text));
    assert_memory_equal(s.p, text, s.n);
}

/* ---- tracking ---- */

static void on_tracks(void *context, enum err err, const struct track_record *records, size_t count,
                      bool more)
{
    struct found *found = context;
    found->tracks = ARENA_ARRAY(&found->arena, struct track_record, count);
    for (size_t i = 0; i < count; i++) {
        found->tracks[i] = records[i];
        found->tracks[i].recipients = arena_copy(&found->arena, records[i].recipients);
        found->tracks[i].info = arena_copy(&found->arena, records[i].info);
        found->tracks[i].sender = arena_copy(&found->arena, records[i].sender);
        found->tracks[i].tls = arena_copy(&found->arena, records[i].tls);
    }
    found->err = err;
    found->count = count;
    found->has_more = more;
    sem_post(&found->sem);
}

static struct found find(struct testing_fixture *f, struct track_filter filter, size_t limit)
{
    struct found found;
    begin(&found);
    track_find(f->store, &filter, limit, NULL, on_tracks, &found);
    wait_for(&found);
    assert_int_equal(found.err, OK);
    return found;
}

static size_t count_found(struct testing_fixture *f, struct track_filter filter)
{
    struct found found = find(f, filter, 1000);
    arena_done(&found.arena);
    return found.count;
}

static void add_tracks(struct testing_fixture *f, const struct track_record *records, size_t count)
{
    struct queue_commit *c = queue_commit_new();
    c->tracks = ARENA_ARRAY(&c->arena, struct track_record, count);
    memcpy(c->tracks, records, count * sizeof(*records));
    c->track_count = count;
    assert_int_equal(testing_commit(f->store, c), OK);
}

static void test_track_filters(void **state)
{
    struct testing_fixture *f = *state;
    struct message_id a = message_id_new(1), b = message_id_new(1);
    const struct track_record records[] = {
        {.time_ms = 10,
         .event = TRACK_RECEIVE,
         .id = a,
         .sender = SPAN("ann@a.example"),
         .recipients = SPAN("bob@b.example; carol@c.example"),
         .message_id_header = SPAN("1@a.example"),
         .subject = SPAN("lunch"),
         .tls = SPAN("TLSv1.3"),
         .size = 5,
         .recipient_count = 2},
        {.time_ms = 20,
         .event = TRACK_SEND,
         .source = TRACK_SMTP,
         .id = a,
         .sender = SPAN("ann@a.example"),
         .recipients = SPAN("bob@b.example")},
        {.time_ms = 30,
         .event = TRACK_FAIL,
         .source = TRACK_QUEUE,
         .id = a,
         .recipients = SPAN("carol@c.example"),
         .info = SPAN("expired")},
        {.time_ms = 40, .event = TRACK_RECEIVE, .id = b, .recipients = SPAN("bob@b.example")},
    };
    add_tracks(f, records, COUNT_OF(records));
    assert_int_equal(count_found(f, (struct track_filter){0}), 4);
    assert_int_equal(count_found(f, (struct track_filter){.id = a, .has_id = true}), 3);
    assert_int_equal(count_found(f, (struct track_filter){.recipient = SPAN("CAROL@*")}), 2);
    assert_int_equal(count_found(f, (struct track_filter){.recipient = SPAN("bob@b.example")}), 3);
    assert_int_equal(count_found(f, (struct track_filter){.sender = SPAN("ann@*")}), 2);
    assert_int_equal(count_found(f, (struct track_filter){.subject = SPAN("l?nch")}), 1);
    assert_int_equal(
        count_found(f, (struct track_filter){.message_id_header = SPAN("*@a.example")}), 1);
    assert_int_equal(count_found(f, (struct track_filter){.event = SPAN("receive")}), 2);
    assert_int_equal(
        count_found(f, (struct track_filter){.event = SPAN("receive"), .id = a, .has_id = true}),
        1);
    assert_int_equal(count_found(f, (struct track_filter){.since_ms = 20, .until_ms = 30}), 2);
    struct found found = find(f, (struct track_filter){.id = a, .has_id = true}, 2);
    assert_int_equal(found.count, 2);
    assert_true(found.has_more);
    assert_int_equal(found.tracks[0].time_ms, 20); /* the newest two, oldest first */
    assert_int_equal(found.tracks[1].time_ms, 30);
    assert_span(found.tracks[1].info, "expired");
    assert_int_equal(found.tracks[1].source, TRACK_QUEUE);
    arena_done(&found.arena);
    found = find(f, (struct track_filter){.since_ms = 1, .until_ms = 10}, 2);
    assert_int_equal(found.count, 1);
    assert_false(found.has_more);
    assert_int_equal(found.tracks[0].size, 5);
    assert_int_equal(found.tracks[0].recipient_count, 2);
    assert_span(found.tracks[0].tls, "TLSv1.3");
    arena_done(&found.arena);
}

static void test_track_of_an_action(void **state)
{
    struct testing_fixture *f = *state;
    struct testing_message m = {.seed = 1, .size = 77, .recipients = 2, .received_ms = 5};
    assert_int_equal(testing_accept(f->store, &m), OK);
    testing_act(f->store, QUEUE_ACTION_REMOVE, &(struct queue_filter){.recipient = SPAN("user1@*")},
                99);
    struct found found = find(f, (struct track_filter){.id = m.id, .has_id = true}, 10);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.tracks->event, TRACK_REMOVE);
    assert_int_equal(found.tracks->source, TRACK_ADMIN);
    assert_int_equal(found.tracks->time_ms, 99);
    assert_int_equal(found.tracks->size, 77);
    assert_span(found.tracks->recipients, "user1@d2.example");
    assert_span(found.tracks->sender, "s1@from.example");
    assert_span(found.tracks->info, "by tester");
    arena_done(&found.arena);
}

/* Several steps of search and of expiry. */
static void test_track_long(void **state)
{
    struct testing_fixture *f = *state;
    enum { ROWS = 12000 };
    struct track_record *records = calloc(ROWS, sizeof(*records));
    for (size_t i = 0; i < ROWS; i++)
        records[i] = (struct track_record){.time_ms = 1000 + (int64_t)i,
                                           .recipients = i ? SPAN("b@b") : SPAN("a@a")};
    add_tracks(f, records, ROWS);
    free(records);
    assert_int_equal(count_found(f, (struct track_filter){.recipient = SPAN("a@a")}), 1);
    track_expire(f->store, 1000 + 7500);
    while (count_found(f, (struct track_filter){.until_ms = 1000 + 7499}) > 0)
        continue;
    struct found found = find(f, (struct track_filter){.until_ms = 1000 + 7500}, 10);
    assert_int_equal(found.count, 1);
    arena_done(&found.arena);
    found = find(f, (struct track_filter){0}, ROWS);
    assert_int_equal(found.count, ROWS - 7500);
    arena_done(&found.arena);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(track_event_name(TRACK_RECEIVE), "RECEIVE");
    assert_string_equal(track_event_name(TRACK_REMOVE), "REMOVE");
    assert_string_equal(track_event_name((enum track_event)99), "UNKNOWN");
    assert_string_equal(track_source_name(TRACK_QUEUE), "QUEUE");
    assert_string_equal(track_source_name(TRACK_DSN_SOURCE), "DSN");
    assert_string_equal(track_source_name((enum track_source)99), "UNKNOWN");
}

/* ---- events ---- */

static void on_events(void *context, enum err err, const struct event *events, size_t count,
                      bool more)
{
    struct found *found = context;
    found->events = ARENA_ARRAY(&found->arena, struct event, count);
    for (size_t i = 0; i < count; i++) {
        found->events[i] = events[i];
        found->events[i].remedy = arena_copy(&found->arena, events[i].remedy);
    }
    found->err = err;
    found->count = count;
    found->has_more = more;
    sem_post(&found->sem);
}

static struct found find_events(struct testing_fixture *f, uint64_t after, bool newest,
                                enum log_level least, size_t limit)
{
    struct found found;
    begin(&found);
    events_find(f->store, after, newest, least, limit, NULL, on_events, &found);
    wait_for(&found);
    assert_int_equal(found.err, OK);
    return found;
}

static void test_events(void **state)
{
    struct testing_fixture *f = *state;
    for (unsigned i = 1; i <= 9; i++)
        events_add(f->store, &(struct event){.time_ms = i,
                                             .id = 12000 + i,
                                             .level = i % 3 ? LOG_INFO : LOG_WARNING,
                                             .name = SPAN("name"),
                                             .subject = SPAN("connector internet"),
                                             .text = SPAN("text"),
                                             .remedy = SPAN("do that")});
    struct found found = find_events(f, 0, true, LOG_DEBUG, 2);
    assert_int_equal(found.count, 2);
    assert_true(found.has_more);
    assert_int_equal(found.events[0].id, 12008);
    assert_int_equal(found.events[1].id, 12009);
    assert_span(found.events[1].remedy, "do that");
    uint64_t number = found.events[0].number;
    arena_done(&found.arena);
    found = find_events(f, number, false, LOG_DEBUG, 10);
    assert_int_equal(found.count, 1);
    assert_false(found.has_more);
    assert_true(found.events[0].number > number);
    arena_done(&found.arena);
    found = find_events(f, 0, false, LOG_WARNING, 10);
    assert_int_equal(found.count, 3);
    assert_int_equal(found.events[0].id, 12003);
    arena_done(&found.arena);
}

/* ---- revisions ---- */

static void on_revisions(void *context, enum err err, const struct revision *revisions,
                         size_t count)
{
    struct found *found = context;
    found->revisions = ARENA_ARRAY(&found->arena, struct revision, count);
    for (size_t i = 0; i < count; i++) {
        found->revisions[i] = revisions[i];
        found->revisions[i].text = arena_copy(&found->arena, revisions[i].text);
        found->revisions[i].author = arena_copy(&found->arena, revisions[i].author);
    }
    found->err = err;
    found->count = count;
    sem_post(&found->sem);
}

static void append(struct testing_fixture *f, const char *text, uint64_t expected)
{
    struct found found;
    begin(&found);
    struct revision r = {.time_ms = 7,
                         .author = SPAN("root"),
                         .comment = SPAN("apply"),
                         .diff = SPAN("+x"),
                         .text = span_of(text)};
    documents_append(f->store, &r, NULL, on_revisions, &found);
    wait_for(&found);
    assert_int_equal(found.err, OK);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.revisions->number, expected);
    arena_done(&found.arena);
}

static struct found get(struct testing_fixture *f, uint64_t number)
{
    struct found found;
    begin(&found);
    documents_get(f->store, number, NULL, on_revisions, &found);
    wait_for(&found);
    return found;
}

static void test_revisions(void **state)
{
    struct testing_fixture *f = *state;
    struct found found = get(f, 0);
    assert_int_equal(found.err, ERR_NOT_FOUND);
    arena_done(&found.arena);
    append(f, "hostname: a\n", 1);
    append(f, "hostname: b\n", 2);
    found = get(f, 0);
    assert_int_equal(found.revisions->number, 2);
    assert_span(found.revisions->text, "hostname: b\n");
    arena_done(&found.arena);
    found = get(f, 1);
    assert_span(found.revisions->text, "hostname: a\n");
    assert_span(found.revisions->author, "root");
    arena_done(&found.arena);
    found = get(f, 3);
    assert_int_equal(found.err, ERR_NOT_FOUND);
    arena_done(&found.arena);
    begin(&found);
    documents_list(f->store, 10, NULL, on_revisions, &found);
    wait_for(&found);
    assert_int_equal(found.count, 2);
    assert_int_equal(found.revisions[0].number, 2);
    assert_int_equal(found.revisions[0].text.n, 0);
    arena_done(&found.arena);
}

static void test_newest_revision(void **state)
{
    struct testing_fixture *f = *state;
    uint64_t number = 0;
    char *text = NULL;
    assert_int_equal(documents_newest(f->store, &number, &text), ERR_NOT_FOUND);
    append(f, "hostname: a\n", 1);
    store_close(f->store);
    f->store = testing_open(f->folder);
    assert_int_equal(documents_newest(f->store, &number, &text), OK);
    assert_int_equal(number, 1);
    assert_string_equal(text, "hostname: a\n");
    free(text);
}

#define BOTH(test)                                                                                 \
    cmocka_unit_test_setup_teardown(test, testing_set_up, testing_tear_down),                      \
        cmocka_unit_test_setup_teardown(test, testing_set_up_running, testing_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_track_filters),
        BOTH(test_track_of_an_action),
        BOTH(test_track_long),
        BOTH(test_events),
        BOTH(test_revisions),
        cmocka_unit_test(test_names),
        cmocka_unit_test_setup_teardown(test_newest_revision, testing_set_up, testing_tear_down),
    };
    return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}
