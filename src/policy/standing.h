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
};

struct standing standing_of(struct arena *arena, const struct plan_state *state,
                            const struct receive_connector *connector, int64_t now_ms,
                            const struct plan_tlsa *tlsa, size_t tlsa_count);

/* Whether usable records exist for the host and name another certificate. */
bool standing_tlsa_contradicts(const struct certificate *c, struct span host, bool verifies,
                               const struct plan_tlsa *tlsa, size_t count);

/* How much is lost by it, from 0: trusted. An incomplete chain may still be known to the peer, a
 * self-signed certificate never is. */
int standing_trust_rank(enum chain_state chain);

/* "valid, exact", "expires in 3 days, wildcard, self-signed", "nothing usable" */
struct span standing_text(struct arena *arena, const struct standing *s, int64_t now_ms,
                          bool with_key_types);
/* "in 3 days", "in 5 hours", "3 days ago" */
void standing_add_time(struct buf *out, int64_t ms, int64_t now_ms);

#endif
