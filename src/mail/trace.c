#include "mail/trace.h"

#include "base/clock.h"
#include "base/ip.h"
#include "base/text.h"
#include "mail/address.h"

enum {
    COLUMNS = 78,    /* RFC 5322 section 2.1.1 */
    TAB_COLUMNS = 8, /* a fold begins with one */
    NAME_MAX_OCTETS = ADDRESS_DOMAIN_MAX,
};

/* The field as it grows: a piece is never cut, so folds stand only between words. */
struct folded {
    struct buf *out;
    size_t column;
};

static void fold(struct folded *f)
{
    buf_add_text(f->out, "\r\n\t");
    f->column = TAB_COLUMNS;
}

static void add_piece(struct folded *f, struct span piece)
{
    if (f->column > TAB_COLUMNS) {
        if (f->column + 1 + piece.n >= COLUMNS) { /* a delimiter may follow */
            fold(f);
        } else {
            buf_add_char(f->out, ' ');
            f->column++;
        }
    }
    buf_add(f->out, piece);
    f->column += piece.n;
}

/* What a client may call itself can be anything; in a trace field only a domain or an address
 * literal means something, and any other character could end a comment, a line or the field. */
static void add_name(struct buf *piece, struct span name)
{
    name = span_head(name, NAME_MAX_OCTETS);
    if (address_is_literal(name)) {
        buf_add(piece, name);
        return;
    }
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool fits = text_is_alnum(c) || c == '.' || c == '-' || c == '_';
        buf_add_char(piece, fits ? c : '?');
    }
    if (name.n == 0)
        buf_add_text(piece, "unknown");
}

/* RFC 5321 section 4.1.3: "[192.0.2.1]", "[IPv6:2001:db8::1]"; nothing where it is no address. */
static void add_literal(struct buf *piece, struct span text)
{
    struct ip ip;
    char formatted[IP_TEXT];
    if (ip_parse(text, &ip) != OK)
        return;
    ip_format(&ip, formatted);
    buf_add_text(piece, ip.v6 ? "[IPv6:" : "[");
    buf_add_text(piece, formatted);
    buf_add_char(piece, ']');
}

static void add_comment(struct folded *f, struct span text)
{
    struct buf piece = BUF_INIT(NAME_MAX_OCTETS);
    buf_add_char(&piece, '(');
    text = span_head(text, NAME_MAX_OCTETS - 2);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool fits = text_is_printable(c) && c != '(' && c != ')' && c != '\\';
        buf_add_char(&piece, fits ? c : '?');
    }
    buf_add_char(&piece, ')');
    add_piece(f, buf_span(&piece));
    buf_done(&piece);
}

static void add_word_and_name(struct folded *f, const char *word, struct span name)
{
    struct buf piece = BUF_INIT(BUF_UNLIMITED);
    buf_add_text(&piece, word);
    buf_add_char(&piece, ' ');
    add_name(&piece, name);
    add_piece(f, buf_span(&piece));
    buf_done(&piece);
}

/* From-domain, with what we know of the client ourselves as TCP-info. Our own messages have none.
 */
static void add_from(struct folded *f, const struct trace *trace)
{
    const struct envelope *e = trace->envelope;
    if (e->helo.n == 0 && e->client_ip.n == 0)
        return;
    add_word_and_name(f, "from", e->helo);
    struct buf info = BUF_INIT(BUF_UNLIMITED);
    buf_add_char(&info, '(');
    if (trace->client_name.n) {
        add_name(&info, trace->client_name);
        buf_add_char(&info, ' ');
    }
    add_literal(&info, e->client_ip);
    struct span text = span_trim(buf_span(&info));
    if (text.n > 1) {
        add_piece(f, text);
        buf_add_char(f->out, ')');
        f->column++;
    }
    buf_done(&info);
    fold(f);
}

/* For one recipient only: with more, each would learn of the others (RFC 5321 section 7.2). */
static void add_for(struct folded *f, const struct envelope *e)
{
    struct address address;
    if (e->recipient_count != 1 ||
        address_parse(e->recipients[0].address, e->smtputf8, &address) != OK)
        return;
    fold(f);
    struct buf piece = BUF_INIT(BUF_UNLIMITED);
    buf_add_text(&piece, "for <");
    buf_add(&piece, address.text);
    buf_add_char(&piece, '>');
    add_piece(f, buf_span(&piece));
    buf_done(&piece);
}

void trace_add_received(struct buf *out, const struct trace *trace)
{
    const struct envelope *e = trace->envelope;
    struct folded f = {.out = out, .column = 0};
    buf_add_text(out, "Received:");
    f.column = strlen("Received:");
    add_from(&f, trace);
    add_word_and_name(&f, "by", trace->by);
    add_piece(&f, SPAN("(Sealpost)"));
    if (e->protocol.n)
        add_word_and_name(&f, "with", e->protocol);
    if (e->tls.n)
        add_comment(&f, e->tls);
    char id[MESSAGE_ID_TEXT];
    message_id_format(e->id, id);
    add_word_and_name(&f, "id", span_of(id));
    add_for(&f, e);
    buf_add_char(out, ';');
    f.column++;
    struct buf date = BUF_INIT(BUF_UNLIMITED);
    clock_add_rfc5322(&date, trace->now_ms);
    add_piece(&f, buf_span(&date));
    buf_done(&date);
    buf_add_text(out, "\r\n");
}

void trace_add_return_path(struct buf *out, struct span reverse_path)
{
    buf_add_text(out, "Return-Path: <");
    for (size_t i = 0; i < reverse_path.n; i++) {
        char c = reverse_path.p[i];
        buf_add_char(out, text_is_printable(c) || (unsigned char)c > 127 ? c : '?');
    }
    buf_add_text(out, ">\r\n");
}
