/* concurrency: how many connections a next hop may have, and how long one that does not answer may
 * keep its place while others wait for one. Pure.
 *
 * The next hops of a send connector share its connections. A dead next hop holds a place until its
 * timeout, so a thousand of them could hold them all, and mail for everybody else would wait.
 * Hence: a next hop gets one connection until it has answered; those that never answered yet, and
 * those that failed lately, have a share that leaves places for those that do answer; and whoever
 * does not answer loses its place early while others wait for it. */
#ifndef POLICY_CONCURRENCY_H
#define POLICY_CONCURRENCY_H

#include "conf/document.h"

/* In the order in which they have to make place for each other: the first never. */
enum hop_health {
    HOP_ANSWERS, /* its last attempt spoke with it */
    HOP_UNTRIED, /* nothing is known of it */
    HOP_FAILS,   /* its last attempt failed */
    HOP_HEALTHS
};

/* How many connections one next hop may have. window: what success has earned it so far. */
uint64_t concurrency_of_hop(const struct send_connector *connector, enum hop_health health,
                            uint64_t window);

/* Whether the connector has a place for one more, with so many in use by next hops of each health:
 * a quarter is for those that fail, three quarters for these and the untried ones together. */
bool concurrency_has_place(const struct send_connector *connector,
                           const uint64_t in_use[HOP_HEALTHS], enum hop_health health);

/* Whether a place that the one gives up is one that the other may take. */
bool concurrency_helps(enum hop_health gives, enum hop_health takes);

/* How long an attempt may take to get its peer's first answer while others wait for its place: 3
 * seconds, and twice as long after each failure in a row, so that who is only slow is served at
 * last; never longer than connect-timeout. */
int64_t concurrency_patience_ms(const struct send_connector *connector, unsigned failures);

#endif
