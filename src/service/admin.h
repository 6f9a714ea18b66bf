/* admin: the daemon's API, HTTP and JSON on the Unix socket admin.sock in the data folder. The
 * shell is its first client; paths, members and codes stay as they are within /v1, members may be
 * added. admin_call.h has the routes' side.
 *
 * Access: the socket's mode is 0600, and each request's peer must be the daemon's own user or root.
 * Answers are JSON objects; an error is {"error": {"code", "text", "remedy"}} with a fitting
 * status. All runs on the main loop; nothing here waits. Changes of the document are made one at a
 * time (409 "busy" meanwhile). */
#ifndef SERVICE_ADMIN_H
#define SERVICE_ADMIN_H

#include "base/err.h"

struct admin;
struct loop;
struct world;

/* NULL and *err where the socket cannot be made (ERR_BUSY: another daemon listens on it). */
struct admin *admin_new(struct world *world, struct loop *loop, const char *socket_path,
                        enum err *err);
/* After the loop has stopped: requests that are not yet answered end without an answer, and nothing
 * that was asked of the store or of delivery may call back from then on. */
void admin_free(struct admin *admin);

#endif
