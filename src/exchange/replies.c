#include "exchange/replies.h"

#include "base/text.h"
#include "exchange/event.h"
#include "exchange/property.h"

enum { REPLY_TEXT_MAX = 2000, REPLIES_PER_TEXT_MAX = 8 };

static size_t digits(struct span s, size_t most)
{
    size_t n = 0;
    while (n < s.n && n < most && text_is_digit(s.p[n]))
        n++;
    return n;
}

/* "4.4.317" at the front; its length, 0: none. */
static size_t enhanced_length(struct span s)
{
    size_t a = digits(s, 1), b, c;
    if (a == 0 || (s.p[0] != '4' && s.p[0] != '5') || s.n < 2 || s.p[1] != '.')
        return 0;
    b = digits(span_skip(s, 2), 3);
    if (b == 0 || 2 + b >= s.n || s.p[2 + b] != '.')
        return 0;
    c = digits(span_skip(s, 3 + b), 3);
    size_t n = 3 + b + c;
    return c == 0 || (n < s.n && (text_is_digit(s.p[n]) || s.p[n] == '.') && n + 1 < s.n &&
                      text_is_digit(s.p[n + (s.p[n] == '.')]))
               ? 0
               : n;
}

struct match {
    size_t at, end; /* in the text */
    unsigned code;
    struct span enhanced;
};

/* "450 4.4.317", "454-4.7.0", "5.7.64" alone. */
static bool match_at(struct span text, size_t at, struct match *m)
{
    struct span s = span_skip(text, at);
    if (at > 0 && (text_is_alnum(text.p[at - 1]) || text.p[at - 1] == '.'))
        return false;
    *m = (struct match){.at = at};
    size_t n = 0;
    if (digits(s, 4) == 3 && (s.p[0] == '4' || s.p[0] == '5') && s.n > 3 &&
        (s.p[3] == ' ' || s.p[3] == '-')) {
        m->code = (unsigned)((s.p[0] - '0') * 100 + (s.p[1] - '0') * 10 + s.p[2] - '0');
        n = 4;
    }
    size_t enhanced = enhanced_length(span_skip(s, n));
    m->enhanced = span_head(span_skip(s, n), enhanced);
    m->end = at + n + enhanced;
    return enhanced > 0;
}

/* The word that says what is wrong. */
static struct span telling_word(struct span text)
{
    static const char *const words[] = {"TenantInboundAttribution",
                                        "TenantAttribution",
                                        "ATTR",
                                        "PRX",
                                        "TlsCertificateName",
                                        "STARTTLS is required",
                                        "SocketError",
                                        "Unable to relay",
                                        "SMTP proxy"};
    struct span word = event_status_word(text);
    for (size_t i = 0; i < COUNT_OF(words) && word.n == 0; i++) {
        size_t at = span_search(text, span_of(words[i]));
        if (at == text.n)
            continue;
        size_t n = strlen(words[i]);
        while (at + n < text.n && text_is_digit(text.p[at + n]))
            n++;
        word = span_make(text.p + at, n);
    }
    return word;
}

static bool speaks_of_tls(struct span text, struct span enhanced)
{
    static const char *const codes[] = {"4.4.317", "4.4.101", "5.7.51", "5.7.64", "4.7.5", "5.7.3"};
    static const char *const words[] = {"TLS", "certificate", "relay", "attribution"};
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        if (span_eq(enhanced, span_of(codes[i])))
            return true;
    }
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (span_search(text, span_of(words[i])) < text.n)
            return true;
    }
    return telling_word(text).n > 0;
}

/* The text behind a label ("Expected Subject: ...") up to where such values end. */
static struct exchange_value labelled(struct exchange_reader *r, struct span text,
                                      const char *const *names, size_t count, unsigned line)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = span_search(text, span_of(names[i]));
        if (at == text.n)
            continue;
        struct span rest = span_trim(span_skip(text, at + strlen(names[i])));
        while (rest.n > 0 && strchr(":= '\"", rest.p[0]))
            rest = span_skip(rest, 1);
        size_t n = 0;
        bool name = span_istarts(rest, SPAN("CN="));
        while (
            n < rest.n && !strchr("]'\";", rest.p[n]) &&
            !(rest.p[n] == ',' && (!name || span_starts(span_skip(rest, n), SPAN(", Presented")) ||
                                   span_starts(span_skip(rest, n), SPAN(", Thumbprint")))))
            n++;
        if (n > 0)
            return reader_value(r, span_head(rest, n), line);
    }
    return (struct exchange_value){0};
}

#define LABELLED(r, text, line, ...)                                                               \
    labelled(r, text, (const char *const[]){__VA_ARGS__},                                          \
             COUNT_OF(((const char *const[]){__VA_ARGS__})), line)

static void add_reply(struct exchange_reader *r, const struct match *m, struct span text,
                      unsigned line)
{
    struct exchange_reply *reply = reader_add_reply(r, line);
    reply->code = m->code;
    reply->enhanced = m->enhanced;
    reply->text = text;
    reply->word = telling_word(text);
    reply->expected = LABELLED(r, text, line, "Expected Subject", "Expected subject", "expected");
    reply->presented =
        LABELLED(r, text, line, "Presented Subject", "Presented subject", "Actual Subject",
                 "presented", "Certificate subject", "CertificateSubject");
    reply->presented_thumbprint =
        LABELLED(r, text, line, "Thumbprint", "thumbprint", "CertificateThumbprint");
    reply->presented_thumbprint.text = property_hex(&r->c->arena, reply->presented_thumbprint.text);
    reply->remote = LABELLED(r, text, line, "LastAttemptedServerName", "LastAttemptedIP",
                             "The last endpoint attempted was");
}

/* Where an offset of the unwrapped text stood. */
static unsigned line_of(const struct exchange_reader *r, const struct paragraph *p, size_t at)
{
    size_t line = 0;
    while (line + 1 < p->count && p->starts[line + 1] <= at)
        line++;
    return r->source.lines[p->first + line].number;
}

bool replies_read(struct exchange_reader *r, const struct paragraph *p)
{
    struct span text = property_unwrap(&r->c->arena, p->text);
    size_t found = 0;
    for (size_t at = 0; at < text.n && found < REPLIES_PER_TEXT_MAX;) {
        struct match m;
        if (!match_at(text, at, &m)) {
            at++;
            continue;
        }
        struct span rest = span_head(span_skip(text, at), REPLY_TEXT_MAX);
        if (speaks_of_tls(rest, m.enhanced)) {
            add_reply(r, &m, rest, line_of(r, p, at));
            found++;
        }
        at = m.end;
    }
    return found > 0;
}
