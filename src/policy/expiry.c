/* When a certificate's end has to be spoken of. */
#include "base/clock.h"
#include "policy/diagnose.h"

/* Lifetimes are 398 days now, 47 soon, and 6 for some: a fixed number of days would be late for one
 * and a false alarm for another. */
static const int64_t FIRST_WARNING_MAX_MS = 30 * DAY_MS;

bool diagnose_expires_soon(const struct certificate *c, int64_t now_ms, unsigned *stage)
{
    int64_t left_ms = c->not_after_ms - now_ms;
    int64_t due_ms = (c->not_after_ms - c->not_before_ms) / 3;
    unsigned n = 0;
    if (due_ms > FIRST_WARNING_MAX_MS)
        due_ms = FIRST_WARNING_MAX_MS;
    for (; due_ms > 0 && left_ms <= due_ms; n++)
        due_ms = due_ms / 2 >= DAY_MS ? due_ms / 2 : due_ms - DAY_MS;
    if (stage)
        *stage = n;
    return n > 0;
}
