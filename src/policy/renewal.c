#include "policy/renewal.h"

#include "base/clock.h"

enum {
    JITTER_PERCENT = 2,
    LEAST_LEFT_PERCENT = 10, /* a window may not promise more patience than this leaves */
    OVERDUE_LEFT_PERCENT = 15,
    SPREAD_PERCENT = 10,       /* of the wait after a failure */
    OVERDUE_FAILURES = 4,      /* of the first certificate */
    PARTS_OF_WHAT_IS_LEFT = 8, /* at least so many more attempts before the end */
};

static const int64_t FIRST_WAIT_MS = HOUR_MS, LEAST_WAIT_MS = 15 * MINUTE_MS,
                     LONGEST_WAIT_MS = DAY_MS;

/* splitmix64: neighbouring seeds must not give neighbouring times. */
static uint64_t mix(uint64_t z)
{
    z += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static int64_t any_of(uint64_t seed, int64_t range)
{
    return range > 0 ? (int64_t)(mix(seed) % (uint64_t)range) : 0;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t part_of(int64_t lifetime_ms, unsigned percent)
{
    return lifetime_ms / 100 * (int64_t)percent;
}

static int64_t lifetime_of(const struct renewal_facts *f)
{
    return larger(f->not_after_ms - f->not_before_ms, 0);
}

/* A window that ends before it begins says nothing. */
static bool has_window(const struct renewal_facts *f)
{
    return f->has_window && f->window_end_ms >= f->window_start_ms;
}

static int64_t due(const struct renewal_facts *f)
{
    int64_t lifetime = lifetime_of(f);
    int64_t latest = f->not_after_ms - part_of(lifetime, LEAST_LEFT_PERCENT);
    int64_t at;
    if (!f->has_certificate)
        return f->now_ms;
    if (has_window(f))
        at = f->window_start_ms + any_of(f->seed, f->window_end_ms - f->window_start_ms + 1);
    else
        at = f->not_before_ms + part_of(lifetime, f->percent) -
             any_of(f->seed, part_of(lifetime, JITTER_PERCENT) + 1);
    return smaller(at, latest);
}

static int64_t wait_after_failure(const struct renewal_facts *f)
{
    int64_t left = f->has_certificate ? f->not_after_ms - f->now_ms : 0;
    int64_t wait = left > 0 ? FIRST_WAIT_MS : LEAST_WAIT_MS;
    int64_t longest =
        left > 0 ? larger(smaller(left / PARTS_OF_WHAT_IS_LEFT, LONGEST_WAIT_MS), LEAST_WAIT_MS)
                 : FIRST_WAIT_MS;
    for (unsigned i = 1; i < f->failures && wait < longest; i++)
        wait *= 2;
    wait = smaller(wait, longest);
    return wait + any_of(f->seed + f->failures, wait / 100 * SPREAD_PERCENT + 1);
}

static int64_t wait_after_success(const struct renewal_facts *f)
{
    return f->has_certificate ? smaller(DAY_MS, lifetime_of(f) / 10) : LEAST_WAIT_MS;
}

struct renewal_verdict renewal_next(const struct renewal_facts *facts)
{
    int64_t next = due(facts);
    int64_t left = facts->has_certificate ? facts->not_after_ms - facts->now_ms : 0;
    /* A clock that was set back must not hold renewal up: an attempt in the future never was. */
    if (facts->last_attempt_ms > 0 && facts->last_attempt_ms <= facts->now_ms)
        next = larger(next, facts->last_attempt_ms + (facts->failures ? wait_after_failure(facts)
                                                                      : wait_after_success(facts)));
    return (struct renewal_verdict){
        .next_ms = next,
        .by_window = facts->has_certificate && has_window(facts),
        .overdue =
            facts->has_certificate
                ? facts->failures > 0 && left <= part_of(lifetime_of(facts), OVERDUE_LEFT_PERCENT)
                : facts->failures >= OVERDUE_FAILURES,
    };
}

int64_t renewal_poll_after_ms(int64_t retry_after_s)
{
    if (retry_after_s < 0)
        return 6 * HOUR_MS;
    if (retry_after_s > DAY_MS / SECOND_MS)
        return DAY_MS;
    return larger(retry_after_s * SECOND_MS, MINUTE_MS);
}
