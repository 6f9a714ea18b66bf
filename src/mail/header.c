#include "mail/header.h"

#include "base/text.h"

enum {
    KEPT = 256,       /* octets of a value that are kept */
    FIELD_MAX = 2048, /* octets of the field at hand that are looked at; twice RFC 5322's line */
};

/* Where the scan stands (header_scan.at). */
enum place {
    AT_NAME,       /* at the beginning of a line that is a field, the end, or neither */
    AT_EMPTY_CR,   /* behind a CR that may belong to the empty line */
    AT_VALUE,      /* behind the colon */
    AT_VALUE_CR,   /* behind a CR within or at the end of the value */
    AT_LINE_START, /* behind CRLF: a blank goes on with the field */
};

void header_scan_init(struct header_scan *h, uint64_t limit)
{
    *h = (struct header_scan){
        .limit = limit,
        .message_id = BUF_INIT(KEPT),
        .subject = BUF_INIT(KEPT),
        .line = BUF_INIT(FIELD_MAX),
    };
}

void header_scan_done(struct header_scan *h)
{
    buf_done(&h->message_id);
    buf_done(&h->subject);
    buf_done(&h->line);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void count(struct header_scan *h, uint64_t octets)
{
    h->size += octets;
    h->over_limit = h->size > h->limit;
}

/* Adds as much as fits. */
static void keep(struct buf *b, struct span s)
{
    buf_add(b, span_head(s, b->limit - b->n));
}

/* Skips one comment at the head of s, with those nested in it (RFC 5322 section 3.2.2). */
static struct span behind_comment(struct span s)
{
    size_t i = 0;
    for (unsigned depth = 0; i < s.n; i++) {
        if (s.p[i] == '\\')
            i++;
        else if (s.p[i] == '(')
            depth++;
        else if (s.p[i] == ')' && --depth == 0)
            return span_skip(s, i + 1);
    }
    return span_skip(s, s.n);
}

static void keep_message_id(struct header_scan *h, struct span value)
{
    buf_reset(&h->message_id);
    bool bracketed = false;
    while (value.n) {
        char c = value.p[0];
        if (c == '(' && !bracketed) {
            value = behind_comment(value);
            continue;
        }
        value = span_skip(value, 1);
        if (c == '<' && !bracketed) {
            buf_reset(&h->message_id); /* what stands before the brackets is no part of it */
            bracketed = true;
        } else if (c == '>' && bracketed) {
            return;
        } else if (!is_blank(c)) {
            keep(&h->message_id, span_make(&c, 1));
        }
    }
}

/* The field's name as far as it stands in h->line, which has its colon. */
static struct span field_name(const struct header_scan *h)
{
    return span_trim(span_head(buf_span(&h->line), span_find(buf_span(&h->line), ':')));
}

/* The colon was seen: it is a field. Only what will be kept stays in h->line; of fields that may
 * stand only once, the first counts. */
static void begin_field(struct header_scan *h)
{
    struct span name = field_name(h);
    count(h, h->line.n);
    h->at = AT_VALUE;
    if (span_ieq(name, SPAN("Received")))
        h->received_count++;
    h->has_from |= span_ieq(name, SPAN("From"));
    h->has_date |= span_ieq(name, SPAN("Date"));
    bool wanted = (span_ieq(name, SPAN("Subject")) && h->subject.n == 0) ||
                  (span_ieq(name, SPAN("Message-ID")) && h->message_id.n == 0);
    if (!wanted)
        buf_reset(&h->line);
}

/* At the end of each line, not of the field: content may end without an empty line. */
static void take_line(struct header_scan *h)
{
    h->at = AT_LINE_START;
    if (h->line.n == 0)
        return;
    struct span name = field_name(h);
    struct span value =
        span_trim(span_skip(buf_span(&h->line), span_find(buf_span(&h->line), ':') + 1));
    if (span_ieq(name, SPAN("Subject"))) {
        buf_reset(&h->subject);
        keep(&h->subject, value);
    } else {
        keep_message_id(h, value);
    }
}

/* Whether c can go on with what stands of a field's name; obs-fields (RFC 5322 section 4.5) have
 * blanks before the colon. */
static bool continues_name(const struct header_scan *h, char c)
{
    if (h->line.n == 0)
        return c > 32 && c < 127 && c != ':';
    bool behind_blank = is_blank(h->line.p[h->line.n - 1]);
    return c == ':' || is_blank(c) || (c > 32 && c < 127 && !behind_blank);
}

static void feed_name(struct header_scan *h, char c)
{
    if (c == '\r' && h->line.n == 0)
        h->at = AT_EMPTY_CR;
    else if (!continues_name(h, c) || buf_add_char(&h->line, c) != OK)
        h->ended = true;
    else if (c == ':')
        begin_field(h);
}

/* Takes a run of the value up to its CR, or one octet elsewhere; returns how many it took. */
static size_t feed_some(struct header_scan *h, struct span s)
{
    char c = s.p[0];
    size_t run = 1;
    switch ((enum place)h->at) {
    case AT_LINE_START:
        if (!is_blank(c)) {
            h->at = AT_NAME;
            buf_reset(&h->line);
            return 0;
        }
        h->at = AT_VALUE;
        return 0;
    case AT_NAME: feed_name(h, c); return 1;
    case AT_EMPTY_CR: h->ended = true; return 1;
    case AT_VALUE_CR:
        if (c == '\n') {
            count(h, 1);
            take_line(h);
            return 1;
        }
        h->at = AT_VALUE;
        return 0;
    case AT_VALUE: break;
    }
    if (c == '\r') {
        h->at = AT_VALUE_CR;
    } else {
        run = span_find(s, '\r');
        if (h->line.n)
            keep(&h->line, span_head(s, run));
    }
    count(h, run);
    return run;
}

void header_scan_feed(struct header_scan *h, struct span content)
{
    while (content.n && !h->ended)
        content = span_skip(content, feed_some(h, content));
}

struct span header_section(struct span message)
{
    struct header_scan h;
    header_scan_init(&h, UINT64_MAX);
    header_scan_feed(&h, message);
    struct span section = span_head(message, (size_t)h.size);
    header_scan_done(&h);
    return section;
}
