/* fetch: one HTTPS GET (libcurl), on a worker's thread, answered on a loop. */
#ifndef IO_FETCH_H
#define IO_FETCH_H

#include "base/span.h"
#include "io/worker.h"

enum { FETCH_BODY_MAX = 1024 * 1024 };

struct fetch;

struct fetch_request {
    struct span url;        /* https only; so are redirections */
    struct span trust_file; /* PEM; empty: the system's roots */
    int64_t timeout_ms;
    struct span addresses; /* "HOST:443:192.0.2.1,[2001:db8::1]", as libcurl has it: where to go
                              instead of asking the system's resolver; empty: ask it */
    bool stays;            /* redirections are answers like any other */
};

struct fetch_answer {
    enum err err;          /* OK: a status has come, whichever */
    int status;            /* 200 ... */
    int64_t retry_after_s; /* -1: not given */
    struct span body;
    struct span why; /* where err is not OK */
};

/* Everything lives until the function returns; the fetch is freed afterwards. */
typedef void fetch_fn(void *context, const struct fetch_answer *answer);

struct fetch *fetch_start(struct workers *workers, struct loop *loop,
                          const struct fetch_request *request, fetch_fn *fn, void *context);
/* At the end, after the loop has run for the last time: gives up at once; fn is not called. Between
 * the two the workers are freed. */
void fetch_give_up(struct fetch *fetch);
void fetch_free(struct fetch *fetch);

#endif
