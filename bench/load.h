/* load: what is asked of bench-load, and what one of its threads knows. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdatomic.h>

#include "bench/args.h"
#include "bench/loop.h"
#include "bench/measure.h"
#include "bench/message.h"
#include "bench/stream.h"

struct load_options {
    const char *connect, *sender, *recipient;
    uint64_t connections, messages, total, size, domains, threads;
    double seconds, deadline, stall;
    bool starttls, resume, only_tls12, handshakes, idle, no_pipelining, quit_nowait;
    struct arg_list accounts;
};

/* What the threads share. */
struct load_run {
    struct load_options options;
    struct endpoint server;
    struct message_template template;
    SSL_CTX *tls;
    uint64_t began, closing;   /* as measure_now; after closing (0: never) nothing new begins */
    atomic_uint_fast64_t next; /* the number of the next transaction */
    atomic_bool ending;
};

struct load_counts {
    uint64_t transactions, in_window, sessions, errors, resumed, bytes;
    uint64_t last_done;
    char first_error[256];
    struct histogram latency, session, ehlo_after_tls;
};

struct client;

/* A thread with its connections. */
struct loader {
    struct load_run *run;
    struct loop loop;
    struct load_counts counts;
    struct client *clients, **idle; /* those without a session */
    size_t client_count, idle_count, opening, holding;
    SSL_SESSION *ticket; /* for --resume */
    struct watch input;  /* of --idle: its end ends the run */
    bool said_ready;
    uint64_t looked; /* when for stalled sessions, as measure_now */
};

/* Takes a number for the next transaction; false when there is none. */
bool loader_claim(struct loader *l, uint32_t *number);

/* One JSON object with a line end to standard output. */
void load_report(struct load_run *run, const struct load_counts *counts, double cpu_us,
                 double own_cpu_us);

#endif
