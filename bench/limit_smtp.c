#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/args.h"
#include "bench/commit.h"
#include "bench/limit.h"
#include "bench/measure.h"
#include "bench/server.h"

static const char program[] = "bench-limit smtp";

/* Content is gathered so far, so that messages that come at the same time make few records. */
enum { PART = 256 * 1024 };

struct limit {
    struct loop loop;
    struct server server;
    struct commit commit;
    uint64_t messages, bytes, next_id;
};

struct incoming {
    uint64_t id;
    struct buf part;
};

/* Stands before each part in the segment. */
struct record {
    uint64_t id;
    uint32_t length, is_last;
};

static void write_part(struct limit *l, struct incoming *m, bool is_last)
{
    struct record r = {m->id, (uint32_t)m->part.n, is_last};
    commit_add(&l->commit, span_make((const char *)&r, sizeof(r)));
    commit_add(&l->commit, buf_span(&m->part));
    l->bytes += m->part.n;
    buf_reset(&m->part);
}

static void on_begin(struct session *s)
{
    struct limit *l = s->server->context;
    struct incoming *m = malloc(sizeof(*m));
    if (!m)
        abort();
    *m = (struct incoming){l->next_id++, BUF_INIT(BUF_UNLIMITED)};
    s->message = m;
}

static void on_content(struct session *s, struct span piece)
{
    struct incoming *m = s->message;
    buf_add(&m->part, piece);
    if (m->part.n >= PART)
        write_part(s->server->context, m, false);
}

static void on_abandon(struct session *s)
{
    struct incoming *m = s->message;
    buf_done(&m->part);
    free(m);
    s->message = NULL;
}

static void on_end(struct session *s)
{
    struct limit *l = s->server->context;
    write_part(l, s->message, true);
    on_abandon(s);
    l->messages++;
    commit_wait(&l->commit, &s->waiting);
}

static void on_durable(void *context, struct list *waiting)
{
    (void)context;
    for (struct list *node; (node = list_take(waiting));) {
        struct session *s = LIST_OBJECT(node, struct session, waiting);
        session_answer(s, "250 2.0.0 on disk");
        session_resume(s);
    }
}

static int on_turn(void *context)
{
    struct limit *l = context;
    commit_turn(&l->commit, l->server.open <= 1);
    return -1;
}

int limit_smtp(int argc, char **argv)
{
    static struct limit l;
    const char *listen = NULL, *spool = NULL, *certificate = NULL, *key = NULL;
    double deadline = 600;
    const struct arg table[] = {
        {"--listen", ARG_TEXT, &listen, "HOST:PORT", "where"},
        {"--spool", ARG_TEXT, &spool, "DIR", "a folder that exists; its `segment` is overwritten"},
        {"--cert", ARG_TEXT, &certificate, "FILE", "with --key: offer STARTTLS, with resumption"},
        {"--key", ARG_TEXT, &key, "FILE", "the key of the certificate"},
        {"--deadline", ARG_SECONDS, &deadline, "S", "end after S seconds (default 600)"},
    };
    const struct args args = {
        program,
        "Appends what comes to one file and answers 250 after the fdatasync that covers it.\n"
        "Prints `ready`, and one JSON object at the end: after --deadline or SIGTERM.",
        table, sizeof(table) / sizeof(*table)};
    args_parse(&args, argc, argv);
    if (!listen || !spool || !certificate != !key)
        args_fail(program, "--listen and --spool are needed, and --key with --cert");
    loop_raise_descriptors();
    loop_init(&l.loop, true);
    server_init(&l.server, &l.loop, "limit.bench.test");
    l.server.mail = (struct server_mail){on_begin, on_content, on_end, on_abandon};
    l.server.context = &l;
    if (certificate)
        l.server.tls = stream_server_context(program, certificate, key, true);
    l.commit.durable = on_durable;
    commit_init(&l.commit, &l.loop, program, spool);
    server_listen(&l.server, program, listen);
    l.loop.turn = on_turn;
    l.loop.context = &l;
    l.loop.deadline = measure_now() + (uint64_t)(deadline * 1e9);
    puts("ready");
    fflush(stdout);
    loop_run(&l.loop);
    commit_done(&l.commit);
    printf("{\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"flushes\":%" PRIu64 "}\n", l.messages,
           l.bytes, l.commit.flushes);
    server_done(&l.server);
    SSL_CTX_free(l.server.tls);
    loop_done(&l.loop);
    return 0;
}
