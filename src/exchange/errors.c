#include "base/text.h"
#include "exchange/object.h"
#include "exchange/property.h"
#include "exchange/replies.h"

/* Each kind by phrases of the texts that the cmdlets print. */
static const struct {
    enum exchange_error_kind kind;
    const char *first, *second;
} phrases[] = {
    {EXCHANGE_KEY_MISSING, "PrivateKeyMissing", NULL},
    {EXCHANGE_IMPORT_FAILED, "source data cannot be imported", NULL},
    {EXCHANGE_IMPORT_FAILED, "source data", "wrong password"},
    {EXCHANGE_ALREADY_EXISTS, "certificate with the thumbprint", "already exists"},
    {EXCHANGE_NOT_EXPORTABLE, "be exported as PKCS-12", NULL},
    {EXCHANGE_TAGGED_SEND, "tagged with following Send Connectors", NULL},
    {EXCHANGE_INTERNAL_REMOVAL, "internal transport certificate can", "be removed"},
    {EXCHANGE_NOT_FOUND, "certificate with thumbprint", "was not found"},
    {EXCHANGE_NOT_FOUND, "certificate with thumbprint", "wasn't found"},
    {EXCHANGE_FQDN_REFUSED, "ExchangeServer", "set the FQDN parameter"},
    {EXCHANGE_FQDN_REFUSED, "AuthMechanism attribute", "FQDN"},
    {EXCHANGE_REQUIRE_TLS_MISSING, "flag should be set to true if TlsCertificateName", NULL},
    {EXCHANGE_NOT_BOUND_TO_SMTP, "is not bound to the SMTP service", NULL},
    {EXCHANGE_WILDCARD_POP_IMAP, "X509CertificateName", "POP"},
    {EXCHANGE_WILDCARD_POP_IMAP, "X509CertificateName", "IMAP"},
    {EXCHANGE_WILDCARD_POP_IMAP, "subject is not a Fully Qualified Domain Name", NULL},
    {EXCHANGE_VALUE_INVALID, "value in the request is invalid", NULL},
};

static bool ends_name(char c)
{
    return c == ':' || c == ' ' || c == ',' || c == ']' || c == WRAP_BETWEEN;
}

/* "error occurs on server X:" */
static struct span server_of(const struct paragraph *p)
{
    size_t from = 0;
    if (paragraph_find(p, "error occurs on server", 0, &from) == p->squeezed.n)
        return SPAN_NONE;
    struct span rest = paragraph_between(p, from, p->squeezed.n);
    while (rest.n > 0 && (rest.p[0] == '"' || rest.p[0] == '\''))
        rest = span_skip(rest, 1);
    size_t n = 0;
    while (n < rest.n && !ends_name(rest.p[n]) && rest.p[n] != '"' && rest.p[n] != '\'')
        n++;
    return span_head(rest, n);
}

/* "[Remove-ExchangeCertificate]" of CategoryInfo, else what was typed. */
static struct span cmdlet_of(const struct exchange_reader *r, const struct paragraph *p)
{
    static const char *const verbs[] = {"Enable-", "Remove-", "Import-", "Export-",
                                        "New-",    "Set-",    "Get-"};
    for (size_t i = 0; i < p->text.n; i++) {
        struct span rest = span_skip(p->text, i + 1);
        size_t n = span_find(rest, ']');
        for (size_t j = 0; j < COUNT_OF(verbs) && p->text.p[i] == '[' && n < rest.n; j++) {
            if (span_istarts(rest, span_of(verbs[j])))
                return span_head(rest, n);
        }
    }
    return r->command.cmdlet;
}

static void read_thumbprint(struct exchange_reader *r, const struct paragraph *p, size_t from,
                            struct exchange_error *e)
{
    size_t at = 0;
    size_t found = paragraph_find(p, "with thumbprint", 0, &at);
    if (found == p->squeezed.n)
        found = paragraph_find(p, "with the thumbprint", 0, &at);
    size_t n = 0;
    while (at + n < p->squeezed.n && n < 60 &&
           (text_hex(p->squeezed.p[at + n]) >= 0 || p->squeezed.p[at + n] == 'x'))
        n++;
    /* "was" begins with no hexadecimal digit, "already exists" with one. */
    struct span text =
        found < p->squeezed.n && n > 1 ? paragraph_between(p, at, at + n) : SPAN_NONE;
    if (span_iends(text, SPAN("a")) && at + n < p->squeezed.n && p->squeezed.p[at + n] == 'l')
        text.n--;
    bool of_removal = e->kind == EXCHANGE_INTERNAL_REMOVAL || e->kind == EXCHANGE_TAGGED_SEND;
    if (text.n == 0 && (!of_removal || span_istarts(r->command.cmdlet, SPAN("Remove-"))))
        text = r->command.thumbprint; /* of the command that failed */
    if (text.n > 0)
        e->thumbprint =
            reader_value(r, property_hex(&r->c->arena, text), paragraph_line(r, p, from));
}

static void read_connectors(struct exchange_reader *r, const struct paragraph *p,
                            struct exchange_error *e)
{
    size_t from = 0;
    paragraph_find(p, "following Send Connectors", 0, &from);
    size_t to = paragraph_find(p, ". Removing and replacing", from, NULL);
    struct span text = paragraph_between(p, from, to);
    while (text.n > 0 && (text.p[0] == ':' || text.p[0] == ' ' || text.p[0] == WRAP_BETWEEN))
        text = span_skip(text, 1);
    struct object_property list = {.text = text, .line = paragraph_line(r, p, from)};
    e->connectors = property_list(r, &list, false);
}

bool errors_read(struct exchange_reader *r, const struct paragraph *p)
{
    bool found = false;
    for (size_t i = 0; i < COUNT_OF(phrases); i++) {
        size_t at = paragraph_find(p, phrases[i].first, 0, NULL);
        bool seen = i > 0 && found && phrases[i].kind == phrases[i - 1].kind;
        if (at == p->squeezed.n || seen ||
            (phrases[i].second && !paragraph_has(p, phrases[i].second)))
            continue;
        struct exchange_error *e = reader_add_error(r, paragraph_line(r, p, at));
        e->kind = phrases[i].kind;
        e->text = property_unwrap(&r->c->arena, p->text);
        e->server = server_of(p);
        e->cmdlet = cmdlet_of(r, p);
        read_thumbprint(r, p, at, e);
        if (e->kind == EXCHANGE_TAGGED_SEND)
            read_connectors(r, p, e);
        found = true;
    }
    size_t at = paragraph_find(p, "A special Rpc error occurs on server", 0, NULL);
    if (!found && at < p->squeezed.n) {
        struct exchange_error *e = reader_add_error(r, paragraph_line(r, p, at));
        e->text = property_unwrap(&r->c->arena, p->text);
        e->server = server_of(p);
        e->cmdlet = cmdlet_of(r, p);
        found = true;
    }
    return found;
}
