/* receive: the journey in. A connection comes from io/listener, finds its connector, speaks through
 * proto/smtp_server, asks policy/accept, writes into store/queue, and is answered 250 once that is
 * durable. */
#ifndef SERVICE_RECEIVE_H
#define SERVICE_RECEIVE_H

#include "base/ip.h"
#include "io/loop.h"

struct world;
struct receive_home;

/* All sessions of one loop. */
struct receive_home *receive_home_new(struct world *world, struct loop *loop);
/* From another thread: sessions between transactions are closed with 421 now, the others when their
 * message is done, all of them after a few seconds. */
void receive_home_stop(struct receive_home *home);
/* Blocks until the last session has gone. */
void receive_home_wait(struct receive_home *home);
void receive_home_free(struct receive_home *home);

/* A listener_fn; context is the home. */
void receive_connection(void *home, int fd, const struct endpoint *peer,
                        const struct endpoint *local);

#endif
