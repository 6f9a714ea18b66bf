/* bench-sink: where mail of the bench arrives: an SMTP server that verifies and counts. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#include "base/map.h"
#include "bench/args.h"
#include "bench/measure.h"
#include "bench/message.h"
#include "bench/server.h"

static const char program[] = "bench-sink";

struct options {
    struct arg_list listen;
    const char *starttls[2];
    uint64_t expect, slow_ms;
    double deadline;
    bool silent, size_check;
};

/* Which numbers of a run have come. */
struct run {
    uint8_t *bits;
    size_t size;
};

enum { RUNS_LIMIT = 1000, GOODBYE_MS = 100 };

struct sink {
    struct options options;
    struct loop loop;
    struct server server;
    struct map runs;
    uint64_t messages, bytes, damaged, duplicates, first_ns, last_ns;
    double done_at_unix;
    bool complete;
};

static double unix_time(void)
{
    return (double)measure_clock(CLOCK_REALTIME) / 1e9;
}

/* Whether the message has come before. */
static bool note_number(struct sink *k, const struct message_check *c)
{
    struct span name = span_make(c->run, 16);
    struct run *run = map_get(&k->runs, name);
    if (!run) {
        if (k->runs.count == RUNS_LIMIT)
            return false;
        run = calloc(1, sizeof(*run));
        if (!run)
            abort();
        map_set(&k->runs, name, run);
    }
    size_t byte = c->number / 8;
    if (byte >= run->size) {
        size_t size = byte * 2 + 4096;
        run->bits = realloc(run->bits, size);
        if (!run->bits)
            abort();
        memset(run->bits + run->size, 0, size - run->size);
        run->size = size;
    }
    uint8_t bit = (uint8_t)(1 << c->number % 8);
    bool before = run->bits[byte] & bit;
    run->bits[byte] |= bit;
    return before;
}

static void on_begin(struct session *s)
{
    s->message = calloc(1, sizeof(struct message_check));
    if (!s->message)
        abort();
}

static void on_content(struct session *s, struct span piece)
{
    message_check_add(s->message, piece);
}

static void on_abandon(struct session *s)
{
    free(s->message);
    s->message = NULL;
}

static void on_end(struct session *s)
{
    struct sink *k = s->server->context;
    struct message_check *c = s->message;
    k->last_ns = measure_now();
    k->done_at_unix = unix_time();
    if (!k->messages++)
        k->first_ns = k->last_ns;
    k->bytes += c->bytes;
    if (!message_check_is_whole(c, !k->options.size_check))
        k->damaged++;
    else if (note_number(k, c))
        k->duplicates++;
    on_abandon(s);
    k->complete = k->options.expect && k->messages - k->duplicates >= k->options.expect;
    session_answer(s, "250 2.0.0 verified");
}

static int on_turn(void *context)
{
    struct sink *k = context;
    int wait_ms = server_turn(&k->server);
    if (!k->complete)
        return wait_ms;
    /* Whoever sent the last messages wants its replies, and to say QUIT. */
    if (!k->server.open || measure_now() - k->last_ns > GOODBYE_MS * 1000000ULL)
        loop_stop(&k->loop);
    return wait_ms >= 0 && wait_ms < GOODBYE_MS ? wait_ms : GOODBYE_MS;
}

static void print_result(const struct sink *k)
{
    printf("{\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"damaged\":%" PRIu64
           ",\"duplicates\":%" PRIu64 ",\"first_to_last_seconds\":%.6f,\"done_at_unix\":%.6f,"
           "\"complete\":%s}\n",
           k->messages, k->bytes, k->damaged, k->duplicates,
           (double)(k->last_ns - k->first_ns) / 1e9, k->messages ? k->done_at_unix : unix_time(),
           k->complete ? "true" : "false");
}

static void free_run(struct span key, void *value, void *context)
{
    (void)key;
    (void)context;
    free(((struct run *)value)->bits);
}

static void parse(struct options *o, int argc, char **argv)
{
    const struct arg table[] = {
        {"--listen", ARG_LIST, &o->listen, "HOST:PORT", "where; may be given again"},
        {"--starttls", ARG_PAIR, o->starttls, "CERT KEY", "offer STARTTLS with these PEM files"},
        {"--expect", ARG_NUMBER, &o->expect, "N", "end when N different messages have come"},
        {"--deadline", ARG_SECONDS, &o->deadline, "S", "end after S seconds (default 600)"},
        {"--slow", ARG_NUMBER, &o->slow_ms, "MS", "send each reply so many milliseconds late"},
        {"--silent", ARG_FLAG, &o->silent, NULL, "accept connections and never say a word"},
        {"--size-check", ARG_FLAG, &o->size_check, NULL,
         "compare only lengths, for large messages: summing costs time"},
    };
    const struct args args = {
        program,
        "An SMTP server that verifies what bench-load has sent. Prints `ready`, and one JSON\n"
        "object at the end: after --expect, --deadline or SIGTERM.",
        table, sizeof(table) / sizeof(*table)};
    args_parse(&args, argc, argv);
    if (!o->listen.count)
        args_fail(program, "--listen is missing");
}

int main(int argc, char **argv)
{
    static struct sink k = {.options.deadline = 600};
    struct options *o = &k.options;
    parse(o, argc, argv);
    loop_raise_descriptors();
    loop_init(&k.loop, true);
    server_init(&k.server, &k.loop, "sink.bench.test");
    map_init(&k.runs);
    k.server.mail = (struct server_mail){on_begin, on_content, on_end, on_abandon};
    k.server.context = &k;
    k.server.slow_ns = o->slow_ms * 1000000;
    k.server.silent = o->silent;
    if (o->starttls[0])
        k.server.tls = stream_server_context(program, o->starttls[0], o->starttls[1], true);
    for (size_t i = 0; i < o->listen.count; i++)
        server_listen(&k.server, program, o->listen.items[i]);
    k.loop.turn = on_turn;
    k.loop.context = &k;
    k.loop.deadline = measure_now() + (uint64_t)(o->deadline * 1e9);
    puts("ready");
    fflush(stdout);
    loop_run(&k.loop);
    print_result(&k);
    server_done(&k.server);
    map_each(&k.runs, free_run, NULL);
    map_done_with_values(&k.runs);
    SSL_CTX_free(k.server.tls);
    loop_done(&k.loop);
    return k.damaged || k.duplicates || (o->expect && !k.complete);
}
