/* Faults of the certificates in the store, and what cmdlets refused to do with them. */
#include "policy/exchange_examine.h"

static bool value_is(const struct exchange_value *value, const char *word)
{
    return value->printed && span_ieq(value->text, span_of(word));
}

/* ---- F08, F09: removals that were refused ---- */

static void mend_tagged(struct examination *e, struct exchange_finding *f,
                        const struct exchange_error *error)
{
    examine_step(e, f, SPAN("# nothing, until it has expired"),
                 SPAN("the newer certificate with the same pair is taken by itself; the old one "
                      "does no harm"),
                 SPAN_NONE);
    for (size_t i = 0; i < error->connectors.count; i++) {
        struct span name = powershell_quote(e->arena, error->connectors.items[i]);
        examine_step(
            e, f,
            arena_printf(
                e->arena,
                "$connector = Get-SendConnector " SPAN_FMT "\n"
                "$pair = $connector.TlsCertificateName\n"
                "Get-Queue | Where-Object {$_.NextHopConnector -eq $connector.Guid} | "
                "Suspend-Queue\n"
                "Set-SendConnector -Identity " SPAN_FMT " -TlsCertificateName $null\n"
                "Remove-ExchangeCertificate -Thumbprint " SPAN_FMT SPAN_FMT "\n"
                "Set-SendConnector -Identity " SPAN_FMT " -TlsCertificateName $pair\n"
                "Get-Queue | Where-Object {$_.NextHopConnector -eq $connector.Guid} | Resume-Queue",
                SPAN_ARG(name), SPAN_ARG(name),
                SPAN_ARG(powershell_quote(e->arena, error->thumbprint.text)),
                SPAN_ARG(step_server(e, error->server)), SPAN_ARG(name)),
            SPAN("where it must go at once: while the name is away the queue waits, so nothing "
                 "fails"),
            SPAN("Y, where it asks to remove the certificate, after a look at its thumbprint"));
    }
}

void examine_f08_tagged(struct examination *e)
{
    const struct exchange_error *error = examine_error(e, EXCHANGE_TAGGED_SEND);
    if (!error)
        return;
    struct exchange_finding *f =
        examine_add(e, "F08", "old-certificate-tagged", FINDING_YELLOW, EXCHANGE_CERTAIN,
                    SPAN("the certificate to be removed"));
    f->finding.cause =
        SPAN("a Send connector names its issuer and subject; after a renewal under the same name "
             "the old and the new certificate both match, so the old one counts as used");
    f->finding.consequence = SPAN("it cannot be removed; mail is not affected");
    examine_evidence(e, f, error->place, error->text, SPAN("what was refused"));
    mend_tagged(e, f, error);
    examine_verify(e, f, SPAN("Get-ExchangeCertificate | FL Thumbprint,Issuer,Subject,NotAfter"),
                   SPAN("two with one issuer and subject: the newer one is in use"));
}

void examine_f09_internal_removal(struct examination *e)
{
    const struct exchange_error *error = examine_error(e, EXCHANGE_INTERNAL_REMOVAL);
    if (!error)
        return;
    struct exchange_finding *f =
        examine_add(e, "F09", "internal-not-removable", FINDING_YELLOW, EXCHANGE_CERTAIN,
                    SPAN("the certificate to be removed"));
    f->finding.cause = SPAN("it is the internal transport certificate of the server");
    f->finding.consequence =
        SPAN("it cannot be removed before another one has taken its place; mail is not "
             "affected");
    examine_evidence(e, f, error->place, error->text, SPAN("what was refused"));
    for (size_t i = 0; i < e->c->prompt_count; i++)
        examine_evidence(e, f, e->c->prompts[i].place, e->c->prompts[i].current.text,
                         SPAN("the current one, in the question whether to overwrite it"));
    step_new_internal(e, f, error->server);
    step_restart(e, f, NULL);
    if (error->thumbprint.text.n)
        examine_step(
            e, f,
            arena_printf(e->arena, "Remove-ExchangeCertificate -Thumbprint " SPAN_FMT SPAN_FMT,
                         SPAN_ARG(powershell_quote(e->arena, error->thumbprint.text)),
                         SPAN_ARG(step_server(e, error->server))),
            SPAN("now that it is in use nowhere"),
            SPAN("Y, where it asks to remove the certificate, after a look at its thumbprint"));
    examine_verify(e, f,
                   SPAN("Get-TransportService | FL Name,InternalTransportCertificateThumbprint"),
                   SPAN("the thumbprint of the new certificate"));
}

/* ---- F10: a public certificate carries internal trust ---- */

static const struct exchange_event *trust_failure(const struct examination *e)
{
    for (size_t i = 0; i < e->c->event_count; i++) {
        unsigned id = e->c->events[i].id;
        if (id == 1036 || id == 2018 || id == 10104)
            return &e->c->events[i];
    }
    return NULL;
}

static const struct exchange_certificate *self_signed_smtp(const struct examination *e,
                                                           struct span server)
{
    const struct exchange_certificate *best = NULL;
    for (size_t i = 0; i < e->c->certificate_count; i++) {
        const struct exchange_certificate *c = &e->c->certificates[i];
        bool own = exchange_certificate_on(c, server) && c->self_signed == KNOWN_YES &&
                   !exchange_certificate_is_auth(c) && c->domains.count &&
                   c->has_private_key != KNOWN_NO &&
                   exchange_certificate_expired(e, c) != KNOWN_YES &&
                   examine_is_own_name(e, c->domains.items[0], server);
        if (own && (!best || c->not_before.earliest_ms > best->not_before.earliest_ms))
            best = c;
    }
    return best;
}

static void blame_f10(struct examination *e, const struct exchange_certificate *c,
                      struct span server, struct exchange_place place, struct span quote)
{
    const struct exchange_event *broken = trust_failure(e);
    struct exchange_finding *f = examine_add(e, "F10", "public-certificate-is-internal",
                                             broken ? FINDING_RED : FINDING_YELLOW,
                                             EXCHANGE_CERTAIN, examine_certificate_subject(e, c));
    f->finding.event = broken ? broken->id : 0;
    f->finding.cause =
        SPAN("a certificate that a CA issued is the internal transport certificate: the question "
             "whether to overwrite the default SMTP certificate was answered Yes");
    f->finding.consequence =
        SPAN("Edge subscriptions and Direct Trust break each time it is renewed");
    examine_evidence(e, f, place, quote, SPAN("issued by a CA"));
    examine_quote(e, f, "Issuer", &c->issuer, SPAN_NONE);
    if (broken)
        examine_evidence(e, f, broken->place, broken->text, SPAN("trust that failed since"));
    const struct exchange_certificate *own = self_signed_smtp(e, server);
    if (own)
        examine_step(
            e, f,
            arena_printf(e->arena,
                         "Enable-ExchangeCertificate -Thumbprint " SPAN_FMT
                         " -Services SMTP" SPAN_FMT,
                         SPAN_ARG(powershell_quote(e->arena, own->thumbprint.text)),
                         SPAN_ARG(step_server(e, server))),
            SPAN("the server's own self-signed certificate becomes the internal one again"),
            SPAN("Y, where it asks to overwrite the existing default SMTP certificate"));
    else
        step_new_internal(e, f, server);
    step_restart(e, f, NULL);
    step_resubscribe_edge(e, f);
    examine_verify(e, f,
                   SPAN("Get-TransportService | FL Name,InternalTransportCertificateThumbprint\n"
                        "Test-EdgeSynchronization"),
                   SPAN("the thumbprint of the self-signed certificate; SyncStatus : Normal"));
}

void examine_f10_public_internal(struct examination *e)
{
    for (size_t i = 0; i < e->c->server_count; i++) {
        const struct exchange_server *s = &e->c->servers[i];
        const struct exchange_certificate *c = examine_certificate(e, s->internal_thumbprint.text);
        if (c && exchange_certificate_is_public(c))
            blame_f10(e, c, s->name.text, s->internal_thumbprint.place,
                      arena_printf(e->arena, "InternalTransportCertificateThumbprint : " SPAN_FMT,
                                   SPAN_ARG(s->internal_thumbprint.text)));
    }
    for (size_t i = 0; i < e->c->prompt_count; i++) {
        const struct exchange_prompt *p = &e->c->prompts[i];
        const struct exchange_certificate *c = examine_certificate(e, p->replacement.text);
        bool yes = span_istarts(p->answer, SPAN("Y")) || span_istarts(p->answer, SPAN("A"));
        if (c && yes && exchange_certificate_is_public(c) && !examine_find(e, "F10", SPAN_NONE))
            blame_f10(e, c, c->server.text, p->place, p->replacement.text);
    }
    const struct exchange_event *broken = trust_failure(e);
    if (!broken || examine_find(e, "F10", SPAN_NONE) || examine_find(e, "F05", SPAN_NONE) ||
        examine_find(e, "F04", SPAN_NONE))
        return;
    struct exchange_finding *f =
        examine_add(e, "F10", "direct-trust-failed", FINDING_RED, EXCHANGE_PROBABLE,
                    SPAN("Direct Trust with the Edge server"));
    f->finding.event = broken->id;
    f->finding.cause =
        SPAN("the certificate on one side is no longer the one that the Edge subscription holds: "
             "mostly because a public one was made the internal transport certificate");
    f->finding.consequence = SPAN("mail between Mailbox and Edge servers stops");
    examine_evidence(e, f, broken->place, broken->text, SPAN_NONE);
    examine_ask(e, SPAN("which certificate is the internal one"),
                SPAN("Get-TransportService | FL Name,InternalTransportCertificateThumbprint"));
    step_resubscribe_edge(e, f);
}

/* ---- F12: the key ---- */

static void blame_f12(struct examination *e, const struct exchange_certificate *c,
                      struct exchange_place place, struct span quote, const char *says)
{
    struct exchange_finding *f = examine_find(e, "F12", SPAN_NONE);
    if (!f) {
        f = examine_add(e, "F12", "key-missing", FINDING_RED, EXCHANGE_CERTAIN,
                        c ? examine_certificate_subject(e, c)
                          : SPAN("the certificate for STARTTLS"));
        f->finding.cause =
            SPAN("the certificate has no private key on this server: it was imported without one "
                 "(a .cer file), or requested on another server");
        f->finding.consequence = SPAN("TLS fails wherever it is to be presented: mail is deferred");
        if (c) {
            step_restore_key(e, f, c);
        } else {
            examine_ask(e, SPAN("which certificate lacks its key"),
                        SPAN("Get-ExchangeCertificate | FL "
                             "Thumbprint,Subject,SerialNumber,HasPrivateKey,Services"));
            examine_step(e, f,
                         SPAN("Get-ExchangeCertificate | Where-Object {-not $_.HasPrivateKey} | FL "
                              "Thumbprint,Subject,SerialNumber,Services"),
                         SPAN("the certificates without a key"), SPAN_NONE);
            examine_step(e, f, SPAN("certutil -repairstore my SERIALNUMBER"),
                         SPAN("with the serial number of the one in question; else import its PFX"),
                         SPAN_NONE);
        }
        step_restart(e, f, NULL);
        step_retry_queues(e, f, NULL);
    }
    examine_evidence(e, f, place, quote, span_of(says));
}

void examine_f12_key_missing(struct examination *e)
{
    const struct exchange_error *error = examine_error(e, EXCHANGE_KEY_MISSING);
    if (error)
        blame_f12(e, examine_certificate(e, error->thumbprint.text), error->place, error->text,
                  "what was refused");
    for (size_t i = 0; i < e->c->session_count; i++) {
        const struct exchange_session *s = &e->c->sessions[i];
        if (span_search(s->tls_error.text, SPAN("NoCredentials")) < s->tls_error.text.n)
            blame_f12(e, examine_certificate(e, s->certificate_thumbprint.text), s->tls_error.place,
                      s->tls_error.text, "what the protocol log shows");
    }
}

/* ---- rules about each certificate ---- */

static bool is_wrong_root(const struct exchange_certificate *c)
{
    return exchange_certificate_is_public(c) &&
           (exchange_certificate_has_smtp(c) || c->services_known != KNOWN_YES) &&
           (value_is(&c->root_ca_type, "Registry") || value_is(&c->root_ca_type, "Unknown") ||
            value_is(&c->root_ca_type, "None"));
}

void examine_f14_root_store(struct examination *e)
{
    for (size_t i = 0; i < e->c->certificate_count; i++) {
        const struct exchange_certificate *c = &e->c->certificates[i];
        if (c->from_wire || !is_wrong_root(c))
            continue;
        struct exchange_finding *f =
            examine_add(e, "F14", "root-in-wrong-store", FINDING_YELLOW, EXCHANGE_CERTAIN,
                        examine_certificate_subject(e, c));
        f->finding.cause =
            SPAN("its root is not in the store of third-party roots of this server: it was "
                 "imported by hand, or comes from a private CA");
        f->finding.consequence =
            SPAN("the Hybrid Configuration wizard does not take the certificate, and mail from "
                 "Exchange Online may stay pending");
        examine_quote(e, f, "RootCAType", &c->root_ca_type, SPAN("the wizard wants ThirdParty"));
        examine_step(e, f,
                     SPAN("Get-ChildItem Cert:\\LocalMachine\\Root,Cert:\\LocalMachine\\AuthRoot | "
                          "Where-Object "
                          "{$_.Subject -eq $_.Issuer} | FT Thumbprint,Subject,PSParentPath"),
                     SPAN("where the root of this certificate lies"), SPAN_NONE);
        examine_step(
            e, f,
            SPAN("Import-Certificate -FilePath 'C:\\Temp\\root.cer' -CertStoreLocation "
                 "Cert:\\LocalMachine\\AuthRoot\n"
                 "Remove-Item Cert:\\LocalMachine\\Root\\THUMBPRINT-OF-THE-ROOT"),
            SPAN("moves the root to the third-party roots, on every server; a private CA can never "
                 "satisfy the wizard"),
            SPAN_NONE);
        examine_verify(e, f, SPAN("Get-ExchangeCertificate | FL Thumbprint,RootCAType"),
                       SPAN("RootCAType : ThirdParty"));
    }
}

void examine_f23_revocation(struct examination *e)
{
    for (size_t i = 0; i < e->c->certificate_count; i++) {
        const struct exchange_certificate *c = &e->c->certificates[i];
        if (c->from_wire || !value_is(&c->status, "RevocationCheckFailure"))
            continue;
        struct exchange_finding *f =
            examine_add(e, "F23", "revocation-not-checkable", FINDING_YELLOW, EXCHANGE_CERTAIN,
                        examine_certificate_subject(e, c));
        f->finding.cause =
            SPAN("the server cannot reach the CA's revocation list: mostly a proxy that WinHTTP "
                 "does not know");
        f->finding.consequence =
            SPAN("the console does not let services be assigned to it, and Exchange may pass "
                 "it over");
        examine_quote(e, f, "Status", &c->status, SPAN_NONE);
        examine_step(e, f, SPAN("netsh winhttp show proxy\nnetsh winhttp import proxy source=ie"),
                     SPAN("the system's own proxy settings, taken from those that work"),
                     SPAN_NONE);
        examine_step(e, f, SPAN("certutil -urlcache crl delete"),
                     SPAN("forgets the failure that is remembered"), SPAN_NONE);
        examine_verify(e, f, SPAN("Get-ExchangeCertificate | FL Thumbprint,Status"),
                       SPAN("Status : Valid"));
    }
}

static void blame_f24(struct examination *e, struct span subject, struct exchange_place place,
                      struct span quote)
{
    struct exchange_finding *f =
        examine_add(e, "F24", "cng-key", FINDING_RED, EXCHANGE_CERTAIN, subject);
    f->finding.event = 1035;
    f->finding.cause = SPAN("the key lies with a CNG provider; EdgeSync works with CAPI keys only");
    f->finding.consequence = SPAN("Edge subscription and synchronisation fail");
    examine_evidence(e, f, place, quote, SPAN_NONE);
    step_new_internal(e, f, SPAN_NONE);
    step_restart(e, f, NULL);
    step_resubscribe_edge(e, f);
    examine_verify(
        e, f, SPAN("certutil -store my"),
        SPAN("Provider = Microsoft RSA SChannel Cryptographic Provider, for the new certificate"));
}

void examine_f24_cng(struct examination *e)
{
    for (size_t i = 0; i < e->c->event_count; i++) {
        const struct exchange_event *event = &e->c->events[i];
        if (event->id == 1035 && span_search(event->source, SPAN("EdgeSync")) < event->source.n)
            blame_f24(e, SPAN("the internal transport certificate"), event->place, event->text);
    }
    for (size_t i = 0; i < e->c->server_count; i++) {
        const struct exchange_server *s = &e->c->servers[i];
        const struct exchange_certificate *c = examine_certificate(e, s->internal_thumbprint.text);
        if (c && s->edge == KNOWN_YES && !examine_find(e, "F24", SPAN_NONE) &&
            span_search(c->key_provider.text, SPAN("Key Storage Provider")) <
                c->key_provider.text.n)
            blame_f24(e, examine_certificate_subject(e, c), c->key_provider.place,
                      c->key_provider.text);
    }
}
