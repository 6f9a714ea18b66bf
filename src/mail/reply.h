/* reply: an SMTP reply as a value (RFC 5321 section 4.2, RFC 2034, RFC 3463), both ways. */
#ifndef MAIL_REPLY_H
#define MAIL_REPLY_H

#include "base/buf.h"

enum {
    REPLY_LINE_MAX = 512,   /* RFC 5321 section 4.5.3.1.5, with CRLF; longer ones are taken up to
                               the next limit, as peers do send them */
    REPLY_LINES_MAX = 128,  /* no section; a greeting or EHLO of honest peers stays below 40 */
    REPLY_TEXT_MAX = 16384, /* all lines together */
};

struct reply {
    int code;          /* 200 to 599 */
    char enhanced[12]; /* "2.1.5"; empty: none */
    struct span text;  /* without code and enhanced code; lines are separated by '\n' */
};

/* For a static object; REPLY is the same as a value. */
#define REPLY_INIT(number, enhanced_code, words)                                                   \
    {                                                                                              \
        .code = (number), .enhanced = enhanced_code, .text = {(words), sizeof(words) - 1 }         \
    }
#define REPLY(number, enhanced_code, words) ((struct reply)REPLY_INIT(number, enhanced_code, words))

static inline bool reply_is_positive(const struct reply *r)
{
    return r->code >= 200 && r->code < 400;
}
static inline bool reply_is_transient(const struct reply *r)
{
    return r->code >= 400 && r->code < 500;
}
static inline bool reply_is_permanent(const struct reply *r)
{
    return r->code >= 500;
}

/* Writes "250-2.1.0 text" CRLF ... ; each line carries the enhanced code. CR, LF and control
 * characters within a line become '?', so a reply cannot be forged from text that a peer chose. */
enum err reply_format(struct buf *out, const struct reply *reply);
/* "550 5.1.1 no such user" on one line, for logs, tracking and DSNs. */
void reply_add_line(struct buf *out, const struct reply *reply);

/* Reads replies as they arrive. Holds one reply; its text lives until the next call of
 * reply_parser_feed after the reply was complete. */
struct reply_parser {
    struct buf text;
    struct buf line;
    int code;
    char enhanced[12];
    unsigned lines;
    bool complete;
};

void reply_parser_init(struct reply_parser *p);
void reply_parser_done(struct reply_parser *p);
/* Uses bytes up to the end of one reply. OK with *complete false: more is needed. ERR_SYNTAX: not
 * SMTP (codes that differ between lines, no three digits); ERR_LIMIT: too long. Bare LF ends a line
 * as well, as some peers send it. A malformed enhanced code, or one whose class differs from the
 * code, is left in the text. */
enum err reply_parser_feed(struct reply_parser *p, struct span s, size_t *used,
                           bool *complete) MUST_USE;
/* Valid while complete. */
struct reply reply_parser_reply(const struct reply_parser *p);

#endif
