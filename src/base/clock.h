/* clock: where time comes from. Tests and the simulator set it; nothing else asks the system.
 * Wall time is milliseconds since 1970-01-01 UTC; monotonic time is for deadlines only. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include "base/buf.h"

#define SECOND_MS 1000LL
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

int64_t clock_now_ms(void);
int64_t clock_monotonic_ms(void);

/* From now on both clocks say what the test says, until clock_release. Not for threads. */
void clock_set_ms(int64_t now_ms);
void clock_release(void);

/* "2026-11-22T18:46:05.123Z" */
void clock_add_iso(struct buf *out, int64_t ms);
/* RFC 5322 date in UTC: "Sun, 22 Nov 2026 18:46:05 +0000". */
void clock_add_rfc5322(struct buf *out, int64_t ms);
/* "2027-03-01" (midnight UTC), "2027-03-01T12:00:00[.123]Z". */
enum err clock_parse_iso(struct span s, int64_t *ms) MUST_USE;

#endif
