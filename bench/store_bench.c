/* store_bench: what the store alone does per second, without SMTP around it.
 *
 *   store_bench DIR accept|relay MESSAGES WINDOW SIZE     (DIR must not exist; it stays)
 *   store_bench DIR fill RECIPIENTS                       fills a queue, 10 recipients a commit
 *   store_bench DIR open                                  how long a start takes on what is there
 *
 * WINDOW commits are kept on their way, each with one message for one recipient and its tracking
 * record; relay also fetches each message, reads it and ends it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "store/queue.h"

struct bench {
    struct store *store;
    struct loop *loop;
    char *content;
    size_t size, started, accepted, ended, total;
    bool relays;
};

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void fail(const char *what, enum err err)
{
    fprintf(stderr, "store_bench: %s: %s\n", what, err_text(err));
    exit(1);
}

static struct envelope make_envelope(struct arena *a, size_t number, size_t recipients)
{
    int64_t now = clock_now_ms();
    struct envelope e = {.id = message_id_new(now),
                         .reverse_path = SPAN("sender@sender.example"),
                         .received_ms = now,
                         .connector = SPAN("internet"),
                         .client_ip = SPAN("192.0.2.1"),
                         .helo = SPAN("client.sender.example"),
                         .protocol = SPAN("ESMTPS"),
                         .tls = SPAN("TLSv1.3 TLS_AES_256_GCM_SHA384"),
                         .header_message_id = SPAN("20261122184605.1234@sender.example"),
                         .subject = SPAN("a subject of usual length"),
                         .recipient_count = recipients};
    e.recipients = ARENA_ARRAY(a, struct recipient, recipients);
    for (size_t i = 0; i < recipients; i++) {
        struct span domain = arena_printf(a, "domain%zu.example", (number * 10 + i) % 5000);
        struct span address = arena_printf(a, "user%zu@" SPAN_FMT, i, SPAN_ARG(domain));
        e.recipients[i] = (struct recipient){.address = address, .domain = domain};
    }
    return e;
}

static void track(struct queue_commit *c, enum track_event event, const struct envelope *e)
{
    c->tracks = ARENA_NEW(&c->arena, struct track_record);
    *c->tracks = (struct track_record){.time_ms = e->received_ms,
                                       .event = event,
                                       .id = e->id,
                                       .message_id_header = e->header_message_id,
                                       .sender = e->reverse_path,
                                       .recipients = e->recipients[0].address,
                                       .recipient_status = SPAN("250 2.0.0 ok"),
                                       .connector = e->connector,
                                       .client_ip = e->client_ip,
                                       .client_name = e->helo,
                                       .subject = e->subject,
                                       .tls = e->tls,
                                       .size = e->size,
                                       .recipient_count = e->recipient_count};
    c->track_count = 1;
}

static struct queue_commit *make_arrival(struct bench *b, size_t recipients)
{
    struct queue_commit *c = queue_commit_new();
    c->arrivals = ARENA_NEW(&c->arena, struct queue_arrival);
    c->arrivals->envelope = make_envelope(&c->arena, b->started++, recipients);
    c->arrivals->content = queue_writer_new(b->store);
    for (size_t at = 0; at < b->size;) { /* in pieces, as a session does */
        size_t n = b->size - at < 16384 ? b->size - at : 16384;
        enum err err = queue_writer_add(c->arrivals->content, span_make(b->content + at, n));
        if (err != OK)
            fail("write", err);
        at += n;
    }
    c->arrival_count = 1;
    track(c, TRACK_RECEIVE, &c->arrivals->envelope);
    c->context = b;
    c->loop = b->loop;
    return c;
}

static void start_next(struct bench *b);

static void note_end(struct bench *b)
{
    if (++b->ended == b->total)
        loop_stop(b->loop);
}

static void on_removed(void *context, struct queue_commit *c, enum err err)
{
    queue_commit_free(c);
    if (err != OK)
        fail("removal", err);
    note_end(context);
}

static void on_fetched(void *context, enum err err, struct queued_message *m)
{
    struct bench *b = context;
    char p[16384];
    if (err != OK)
        fail("fetch", err);
    uint64_t at = 0;
    for (ssize_t n = 1; n > 0; at += (uint64_t)n)
        if ((n = queued_message_read(m, at, p, sizeof(p))) < 0)
            fail("read", ERR_IO);
    struct queue_commit *c = queue_commit_new();
    c->updates = ARENA_NEW(&c->arena, struct queue_update);
    *c->updates = (struct queue_update){.id = m->envelope.id, .kind = QUEUE_DONE};
    c->update_count = 1;
    struct envelope e = envelope_copy(&c->arena, &m->envelope);
    track(c, TRACK_SEND, &e);
    c->done = on_removed;
    c->context = b;
    c->loop = b->loop;
    queue_submit(b->store, c);
    queued_message_free(m);
}

static void on_accepted(void *context, struct queue_commit *c, enum err err)
{
    struct bench *b = context;
    struct message_id id = c->arrivals->envelope.id;
    queue_commit_free(c);
    if (err != OK)
        fail("accept", err);
    b->accepted++;
    if (b->relays)
        queue_fetch(b->store, id, b->loop, on_fetched, b);
    else
        note_end(b);
    start_next(b);
}

static void start_next(struct bench *b)
{
    if (b->started == b->total)
        return;
    struct queue_commit *c = make_arrival(b, 1);
    c->done = on_accepted;
    queue_submit(b->store, c);
}

static void on_filled(void *context, struct queue_commit *c, enum err err)
{
    queue_commit_free(c);
    if (err != OK)
        fail("fill", err);
    note_end(context);
}

static void run(struct bench *b, size_t window)
{
    enum err err = store_start(b->store);
    if (err != OK)
        fail("start", err);
    double before = seconds(), cpu = cpu_seconds();
    for (size_t i = 0; i < window; i++)
        start_next(b);
    loop_run(b->loop);
    double took = seconds() - before;
    cpu = cpu_seconds() - cpu;
    printf("%s %zu x %zu octets, window %zu: %.0f/s, %.1f us CPU each\n",
           b->relays ? "relay" : "accept", b->total, b->size, window, (double)b->total / took,
           cpu * 1e6 / (double)b->total);
}

static void fill(struct bench *b, size_t recipients)
{
    enum { EACH = 10 };
    enum err err = store_start(b->store);
    if (err != OK)
        fail("start", err);
    b->total = recipients / EACH;
    while (b->started < b->total) {
        struct queue_commit *c = make_arrival(b, EACH);
        c->done = on_filled;
        queue_submit(b->store, c);
    }
    loop_run(b->loop);
}

struct seen {
    size_t count;
    int64_t last_ms;
};

static void see(void *context, const struct queue_pending *pending)
{
    struct seen *seen = context;
    seen->count++;
    seen->last_ms = pending->received_ms;
}

static void on_listed(void *context, enum err err, struct queued_message *const *messages,
                      size_t count, bool more)
{
    (void)messages;
    struct bench *b = context;
    if (err != OK)
        fail("list", err);
    b->ended = count;
    b->relays = more;
    loop_stop(b->loop);
}

static void time_list(struct bench *b, const char *name, const struct queue_filter *filter)
{
    double before = seconds();
    queue_list(b->store, filter, (struct message_id){{0}}, 100, b->loop, on_listed, b);
    loop_run(b->loop);
    printf("list %s: %zu messages%s, %.1f ms\n", name, b->ended, b->relays ? " and more" : "",
           (seconds() - before) * 1e3);
}

static void time_open(struct bench *b, double opened)
{
    struct seen seen = {0};
    double before = seconds();
    enum err err = queue_each_pending(b->store, see, &seen);
    if (err != OK)
        fail("pending", err);
    struct store_statistics s = store_statistics(b->store);
    printf("open: %" PRIu64 " messages in %.0f ms; %zu recipients pending in %.0f ms\n", s.messages,
           opened * 1e3, seen.count, (seconds() - before) * 1e3);
    if ((err = store_start(b->store)) != OK)
        fail("start", err);
    struct queue_filter any = {0}, common = {.domain = SPAN("domain4999.example")};
    struct queue_filter none = {.recipient = SPAN("nobody@*")},
                        sender = {.sender = SPAN("nobody@*")};
    time_list(b, "first page", &any);
    time_list(b, "of a domain", &common);
    time_list(b, "of no recipient", &none);
    time_list(b, "of no sender", &sender);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    struct buf why = BUF_INIT(4096);
    struct bench b = {.loop = loop_new(), .size = 4096};
    double before = seconds();
    enum err err = store_open(argv[1], &b.store, &why);
    if (err != OK) {
        fprintf(stderr, "store_bench: %s\n", buf_text(&why));
        return 1;
    }
    double opened = seconds() - before;
    if (argc == 6) {
        b.relays = strcmp(argv[2], "relay") == 0;
        b.total = strtoul(argv[3], NULL, 10);
        b.size = strtoul(argv[5], NULL, 10);
    }
    b.content = calloc(1, b.size + 1);
    for (size_t i = 0; i < b.size; i++)
        b.content[i] = (char)('a' + i % 26);
    if (argc == 6)
        run(&b, strtoul(argv[4], NULL, 10));
    else if (argc == 4)
        fill(&b, strtoul(argv[3], NULL, 10));
    else
        time_open(&b, opened);
    store_close(b.store);
    loop_free(b.loop);
    free(b.content);
    buf_done(&why);
    return 0;
}
