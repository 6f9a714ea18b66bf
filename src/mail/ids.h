/* ids: message ids are UUIDv7 (RFC 9562 section 5.7), made by the node that accepts the message.
 * They sort by time of acceptance. The text form is also the queue id in Received and in replies.
 */
#ifndef MAIL_IDS_H
#define MAIL_IDS_H

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct message_id {
    uint8_t b[16];
};

enum { MESSAGE_ID_TEXT = 37 }; /* 36 characters and NUL */

/* Unique and rising within the process, also when the clock stands still or steps back. Safe to
 * call from any thread. */
struct message_id message_id_new(int64_t now_ms);
void message_id_format(struct message_id id, char text[MESSAGE_ID_TEXT]);
enum err message_id_parse(struct span text, struct message_id *id) MUST_USE;
static inline bool message_id_eq(struct message_id a, struct message_id b)
{
    return memcmp(a.b, b.b, sizeof(a.b)) == 0;
}

#endif
