/* Faults that a listing of certificates shows by itself, and cmdlet errors that are no fault of the
 * catalogue. */
#include "policy/exchange_examine.h"

#include "base/text.h"

enum { SHORT_DAYS = 100 };
static const int64_t day_ms = 24 * 3600 * 1000;

/* ---- F06 without any connector: what has expired and has no successor ---- */

static bool is_replaced(const struct examination *e, const struct exchange_certificate *old)
{
    for (size_t i = 0; i < e->c->certificate_count; i++) {
        const struct exchange_certificate *c = &e->c->certificates[i];
        if (c != old && !c->from_wire && exchange_certificate_has_smtp(c) &&
            exchange_certificate_expired(e, c) == KNOWN_NO &&
            exchange_certificate_covers(c, old->domains.items[0]))
            return true;
    }
    return false;
}

void examine_f06_listed_expired(struct examination *e)
{
    if (e->c->receive_connectors_listed || e->choice_count)
        return;
    for (size_t i = 0; i < e->c->certificate_count; i++) {
        const struct exchange_certificate *c = &e->c->certificates[i];
        if (c->from_wire || !exchange_certificate_has_smtp(c) || !c->domains.count ||
            exchange_certificate_is_auth(c) || exchange_certificate_expired(e, c) != KNOWN_YES ||
            is_replaced(e, c))
            continue;
        struct exchange_finding *f =
            examine_add(e, "F06", "starttls-expired", FINDING_RED, EXCHANGE_PROBABLE,
                        examine_certificate_subject(e, c));
        f->finding.event = 12016;
        f->finding.cause =
            SPAN("it has expired, is enabled for SMTP, and no valid one has its name");
        f->finding.consequence =
            SPAN("where a connector goes by that name, it is still presented: peers that "
                 "verify certificates do not deliver");
        examine_evidence(
            e, f, c->not_after.place,
            arena_printf(e->arena, "NotAfter : " SPAN_FMT, SPAN_ARG(c->not_after.text)), SPAN_NONE);
        step_renew(e, f, c);
        step_restart(e, f, NULL);
    }
}

/* ---- F27: a wildcard for POP and IMAP ---- */

static struct exchange_finding *add_f27(struct examination *e, struct span subject,
                                        struct span name)
{
    struct exchange_finding *f =
        examine_add(e, "F27", "wildcard-for-pop-imap", FINDING_YELLOW, EXCHANGE_CERTAIN, subject);
    f->finding.cause =
        SPAN("POP and IMAP take the name that they show to clients from the Subject, and a "
             "wildcard is no name");
    f->finding.consequence = SPAN("POP and IMAP clients get no working TLS; SMTP is not affected");
    struct span host = powershell_quote(e->arena, name);
    examine_step(e, f,
                 arena_printf(e->arena,
                              "Set-PopSettings -X509CertificateName " SPAN_FMT "\n"
                              "Set-ImapSettings -X509CertificateName " SPAN_FMT "\n"
                              "Restart-Service MSExchangePOP3,MSExchangeIMAP4",
                              SPAN_ARG(host), SPAN_ARG(host)),
                 SPAN("a name that the wildcard covers and that clients connect to"), SPAN_NONE);
    examine_verify(e, f, SPAN("Get-PopSettings | FL X509CertificateName"), name);
    return f;
}

void examine_f27_wildcard(struct examination *e)
{
    for (size_t i = 0; i < e->c->certificate_count; i++) {
        const struct exchange_certificate *c = &e->c->certificates[i];
        bool pop = c->services_known == KNOWN_YES && (c->services & (EXCHANGE_POP | EXCHANGE_IMAP));
        if (c->from_wire || !pop || !span_istarts(c->subject.text, SPAN("CN=*.")))
            continue;
        struct span zone = span_skip(c->subject.text, 5);
        struct span host = arena_printf(e->arena, "mail." SPAN_FMT,
                                        SPAN_ARG(span_head(zone, span_find(zone, ','))));
        struct exchange_finding *f = add_f27(e, examine_certificate_subject(e, c), host);
        examine_quote(e, f, "Subject", &c->subject, SPAN("enabled for POP or IMAP"));
    }
    for (size_t i = 0; i < e->c->error_count; i++) {
        const struct exchange_error *error = &e->c->errors[i];
        if (error->kind != EXCHANGE_WILDCARD_POP_IMAP)
            continue;
        struct exchange_finding *f = examine_find(e, "F27", SPAN_NONE);
        if (!f)
            f = add_f27(e, SPAN("the wildcard certificate"), SPAN("mail.example.com"));
        examine_evidence(e, f, error->place, error->text, SPAN("what Exchange warned of"));
    }
}

/* ---- F30: hashes that TLS 1.2 does not take ---- */

static bool is_weak(struct span algorithm)
{
    return text_glob(SPAN("*md5*"), algorithm) || text_glob(SPAN("*md2*"), algorithm);
}

/* In the store, and presented by none of the connectors: an old one that was replaced. */
static bool is_idle(const struct examination *e, const struct exchange_certificate *c)
{
    bool chosen = c->from_wire || !e->c->receive_connectors_listed;
    for (size_t i = 0; i < e->choice_count; i++)
        chosen |= e->choices[i].shown.chosen == c;
    return !chosen;
}

void examine_f30_weak(struct examination *e)
{
    for (size_t i = 0; i < e->c->certificate_count; i++) {
        const struct exchange_certificate *c = &e->c->certificates[i];
        if (!is_weak(c->signature_algorithm.text) || is_idle(e, c) ||
            examine_find(e, "F30", examine_certificate_subject(e, c)))
            continue;
        struct exchange_finding *f =
            examine_add(e, "F30", "weak-signature", FINDING_RED, EXCHANGE_CERTAIN,
                        examine_certificate_subject(e, c));
        f->finding.cause =
            SPAN("it is signed with MD5 or MD2, which TLS 1.2 does not take anywhere in a chain");
        f->finding.consequence = SPAN("TLS fails with whoever presents this chain");
        examine_quote(e, f, "SignatureAlgorithm", &c->signature_algorithm, SPAN_NONE);
        if (c->from_wire)
            examine_step(
                e, f, SPAN("# the other side must have its certificate issued again, with SHA-256"),
                SPAN("the chain is the partner's: only its CA can mend it"), SPAN_NONE);
        else
            step_renew(e, f, c);
        examine_verify(e, f,
                       SPAN("Get-ExchangeCertificate | FL "
                            "Thumbprint,@{n='Signature';e={$_.SignatureAlgorithm.FriendlyName}}"),
                       SPAN("sha256RSA or better"));
    }
}

/* ---- F32: short-lived certificates under one pair ---- */

static bool is_short(const struct exchange_certificate *c)
{
    int64_t life_ms;
    return c->not_before.printed && c->not_after.printed && c->self_signed != KNOWN_YES &&
           !__builtin_sub_overflow(c->not_after.latest_ms, c->not_before.earliest_ms, &life_ms) &&
           life_ms <= SHORT_DAYS * day_ms;
}

static void blame_f32(struct examination *e, const struct connector_choice *ch,
                      const struct exchange_certificate *a, const struct exchange_certificate *b)
{
    struct exchange_finding *f =
        examine_add(e, "F32", "short-lived-pair-twice", FINDING_YELLOW, EXCHANGE_CERTAIN,
                    examine_connector_subject(e, ch->shown.connector));
    const struct exchange_certificate *newest =
        a->not_before.earliest_ms > b->not_before.earliest_ms ? a : b;
    const struct exchange_certificate *old = newest == a ? b : a;
    f->finding.cause =
        SPAN("two certificates of at most 100 days have the one issuer and subject that the "
             "connector names: old and new cannot be told apart, and this comes again with each "
             "renewal");
    f->finding.consequence =
        SPAN("mail stops on the day on which a renewal arrives without SMTP, or the CA "
             "changes its issuer's name");
    examine_quote(e, f, "TlsCertificateName", &ch->shown.connector->tls_certificate_name,
                  SPAN_NONE);
    examine_quote_certificate(e, f, a, SPAN("has this pair"));
    examine_quote_certificate(e, f, b, SPAN("has it as well"));
    if (!exchange_certificate_has_smtp(newest))
        step_enable(e, f, newest);
    examine_step(e, f,
                 arena_printf(e->arena,
                              "# in the ACME client's hook, after each import:\n"
                              "Enable-ExchangeCertificate -Thumbprint $new.Thumbprint -Services "
                              "SMTP\n"
                              "$tls = \"<I>$($new.Issuer)<S>$($new.Subject)\"\n"
                              "Set-%sConnector -Identity " SPAN_FMT " -TlsCertificateName $tls",
                              ch->shown.connector->sends ? "Send" : "Receive",
                              SPAN_ARG(step_identity(e, ch->shown.connector))),
                 SPAN("so that each renewal is enabled and named before the old one ends"),
                 SPAN_NONE);
    examine_verify(e, f,
                   arena_printf(e->arena,
                                "Get-ExchangeCertificate -Thumbprint " SPAN_FMT
                                " | FL Services,NotAfter",
                                SPAN_ARG(powershell_quote(e->arena, newest->thumbprint.text))),
                   arena_printf(e->arena, "SMTP; then " SPAN_FMT " can go",
                                SPAN_ARG(examine_certificate_text(e, old))));
}

void examine_f32_short_pairs(struct examination *e)
{
    for (size_t i = 0; i < e->choice_count; i++) {
        const struct connector_choice *ch = &e->choices[i];
        const struct exchange_certificate *first = NULL;
        for (size_t n = 0; n < ch->shown.count && ch->has_pair; n++) {
            const struct exchange_certificate *c = ch->shown.candidates[n];
            if (!is_short(c) || !exchange_certificate_equals(c, ch->shown.name))
                continue;
            if (first) {
                blame_f32(e, ch, first, c);
                break;
            }
            first = c;
        }
    }
}

/* ---- cmdlet errors with a plain answer ---- */

static const struct error_answer {
    enum exchange_error_kind kind;
    const char *name, *cause, *consequence, *command, *why;
} error_answers[] = {
    {EXCHANGE_IMPORT_FAILED, "import-failed",
     "the password is wrong, or the file is a certificate without key (p7b, cer) and no request "
     "for it is "
     "pending on this server",
     "nothing was imported; mail is not affected",
     "Get-ExchangeCertificate | Where-Object {$_.Status -eq 'PendingRequest'} | FL "
     "Thumbprint,Subject",
     "where nothing is listed, import the PFX from where the request was made, or make a new "
     "request"},
    {EXCHANGE_ALREADY_EXISTS, "already-imported", "the certificate is in the store already",
     "nothing was imported; mail is not affected",
     "Get-ExchangeCertificate | FL Thumbprint,Services,HasPrivateKey,Status",
     "it may only lack SMTP or its key: look at it instead of importing it again"},
    {EXCHANGE_NOT_EXPORTABLE, "key-not-exportable",
     "the private key was made or imported as not exportable", "mail is not affected",
     "New-ExchangeCertificate -GenerateRequest -PrivateKeyExportable $true -SubjectName "
     "'CN=mail.example.com' "
     "-DomainName 'mail.example.com'",
     "a key that may leave the server has to be made anew, with the names that the certificate "
     "has"},
    {EXCHANGE_NOT_FOUND, "certificate-not-found",
     "no certificate with this thumbprint is in the server's store: a digit was lost, or an "
     "invisible mark "
     "was copied along from the certificates console",
     "the command did nothing", "Get-ExchangeCertificate | FL Thumbprint,Subject,Services",
     "copy the thumbprint from here"},
};

void examine_cmdlet_errors(struct examination *e)
{
    for (size_t i = 0; i < e->c->error_count; i++) {
        const struct exchange_error *error = &e->c->errors[i];
        for (size_t a = 0; a < COUNT_OF(error_answers); a++) {
            const struct error_answer *answer = &error_answers[a];
            if (error->kind != answer->kind)
                continue;
            struct span cmdlet = error->cmdlet.n ? error->cmdlet : SPAN("a cmdlet");
            struct exchange_finding *f =
                examine_add(e, "", answer->name, FINDING_YELLOW, EXCHANGE_CERTAIN, cmdlet);
            f->finding.cause = span_of(answer->cause);
            f->finding.consequence = span_of(answer->consequence);
            examine_evidence(e, f, error->place, error->text, SPAN("what was refused"));
            examine_step(e, f, span_of(answer->command), span_of(answer->why), SPAN_NONE);
        }
    }
}
