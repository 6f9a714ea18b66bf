/* dsn: composes delivery status notifications, RFC 3461 to 3464 (message/delivery-status in
 * multipart/report, RFC 6522; message/global-* of RFC 6533 where an address needs it). Values in,
 * text out. */
#ifndef MAIL_DSN_H
#define MAIL_DSN_H

#include "base/buf.h"
#include "mail/envelope.h"
#include "mail/outcome.h"

enum dsn_kind { DSN_FAILED, DSN_DELAYED, DSN_DELIVERED, DSN_RELAYED, DSN_EXPANDED };

struct dsn_recipient {
    const struct recipient *recipient;
    enum dsn_kind kind;
    const struct outcome *outcome;
    int64_t last_attempt_ms;
    int64_t will_retry_until_ms; /* DSN_DELAYED only, else 0 */
};

struct dsn {
    struct message_id id; /* of the notification itself */
    const struct envelope *original;
    struct span reporting_mta; /* the server's hostname */
    struct span from;          /* header From, "postmaster@hostname" */
    const struct dsn_recipient *recipients;
    size_t recipient_count;
    struct span original_content; /* whole message, or its header section */
    bool content_is_headers;      /* original_content holds the header section only */
    int64_t now_ms;
};

/* Whether RFC 3461 section 4.1 wants a notification of this kind for this recipient. Never for a
 * null reverse-path. */
bool dsn_is_wanted(const struct envelope *original, const struct recipient *recipient,
                   enum dsn_kind kind);
/* Writes a whole message: header, human part (a sentence per recipient that says what happened,
 * what the other side said, and what to do), machine part, original. The original is returned whole
 * only with a failure, without RET=HDRS, and where it has proper lines (a BINARYMIME one may not);
 * else its header section is. Originals returned as 8-bit text make the notification 8BITMIME:
 * *body says which body type was composed. *smtputf8: its header has UTF-8, as the reverse-path of
 * the original has. Its own reverse-path is null. `out` should have no limit below the original's
 * size and some 20 KiB for each recipient. The original's reverse-path must not be null, and there
 * is a recipient at least. */
void dsn_compose(struct buf *out, const struct dsn *dsn, enum body_type *body, bool *smtputf8);

#endif
