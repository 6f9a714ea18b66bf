/* queue_scan: walks through the queue, oldest first, and finds the recipients that match a filter.
 * It goes in steps of limited work, so that a search through a million recipients does not hold up
 * mail. Store's thread. */
#ifndef STORE_QUEUE_SCAN_H
#define STORE_QUEUE_SCAN_H

#include "store/inside.h"
#include "store/queue.h"

struct queue_match {
    struct message_id id;
    uint32_t number;
    enum recipient_state state;
    int64_t next_attempt_ms;
};

struct queue_matches {
    struct queue_match *items;
    size_t count, capacity;
};
void queue_matches_add(struct queue_matches *matches, struct queue_match match);
void queue_matches_done(struct queue_matches *matches);

/* A value: keep a copy to go back to. */
struct queue_scan {
    const struct queue_filter *filter;
    struct message_id at; /* the last row that was looked at */
    int64_t number;
    bool is_finished;
};

/* Copies the filter's text. */
struct queue_filter queue_filter_copy(struct arena *arena, const struct queue_filter *filter);
/* Starts behind the message `after`. */
struct queue_scan queue_scan_start(const struct queue_filter *filter, struct message_id after);
/* One step. visit returns false to stop before the match at hand, which the next step then meets
 * again. */
typedef bool queue_scan_fn(void *context, const struct queue_match *match);
enum err queue_scan_step(struct store *store, struct queue_scan *scan, queue_scan_fn *visit,
                         void *context) MUST_USE;

#endif
