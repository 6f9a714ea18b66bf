/* smtp_server_content: finds the end of DATA and takes the dot-stuffing off (RFC 5321
 * section 4.5.2), without copying. Only <CRLF>.<CRLF> ends; whatever else looks like an end to some
 * implementation (<LF>.<LF>, <CR>.<CR>, <CRLF>.<LF>, ...) is a bare line end, on which message
 * smuggling depends, and is reported. */
#ifndef PROTO_SMTP_SERVER_CONTENT_H
#define PROTO_SMTP_SERVER_CONTENT_H

#include "base/span.h"

enum smtp_content_found {
    SMTP_CONTENT_PIECE, /* nothing but content; the piece may be empty */
    SMTP_CONTENT_END,   /* the dot line: content is complete, the piece is empty */
    SMTP_CONTENT_BARE,  /* behind the piece stands a CR without LF, or an LF without CR */
    SMTP_CONTENT_NUL,   /* behind the piece stands a NUL */
};

struct smtp_content {
    enum {
        SMTP_CONTENT_AT_LINE_START,
        SMTP_CONTENT_IN_LINE,
        SMTP_CONTENT_AFTER_CR,
        SMTP_CONTENT_AFTER_DOT,    /* a dot at the start of a line */
        SMTP_CONTENT_AFTER_DOT_CR, /* and CR behind it */
    } at;
};

/* Takes some bytes off the head of a nonempty input and says what they are: with BARE and NUL they
 * are the piece, what is wrong, and perhaps some that cannot matter any more. Takes none where only
 * the place changes; calling on always ends. The piece borrows from the input or is a
 * constant. After BARE or NUL the scan goes on, still looking for the one true end. */
size_t smtp_content_scan(struct smtp_content *c, struct span input, struct span *piece,
                         enum smtp_content_found *found);

#endif
