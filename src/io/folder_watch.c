#include "io/folder_watch.h"

#include <dirent.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

struct folder_watch {
    int fd;
    struct event *event;
    struct loop_timer *quiet;
    int64_t quiet_ms;
};

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    struct folder_watch *watch = context;
    char events[4096];
    (void)what;
    while (read(fd, events, sizeof(events)) > 0)
        continue; /* which file it was does not matter */
    loop_timer_start(watch->quiet, watch->quiet_ms);
}

struct folder_watch *folder_watch_new(struct loop *loop, int64_t quiet_ms, loop_fn *fn,
                                      void *context)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct folder_watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        abort();
    watch->fd = fd;
    watch->quiet_ms = quiet_ms;
    watch->quiet = loop_timer_new(loop, fn, context);
    watch->event = event_new(loop_base(loop), fd, EV_READ | EV_PERSIST, on_readable, watch);
    if (!watch->event || event_add(watch->event, NULL) != 0)
        abort();
    return watch;
}

void folder_watch_free(struct folder_watch *watch)
{
    if (!watch)
        return;
    event_free(watch->event);
    loop_timer_free(watch->quiet);
    close(watch->fd);
    free(watch);
}

static void add(struct folder_watch *watch, const char *folder)
{
    /* The same folder again gives the same watch: inotify_add_watch(2). Failure means: only the
     * slow look. */
    int ignored = inotify_add_watch(watch->fd, folder,
                                    IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE |
                                        IN_ATTRIB | IN_ONLYDIR);
    (void)ignored;
}

void folder_watch_add(struct folder_watch *watch, const char *folder)
{
    add(watch, folder);
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        char path[4096];
        bool hidden = entry->d_name[0] == '.' &&
                      entry->d_name[1] != '.'; /* Kubernetes' ..data is not hidden */
        bool dots = !hidden && entry->d_name[0] == '.' && (!entry->d_name[1] || !entry->d_name[2]);
        if (hidden || dots)
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (entry->d_type == DT_DIR || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN)
            add(watch, path);
    }
    if (entries)
        closedir(entries);
}
