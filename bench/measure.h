/* measure: nanoseconds, and many of them as a histogram whose percentiles are right to 1 %. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdint.h>
#include <time.h>

#include "base/buf.h"

#define MEASURE_SECOND 1000000000ULL

static inline uint64_t measure_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * MEASURE_SECOND + (uint64_t)t.tv_nsec;
}

/* Monotonic. */
static inline uint64_t measure_now(void)
{
    return measure_clock(CLOCK_MONOTONIC);
}

/* Below 128 ns each value has a bucket, above it each power of two has 128. */
enum { HISTOGRAM_STEPS = 128, HISTOGRAM_BUCKETS = 58 * HISTOGRAM_STEPS };

struct histogram {
    uint64_t count, max;
    uint32_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t ns);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* The value below which the share (0 to 1) of all lies, in microseconds. */
double histogram_us(const struct histogram *h, double share);
/* {"p50":...,"p90":...,"p99":...,"max":...} in microseconds; null where nothing was counted. */
void histogram_add_json(struct buf *out, const struct histogram *h);

#endif
