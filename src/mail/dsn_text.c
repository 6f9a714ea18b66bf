#include "base/clock.h"
#include "mail/dsn_part.h"

/* What the reader can do, by the subject and detail of the status code (RFC 3463 section 3); the
 * first row that matches the head of what stands behind the class counts. */
static const struct {
    const char *status, *advice;
} advices[] = {
    {"1.2", "Check the part of the address behind the @ for a typing error."},
    {"1.10", "The domain says that it takes no mail at all; another address is needed."},
    {"1.", "Check the address for a typing error, and ask the recipient for the current one."},
    {"2.2",
     "The mailbox is full; ask the recipient by another way to make room, then send it again."},
    {"2.3",
     "The message is too large for this mailbox; send it in parts, or pass it on by another way."},
    {"2.", "The mailbox does not take mail at present; ask the recipient by another way."},
    {"3.4", "The message is too large; send it in parts, or pass it on by another way."},
    {"4.6",
     "The servers pass the message on in a circle; tell the postmaster of the recipient's domain."},
    {"4.", "The recipient's mail system could not be reached in time; send the message again "
           "later, or use "
           "another way."},
    {"6.",
     "The recipient's system cannot take this kind of message; send it in plain form, without "
     "special characters in addresses."},
    {"7.",
     "A rule of one of the mail systems forbids this message; the postmaster of the recipient's "
     "domain can say why."},
};

static const char *advice(const char *enhanced)
{
    struct span behind_class = span_skip(span_of(enhanced), 2);
    for (size_t i = 0; i < COUNT_OF(advices); i++) {
        struct span status = span_of(advices[i].status);
        bool group = status.p[status.n - 1] == '.';
        if (group ? span_starts(behind_class, status) : span_eq(behind_class, status))
            return advices[i].advice;
    }
    return "If this is unexpected, show this notification to your postmaster.";
}

static void add_sentence(struct buf *out, struct span text, bool utf8)
{
    dsn_add_folded(out, 0, "", text, utf8);
    buf_add_text(out, "\r\n");
}

/* Who spoke: "the server mx.example.com [192.0.2.1]". */
static void add_peer(struct buf *text, const struct outcome *outcome)
{
    if (outcome->mta.n == 0 && outcome->mta_ip.n == 0) {
        buf_add_text(text, "the next server");
        return;
    }
    buf_add_text(text, "the server");
    if (outcome->mta.n)
        buf_addf(text, " " SPAN_FMT, SPAN_ARG(outcome->mta));
    if (outcome->mta_ip.n)
        buf_addf(text, " [" SPAN_FMT "]", SPAN_ARG(outcome->mta_ip));
}

static void add_failed(struct buf *text, const struct dsn_recipient *r)
{
    buf_add_text(text, "could not be delivered: ");
    if (r->outcome->remote) {
        add_peer(text, r->outcome);
        buf_add_text(text, " said");
    } else {
        buf_add_text(text, "this server found");
    }
}

static void add_delayed(struct buf *text, const struct dsn_recipient *r)
{
    buf_add_text(text, "has not been delivered yet. ");
    if (r->will_retry_until_ms) {
        buf_add_text(text, "It will be tried again until ");
        clock_add_rfc5322(text, r->will_retry_until_ms);
        buf_add_text(text, ". ");
    }
    buf_add_text(text, "You need not do anything. ");
    if (r->outcome->remote) {
        buf_add_text(text, "At the last attempt ");
        add_peer(text, r->outcome);
        buf_add_text(text, " said");
    } else {
        buf_add_text(text, "The reason");
    }
}

static void add_success(struct buf *text, const struct dsn_recipient *r)
{
    if (r->kind == DSN_DELIVERED) {
        buf_add_text(text, "was delivered.");
    } else if (r->kind == DSN_RELAYED) {
        buf_add_text(text, "was passed on to ");
        add_peer(text, r->outcome);
        buf_add_text(text, ", which sends no notifications. You may hear no more of it.");
    } else {
        buf_add_text(text, "was passed on to several other addresses.");
    }
}

static void add_recipient(struct buf *out, const struct dsn_recipient *r, bool utf8)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    buf_addf(&text, "<" SPAN_FMT ">: ", SPAN_ARG(r->recipient->address));
    bool unhappy = r->kind == DSN_FAILED || r->kind == DSN_DELAYED;
    if (r->kind == DSN_FAILED)
        add_failed(&text, r);
    else if (r->kind == DSN_DELAYED)
        add_delayed(&text, r);
    else
        add_success(&text, r);
    if (unhappy)
        buf_add_char(&text, ':');
    buf_add_text(out, "\r\n");
    add_sentence(out, buf_span(&text), utf8);
    if (unhappy) {
        buf_reset(&text);
        reply_add_line(&text, &r->outcome->reply);
        buf_add_text(out, "    ");
        dsn_add_folded(out, 4, "    ", buf_span(&text), utf8);
        buf_add_text(out, "\r\n");
    }
    if (r->kind == DSN_FAILED)
        add_sentence(out, span_of(advice(r->outcome->reply.enhanced)), utf8);
    buf_done(&text);
}

void dsn_add_explanation(struct buf *out, const struct dsn *dsn, bool utf8)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    buf_addf(&text,
             "This is the mail server " SPAN_FMT
             ". It reports on the message that it received from you",
             SPAN_ARG(dsn->reporting_mta));
    if (dsn->original->received_ms) {
        buf_add_text(&text, " on ");
        clock_add_rfc5322(&text, dsn->original->received_ms);
    }
    buf_add_text(&text,
                 dsn->recipient_count == 1 ? ", for this recipient:" : ", for these recipients:");
    add_sentence(out, buf_span(&text), utf8);
    buf_done(&text);
    for (size_t i = 0; i < dsn->recipient_count; i++)
        add_recipient(out, &dsn->recipients[i], utf8);
}
