/* listener: accepts TCP connections on one endpoint. With SO_REUSEPORT each loop has its own. */
#ifndef IO_LISTENER_H
#define IO_LISTENER_H

#include "base/ip.h"
#include "io/loop.h"

struct listener;
/* fd is non-blocking, close-on-exec and with TCP_NODELAY; the callee owns it. local is the address
 * that the peer connected to. */
typedef void listener_fn(void *context, int fd, const struct endpoint *peer,
                         const struct endpoint *local);

/* Binds and listens (backlog SOMAXCONN) but accepts nothing yet. errno tells more on ERR_IO,
 * ERR_BUSY (address in use), ERR_DENIED. Port 0 takes a free one; listener_local tells which. fd >=
 * 0: adopt this listening socket (socket activation, or the same one on a further loop). */
enum err listener_new(const struct endpoint *local, int fd, struct listener **listener) MUST_USE;
/* Whether another process listens here: with SO_REUSEPORT a second server of the same user would
 * share the port unseen. ERR_BUSY then; also where this process itself has a socket on the port
 * already. */
enum err listener_probe(const struct endpoint *local) MUST_USE;
/* Starts accepting on this loop; on its thread, or before it runs. Where descriptors run out it
 * pauses for a second and goes on by itself. */
void listener_start(struct listener *listener, struct loop *loop, listener_fn *fn, void *context);
const struct endpoint *listener_local(const struct listener *listener);
int listener_fd(const struct listener *listener);
/* Stops accepting and closes. On the loop's thread. */
void listener_free(struct listener *listener);

#endif
