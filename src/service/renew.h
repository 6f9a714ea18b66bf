/* renew: certificates by ACME through uacme with our own key and request; ARI (RFC 9773) steers the
 * time. On the main loop. */
#ifndef SERVICE_RENEW_H
#define SERVICE_RENEW_H

#include "service/world.h"

struct renew;
struct renew *renew_new(struct world *world);
void renew_free(struct renew *renew);
void renew_snapshot_changed(struct renew *renew);
/* Now, whatever the schedule says. fn gets OK once the new certificate is in force. */
typedef void renew_fn(void *context, enum err err, struct span why);
void renew_now(struct renew *renew, renew_fn *fn, void *context);

/* One that the plan refused is kept, and is tried first: no key is made. */
bool renew_has_waiting(const struct renew *renew);

struct renew_status {
    bool configured, running;
    int64_t next_ms, last_ms;
    struct span last_error; /* empty: the last one succeeded */
};
struct renew_status renew_status(const struct renew *renew);

#endif
