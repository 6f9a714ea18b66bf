/* route: which send connector takes a recipient's domain, and which next hop that means. Pure. */
#ifndef POLICY_ROUTE_H
#define POLICY_ROUTE_H

#include "conf/document.h"
#include "mail/outcome.h"

/* What is grouped, limited and reused together: one send connector and what it connects to. */
struct next_hop {
    const struct send_connector *connector;
    struct span destination; /* domain key for MX and maildir; "smart-hosts" or "lmtp" otherwise
                                (all share) */
    struct span key;         /* "connector/destination", unique text form */
};

enum route_reason {
    ROUTE_CHOSEN,
    ROUTE_DISABLED,
    ROUTE_TOO_LARGE, /* max-message-size */
    ROUTE_NO_MATCH,
    ROUTE_LESS_SPECIFIC,
    ROUTE_HIGHER_COST,
    ROUTE_LATER_NAME, /* tie: same space, same cost; the alphabetically first name wins */
    ROUTE_OWN_DOMAIN, /* "*" never takes an authoritative domain: it would loop */
};

struct route_verdict {
    const struct send_connector *connector;
    enum route_reason reason;
    const struct address_space *space; /* the one that matched, or NULL */
    struct span text;                  /* one sentence */
};

struct route {
    bool found;
    struct next_hop next_hop;
    struct outcome failure; /* where not found: never (too large, 5.3.4) or later (no route, 4.4.4
                               "unreachable") */
    struct route_verdict *verdicts; /* one for each send connector, for explaining */
    size_t verdict_count;
};

/* Exchange's order (drop too small, keep the most specific space, lowest cost, first by name). A
 * domain literal
 * "[192.0.2.1]" matches "*" only. */
struct route route_select(struct arena *arena, const struct document *d, struct span domain_key,
                          uint64_t size);

/* The same next hop without the reasons, for every message on its way. False: no route. */
bool route_next_hop(struct arena *arena, const struct document *d, struct span domain_key,
                    uint64_t size, struct next_hop *next_hop);

/* Whether any connector would take a message of the domain, however small. */
bool route_exists(const struct document *d, struct span domain_key);

/* RFC 5321 section 5.1: order of attempts. Sorts by preference; equal ones by `seed` at random.
 * Null MX (RFC 7505) is *null_mx; hosts at or behind our own name are dropped (loop), *only_self
 * where none is left. */
struct mx_host {
    struct span name;
    uint16_t preference;
};
size_t route_order_mx(struct mx_host *hosts, size_t count, struct span own_name, uint64_t seed,
                      bool *null_mx, bool *only_self);

#endif
