/* human: times, sizes and ages as people say them. */
#ifndef CLI_HUMAN_H
#define CLI_HUMAN_H

#include "base/buf.h"
#include "base/clock.h"

/* "12 s", "3 min", "2 h", "41 days", "10 years": one unit, rounded down (years: to the nearest). */
void human_add_span(struct buf *out, int64_t ms);
/* "in 3 min", "2 h ago", "now". */
void human_add_when(struct buf *out, int64_t ms, int64_t now_ms);
/* "312 B", "4.2 KB", "36 MB" (binary multiples). */
void human_add_size(struct buf *out, uint64_t bytes);
/* "2026-11-22 18:46:05", local time. */
void human_add_time(struct buf *out, int64_t ms);

/* A moment on a command line: a duration ("2h": that long before now) or a date
 * ("2026-11-22T18:00:00Z"). */
enum err human_parse_moment(struct span s, int64_t now_ms, int64_t *ms) MUST_USE;

#endif
