#include "base/text.h"
#include "exchange/event.h"
#include "exchange/property.h"

enum insert {
    INSERT_DOMAIN,
    INSERT_CONNECTOR,
    INSERT_FQDN,
    INSERT_THUMBPRINT,
    INSERT_SUBJECT,
    INSERT_RESPONSE,
    INSERT_ADDRESS,
    INSERT_STATUS
};

/* A phrase that stands in this event's text and in no other's; the second one too, if there is one.
 * The first that fits wins. */
static const struct {
    unsigned id;
    const char *first, *second;
} sentences[] = {
    {12014, "certificate that contains the domain name", NULL},
    {12024, "with thumbprint", "temporary"},
    {12024, "with thumbprint", "ephemeral"},
    {12024, "load the certificate with thumbprint", "is being used"},
    {12013, "load the certificate with thumbprint", NULL},
    {12013, "internal transport certificate", "from the personal store"},
    {12019, "remote internal transport certificate", "expired"},
    {12015, "internal transport certificate expired", NULL},
    {12015, "internal transport certificate has expired", NULL},
    {12017, "internal transport certificate will expire", NULL},
    {12018, "STARTTLS certificate will expire", NULL},
    {12016, "existing certificate for that FQDN has expired", NULL},
    {12012, "internal transport certificate", "Active Directory"},
    {1036, "inbound direct trust authentication failed", NULL},
    {2018, "outbound direct trust authentication failed", NULL},
    {1035, "inbound authentication failed", NULL},
    {2017, "outbound authentication failed", NULL},
    {2004, "was acknowledged with SMTP response", NULL},
    {11022, "failed to confirm domain capabilities", NULL},
    {1018, "address is already in use", "binding"},
    {1019, "failed to start listening", NULL},
    {15004, "resource pressure increased from", NULL},
    {15004, "resource pressure", "increased from"},
    {15005, "resource pressure decreased from", NULL},
    {15005, "resource pressure", "decreased from"},
};

/* What stands between two phrases. The second may be NULL: to the end. */
static const struct {
    unsigned id;
    enum insert insert;
    const char *before, *behind;
} inserts[] = {
    {12014, INSERT_DOMAIN, "contains the domain name", "in the personal store"},
    {12014, INSERT_CONNECTOR, "verb for the connector", "with a FQDN parameter of"},
    {12014, INSERT_FQDN, "with a FQDN parameter of", ". if the connector"},
    {12016, INSERT_FQDN, "certificate for the FQDN of", ". the existing certificate"},
    {12018, INSERT_SUBJECT, "subject:", ", thumbprint:"},
    {12018, INSERT_THUMBPRINT, "thumbprint:", ", hours remaining"},
    {12017, INSERT_THUMBPRINT, "thumbprint:", ", hours remaining"},
    {12015, INSERT_THUMBPRINT, "thumbprint:", NULL},
    {12019, INSERT_SUBJECT, "subject:", NULL},
    {12013, INSERT_THUMBPRINT, "certificate with thumbprint of", "from the personal store"},
    {12024, INSERT_THUMBPRINT, "certificate with thumbprint of", "from the personal store"},
    {1036, INSERT_SUBJECT, "failed for certificate", ". the source IP"},
    {1036, INSERT_ADDRESS, "to microsoft exchange is [", "]"},
    {2018, INSERT_SUBJECT, "failed for certificate", ". the "},
    {1035, INSERT_STATUS, "failed with error", "for receive connector"},
    {1035, INSERT_CONNECTOR, "for receive connector", ". the authentication mechanism"},
    {1035, INSERT_ADDRESS, "to microsoft exchange is [", "]"},
    {2017, INSERT_STATUS, "failed with error", "for send connector"},
    {2017, INSERT_CONNECTOR, "for send connector", ". the authentication mechanism"},
    {2017, INSERT_ADDRESS, "the target is", NULL},
    {2004, INSERT_CONNECTOR, "send connector", ": message delivery"},
    {2004, INSERT_RESPONSE, "was acknowledged with SMTP response", NULL},
    {11022, INSERT_DOMAIN, "domain capabilities '", "' on connector"},
    {11022, INSERT_CONNECTOR, "on connector '", "' because"},
    {11022, INSERT_STATUS, "failed with status '", "'"},
    {1018, INSERT_ADDRESS, "binding:", NULL},
    {1019, INSERT_ADDRESS, "binding:", NULL},
};

unsigned event_number(const struct paragraph *p)
{
    for (size_t i = 0; i < COUNT_OF(sentences); i++) {
        if (paragraph_has(p, sentences[i].first) &&
            (!sentences[i].second || paragraph_has(p, sentences[i].second)))
            return sentences[i].id;
    }
    /* Names that no translation changes. */
    if (paragraph_has(p, "STARTTLS") && paragraph_has(p, "Enable-ExchangeCertificate") &&
        paragraph_has(p, "SMTP"))
        return 12014;
    return 0;
}

static struct exchange_value *value_of(struct exchange_event *e, enum insert insert)
{
    switch (insert) {
    case INSERT_DOMAIN: return &e->domain_name;
    case INSERT_CONNECTOR: return &e->connector;
    case INSERT_FQDN: return &e->fqdn;
    case INSERT_THUMBPRINT: return &e->thumbprint;
    case INSERT_SUBJECT: return &e->subject;
    case INSERT_RESPONSE: return &e->response;
    case INSERT_ADDRESS: return &e->address;
    case INSERT_STATUS: break;
    }
    return &e->status;
}

static struct span cleaned(struct exchange_reader *r, struct span raw, enum insert insert)
{
    struct arena *arena = &r->c->arena;
    /* A name on a connector is "<I>...<S>..." or a host name; only the first may hold blanks. */
    bool pair = span_find(raw, '<') < raw.n || span_find(raw, '=') < raw.n;
    struct span s = property_unwrap(arena, raw);
    if ((insert == INSERT_DOMAIN || insert == INSERT_FQDN || insert == INSERT_ADDRESS) && !pair)
        s = property_squeeze(arena, raw);
    else if (insert == INSERT_THUMBPRINT)
        s = property_hex(arena, raw);
    else if (insert == INSERT_CONNECTOR)
        s = source_fold_quotes(arena, s);
    if (insert == INSERT_ADDRESS || insert == INSERT_THUMBPRINT) {
        while (s.n > 0 && (s.p[s.n - 1] == '.' || s.p[s.n - 1] == ','))
            s.n--;
    }
    return s;
}

static void read_insert(struct exchange_reader *r, const struct paragraph *p, size_t i,
                        struct exchange_event *e)
{
    size_t from = 0, to = p->squeezed.n;
    if (paragraph_find(p, inserts[i].before, 0, &from) == p->squeezed.n)
        return;
    if (inserts[i].behind) {
        to = paragraph_find(p, inserts[i].behind, from, NULL);
        if (to == p->squeezed.n)
            return; /* broken off: the insert may be, too */
    }
    struct span text = cleaned(r, paragraph_between(p, from, to), inserts[i].insert);
    if (text.n == 0)
        e->inserts_lost = true; /* a web page ate "<I>...<S>...", or the author took it out */
    else
        *value_of(e, inserts[i].insert) =
            reader_value(r, text, paragraph_line(r, p, from < p->squeezed.n ? from : 0));
}

/* ---- texts in other languages: what looks like a host name, a pair or a thumbprint ---- */

static bool is_host_character(char c)
{
    return text_is_alnum(c) || c == '.' || c == '-' || c == '*' || c == '_';
}

static bool is_host(struct span s)
{
    size_t dot = span_find(s, '.'), last = span_rfind(s, '.');
    bool has_letter = false;
    for (size_t i = last < s.n ? last : 0; i < s.n; i++)
        has_letter = has_letter || text_is_alpha(s.p[i]);
    return dot > 0 && dot + 1 < s.n && last + 2 < s.n && has_letter;
}

/* The next host name or <I>...<S>... pair from *at on. */
static struct span next_name(struct span text, size_t *at)
{
    while (*at < text.n) {
        struct span rest = span_skip(text, *at);
        if (span_istarts(rest, SPAN("<I>"))) {
            size_t n = 0;
            while (n < rest.n && rest.p[n] != '"' && rest.p[n] != '\'' && rest.p[n] != WRAP_BETWEEN)
                n++;
            *at += n;
            return span_head(rest, n);
        }
        size_t n = 0;
        while (n < rest.n && is_host_character(rest.p[n]))
            n++;
        *at += n ? n : 1;
        struct span word = span_head(rest, n);
        while (word.n > 0 && (word.p[word.n - 1] == '.' || word.p[word.n - 1] == '-'))
            word.n--;
        if (is_host(word))
            return word;
    }
    return SPAN_NONE;
}

static void read_foreign_names(struct exchange_reader *r, const struct paragraph *p,
                               struct exchange_event *e)
{
    struct span text = property_unwrap(&r->c->arena, p->text);
    size_t at = 0;
    unsigned line = paragraph_line(r, p, 0);
    struct span first = next_name(text, &at), next = first, last = first;
    while (next.n > 0) {
        last = next;
        next = next_name(text, &at);
    }
    if (first.n == 0)
        return;
    e->fqdn = reader_value(r, last, line);
    if (e->id == 12014)
        e->domain_name = reader_value(r, first, line);
}

/* What stands in quotes of any language is the connector, where it is no host name. */
static void read_foreign_connector(struct exchange_reader *r, const struct paragraph *p,
                                   struct exchange_event *e)
{
    static const struct {
        const char *open, *close;
    } quotes[] = {{"\"", "\""}, {"„", "“"}, {"“", "”"}, {"«", "»"}, {"「", "」"}, {"'", "'"}};
    struct span text = property_unwrap(&r->c->arena, p->text);
    for (size_t i = 0; i < COUNT_OF(quotes); i++) {
        size_t at = span_search(text, span_of(quotes[i].open));
        struct span inside = span_skip(text, at + strlen(quotes[i].open));
        size_t n = span_search(inside, span_of(quotes[i].close));
        struct span name = span_trim(span_head(inside, n));
        bool usable = at < text.n && n < inside.n && name.n > 0 && name.n < 100 &&
                      !span_istarts(name, SPAN("<I>"));
        if (usable && !is_host(name)) {
            e->connector = reader_value(r, name, paragraph_line(r, p, 0));
            return;
        }
    }
}

/* A run of 40 hexadecimal digits, wherever it stands. */
static struct span find_thumbprint(struct span s)
{
    size_t run = 0;
    for (size_t i = 0; i <= s.n; i++) {
        bool hex = i < s.n && text_hex(s.p[i]) >= 0;
        if (!hex && run == CERT_THUMBPRINT_HEX - 1)
            return span_make(s.p + i - run, run);
        run = hex ? run + 1 : 0;
    }
    return SPAN_NONE;
}

struct span event_status_word(struct span text)
{
    static const char *const words[] = {
        "SubjectMismatch",   "UntrustedRoot", "CertificateExpired", "RevocationStatusUnknown",
        "RevocationOffline", "NoCredentials", "UnknownCredentials", "ConnectionAborted",
        "ChainIncomplete",   "Revoked"};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        size_t at = span_search(text, span_of(words[i]));
        if (at < text.n)
            return span_make(text.p + at, strlen(words[i]));
    }
    return SPAN_NONE;
}

void event_read_inserts(struct exchange_reader *r, const struct paragraph *p,
                        struct exchange_event *e)
{
    unsigned line = paragraph_line(r, p, 0);
    for (size_t i = 0; i < COUNT_OF(inserts); i++) {
        if (inserts[i].id == e->id)
            read_insert(r, p, i, e);
    }
    bool of_a_name = e->id == 12014 || e->id == 12016;
    bool english = paragraph_has(p, "certificate that contains") ||
                   paragraph_has(p, "certificate for the FQDN");
    if (of_a_name && !english)
        read_foreign_names(r, p, e);
    if (e->id == 12014 && !english)
        read_foreign_connector(r, p, e);
    /* The pair without its marks: "CN=..., C=USCN=mail..." */
    if (e->id == 12014 && span_istarts(e->domain_name.text, SPAN("CN=")))
        e->inserts_lost = true;
    struct span thumbprint = find_thumbprint(property_unwrap(&r->c->arena, p->text));
    if (!e->thumbprint.printed && thumbprint.n > 0)
        e->thumbprint = reader_value(r, property_hex(&r->c->arena, thumbprint), line);
    struct span word = event_status_word(p->text);
    if (!e->status.printed && word.n > 0)
        e->status = reader_value(r, word, line);
}
