#include "policy/pressure.h"

#include <assert.h>

/* Where a level is entered on the way up and left on the way down. Between them the level stays
 * what it was. */
struct thresholds {
    uint64_t to_high, to_medium;     /* reached: at least this level */
    uint64_t stay_high, stay_medium; /* still there: the level is kept */
};

static enum pressure_level level_of(enum pressure_level now, uint64_t value,
                                    const struct thresholds *t)
{
    if (value >= t->to_high || (now == PRESSURE_HIGH && value >= t->stay_high))
        return PRESSURE_HIGH;
    if (value >= t->to_medium || (now != PRESSURE_LOW && value >= t->stay_medium))
        return PRESSURE_MEDIUM;
    return PRESSURE_LOW;
}

/* In KiB, so that a percentage of the largest file system does not overflow. */
static uint64_t used_percent(const struct pressure_facts *facts, uint64_t reserve)
{
    uint64_t total = facts->disk_total >> 10;
    uint64_t not_used = facts->disk_free > reserve ? (facts->disk_free - reserve) >> 10 : 0;
    if (not_used >= total)
        return 0;
    return (total - not_used) * 100 / total;
}

static enum pressure_level disk_level(enum pressure_level now, const struct queue_conf *conf,
                                      const struct pressure_facts *facts)
{
    /* A size nobody could find out says nothing new. */
    if (facts->disk_total >> 10 == 0)
        return now;
    struct thresholds t = {conf->disk_high_percent, conf->disk_medium_percent,
                           conf->disk_medium_percent + 1, conf->disk_low_percent};
    return level_of(now, used_percent(facts, conf->disk_reserve), &t);
}

static enum pressure_level queue_level(enum pressure_level now, const struct queue_conf *conf,
                                       uint64_t length)
{
    uint64_t max = conf->max_length;
    uint64_t two_thirds = max - max / 3;
    struct thresholds t = {max, two_thirds, two_thirds, max / 15 * 2};
    return level_of(now, length, &t);
}

struct pressure pressure_next(const struct pressure *now, const struct queue_conf *conf,
                              const struct pressure_facts *facts)
{
    struct pressure next = {
        .disk = disk_level(now->disk, conf, facts),
        .queue = queue_level(now->queue, conf, facts->queue_length),
    };
    next.level = next.disk > next.queue ? next.disk : next.queue;
    return next;
}

const char *pressure_name(enum pressure_level level)
{
    static const char *const names[] = {
        [PRESSURE_LOW] = "low", [PRESSURE_MEDIUM] = "medium", [PRESSURE_HIGH] = "high"};
    assert((unsigned)level < COUNT_OF(names));
    return names[level];
}
