/* monitor: looks after things on a timer of the main loop: back pressure, the state of the
 * connectors' certificates, and the age of tracking records. What changes becomes an event, once
 * per cause, and once more when it is mended. When a certificate begins or ends, the selections
 * are made anew. */
#ifndef SERVICE_MONITOR_H
#define SERVICE_MONITOR_H

#include "service/world.h"

struct monitor *monitor_new(struct world *world);
void monitor_free(struct monitor *monitor);
/* Looks at once, then every two seconds (Exchange's interval). On the main loop, or before it runs.
 */
void monitor_start(struct monitor *monitor);
/* The document or the certificates have changed, or what DNS publishes about their names. */
void monitor_snapshot_changed(struct monitor *monitor);
/* The wall clock was set: the selections are made anew, and whatever follows the snapshot (renewal
 * too) looks at the time again. */
void monitor_clock_set(struct monitor *monitor);

#endif
