#include "policy/retry.h"

#include "base/num.h"

enum { SPREAD_PERCENT = 5 };

/* Where in the schedule the next attempt stands. */
struct step {
    uint64_t interval_ms;
    uint64_t place, count; /* "2 of 6"; count 0: the last step, which goes on */
};

static struct step step_after(const struct retry_conf *conf, unsigned attempts)
{
    uint64_t retry = attempts ? attempts : 1;
    if (retry <= conf->glitch_count)
        return (struct step){conf->glitch_interval_ms, retry, conf->glitch_count};
    retry -= conf->glitch_count;
    if (retry <= conf->transient_count)
        return (struct step){conf->transient_interval_ms, retry, conf->transient_count};
    return (struct step){conf->interval_ms, retry - conf->transient_count, 0};
}

/* splitmix64's last step: neighbours must not stay neighbours. */
static uint64_t mix(uint64_t z)
{
    z += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

struct retry_verdict retry_next(const struct retry_conf *conf, const struct retry_facts *facts,
                                uint64_t seed)
{
    int64_t expiry = facts->received_ms + (int64_t)conf->expire_ms;
    struct retry_verdict verdict = {.expired = facts->now_ms >= expiry};
    if (verdict.expired)
        return verdict;
    uint64_t interval = step_after(conf, facts->attempts).interval_ms;
    uint64_t spread = mix(seed) % (interval * SPREAD_PERCENT / 100 + 1);
    int64_t next = facts->now_ms + (int64_t)(interval + spread);
    verdict.next_attempt_ms = next < expiry ? next : expiry;
    verdict.notify_delay = conf->delay_notice_ms && !facts->delay_notified &&
                           facts->now_ms - facts->received_ms >= (int64_t)conf->delay_notice_ms;
    return verdict;
}

void retry_add_explanation(struct buf *out, const struct retry_conf *conf, unsigned attempts)
{
    struct step step = step_after(conf, attempts);
    buf_addf(out, "attempt %u", attempts + 1);
    if (attempts == 0)
        return;
    buf_add_text(out, " (");
    if (step.count)
        buf_addf(out, "%llu of %llu in ", (unsigned long long)step.place,
                 (unsigned long long)step.count);
    num_add_duration(out, step.interval_ms);
    buf_add_text(out, " steps)");
}
