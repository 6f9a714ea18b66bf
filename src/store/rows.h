/* rows: the rows that other modules write within somebody's commit. Store's thread, within the
 * transaction. */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include "store/database.h"
#include "store/events.h"
#include "store/track.h"

enum err track_rows_insert(struct database *d, const struct track_record *record) MUST_USE;
/* A record about one queued recipient, filled from the queue; before the recipient goes. */
enum err track_rows_action(struct database *d, enum track_event event, int64_t now_ms,
                           const struct message_id *id, uint32_t number, struct span info) MUST_USE;
enum err event_rows_insert(struct database *d, const struct event *event) MUST_USE;

#endif
