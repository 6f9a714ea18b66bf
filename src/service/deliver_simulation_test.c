/* A simulated week of delivery: the real scheduler, queue and reports, with a clock that jumps. A
 * smart host refuses connections, a maildir breaks and heals at random; what must hold is checked
 * by counting. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/deliver.h"
#include "service/world.h"
#include "store/queue.h"

static const int64_t start_ms = 1800000000000;

struct simulation {
    char folder[64];
    struct world world;
    uint64_t accepted;
};

static void setup(struct simulation *sim, const char *yaml)
{
    *sim = (struct simulation){.folder = "/tmp/sealpost-simulation-XXXXXX"};
    assert_non_null(mkdtemp(sim->folder));
    clock_set_ms(start_ms);
    log_setup(LOG_ERROR, false);
    struct buf text = BUF_INIT(65536), why = BUF_INIT(65536);
    for (const char *p = yaml; *p; p++)
        if (*p == '@')
            buf_add_text(&text, sim->folder);
        else
            buf_add_char(&text, *p);
    struct problems problems = {0};
    struct document *document;
    enum err err = document_parse(buf_span(&text), &problems, &document);
    for (size_t i = 0; i < problems.count; i++)
        if (!problems.items[i].warning)
            print_message(SPAN_FMT "\n", SPAN_ARG(problems.items[i].text));
    assert_int_equal(err, OK);
    problems_done(&problems);
    sim->world.data_directory = sim->folder;
    assert_int_equal(store_open(sim->folder, &sim->world.store, &why), OK);
    sim->world.main_loop = loop_new();
    sim->world.snapshots = snapshots_new();
    struct certificate_set *set = certificates_load(sim->folder, SPAN_NONE);
    struct snapshot *snapshot;
    assert_int_equal(snapshot_new(document, 1, set, &snapshot, &why), OK);
    certificate_set_release(set);
    snapshot_publish(&sim->world, snapshot);
    assert_int_equal(deliver_new(&sim->world, &sim->world.deliver, &why), OK);
    assert_int_equal(store_start(sim->world.store), OK);
    assert_int_equal(deliver_start(sim->world.deliver), OK);
    buf_done(&text);
    buf_done(&why);
}

static void teardown(struct simulation *sim)
{
    deliver_stop(sim->world.deliver);
    store_close(sim->world.store);
    deliver_free(sim->world.deliver);
    snapshots_free(sim->world.snapshots);
    loop_free(sim->world.main_loop);
    clock_release();
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", sim->folder);
    assert_int_equal(system(command), 0);
}

/* ---- waiting until nothing moves ---- */

struct settled {
    struct loop *loop;
    uint64_t in_flight;
};

static void on_hops(void *context, const struct deliver_next_hop *hops, size_t count)
{
    struct settled *settled = context;
    settled->in_flight = 0;
    for (size_t i = 0; i < count; i++)
        settled->in_flight += hops[i].in_flight;
    loop_stop(settled->loop);
}

/* Time stands still until every attempt that is due now has its outcome on disk. */
static void settle(struct simulation *sim)
{
    struct settled settled = {sim->world.main_loop, 1};
    int quiet = 0;
    for (int i = 0; i < 2000 && quiet < 2; i++) {
        deliver_next_hops(sim->world.deliver, settled.loop, on_hops, &settled);
        loop_run(settled.loop);
        quiet = settled.in_flight ? 0 : quiet + 1;
        if (settled.in_flight)
            usleep(500);
    }
    assert_int_equal(quiet, 2);
}

static void pass(struct simulation *sim, int64_t ms)
{
    clock_set_ms(clock_now_ms() + ms);
    deliver_time_passed(sim->world.deliver);
    settle(sim);
}

/* ---- messages ---- */

static void on_accepted(void *context, struct queue_commit *commit, enum err err)
{
    struct simulation *sim = context;
    assert_int_equal(err, OK);
    deliver_arrived(sim->world.deliver, &commit->arrivals[0].envelope);
    queue_commit_free(commit);
    loop_stop(sim->world.main_loop);
}

static void send_message(struct simulation *sim, const char *from, const char *to, unsigned notify)
{
    static const char content[] = "Subject: simulated\r\n\r\nHello.\r\n";
    struct queue_commit *commit = queue_commit_new();
    struct recipient *recipient = ARENA_NEW(&commit->arena, struct recipient);
    recipient->address = span_of(to);
    recipient->domain = span_of(strchr(to, '@') + 1);
    recipient->notify = notify;
    commit->arrivals = ARENA_NEW(&commit->arena, struct queue_arrival);
    commit->arrival_count = 1;
    commit->arrivals[0] = (struct queue_arrival){.envelope = {.id = message_id_new(clock_now_ms()),
                                                              .reverse_path = span_of(from),
                                                              .received_ms = clock_now_ms(),
                                                              .size = sizeof(content) - 1,
                                                              .connector = SPAN("test"),
                                                              .protocol = SPAN("ESMTP"),
                                                              .recipients = recipient,
                                                              .recipient_count = 1},
                                                 .content = queue_writer_new(sim->world.store)};
    assert_int_equal(queue_writer_add(commit->arrivals[0].content, SPAN(content)), OK);
    commit->done = on_accepted;
    commit->context = sim;
    commit->loop = sim->world.main_loop;
    queue_submit(sim->world.store, commit);
    loop_run(sim->world.main_loop);
    sim->accepted++;
    settle(sim);
}

/* Files in FOLDER/mail/BOX/new that hold the text. */
static unsigned count_mail(const struct simulation *sim, const char *box, const char *text)
{
    char path[512], file[1024], content[65536];
    snprintf(path, sizeof(path), "%s/mail/%s/new", sim->folder, box);
    DIR *folder = opendir(path);
    unsigned count = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        FILE *f = fopen(file, "r");
        assert_non_null(f);
        size_t n = fread(content, 1, sizeof(content) - 1, f);
        content[n] = '\0';
        fclose(f);
        count += strstr(content, text) != NULL;
    }
    if (folder)
        closedir(folder);
    return count;
}

static uint64_t counter(const struct simulation *sim, size_t offset)
{
    return atomic_load((const _Atomic uint64_t *)((const char *)&sim->world.counters + offset));
}
#define COUNTER(sim, name) counter((sim), offsetof(struct counters, name))

/* What is done is counted as such a moment later, of the kernel's time. */
static uint64_t recipients_left(const struct simulation *sim, uint64_t expected)
{
    uint64_t left = store_statistics(sim->world.store).recipients;
    for (int i = 0; left != expected && i < 1000; i++) {
        usleep(5000);
        left = store_statistics(sim->world.store).recipients;
    }
    return left;
}

/* Port 1 refuses connections on every machine that tests run on. */
static const char dead_host[] =
    "hostname: sim.example\n"
    "accepted-domains: [sender.example]\n"
    "send-connectors:\n"
    "  dead: {address-spaces: [dead.example], smart-hosts: [\"127.0.0.1:1\"]}\n"
    "  boxes: {address-spaces: [sender.example], deliver-by: maildir, maildir: \"@/mail/%l\"}\n";

static void test_a_dead_host_delays_then_expires(void **state)
{
    (void)state;
    struct simulation sim;
    setup(&sim, dead_host);
    send_message(&sim, "alice@sender.example", "bob@dead.example", 0);
    send_message(&sim, "never@sender.example", "bob@dead.example", NOTIFY_NEVER);
    send_message(&sim, "nodelay@sender.example", "bob@dead.example", NOTIFY_FAILURE);
    while (clock_now_ms() < start_ms + 4 * HOUR_MS - 2 * MINUTE_MS)
        pass(&sim, MINUTE_MS);
    assert_int_equal(COUNTER(&sim, dsn_sent), 0);
    for (int i = 0; i < 15; i++)
        pass(&sim, MINUTE_MS);
    assert_int_equal(count_mail(&sim, "alice", "Action: delayed"), 1);
    assert_int_equal(COUNTER(&sim, dsn_sent), 1);
    while (clock_now_ms() < start_ms + 2 * DAY_MS - 2 * MINUTE_MS)
        pass(&sim, 5 * MINUTE_MS);
    assert_int_equal(recipients_left(&sim, 3), 3);
    for (int i = 0; i < 30; i++)
        pass(&sim, MINUTE_MS);
    assert_int_equal(count_mail(&sim, "alice", "Action: delayed"), 1);
    assert_int_equal(count_mail(&sim, "alice", "Action: failed"), 1);
    assert_int_equal(count_mail(&sim, "nodelay", "Action: failed"), 1);
    assert_int_equal(count_mail(&sim, "nodelay", "Action: delayed"), 0);
    assert_int_equal(count_mail(&sim, "never", ""), 0);
    assert_int_equal(COUNTER(&sim, recipients_expired), 3);
    assert_int_equal(COUNTER(&sim, recipients_failed), 3);
    assert_int_equal(recipients_left(&sim, 0), 0);
    /* 4 short steps, 6 middle ones, then 10 minutes each for two days: about 300 connections, not
     * thousands. */
    assert_in_range(COUNTER(&sim, connections_out_failed), 200, 320);
    teardown(&sim);
}

static const char breaking_box[] =
    "hostname: sim.example\n"
    "accepted-domains: [sender.example]\n"
    "send-connectors:\n"
    "  boxes: {address-spaces: [sender.example], deliver-by: maildir, maildir: \"@/mail/%l\"}\n";

/* A file where the folder should be: nothing can be delivered until it goes. */
static void set_broken(const struct simulation *sim, bool broken)
{
    char path[128], aside[128];
    snprintf(path, sizeof(path), "%s/mail", sim->folder);
    snprintf(aside, sizeof(aside), "%s/mail.aside", sim->folder);
    if (broken) {
        assert_true(rename(path, aside) == 0 || access(path, F_OK) != 0);
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fclose(f);
    } else {
        assert_int_equal(unlink(path), 0);
        assert_true(rename(aside, path) == 0 || access(aside, F_OK) != 0);
    }
}

static void test_nothing_is_lost_over_a_week_of_outages(void **state)
{
    (void)state;
    struct simulation sim;
    setup(&sim, breaking_box);
    srandom(42);
    bool broken = false;
    for (int hour = 0; hour < 7 * 24; hour++) {
        if (random() % 6 == 0)
            set_broken(&sim, broken = !broken);
        for (long i = random() % 3; i >= 0; i--)
            send_message(&sim, "", "box@sender.example", 0);
        for (int i = 0; i < 6; i++)
            pass(&sim, 10 * MINUTE_MS + random() % MINUTE_MS);
    }
    if (broken)
        set_broken(&sim, false);
    for (int i = 0; i < 12; i++)
        pass(&sim, 10 * MINUTE_MS);
    assert_int_equal(recipients_left(&sim, 0), 0);
    uint64_t dropped = COUNTER(&sim, dsn_dropped);
    assert_int_equal(count_mail(&sim, "box", "Subject: simulated") + dropped, sim.accepted);
    assert_int_equal(COUNTER(&sim, recipients_expired), dropped);
    teardown(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_dead_host_delays_then_expires),
        cmocka_unit_test(test_nothing_is_lost_over_a_week_of_outages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
