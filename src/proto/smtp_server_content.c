#include "proto/smtp_server_content.h"

/* The longest run of whole lines and a beginning of a line that needs no change. Three memchr
 * instead of a state per byte: this loop sees every octet of every message. */
static size_t scan_run(struct smtp_content *c, struct span input, struct span *piece,
                       enum smtp_content_found *found)
{
    const char *p = input.p, *end = input.p + input.n;
    *found = SMTP_CONTENT_PIECE;
    for (;;) {
        if (p == end) {
            *piece = input;
            return input.n;
        }
        if (c->at == SMTP_CONTENT_AT_LINE_START && *p == '.') {
            c->at = SMTP_CONTENT_AFTER_DOT;
            break;
        }
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        const char *cr = memchr(p, '\r', (size_t)((lf ? lf : end) - p));
        if (cr && cr + 1 == lf) {
            p = lf + 1;
            c->at = SMTP_CONTENT_AT_LINE_START;
            continue;
        }
        c->at = SMTP_CONTENT_IN_LINE;
        if (cr) { /* bare, or LF comes with the next input: the next step knows */
            p = cr;
            c->at = SMTP_CONTENT_AFTER_CR;
            break;
        }
        if (lf) {
            p = lf;
            *found = SMTP_CONTENT_BARE;
            break;
        }
        p = end;
    }
    *piece = span_head(input, (size_t)(p - input.p));
    return piece->n + 1; /* with the dot, CR or LF at p */
}

static size_t after_cr(struct smtp_content *c, char next, struct span *piece,
                       enum smtp_content_found *found)
{
    if (next == '\n') {
        *piece = SPAN("\r\n");
        c->at = SMTP_CONTENT_AT_LINE_START;
        return 1;
    }
    *found = SMTP_CONTENT_BARE;
    if (next != '\r')
        c->at = SMTP_CONTENT_IN_LINE;
    return 1;
}

static size_t after_dot_cr(struct smtp_content *c, char next, enum smtp_content_found *found)
{
    if (next == '\n') {
        c->at = SMTP_CONTENT_AT_LINE_START;
        *found = SMTP_CONTENT_END;
        return 1;
    }
    *found = SMTP_CONTENT_BARE;
    c->at = next == '\r' ? SMTP_CONTENT_AFTER_CR : SMTP_CONTENT_IN_LINE;
    return 1;
}

static size_t after_dot(struct smtp_content *c, char next)
{
    c->at = next == '\r' ? SMTP_CONTENT_AFTER_DOT_CR : SMTP_CONTENT_IN_LINE;
    return next == '\r';
}

size_t smtp_content_scan(struct smtp_content *c, struct span input, struct span *piece,
                         enum smtp_content_found *found)
{
    *piece = SPAN_NONE;
    *found = SMTP_CONTENT_PIECE;
    switch (c->at) {
    case SMTP_CONTENT_AFTER_CR: return after_cr(c, input.p[0], piece, found);
    case SMTP_CONTENT_AFTER_DOT: return after_dot(c, input.p[0]);
    case SMTP_CONTENT_AFTER_DOT_CR: return after_dot_cr(c, input.p[0], found);
    case SMTP_CONTENT_AT_LINE_START:
    case SMTP_CONTENT_IN_LINE: break;
    }
    size_t used = scan_run(c, input, piece, found);
    const char *nul = piece->n ? memchr(piece->p, '\0', piece->n) : NULL;
    if (nul) {
        piece->n = (size_t)(nul - piece->p);
        *found = SMTP_CONTENT_NUL;
    }
    return used;
}
