#include <stdio.h>

#include "bench/args.h"
#include "bench/limit.h"
#include "bench/measure.h"
#include "bench/server.h"

static const char program[] = "bench-limit tls";

int limit_tls(int argc, char **argv)
{
    static struct loop loop;
    static struct server server;
    const char *listen = NULL, *certificate = NULL, *key = NULL;
    double deadline = 600;
    bool tickets = false;
    const struct arg table[] = {
        {"--listen", ARG_TEXT, &listen, "HOST:PORT", "where"},
        {"--cert", ARG_TEXT, &certificate, "FILE", "chain, PEM"},
        {"--key", ARG_TEXT, &key, "FILE", "its key, PEM"},
        {"--tickets", ARG_FLAG, &tickets, NULL, "give session tickets, one for a handshake"},
        {"--deadline", ARG_SECONDS, &deadline, "S", "end after S seconds (default 600)"},
    };
    const struct args args = {
        program,
        "OpenSSL behind the few SMTP words that a client needs to come to STARTTLS and to QUIT.\n"
        "Prints `ready`; ends after --deadline or SIGTERM.",
        table, sizeof(table) / sizeof(*table)};
    args_parse(&args, argc, argv);
    if (!listen || !certificate || !key)
        args_fail(program, "--listen, --cert and --key are needed");
    loop_raise_descriptors();
    loop_init(&loop, true);
    server_init(&server, &loop, "limit.bench.test");
    server.tls = stream_server_context(program, certificate, key, tickets);
    server_listen(&server, program, listen);
    loop.deadline = measure_now() + (uint64_t)(deadline * 1e9);
    puts("ready");
    fflush(stdout);
    loop_run(&loop);
    server_done(&server);
    SSL_CTX_free(server.tls);
    loop_done(&loop);
    return 0;
}
