#include "bench/measure.h"

enum { STEP_BITS = 7 };

static unsigned bucket_of(uint64_t ns)
{
    if (ns < HISTOGRAM_STEPS)
        return (unsigned)ns;
    unsigned octave = 63 - (unsigned)__builtin_clzll(ns) - STEP_BITS;
    return (octave << STEP_BITS) + (unsigned)(ns >> octave);
}

/* The middle of what the bucket stands for. */
static double bucket_ns(unsigned bucket)
{
    if (bucket < HISTOGRAM_STEPS)
        return bucket;
    unsigned octave = (bucket >> STEP_BITS) - 1;
    uint64_t width = 1ULL << octave;
    uint64_t first = (uint64_t)(bucket - (octave << STEP_BITS)) << octave;
    return (double)first + (double)(width - 1) / 2;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
    h->buckets[bucket_of(ns)]++;
    h->count++;
    if (ns > h->max)
        h->max = ns;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
    into->count += from->count;
    if (from->max > into->max)
        into->max = from->max;
}

double histogram_us(const struct histogram *h, double share)
{
    double wanted = (double)h->count * share, seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (h->buckets[i] && seen >= wanted) {
            double ns = bucket_ns(i);
            return (ns < (double)h->max ? ns : (double)h->max) / 1e3;
        }
    }
    return (double)h->max / 1e3;
}

void histogram_add_json(struct buf *out, const struct histogram *h)
{
    if (h->count)
        buf_addf(out, "{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f}", histogram_us(h, .5),
                 histogram_us(h, .9), histogram_us(h, .99), (double)h->max / 1e3);
    else
        buf_add_text(out, "{\"p50\":null,\"p90\":null,\"p99\":null,\"max\":null}");
}
