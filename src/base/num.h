/* num: numbers as people and protocols write them. The whole span must be the number. */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

/* Decimal digits only, no sign: ERR_SYNTAX otherwise, ERR_RANGE above max. */
enum err num_parse(struct span s, uint64_t max, uint64_t *value) MUST_USE;

/* As printf's "%lld" does, at a tenth of its cost. */
void num_add(struct buf *out, int64_t value);

/* "65536", "36MB", "256 KB", "1.5 GB" (one decimal, rounded down); B KB MB GB TB and K M G T,
 * binary multiples as Exchange's. */
enum err num_parse_size(struct span s, uint64_t *bytes) MUST_USE;

/* "30s", "5m", "1h30m", "2d", "250ms", and Exchange's "[d.]hh:mm:ss"; a bare number is refused, as
 * nobody can tell its unit. */
enum err num_parse_duration(struct span s, uint64_t *ms) MUST_USE;

/* The shortest exact form that the parser reads back: "36MB", "1h30m". "0" is "0B", "0s". */
void num_add_size(struct buf *out, uint64_t bytes);
void num_add_duration(struct buf *out, uint64_t ms);

#endif
