/* world: everything that lives as long as the daemon. Built once, in order, by main/serve.c; there
 * is no other global. */
#ifndef SERVICE_WORLD_H
#define SERVICE_WORLD_H

#include <stdatomic.h>

#include "io/loop.h"
#include "service/counters.h"
#include "service/snapshot.h"
#include "store/store.h"

struct admin;
struct apply;
struct clock_watch;
struct deliver;
struct dns_watch;
struct listen;
struct monitor;
struct receive_limits;
struct renew;
struct sentinel;
struct watch;

struct world {
    const char *data_directory;
    struct store *store;
    struct loop *main_loop; /* admin API, signals, changes of the document, monitoring */
    struct snapshots *snapshots;
    struct receive_limits *limits;
    struct listen *listen;   /* receive loops and their listeners */
    struct deliver *deliver; /* the delivery loop */
    struct monitor *monitor;
    struct apply *applying; /* changes of the document: the one under way, and those behind it */
    struct watch *watch;
    struct clock_watch *clock_watch;
    struct renew *renew;
    struct sentinel *sentinel;
    struct dns_watch *dns_watch;
    struct admin *admin;
    int64_t started_ms;
    _Atomic int pressure; /* enum pressure_level, set by the monitor */
    struct counters counters;
};

#endif
