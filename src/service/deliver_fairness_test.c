/* Many next hops of one connector, and more of them dead than it has connections: the real
 * scheduler against peers on loopback. Each is an address literal in 127.0.0.0/8 with one port, so
 * that one listener is all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/deliver.h"
#include "service/peers_script.h"
#include "service/world.h"
#include "store/queue.h"

struct place {
    char folder[64];
    struct world world;
    struct peers *peers;
    enum queue_action action;
};

static void setup(struct place *p, const char *limits)
{
    *p = (struct place){.folder = "/tmp/sealpost-fairness-XXXXXX", .peers = peers_start()};
    assert_non_null(mkdtemp(p->folder));
    log_setup(LOG_ERROR, false);
    struct buf text = BUF_INIT(65536), why = BUF_INIT(65536);
    buf_addf(&text,
             "hostname: fair.example\n"
             "send-connectors:\n"
             "  out: {address-spaces: [\"*\"], deliver-by: mx, port: %u, tls: off, %s}\n",
             peers_port(p->peers), limits);
    struct problems problems = {0};
    struct document *document;
    assert_int_equal(document_parse(buf_span(&text), &problems, &document), OK);
    problems_done(&problems);
    p->world.data_directory = p->folder;
    assert_int_equal(store_open(p->folder, &p->world.store, &why), OK);
    p->world.main_loop = loop_new();
    p->world.snapshots = snapshots_new();
    struct certificate_set *set = certificates_load(p->folder, SPAN_NONE);
    struct snapshot *snapshot;
    assert_int_equal(snapshot_new(document, 1, set, &snapshot, &why), OK);
    certificate_set_release(set);
    snapshot_publish(&p->world, snapshot);
    assert_int_equal(deliver_new(&p->world, &p->world.deliver, &why), OK);
    assert_int_equal(store_start(p->world.store), OK);
    assert_int_equal(deliver_start(p->world.deliver), OK);
    buf_done(&text);
    buf_done(&why);
}

static void teardown(struct place *p)
{
    peers_stop(p->peers); /* first, so that nobody waits for the silent ones */
    deliver_stop(p->world.deliver);
    store_close(p->world.store);
    deliver_free(p->world.deliver);
    snapshots_free(p->world.snapshots);
    loop_free(p->world.main_loop);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", p->folder);
    assert_int_equal(system(command), 0);
}

static void on_accepted(void *context, struct queue_commit *commit, enum err err)
{
    struct place *p = context;
    assert_int_equal(err, OK);
    for (size_t i = 0; i < commit->arrival_count; i++)
        deliver_arrived(p->world.deliver, &commit->arrivals[i].envelope);
    queue_commit_free(commit);
    loop_stop(p->world.main_loop);
}

static void add_message(struct place *p, struct queue_commit *commit, struct span domain,
                        size_t recipients)
{
    static const char content[] = "Subject: fair\r\n\r\nHello.\r\n";
    struct recipient *recipient = ARENA_ARRAY(&commit->arena, struct recipient, recipients);
    for (size_t i = 0; i < recipients; i++) {
        recipient[i].domain = domain;
        recipient[i].address =
            arena_printf(&commit->arena, "box%zu@" SPAN_FMT, i, SPAN_ARG(domain));
    }
    struct queue_arrival *arrival = &commit->arrivals[commit->arrival_count++];
    *arrival = (struct queue_arrival){.envelope = {.id = message_id_new(clock_now_ms()),
                                                   .received_ms = clock_now_ms(),
                                                   .size = sizeof(content) - 1,
                                                   .connector = SPAN("test"),
                                                   .protocol = SPAN("ESMTP"),
                                                   .recipients = recipient,
                                                   .recipient_count = recipients},
                                      .content = queue_writer_new(p->world.store)};
    assert_int_equal(queue_writer_add(arrival->content, SPAN(content)), OK);
}

static void enlarge(struct queue_arrival *arrival, size_t size)
{
    static const char line[] = "One more line of a message that takes a while to be read.\r\n";
    for (; arrival->envelope.size < size; arrival->envelope.size += sizeof(line) - 1)
        assert_int_equal(queue_writer_add(arrival->content, SPAN(line)), OK);
}

static void submit(struct place *p, struct queue_commit *commit)
{
    commit->done = on_accepted;
    commit->context = p;
    commit->loop = p->world.main_loop;
    queue_submit(p->world.store, commit);
    loop_run(p->world.main_loop);
}

/* One message for each next hop; every dead_each-th is a silent one, the first of them first. */
static void send_to_many(struct place *p, unsigned count, unsigned dead_each)
{
    struct queue_commit *commit = queue_commit_new();
    commit->arrivals = ARENA_ARRAY(&commit->arena, struct queue_arrival, count);
    for (unsigned i = 0; i < count; i++)
        add_message(p, commit,
                    arena_printf(&commit->arena, "[127.%d.%u.%u]",
                                 i % dead_each == 0 ? PEERS_SILENT : PEERS_WELL, i / 200,
                                 i % 200 + 1),
                    1);
    submit(p, commit);
}

/* Waits until so many recipients are left, or the time is over; returns how long that took. */
static int64_t wait_for_left(struct place *p, uint64_t left, int64_t most_ms)
{
    int64_t begin = clock_monotonic_ms();
    while (store_statistics(p->world.store).recipients > left &&
           clock_monotonic_ms() - begin < most_ms)
        usleep(10000);
    assert_int_equal(store_statistics(p->world.store).recipients, left);
    return clock_monotonic_ms() - begin;
}

/* 20 dead ones and 12 connections: without shares and patience the others would wait for
 * connect-timeout, and the greeting's five minutes. */
static void test_more_dead_next_hops_than_connections(void **state)
{
    (void)state;
    struct place p;
    setup(&p, "max-connections: 12, connect-timeout: 1h");
    send_to_many(&p, 200, 10);
    int64_t took = wait_for_left(&p, 20, 30000);
    assert_true(took < 15000);
    assert_int_equal(peers_messages(p.peers), 180);
    teardown(&p);
}

/* With places enough nobody is hurried, and the dead ones cost the others nothing. */
static void test_dead_next_hops_with_places_to_spare(void **state)
{
    (void)state;
    struct place p;
    setup(&p, "max-connections: 1000");
    send_to_many(&p, 200, 10);
    assert_true(wait_for_left(&p, 20, 30000) < 2500);
    assert_int_equal(atomic_load(&p.world.counters.connections_out_failed), 0);
    teardown(&p);
}

/* A next hop without an answer gets one connection, however much waits for it. */
static void test_one_connection_to_who_has_not_answered(void **state)
{
    (void)state;
    struct place p;
    setup(&p, "max-connections: 1000");
    struct queue_commit *commit = queue_commit_new();
    commit->arrivals = ARENA_ARRAY(&commit->arena, struct queue_arrival, 50);
    for (int i = 0; i < 50; i++)
        add_message(&p, commit, arena_printf(&commit->arena, "[127.%d.0.1]", PEERS_SILENT), 1);
    submit(&p, commit);
    send_to_many(&p, 20, 20);
    wait_for_left(&p, 51, 10000);
    assert_int_equal(peers_connections(p.peers, PEERS_SILENT), 1);
    teardown(&p);
}

/* Whether the peer announces its limit or just refuses what is beyond it, the others follow in
 * further transactions at once. */
static void test_recipients_beyond_the_peers_limit(void **state)
{
    (void)state;
    static const int kinds[] = {PEERS_FEW, PEERS_STRICT};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct place p;
        setup(&p, "max-connections: 10");
        struct queue_commit *commit = queue_commit_new();
        commit->arrivals = ARENA_NEW(&commit->arena, struct queue_arrival);
        add_message(&p, commit, arena_printf(&commit->arena, "[127.%d.0.1]", kinds[i]), 7);
        submit(&p, commit);
        wait_for_left(&p, 0, 10000);
        assert_int_equal(peers_messages(p.peers), 4);
        assert_int_equal(atomic_load(&p.world.counters.recipients_deferred), 0);
        teardown(&p);
    }
}

static void on_acted(void *context, enum err err, const struct queue_acted *acted, size_t count)
{
    struct place *p = context;
    assert_int_equal(err, OK);
    deliver_acted(p->world.deliver, p->action, acted, count);
    loop_stop(p->world.main_loop);
}

static void act(struct place *p, enum queue_action action)
{
    static const struct queue_filter all = {0};
    p->action = action;
    queue_act(p->world.store, action, &all, clock_now_ms(), SPAN("test"), p->world.main_loop,
              on_acted, p);
    loop_run(p->world.main_loop);
}

/* However holds and releases meet the fetches that are under way: what is released in the end goes
 * out. The contents are large, so that fetching takes a while. */
static void test_hold_and_release_while_messages_are_fetched(void **state)
{
    (void)state;
    struct place p;
    setup(&p, "max-connections: 4");
    struct queue_commit *commit = queue_commit_new();
    commit->arrivals = ARENA_ARRAY(&commit->arena, struct queue_arrival, 6);
    for (unsigned i = 0; i < 6; i++) {
        add_message(&p, commit, arena_printf(&commit->arena, "[127.%d.0.%u]", PEERS_WELL, i + 1),
                    1);
        enlarge(&commit->arrivals[i], 4 << 20);
    }
    submit(&p, commit);
    for (int round = 0; round < 20; round++) {
        act(&p, QUEUE_ACTION_HOLD);
        act(&p, QUEUE_ACTION_RELEASE);
    }
    wait_for_left(&p, 0, 20000);
    teardown(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more_dead_next_hops_than_connections),
        cmocka_unit_test(test_dead_next_hops_with_places_to_spare),
        cmocka_unit_test(test_one_connection_to_who_has_not_answered),
        cmocka_unit_test(test_recipients_beyond_the_peers_limit),
        cmocka_unit_test(test_hold_and_release_while_messages_are_fetched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
