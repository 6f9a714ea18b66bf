/* pressure: back pressure with Exchange's levels and hysteresis (thresholds differ on the way up
 * and down). Pure. */
#ifndef POLICY_PRESSURE_H
#define POLICY_PRESSURE_H

#include "conf/document.h"

enum pressure_level { PRESSURE_LOW, PRESSURE_MEDIUM, PRESSURE_HIGH };

struct pressure_facts {
    uint64_t disk_total, disk_free; /* bytes */
    uint64_t queue_length;          /* recipients waiting */
};

struct pressure {
    enum pressure_level disk, queue;
    enum pressure_level level; /* the worse of both */
};

/* disk: medium and high at disk-medium and disk-high; high is left at disk-medium or less, medium
 * below disk-low; a disk_total of 0 is unknown and leaves the level. queue: medium at 2/3 of
 * max-length and high at max-length; back below 2/3 and 2/15 of it (Exchange: 9999/15000 up,
 * 10000/2000 down). Medium refuses clients that may not relay; high refuses everyone. */
struct pressure pressure_next(const struct pressure *now, const struct queue_conf *conf,
                              const struct pressure_facts *facts);
const char *pressure_name(enum pressure_level level);

#endif
