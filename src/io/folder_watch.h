/* folder_watch: says that something changed in some folders (inotify). It may say so too often, and
 * on some file systems (network, containers' overlays) never: callers look for themselves, and look
 * again after a while in any case. */
#ifndef IO_FOLDER_WATCH_H
#define IO_FOLDER_WATCH_H

#include "io/loop.h"

struct folder_watch;

/* fn is called once things have been quiet for `quiet_ms`, so that a program that writes several
 * files is not interrupted. NULL where the system has no inotify. */
struct folder_watch *folder_watch_new(struct loop *loop, int64_t quiet_ms, loop_fn *fn,
                                      void *context);
void folder_watch_free(struct folder_watch *watch);
/* Watches the folder and those directly in it; harmless where it does not exist yet, or is watched
 * already. */
void folder_watch_add(struct folder_watch *watch, const char *folder);

#endif
