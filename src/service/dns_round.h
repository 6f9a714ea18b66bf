/* dns_round: one look at what is published about names: TLSA of hosts, MX and MTA-STS of domains.
 * Everything is asked at once, on a loop, and the round ends when the last answer is there. */
#ifndef SERVICE_DNS_ROUND_H
#define SERVICE_DNS_ROUND_H

#include "io/resolver.h"
#include "io/worker.h"
#include "policy/dns_facts.h"

struct dns_round;

struct dns_round_options {
    struct loop *loop;
    struct resolver *resolver;
    struct workers *workers;            /* on which policies are fetched */
    bool validates;                     /* the resolver does */
    const struct span *hosts, *domains; /* copied */
    size_t host_count, domain_count;
};

/* Once, never before dns_round_start returns. The round is kept until dns_round_free. */
typedef void dns_round_fn(void *context);

struct dns_round *dns_round_start(const struct dns_round_options *options, dns_round_fn *fn,
                                  void *context);
/* At the end, after the loop has run for the last time: fetches end at once. Then the workers and
 * the resolver are freed, which ends the rest, and then the round. */
void dns_round_give_up(struct dns_round *round);
void dns_round_free(struct dns_round *round);

/* Complete once fn was called; lives as long as the round. */
const struct dns_facts *dns_round_facts(const struct dns_round *round);
/* For how long the answers hold: the least of their times. */
uint32_t dns_round_ttl_s(const struct dns_round *round);

/* What could not be looked up this time is taken from an earlier round, unless it was found out
 * more than a day ago: a name server that fails for an hour mends nothing and breaks nothing. */
void dns_round_carry_over(struct dns_round *round, const struct dns_round *before);

#endif
