/* renewal: when a certificate is renewed, and when it is tried again. Pure. */
#ifndef POLICY_RENEWAL_H
#define POLICY_RENEWAL_H

#include <stdbool.h>
#include <stdint.h>

struct renewal_facts {
    int64_t now_ms;
    bool has_certificate; /* one that covers the names; without it the first one is due now */
    int64_t not_before_ms, not_after_ms;
    bool has_window; /* ARI's suggestedWindow (RFC 9773 section 4.2) */
    int64_t window_start_ms, window_end_ms;
    unsigned percent;        /* of the lifetime, where there is no window */
    uint64_t seed;           /* of this certificate: the chosen moment must survive a restart */
    int64_t last_attempt_ms; /* 0: never */
    unsigned failures;       /* since the last success */
};

struct renewal_verdict {
    int64_t next_ms; /* not behind now: due */
    bool by_window;  /* ARI has chosen the time */
    bool overdue;    /* attempts have failed, and little or nothing of the lifetime is left; or the
                        first certificate still does not come */
};

/* Within ARI's window at a random moment, else at `percent` of the lifetime and up to 2 % earlier;
 * never with less than a tenth of the lifetime left, whatever a window says. After a failure an
 * hour later, doubling up to a day, but several times in what is left of the lifetime, and never
 * more than four times in an hour (authorities allow five failures). After a success not again for
 * a day or a tenth of the lifetime, so that an authority that always says "now" is not asked for
 * ever. */
struct renewal_verdict renewal_next(const struct renewal_facts *facts);

/* When ARI is asked again: Retry-After in seconds (negative: it was not given, so six hours), held
 * between a minute and a day (RFC 9773 section 4.3). */
int64_t renewal_poll_after_ms(int64_t retry_after_s);

#endif
