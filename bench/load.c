/* bench-load: sends mail, or only shakes hands, and measures. */
#include "bench/load.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/num.h"
#include "bench/account.h"
#include "bench/load_session.h"

static const char program[] = "bench-load";

enum {
    OPENING_AT_ONCE = 128,     /* a larger crowd overflows what a listener queues */
    IDLE_OPENING_AT_ONCE = 32, /* until they rest: handshakes under way need memory of their own */
    ERRORS_LIMIT = 10000,
    ADDRESS_LIMIT = 254, /* RFC 5321 section 4.5.3.1.3, without the brackets */
    DEFAULT_TOTAL = 1000
};

bool loader_claim(struct loader *l, uint32_t *number)
{
    struct load_run *run = l->run;
    if (atomic_load(&run->ending) || l->counts.errors > ERRORS_LIMIT ||
        (run->closing && measure_now() >= run->closing))
        return false;
    uint64_t next = atomic_fetch_add(&run->next, 1);
    *number = (uint32_t)next;
    return next < run->options.total;
}

static bool start_next(struct loader *l)
{
    uint32_t number;
    size_t at_once = l->run->options.idle ? IDLE_OPENING_AT_ONCE : OPENING_AT_ONCE;
    if (!l->idle_count || l->opening >= at_once || !loader_claim(l, &number))
        return false;
    client_start(l->idle[--l->idle_count], number);
    return true;
}

/* A server that no longer answers one of its clients shall not hold up the whole run. */
static void end_stalled(struct loader *l)
{
    uint64_t now = measure_now(), stall = (uint64_t)(l->run->options.stall * 1e9);
    if (now - l->looked < MEASURE_SECOND / 4)
        return;
    l->looked = now;
    for (size_t i = 0; i < l->client_count; i++) {
        struct client *c = &l->clients[i];
        if (c->step != STEP_NONE && c->step != STEP_HOLD && now - c->heard > stall)
            client_fail(c, "no answer");
    }
}

static int on_turn(void *context)
{
    struct loader *l = context;
    struct load_run *run = l->run;
    end_stalled(l);
    while (start_next(l))
        ;
    bool all_idle = l->idle_count == l->client_count;
    if (run->options.idle) {
        if (!l->said_ready && l->holding == l->client_count) {
            l->said_ready = true;
            puts("ready");
            fflush(stdout);
        }
        all_idle |= !l->said_ready && l->counts.errors;
    }
    if (all_idle || atomic_load(&run->ending))
        loop_stop(&l->loop);
    return -1;
}

/* The end of standard input; what is written there means nothing. */
static void on_input(struct watch *w, uint32_t events)
{
    struct loader *l = (struct loader *)(void *)((char *)w - offsetof(struct loader, input));
    char bytes[256];
    (void)events;
    ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));
    if (n <= 0)
        loop_stop(&l->loop);
    else
        loop_again(&l->loop, STDIN_FILENO, w, EPOLLIN);
}

static int keep_ticket(SSL *tls, SSL_SESSION *session)
{
    struct loader *l = SSL_get_app_data(tls);
    SSL_SESSION_free(l->ticket);
    l->ticket = session;
    return 1;
}

static void loader_init(struct loader *l, struct load_run *run, size_t clients, bool is_first)
{
    l->run = run;
    l->client_count = clients;
    l->clients = calloc(clients + 1, sizeof(*l->clients));
    l->idle = calloc(clients + 1, sizeof(struct client *));
    if (!l->clients || !l->idle)
        abort();
    for (size_t i = clients; i--;) {
        l->clients[i].loader = l;
        l->idle[l->idle_count++] = &l->clients[i];
    }
    loop_init(&l->loop, is_first);
    l->loop.turn = on_turn;
    l->loop.context = l;
    l->loop.deadline = run->began + (uint64_t)(run->options.deadline * 1e9);
}

static void *loader_run(void *context)
{
    struct loader *l = context;
    bool holds = l->run->options.idle;
    l->input.ready = on_input;
    if (holds && !loop_add(&l->loop, STDIN_FILENO, &l->input, EPOLLIN))
        args_fail(program, "--idle ends with standard input, which is none to wait for");
    loop_run(&l->loop);
    /* That one thread has nothing left to do is no reason for the others to end. */
    if (l->loop.expired || l->loop.signalled || holds)
        atomic_store(&l->run->ending, true);
    const char *why = l->loop.expired ? "the deadline has passed" : "the run was ended";
    for (size_t i = 0; i < l->client_count; i++) {
        struct client *c = &l->clients[i];
        if (c->step == STEP_HOLD && !l->loop.expired)
            stream_close(&c->stream);
        else if (c->step != STEP_NONE)
            client_fail(c, why);
        free(c->pieces.head);
    }
    return NULL;
}

static void loader_done(struct loader *l)
{
    SSL_SESSION_free(l->ticket);
    loop_done(&l->loop);
    free(l->clients);
    free(l->idle);
}

static void add_counts(struct load_counts *into, const struct load_counts *from)
{
    if (!into->errors)
        memcpy(into->first_error, from->first_error, sizeof(into->first_error));
    into->transactions += from->transactions;
    into->in_window += from->in_window;
    into->sessions += from->sessions;
    into->errors += from->errors;
    into->resumed += from->resumed;
    into->bytes += from->bytes;
    if (from->last_done > into->last_done)
        into->last_done = from->last_done;
    histogram_merge(&into->latency, &from->latency);
    histogram_merge(&into->session, &from->session);
    histogram_merge(&into->ehlo_after_tls, &from->ehlo_after_tls);
}

static void run_threads(struct load_run *run, struct load_counts *sum)
{
    size_t n = run->options.threads;
    struct loader *loaders = calloc(n, sizeof(*loaders));
    pthread_t *threads = calloc(n, sizeof(*threads));
    if (!loaders || !threads)
        abort();
    for (size_t i = 0; i < n; i++)
        loader_init(&loaders[i], run,
                    run->options.connections / n + (i < run->options.connections % n), i == 0);
    for (size_t i = 1; i < n; i++)
        if (pthread_create(&threads[i], NULL, loader_run, &loaders[i]))
            abort();
    loader_run(&loaders[0]);
    for (size_t i = 0; i < n; i++) {
        if (i)
            pthread_join(threads[i], NULL);
        add_counts(sum, &loaders[i].counts);
        loader_done(&loaders[i]);
    }
    free(loaders);
    free(threads);
}

static void parse(struct load_options *o, int argc, char **argv)
{
    const struct arg table[] = {
        {"--connect", ARG_TEXT, &o->connect, "HOST:PORT", "the server"},
        {"--connections", ARG_NUMBER, &o->connections, "N", "at the same time (default 1)"},
        {"--messages", ARG_NUMBER, &o->messages, "M", "in each session (default 1)"},
        {"--total", ARG_NUMBER, &o->total, "T",
         "transactions, or handshakes (default 1000, or as many as --seconds allow)"},
        {"--seconds", ARG_SECONDS, &o->seconds, "S", "begin nothing new afterwards"},
        {"--deadline", ARG_SECONDS, &o->deadline, "S",
         "whatever is not done then is an error (default 60 s after --seconds; --idle: 600)"},
        {"--stall", ARG_SECONDS, &o->stall, "S",
         "give up a session that says nothing (default 30)"},
        {"--size", ARG_SIZE, &o->size, "BYTES", "of a message (default 4096)"},
        {"--sender", ARG_TEXT, &o->sender, "A", "default sender@bench.test"},
        {"--recipient", ARG_TEXT, &o->recipient, "A", "default rcpt@dest.test"},
        {"--domains", ARG_NUMBER, &o->domains, "N",
         "recipients rcpt@d0.dest.test to rcpt@d<N-1>.dest.test in turn"},
        {"--starttls", ARG_FLAG, &o->starttls, NULL, "protect each session"},
        {"--resume", ARG_FLAG, &o->resume, NULL, "with the newest TLS session there is"},
        {"--tls1.2", ARG_FLAG, &o->only_tls12, NULL, "TLS 1.2 at most"},
        {"--handshakes", ARG_FLAG, &o->handshakes, NULL,
         "sessions of EHLO, STARTTLS, EHLO, QUIT; each is a transaction"},
        {"--idle", ARG_FLAG, &o->idle, NULL,
         "open all after EHLO, print `ready`, hold them until standard input ends"},
        {"--no-pipelining", ARG_FLAG, &o->no_pipelining, NULL, "even where it is offered"},
        {"--quit-nowait", ARG_FLAG, &o->quit_nowait, NULL, "close after QUIT without its reply"},
        {"--account", ARG_LIST, &o->accounts, "PID",
         "a server whose processor time is counted, with its descendants; may be given again"},
        {"--threads", ARG_COUNT, &o->threads, "[N]",
         "share the connections (default 1; without N one thread for each processor)"},
    };
    const struct args args = {
        program, "Sends mail over SMTP as fast as a server takes it, and prints one JSON object.",
        table, sizeof(table) / sizeof(*table)};
    args_parse(&args, argc, argv);
    if (!o->connect)
        args_fail(program, "--connect is missing");
    if (!o->connections || !o->messages || !o->threads)
        args_fail(program, "there must be a connection, a message and a thread");
    if (strlen(o->sender) > ADDRESS_LIMIT || strlen(o->recipient) > ADDRESS_LIMIT)
        args_fail(program, "an address has at most %d octets", ADDRESS_LIMIT);
    if (o->idle && o->threads > 1)
        args_fail(program, "--idle needs one thread");
}

static void settle(struct load_options *o)
{
    uint64_t all = o->connections * o->messages;
    o->starttls |= o->handshakes;
    if (o->idle)
        o->total = o->connections;
    if (!o->total)
        o->total = o->seconds > 0 ? MESSAGE_NUMBERS : all > DEFAULT_TOTAL ? all : DEFAULT_TOTAL;
    if (o->total > MESSAGE_NUMBERS)
        args_fail(program, "--total is at most %u", MESSAGE_NUMBERS);
    if (o->deadline <= 0)
        o->deadline = o->idle ? 600 : o->seconds + 60;
    if (o->threads > o->connections)
        o->threads = o->connections;
}

static size_t parse_accounts(const struct arg_list *list, pid_t pids[ARG_LIST_MAX])
{
    for (size_t i = 0; i < list->count; i++) {
        uint64_t pid;
        if (num_parse(span_of(list->items[i]), INT32_MAX, &pid) != OK)
            args_fail(program, "--account takes a process id, not %s", list->items[i]);
        pids[i] = (pid_t)pid;
    }
    return list->count;
}

static void make_tls(struct load_run *run)
{
    run->tls = stream_client_context(run->options.only_tls12);
    if (!run->options.resume)
        return;
    SSL_CTX_set_session_cache_mode(run->tls,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(run->tls, keep_ticket);
}

int main(int argc, char **argv)
{
    static struct load_counts counts;
    static struct load_run run = {.options = {.sender = "sender@bench.test",
                                              .recipient = "rcpt@dest.test",
                                              .connections = 1,
                                              .messages = 1,
                                              .size = 4096,
                                              .stall = 30,
                                              .threads = 1}};
    pid_t pids[ARG_LIST_MAX];
    parse(&run.options, argc, argv);
    settle(&run.options);
    size_t pid_count = parse_accounts(&run.options.accounts, pids);
    run.server = loop_endpoint(program, run.options.connect);
    loop_raise_descriptors();
    if (run.options.starttls)
        make_tls(&run);
    message_template_init(&run.template, run.options.size, run.options.sender,
                          run.options.recipient);
    double cpu = account_cpu_us(pids, pid_count);
    uint64_t own = measure_clock(CLOCK_PROCESS_CPUTIME_ID);
    run.began = measure_now();
    if (run.options.seconds > 0)
        run.closing = run.began + (uint64_t)(run.options.seconds * 1e9);
    run_threads(&run, &counts);
    own = measure_clock(CLOCK_PROCESS_CPUTIME_ID) - own;
    cpu = account_cpu_us(pids, pid_count) - cpu;
    load_report(&run, &counts, cpu, (double)own / 1e3);
    message_template_done(&run.template);
    SSL_CTX_free(run.tls);
    return counts.errors ? 1 : 0;
}
