/* load_session: one client connection of bench-load, again and again. It waits for each reply and
 * takes none but the right one. */
#ifndef BENCH_LOAD_SESSION_H
#define BENCH_LOAD_SESSION_H

#include "bench/load.h"

enum step {
    STEP_NONE, /* not connected */
    STEP_CONNECT,
    STEP_GREETING,
    STEP_EHLO,
    STEP_STARTTLS,
    STEP_HANDSHAKE,
    STEP_EHLO_AGAIN,
    STEP_MAIL,
    STEP_RCPT,
    STEP_DATA,
    STEP_CONTENT,
    STEP_QUIT,
    STEP_HOLD
};

struct client {
    struct watch watch;
    struct loader *loader;
    struct stream stream;
    enum step step;
    bool opening; /* counted in loader->opening */
    bool offers_pipelining, offers_starttls;
    bool drained, hung_up; /* nothing to read until the next event; no more will be sent */
    uint32_t number;       /* of the transaction at hand */
    uint64_t done_here;    /* transactions of this session */
    uint64_t began, asked; /* the session; what is waited for */
    uint64_t heard;        /* the last event */
    struct iovec unsent[MESSAGE_PARTS];
    int unsent_count;
    struct message_pieces pieces;
    size_t in_n, out_n;
    char in[1024], out[1024];
};

/* Begins a session for the transaction `number`. */
void client_start(struct client *c, uint32_t number);
/* Ends it as an error. */
void client_fail(struct client *c, const char *why);

#endif
