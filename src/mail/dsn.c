#include "mail/dsn.h"

#include <assert.h>

#include "base/clock.h"
#include "base/text.h"
#include "mail/dsn_part.h"
#include "mail/header.h"

enum { LINE_MAX = 998 }; /* RFC 5322 section 2.1.1, without CRLF */

bool dsn_is_wanted(const struct envelope *original, const struct recipient *recipient,
                   enum dsn_kind kind)
{
    unsigned notify = recipient->notify ? recipient->notify : NOTIFY_FAILURE | NOTIFY_DELAY;
    if (original->reverse_path.n == 0 || (notify & NOTIFY_NEVER))
        return false;
    switch (kind) {
    case DSN_FAILED: return notify & NOTIFY_FAILURE;
    case DSN_DELAYED: return notify & NOTIFY_DELAY;
    case DSN_DELIVERED:
    case DSN_RELAYED:
    case DSN_EXPANDED: return notify & NOTIFY_SUCCESS;
    }
    return false;
}

/* The notification while it is composed. */
struct composition {
    const struct dsn *dsn;
    bool utf8;              /* some address needs RFC 6533 */
    bool has_8bit;          /* the original stands in it as 8bit */
    bool full;              /* the third part is the whole original */
    bool quoted;            /* its header section needs quoted-printable */
    struct span original;   /* what is returned of it */
    struct buf explanation; /* first part */
    struct buf status;      /* second part */
    char message_id[MESSAGE_ID_TEXT];
    char boundary[MESSAGE_ID_TEXT + 32];
};

static bool needs_utf8(const struct dsn *dsn)
{
    if (!text_is_ascii(dsn->original->reverse_path))
        return true;
    for (size_t i = 0; i < dsn->recipient_count; i++) {
        const struct recipient *r = dsn->recipients[i].recipient;
        if (!text_is_ascii(r->address) || !text_is_ascii(r->orcpt))
            return true;
    }
    return false;
}

static bool has_failure(const struct dsn *dsn)
{
    for (size_t i = 0; i < dsn->recipient_count; i++)
        if (dsn->recipients[i].kind == DSN_FAILED)
            return true;
    return false;
}

/* Whether it can stand in a part that is 7bit or 8bit (RFC 2045 section 2.7 and 2.8): short lines
 * that end with CRLF, and no NUL. Content that came by BDAT need not be so. */
static bool has_clean_lines(struct span s)
{
    size_t line = 0;
    for (size_t i = 0; i < s.n; i++) {
        bool ends = s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n';
        if (ends) {
            line = 0;
            i++;
        } else if (s.p[i] == '\0' || s.p[i] == '\r' || s.p[i] == '\n' || ++line > LINE_MAX) {
            return false;
        }
    }
    return true;
}

/* The whole content goes back only with a failure, where the sender did not ask for less (RFC 3461
 * section 4.3), and where it can be attached: a message/rfc822 may not be encoded. */
static void choose_original(struct composition *c)
{
    const struct dsn *dsn = c->dsn;
    c->full = has_failure(dsn) && dsn->original->ret != RET_HDRS && !dsn->content_is_headers &&
              has_clean_lines(dsn->original_content);
    c->original = c->full ? dsn->original_content : header_section(dsn->original_content);
    bool ascii = text_is_ascii(c->original);
    c->quoted = !c->full && (!has_clean_lines(c->original) || (!ascii && !c->utf8));
    c->has_8bit = !ascii && !c->quoted;
}

/* RFC 2046 section 5.1.1: the delimiter must not appear in any part. Its middle is our new id,
 * which the author of the original cannot know; the search makes it certain. */
static void choose_boundary(struct composition *c)
{
    const struct span parts[] = {c->original, buf_span(&c->explanation), buf_span(&c->status)};
    struct buf boundary = BUF_INIT(sizeof(c->boundary) - 1);
    bool occurs = true;
    for (unsigned attempt = 0; occurs; attempt++) {
        buf_reset(&boundary);
        buf_addf(&boundary, "=_%s.%u", c->message_id, attempt);
        occurs = false;
        for (size_t i = 0; i < COUNT_OF(parts); i++)
            occurs |= span_search(parts[i], buf_span(&boundary)) < parts[i].n;
    }
    memcpy(c->boundary, buf_text(&boundary), boundary.n + 1);
    buf_done(&boundary);
}

static const char *subject(const struct dsn *dsn)
{
    enum dsn_kind worst = DSN_EXPANDED;
    for (size_t i = 0; i < dsn->recipient_count; i++)
        if (dsn->recipients[i].kind < worst)
            worst = dsn->recipients[i].kind;
    switch (worst) {
    case DSN_FAILED: return "Your message could not be delivered";
    case DSN_DELAYED: return "Your message is delayed";
    case DSN_DELIVERED: return "Your message was delivered";
    case DSN_RELAYED:
    case DSN_EXPANDED: break;
    }
    return "Your message was passed on";
}

/* The original's Message-ID lets a reader see the notification in the thread it belongs to. It is
 * the sender's text, so it is used only where it is one plain word. */
static void add_references(struct buf *out, struct span id)
{
    for (size_t i = 0; i < id.n; i++)
        if (!text_is_printable(id.p[i]) || id.p[i] == ' ' || id.p[i] == '<' || id.p[i] == '>')
            return;
    if (id.n)
        buf_addf(out, "References: <" SPAN_FMT ">\r\n", SPAN_ARG(id));
}

static void add_header(struct buf *out, const struct composition *c)
{
    const struct dsn *dsn = c->dsn;
    buf_add_text(out, "Date: ");
    clock_add_rfc5322(out, dsn->now_ms);
    buf_add_text(out, "\r\nFrom: Mail Delivery System <");
    dsn_add_safe(out, dsn->from, c->utf8);
    buf_add_text(out, ">\r\nTo: <");
    dsn_add_safe(out, dsn->original->reverse_path, c->utf8);
    buf_addf(out, ">\r\nSubject: %s\r\nMessage-ID: <%s@", subject(dsn), c->message_id);
    dsn_add_safe(out, dsn->reporting_mta, c->utf8);
    buf_add_text(out, ">\r\n");
    add_references(out, dsn->original->header_message_id);
    /* RFC 3834 section 5: so that no machine answers it. */
    buf_add_text(out, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
    buf_addf(out, "Content-Type: multipart/report; report-type=%s;\r\n\tboundary=\"%s\"\r\n",
             c->utf8 ? "global-delivery-status" : "delivery-status", c->boundary);
    if (c->utf8 || c->has_8bit)
        buf_add_text(out, "Content-Transfer-Encoding: 8bit\r\n");
    buf_add_text(out, "\r\n");
}

/* The head of a part; encoding NULL: 7bit. */
static void begin_part(struct buf *out, const struct composition *c, const char *type,
                       const char *description, const char *encoding)
{
    buf_addf(out, "\r\n--%s\r\nContent-Type: %s\r\nContent-Description: %s\r\n", c->boundary, type,
             description);
    if (encoding)
        buf_addf(out, "Content-Transfer-Encoding: %s\r\n", encoding);
    buf_add_text(out, "\r\n");
}

static void add_quoted_line(struct buf *out, struct span line)
{
    size_t column = 0;
    for (size_t i = 0; i < line.n; i++) {
        char c = line.p[i];
        bool blank_at_end = c == ' ' && i + 1 == line.n;
        bool plain = text_is_printable(c) && c != '=' && !blank_at_end;
        if (column + (plain ? 1 : 3) > 75) { /* the 76th is for the "=" of a soft line end */
            buf_add_text(out, "=\r\n");
            column = 0;
        }
        if (plain)
            buf_add_char(out, c);
        else
            buf_addf(out, "=%02X", (unsigned char)c);
        column += plain ? 1 : 3;
    }
}

/* RFC 2045 section 6.7; CRLF stays a line end. */
static void add_quoted_printable(struct buf *out, struct span s)
{
    for (size_t end; (end = span_search(s, SPAN("\r\n"))) < s.n; s = span_skip(s, end + 2)) {
        add_quoted_line(out, span_head(s, end));
        buf_add_text(out, "\r\n");
    }
    add_quoted_line(out, s);
}

static void add_original(struct buf *out, const struct composition *c)
{
    const char *type = c->full ? (c->utf8 ? "message/global" : "message/rfc822")
                               : (c->utf8 ? "message/global-headers" : "text/rfc822-headers");
    const char *encoding = c->quoted ? "quoted-printable" : c->has_8bit ? "8bit" : NULL;
    begin_part(out, c, type, c->full ? "Original message" : "Header of the original message",
               encoding);
    if (c->quoted)
        add_quoted_printable(out, c->original);
    else
        buf_add(out, c->original);
}

void dsn_compose(struct buf *out, const struct dsn *dsn, enum body_type *body, bool *smtputf8)
{
    assert(dsn->original->reverse_path.n > 0); /* RFC 5321 section 6.1: never for a notification */
    assert(dsn->recipient_count > 0);
    struct composition c = {.dsn = dsn,
                            .utf8 = needs_utf8(dsn),
                            .explanation = BUF_INIT(BUF_UNLIMITED),
                            .status = BUF_INIT(BUF_UNLIMITED)};
    message_id_format(dsn->id, c.message_id);
    dsn_add_explanation(&c.explanation, dsn, c.utf8);
    dsn_add_status(&c.status, dsn, c.utf8);
    choose_original(&c);
    choose_boundary(&c);
    const char *encoding = c.utf8 ? "8bit" : NULL;
    size_t start = out->n;
    add_header(out, &c);
    /* What stands in parts needs 8BITMIME only; SMTPUTF8 is for the header and the envelope. */
    bool header_is_ascii = text_is_ascii(span_skip(buf_span(out), start));
    begin_part(out, &c, c.utf8 ? "text/plain; charset=utf-8" : "text/plain; charset=us-ascii",
               "Notification", encoding);
    buf_add(out, buf_span(&c.explanation));
    begin_part(out, &c, c.utf8 ? "message/global-delivery-status" : "message/delivery-status",
               "Delivery report", encoding);
    buf_add(out, buf_span(&c.status));
    add_original(out, &c);
    buf_addf(out, "\r\n--%s--\r\n", c.boundary);
    buf_done(&c.explanation);
    buf_done(&c.status);
    *body = c.utf8 || c.has_8bit ? BODY_8BITMIME : BODY_7BIT;
    *smtputf8 = !header_is_ascii;
}
