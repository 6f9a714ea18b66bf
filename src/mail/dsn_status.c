#include "base/clock.h"
#include "base/encode.h"
#include "base/text.h"
#include "mail/dsn_part.h"

enum { VALUE_MAX = 900 }; /* a field that cannot be folded must stay within a line */

static const char *const actions[] = {
    [DSN_FAILED] = "failed",   [DSN_DELAYED] = "delayed",   [DSN_DELIVERED] = "delivered",
    [DSN_RELAYED] = "relayed", [DSN_EXPANDED] = "expanded",
};

static bool is_printable(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!text_is_printable(s.p[i]) && (unsigned char)s.p[i] < 128)
            return false;
    return s.n > 0;
}

/* "Name: " and what the sender gave us in xtext. It is left out where it does not decode, or
 * decodes to what would end the field (xtext can hide CR and LF). */
static void add_decoded(struct buf *out, const char *name, struct span type, struct span xtext,
                        bool utf8)
{
    struct buf value = BUF_INIT(VALUE_MAX);
    if (decode_xtext(&value, xtext) == OK && is_printable(buf_span(&value))) {
        buf_addf(out, "%s: ", name);
        if (type.n)
            buf_addf(out, SPAN_FMT "; ", SPAN_ARG(type));
        dsn_add_safe(out, buf_span(&value), utf8);
        buf_add_text(out, "\r\n");
    }
    buf_done(&value);
}

/* ORCPT is "type;xtext"; only "utf-8" has an encoding of its own, which stands in the field as it
 * is (RFC 6533 section 3). */
static void add_original_recipient(struct buf *out, struct span orcpt, bool utf8)
{
    size_t at = span_find(orcpt, ';');
    struct span type = span_head(orcpt, at);
    struct span address = span_skip(orcpt, at + 1);
    if (at == orcpt.n || !is_printable(type) || !text_is_ascii(type) || type.n > 64)
        return;
    if (!span_ieq(type, SPAN("utf-8"))) {
        add_decoded(out, "Original-Recipient", type, address, utf8);
    } else if (is_printable(address) && address.n <= VALUE_MAX) {
        buf_add_text(out, "Original-Recipient: utf-8; ");
        dsn_add_safe(out, address, utf8);
        buf_add_text(out, "\r\n");
    }
}

static void add_line(struct buf *out, const char *name, struct span value, bool utf8)
{
    buf_add_text(out, name);
    dsn_add_safe(out, span_head(value, VALUE_MAX), utf8);
    buf_add_text(out, "\r\n");
}

static void add_date(struct buf *out, const char *name, int64_t ms)
{
    if (ms == 0)
        return;
    buf_addf(out, "%s: ", name);
    clock_add_rfc5322(out, ms);
    buf_add_text(out, "\r\n");
}

static void add_recipient(struct buf *out, const struct dsn_recipient *r, bool utf8)
{
    struct span address = r->recipient->address;
    bool international = !text_is_ascii(address);
    buf_add_text(out, "\r\n");
    add_original_recipient(out, r->recipient->orcpt, utf8);
    add_line(out, international ? "Final-Recipient: utf-8; " : "Final-Recipient: rfc822; ", address,
             utf8);
    buf_addf(out, "Action: %s\r\nStatus: %s\r\n", actions[r->kind], r->outcome->reply.enhanced);
    if (r->outcome->remote && r->outcome->mta.n)
        add_line(out, "Remote-MTA: dns; ", r->outcome->mta, utf8);
    /* "smtp" says that these are the words of a peer; ours need a type of our own (RFC 3464
     * section 2.3.6). */
    const char *name =
        r->outcome->remote ? "Diagnostic-Code: smtp; " : "Diagnostic-Code: x-sealpost; ";
    struct buf words = BUF_INIT(BUF_UNLIMITED);
    reply_add_line(&words, &r->outcome->reply);
    buf_add_text(out, name);
    dsn_add_folded(out, strlen(name), "\t", buf_span(&words), utf8);
    buf_add_text(out, "\r\n");
    buf_done(&words);
    add_date(out, "Last-Attempt-Date", r->last_attempt_ms);
    if (r->kind == DSN_DELAYED)
        add_date(out, "Will-Retry-Until", r->will_retry_until_ms);
}

void dsn_add_status(struct buf *out, const struct dsn *dsn, bool utf8)
{
    const struct envelope *e = dsn->original;
    if (e->envid.n)
        add_decoded(out, "Original-Envelope-Id", SPAN_NONE, e->envid, utf8);
    add_line(out, "Reporting-MTA: dns; ", dsn->reporting_mta, utf8);
    if (e->helo.n)
        add_line(out, "Received-From-MTA: dns; ", e->helo, utf8);
    add_date(out, "Arrival-Date", e->received_ms);
    for (size_t i = 0; i < dsn->recipient_count; i++)
        add_recipient(out, &dsn->recipients[i], utf8);
}
