/* receive_limits: who is connected, and how often each source came lately. Shared by all receive
 * loops. */
#ifndef SERVICE_RECEIVE_LIMITS_H
#define SERVICE_RECEIVE_LIMITS_H

#include "base/ip.h"
#include "conf/document.h"

struct receive_limits;

enum receive_limit {
    RECEIVE_LIMIT_NONE,
    RECEIVE_LIMIT_TOTAL,
    RECEIVE_LIMIT_SOURCE,
    RECEIVE_LIMIT_RATE
};

struct receive_limits *receive_limits_new(void);
void receive_limits_free(struct receive_limits *limits);

/* Counts a new connection of this source on this connector, unless it would pass one of the
 * connector's limits; says which. Each RECEIVE_LIMIT_NONE is ended by one receive_limits_leave.
 * Sources are addresses (IPv6: their /64, as one host owns it whole). */
enum receive_limit receive_limits_enter(struct receive_limits *limits,
                                        const struct receive_connector *connector,
                                        const struct ip *source, int64_t now_ms);
void receive_limits_leave(struct receive_limits *limits, struct span connector,
                          const struct ip *source);
const char *receive_limit_text(enum receive_limit limit);
/* Connections open now on this connector. */
uint64_t receive_limits_count(struct receive_limits *limits, struct span connector);

#endif
