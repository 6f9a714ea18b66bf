/* retry: when the next attempt is made, when the sender hears of a delay, when it is given up.
 * Pure. */
#ifndef POLICY_RETRY_H
#define POLICY_RETRY_H

#include "conf/document.h"

struct retry_facts {
    int64_t now_ms, received_ms;
    unsigned attempts; /* finished ones, this one included */
    bool delay_notified;
};

struct retry_verdict {
    bool expired;            /* bounce with 5.4.7 (RFC 3463 section 3.5: delivery time expired) */
    int64_t next_attempt_ms; /* where not expired; never behind the expiry */
    bool notify_delay;       /* a delay DSN is due now (if the recipient wants one) */
};

/* Exchange's steps: `glitch_count` short intervals, `transient_count` middle ones, then the long
 * one. A step is spread by up to 5 % with `seed`, so that a crowd does not come back at once. */
struct retry_verdict retry_next(const struct retry_conf *conf, const struct retry_facts *facts,
                                uint64_t seed);
/* What comes after so many attempts, for queue listings: "attempt 5 (4 of 4 in 1m steps)". */
void retry_add_explanation(struct buf *out, const struct retry_conf *conf, unsigned attempts);

#endif
