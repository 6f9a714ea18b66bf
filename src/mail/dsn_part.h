/* dsn_part: the first two parts of a notification, and the text tools that they share. Private to
 * dsn. */
#ifndef MAIL_DSN_PART_H
#define MAIL_DSN_PART_H

#include "mail/dsn.h"

/* One line's worth of text that others chose: control characters become '?', and without utf8 (or
 * where it is not well-formed) all above 127 as well. */
void dsn_add_safe(struct buf *out, struct span text, bool utf8);
/* The same, folded: where a line would pass 76 columns, "\r\n" and the indent come first. `column`
 * is where the text begins. Words too long for a line of RFC 5322 are cut. */
void dsn_add_folded(struct buf *out, size_t column, const char *indent, struct span text,
                    bool utf8);

/* The body of text/plain: what happened to whom, why, and what to do. */
void dsn_add_explanation(struct buf *out, const struct dsn *dsn, bool utf8);
/* The body of message/delivery-status (RFC 3464) or message/global-delivery-status (RFC 6533). */
void dsn_add_status(struct buf *out, const struct dsn *dsn, bool utf8);

#endif
