/* dns_round_private: what the files of dns_round share. */
#ifndef SERVICE_DNS_ROUND_PRIVATE_H
#define SERVICE_DNS_ROUND_PRIVATE_H

#include "base/arena.h"
#include "io/fetch.h"
#include "service/dns_round.h"

enum { POLICY_ADDRESSES_MAX = 8 };

struct host_lookup {
    struct dns_round *round;
    int64_t known_ms; /* when its fact was found out */
};

struct domain_lookup {
    struct dns_round *round;
    struct domain_fact *fact;
    int64_t mx_known_ms, sts_known_ms;
    struct span policy_host; /* mta-sts.DOMAIN */
    struct ip addresses[POLICY_ADDRESSES_MAX];
    size_t address_count;
    unsigned addresses_asked;
    bool address_failed;
    struct fetch *fetch; /* NULL: none is under way */
};

struct dns_round {
    struct arena arena;
    struct dns_round_options options;
    struct dns_facts facts;
    struct host_fact *hosts; /* those of facts */
    struct domain_fact *domains;
    struct host_lookup *host_lookups;
    struct domain_lookup *domain_lookups;
    unsigned outstanding;
    uint32_t ttl_s;
    dns_round_fn *fn;
    void *context;
};

/* Notes for how long the answer holds, and says whether it is one; otherwise *why (in the arena).
 */
bool dns_round_is_answer(struct dns_round *round, const struct dns_answer *answer,
                         struct span *why);
/* One question less; the last one ends the round. */
void dns_round_answered(struct dns_round *round);

/* Asks for _mta-sts.DOMAIN, and for the policy where it announces one. */
void dns_round_ask_sts(struct domain_lookup *lookup);

#endif
