/* standing: how a receive connector fares with its selection. Private to plan and diagnose. */
#ifndef POLICY_STANDING_H
#define POLICY_STANDING_H

#include "policy/plan.h"

struct standing {
    const struct receive_connector *connector; /* NULL: not there */
    bool presents;                             /* enabled and with TLS: the rest is worth reading */
    struct selection selection;
    size_t chosen; /* its place among the candidates, where there is one */
    enum chain_state chain;
    bool takes_mail;       /* false: required TLS cannot be had, or on-mismatch refuses */
    bool offers_tls;       /* false: nothing usable, or on-mismatch withholds */
    unsigned expiry;       /* stage of diagnose_expires_soon; 0: not soon */
    bool tlsa_contradicts; /* published records name something else */
    bool tlsa_binds;       /* they are usable: senders with DANE want TLS */
    struct span homeless;  /* a partner of the one before that nobody serves by TLS any more; set by
                              plan */
    const struct domain_fact **promises; /* whose MTA-STS policies send mail here */
    size_t promise_count;
    bool enforced;         /* one of them is in mode enforce */
    const char *sts_fault; /* why such senders cannot verify it; NULL: they can, or none is sent */
};

struct standing standing_of(struct arena *arena, const struct plan_state *state,
                            const struct receive_connector *connector, int64_t now_ms,
                            const struct dns_facts *dns);

/* Whether the host's records bind senders and name another certificate. `verifies`: name and dates
 * are right. */
bool standing_tlsa_contradicts(const struct certificate *c, const struct host_fact *host,
                               bool verifies);
/* "example.com, example.net": whose MTA-STS policies send mail to the connector. */
struct span standing_promises(struct arena *arena, const struct standing *s);

/* How much is lost by it, from 0: trusted. An incomplete chain may still be known to the peer, a
 * self-signed certificate never is. */
int standing_trust_rank(enum chain_state chain);

/* "valid, exact", "expires in 3 days, wildcard, self-signed", "nothing usable" */
struct span standing_text(struct arena *arena, const struct standing *s, int64_t now_ms,
                          bool with_key_types);
/* "in 3 days", "in 5 hours", "3 days ago" */
void standing_add_time(struct buf *out, int64_t ms, int64_t now_ms);

#endif
