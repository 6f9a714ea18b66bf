/* loop: epoll, signals and a deadline; sockets that listen and connect. Edge-triggered: who is
 * ready reads until nothing is left. */
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"

struct watch {
    void (*ready)(struct watch *w, uint32_t events);
    struct watch *next_freed;
};

struct loop {
    int epoll, signals;
    bool stopping;
    bool signalled, expired; /* why it ended, besides loop_stop */
    uint64_t deadline;       /* as measure_now; 0: none */
    struct watch *freed, signal_watch;
    /* After each batch of events, if set: what there is to do, and how many milliseconds later it
     * wants to be asked again at the latest (-1: whenever). */
    int (*turn)(void *context);
    void *context;
};

/* Ends the process where the system has no epoll to give. SIGTERM and SIGINT end a loop that takes
 * signals; SIGPIPE is ignored from now on. */
void loop_init(struct loop *l, bool takes_signals);
void loop_done(struct loop *l);
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* False where the descriptor cannot be watched (a plain file). The kernel forgets it on close. */
bool loop_add(struct loop *l, int fd, struct watch *w, uint32_t events);
/* Has it told anew of what it has not used up, after the others had their turn. */
void loop_again(struct loop *l, int fd, struct watch *w, uint32_t events);
/* Frees the memory that begins with the watch once no event at hand can name it. */
void loop_free_later(struct loop *l, struct watch *w);

/* "127.0.0.1:2525"; ends the process where it is none. */
struct endpoint loop_endpoint(const char *program, const char *text);
/* Ends the process where the address is not to be had. */
int loop_listen(const char *program, const struct endpoint *at);
/* A connection under way, or -1 and errno. */
int loop_connect(const struct endpoint *to);
/* The next connection with TCP_NODELAY, or -1. */
int loop_accept(int listening);
/* As many descriptors as this process may have. */
void loop_raise_descriptors(void);

#endif
