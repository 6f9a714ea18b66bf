#include <stdio.h>
#include <stdlib.h>

#include "bench/args.h"
#include "bench/limit.h"
#include "bench/measure.h"
#include "bench/stream.h"

static const char program[] = "bench-limit handshake";

struct side {
    SSL *tls;
    bool done;
};

/* False when it failed. */
static bool step(struct side *side)
{
    if (side->done)
        return true;
    int r = SSL_do_handshake(side->tls);
    side->done = r == 1;
    return r == 1 || SSL_get_error(side->tls, r) == SSL_ERROR_WANT_READ;
}

static struct side make_side(SSL_CTX *context, BIO *bio)
{
    struct side side = {SSL_new(context), false};
    if (!side.tls)
        abort();
    SSL_set_bio(side.tls, bio, bio);
    return side;
}

/* One full handshake; returns the nanoseconds of processor time that the server's half took. */
static uint64_t shake_hands(SSL_CTX *server_context, SSL_CTX *client_context)
{
    BIO *server_bio, *client_bio;
    if (BIO_new_bio_pair(&server_bio, 65536, &client_bio, 65536) != 1)
        abort();
    struct side server = make_side(server_context, server_bio);
    struct side client = make_side(client_context, client_bio);
    SSL_set_accept_state(server.tls);
    SSL_set_connect_state(client.tls);
    uint64_t spent = 0;
    while (!server.done || !client.done) {
        if (!step(&client))
            args_fail(program, "the client's handshake failed");
        uint64_t before = measure_clock(CLOCK_THREAD_CPUTIME_ID);
        if (!step(&server))
            args_fail(program, "the server's handshake failed");
        spent += measure_clock(CLOCK_THREAD_CPUTIME_ID) - before;
    }
    SSL_free(server.tls);
    SSL_free(client.tls);
    return spent;
}

int limit_handshake(int argc, char **argv)
{
    static struct histogram times;
    const char *certificate = NULL, *key = NULL;
    uint64_t total = 1000;
    bool only_tls12 = false, tickets = false;
    const struct arg table[] = {
        {"--cert", ARG_TEXT, &certificate, "FILE", "chain, PEM"},
        {"--key", ARG_TEXT, &key, "FILE", "its key, PEM"},
        {"--total", ARG_NUMBER, &total, "N", "how often (default 1000)"},
        {"--tls1.2", ARG_FLAG, &only_tls12, NULL, "TLS 1.2 instead of 1.3"},
        {"--tickets", ARG_FLAG, &tickets, NULL, "with a session ticket"},
    };
    const struct args args = {
        program,
        "Full handshakes between two ends in memory, and what the server's end takes of the\n"
        "processor, in microseconds; prints one JSON object.",
        table, sizeof(table) / sizeof(*table)};
    args_parse(&args, argc, argv);
    if (!certificate || !key || !total)
        args_fail(program, "--cert and --key are needed");
    SSL_CTX *server = stream_server_context(program, certificate, key, tickets);
    SSL_CTX *client = stream_client_context(only_tls12);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < total; i++) {
        uint64_t ns = shake_hands(server, client);
        histogram_add(&times, ns);
        sum += ns;
    }
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    printf("{\"handshakes\":%zu,\"cpu_us\":%.1f,\"cpu_us_per\":%.2f,\"p50\":%.1f,\"p90\":%.1f,"
           "\"p99\":%.1f,\"max\":%.1f}\n",
           (size_t)total, (double)sum / 1e3, (double)sum / 1e3 / (double)total,
           histogram_us(&times, .5), histogram_us(&times, .9), histogram_us(&times, .99),
           (double)times.max / 1e3);
    return 0;
}
