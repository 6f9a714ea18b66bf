/* events: findings and facts that were recorded, with Exchange's number where Exchange has one. */
#ifndef STORE_EVENTS_H
#define STORE_EVENTS_H

#include "base/log.h"
#include "store/store.h"

/* Older ones than the newest this many are forgotten. */
enum { EVENTS_KEPT = 100000 };

struct event {
    uint64_t number; /* rising; set by the store */
    int64_t time_ms;
    unsigned id; /* 12014, 15006 ...; our own begin at 50000 */
    enum log_level level;
    struct span name;    /* "starttls-name-not-covered" */
    struct span subject; /* what it is about: "connector internet" */
    struct span text;    /* what happened and why */
    struct span consequence, remedy;
};

typedef void events_found_fn(void *context, enum err err, const struct event *events, size_t count,
                             bool more);
/* Those behind number `after`, oldest first, at most limit. least: lowest level. after 0 with
 * `newest` true: the newest `limit`. */
void events_find(struct store *store, uint64_t after, bool newest, enum log_level least,
                 size_t limit, struct loop *loop, events_found_fn *fn, void *context);
/* Records one by itself (those that belong to a commit travel in it). Copies. */
void events_add(struct store *store, const struct event *event);

#endif
