/* Faults of Send connectors: what replies, events and the connectors' own settings tell. */
#include "policy/exchange_examine.h"

static bool has_word(struct span text, const char *word)
{
    return span_search(text, span_of(word)) < text.n;
}

/* The Send connector that speaks TLS with a certificate of its own: the named one, else the one to
 * the cloud, else the only one with a pair. NULL: none was printed. */
static struct connector_choice *hybrid_connector(struct examination *e, struct span name)
{
    struct connector_choice *ch = examine_choice_of(e, name, true), *best = NULL;
    for (size_t i = 0; !ch && i < e->choice_count; i++) {
        const struct exchange_connector *k = e->choices[i].shown.connector;
        if (!k->sends)
            continue;
        bool cloud = k->cloud_services == KNOWN_YES || e->choices[i].has_pair;
        if (cloud || !best)
            best = &e->choices[i];
    }
    return ch ? ch : best;
}

static struct span send_subject(struct examination *e, const struct connector_choice *ch,
                                struct span name)
{
    if (ch)
        return examine_connector_subject(e, ch->shown.connector);
    return arena_printf(e->arena, "Send connector " SPAN_FMT,
                        SPAN_ARG(name.n ? name : SPAN("(name not printed)")));
}

/* Names the best certificate on the connector, or asks for what is missing to tell which. */
static void mend_by_pair(struct examination *e, struct exchange_finding *f,
                         struct connector_choice *ch)
{
    struct span old = ch ? ch->shown.name : SPAN_NONE;
    const struct exchange_certificate *c = examine_successor(e, SPAN_NONE, SPAN_NONE, old);
    if (!ch)
        examine_ask(e, SPAN("the Send connectors"), SPAN("Get-SendConnector | FL *"));
    if (!c)
        examine_ask(e, SPAN("which certificates the source servers have"),
                    SPAN("Get-ExchangeCertificate | FL *"));
    if (c && !exchange_certificate_has_smtp(c))
        step_enable(e, f, c);
    if (c && ch)
        step_pair(e, f, ch->shown.connector, c);
    if (!c || !ch)
        examine_step(
            e, f,
            SPAN(
                "Get-SendConnector | FL Name,TlsCertificateName,RequireTLS,SourceTransportServers\n"
                "Get-ExchangeCertificate | FL Thumbprint,Issuer,Subject,Services,NotAfter"),
            SPAN("print both, and hand them over: then the exact commands can be told"), SPAN_NONE);
    step_restart(e, f, ch ? ch->shown.connector : NULL);
    step_retry_queues(e, f, ch ? ch->shown.connector : NULL);
    examine_verify(e, f, SPAN("Get-Queue | FL Identity,Status,MessageCount,LastError"),
                   SPAN("no LastError that speaks of a certificate, and a count that falls"));
}

/* ---- F13: an untrusted certificate went out ---- */

static void blame_f13(struct examination *e, struct span connector, struct exchange_place place,
                      struct span quote)
{
    struct exchange_finding *f = examine_find(e, "F13", SPAN_NONE);
    struct connector_choice *ch = hybrid_connector(e, connector);
    if (!f) {
        f = examine_add(e, "F13", "untrusted-chosen", FINDING_RED, EXCHANGE_CERTAIN,
                        send_subject(e, ch, connector));
        f->finding.event = 2004;
        f->finding.cause =
            SPAN("the certificate with which this server sends is not trusted at the other end: "
                 "of several with SMTP for the name, the self-signed one was taken");
        f->finding.consequence = SPAN("mail through this connector waits until it expires");
        for (size_t i = 0; i < e->c->certificate_count; i++) {
            const struct exchange_certificate *c = &e->c->certificates[i];
            if (!c->from_wire && c->self_signed == KNOWN_YES && (c->services & EXCHANGE_SMTP) &&
                !exchange_certificate_is_auth(c))
                examine_quote_certificate(e, f, c, SPAN("self-signed and enabled for SMTP"));
        }
        mend_by_pair(e, f, ch);
    }
    examine_evidence(e, f, place, quote, SPAN("what was answered"));
}

void examine_f13_untrusted_chosen(struct examination *e)
{
    for (size_t i = 0; i < e->c->event_count; i++) {
        const struct exchange_event *event = &e->c->events[i];
        if (event->id == 2004 && has_word(event->text, "UntrustedRoot"))
            blame_f13(e, event->connector.text, event->place, event->text);
    }
    for (size_t i = 0; i < e->c->reply_count; i++) {
        const struct exchange_reply *reply = &e->c->replies[i];
        if (span_eq(reply->enhanced, SPAN("4.7.0")) && span_ieq(reply->word, SPAN("UntrustedRoot")))
            blame_f13(e, SPAN_NONE, reply->place, reply->text);
    }
}

/* ---- F15, from the reply alone ---- */

void examine_f15_reply(struct examination *e)
{
    for (size_t i = 0; i < e->c->reply_count; i++) {
        const struct exchange_reply *reply = &e->c->replies[i];
        if (!span_eq(reply->enhanced, SPAN("4.7.5")) ||
            !has_word(reply->text, "TlsCertificateName"))
            continue;
        struct exchange_finding *f =
            examine_explanation(e, (const char *[]){"F15", "F31", "F20", "F12"}, 4);
        if (!f) {
            struct connector_choice *ch = hybrid_connector(e, SPAN_NONE);
            f = examine_add(e, "F15", "pair-stale-send", FINDING_RED, EXCHANGE_PROBABLE,
                            send_subject(e, ch, SPAN_NONE));
            f->finding.cause =
                SPAN("the Send connector's TlsCertificateName names an issuer and subject that "
                     "no certificate of the sending server has");
            f->finding.consequence = SPAN("mail through this connector waits until it expires");
            mend_by_pair(e, f, ch);
        }
        examine_evidence(e, f, reply->place, reply->text, SPAN("what the queue shows"));
    }
}

/* ---- F22: a pair without RequireTLS ---- */

static const struct exchange_error *require_tls_error(const struct examination *e)
{
    for (size_t i = 0; i < e->c->error_count; i++)
        if (e->c->errors[i].kind == EXCHANGE_REQUIRE_TLS_MISSING ||
            e->c->errors[i].kind == EXCHANGE_NOT_BOUND_TO_SMTP)
            return &e->c->errors[i];
    return NULL;
}

static struct exchange_finding *add_f22(struct examination *e, enum finding_severity severity,
                                        struct span subject)
{
    struct exchange_finding *f =
        examine_add(e, "F22", "pair-without-require-tls", severity, EXCHANGE_CERTAIN, subject);
    f->finding.cause =
        SPAN("TlsCertificateName is set while RequireTLS is False; Exchange wants both, and the "
             "Hybrid Configuration wizard stops at it");
    f->finding.consequence =
        SPAN("mail may leave in clear text, and changes to the connector are refused");
    return f;
}

static void blame_not_bound(struct examination *e, const struct exchange_error *error)
{
    struct exchange_finding *f = examine_explanation(e, (const char *[]){"F02", "F36", "F11"}, 3);
    const struct exchange_certificate *c =
        examine_successor(e, SPAN_NONE, error->server, SPAN_NONE);
    if (!f) {
        f = examine_add(e, "F22", "not-bound-to-smtp", FINDING_RED, EXCHANGE_CERTAIN,
                        SPAN("the certificate for hybrid mail"));
        f->finding.cause =
            SPAN("the certificate that the Hybrid Configuration wizard was given is not enabled "
                 "for SMTP");
        f->finding.consequence = SPAN("the wizard stops, and hybrid mail is not set up");
        if (c)
            step_enable(e, f, c);
        else
            examine_step(
                e, f,
                SPAN("Get-ExchangeCertificate | FL Thumbprint,Subject,Services,HasPrivateKey\n"
                     "Enable-ExchangeCertificate -Thumbprint THUMBPRINT -Services SMTP"),
                SPAN("the thumbprint of the certificate that the wizard was given"),
                SPAN("N, where it asks to overwrite the existing default SMTP certificate"));
    }
    examine_evidence(e, f, error->place, error->text, SPAN("what the wizard said"));
}

void examine_f22_require_tls(struct examination *e)
{
    const struct exchange_error *error = require_tls_error(e);
    bool refused = error && error->kind == EXCHANGE_REQUIRE_TLS_MISSING;
    struct exchange_finding *f = NULL;
    for (size_t i = 0; i < e->choice_count; i++) {
        const struct exchange_connector *k = e->choices[i].shown.connector;
        if (!k->sends || !e->choices[i].has_pair || k->require_tls != KNOWN_NO)
            continue;
        f = add_f22(e, refused ? FINDING_RED : FINDING_YELLOW, examine_connector_subject(e, k));
        examine_quote(e, f, "TlsCertificateName", &k->tls_certificate_name,
                      SPAN("RequireTLS is False"));
        examine_step(
            e, f,
            arena_printf(e->arena, "Set-SendConnector -Identity " SPAN_FMT " -RequireTLS $true",
                         SPAN_ARG(step_identity(e, k))),
            SPAN("the receiving end must offer TLS: what it always should for this connector"),
            SPAN_NONE);
    }
    if (refused && !f) {
        f = add_f22(e, FINDING_RED, SPAN("Send connector (name not printed)"));
        examine_step(
            e, f,
            SPAN("Get-SendConnector | Where-Object {$_.TlsCertificateName} | Set-SendConnector "
                 "-RequireTLS $true"),
            SPAN("every Send connector that names a certificate"), SPAN_NONE);
    }
    if (refused)
        examine_evidence(e, f, error->place, error->text, SPAN("what was refused"));
    else if (error)
        blame_not_bound(e, error);
}

/* ---- F31: it is there on one server and missing on another ---- */

static bool server_has_pair(const struct examination *e, struct span server, struct span pair)
{
    for (size_t i = 0; i < e->c->certificate_count; i++) {
        const struct exchange_certificate *c = &e->c->certificates[i];
        if (c->server.text.n && exchange_certificate_on(c, server) &&
            exchange_certificate_equals(c, pair))
            return true;
    }
    return false;
}

static const struct exchange_certificate *somewhere(const struct examination *e, struct span pair)
{
    for (size_t i = 0; i < e->c->certificate_count; i++)
        if (!e->c->certificates[i].from_wire &&
            exchange_certificate_equals(&e->c->certificates[i], pair))
            return &e->c->certificates[i];
    return NULL;
}

static void examine_sources(struct examination *e, struct connector_choice *ch)
{
    const struct exchange_connector *k = ch->shown.connector;
    const struct exchange_certificate *c = somewhere(e, ch->shown.name);
    for (size_t s = 0; c && s < k->source_servers.count; s++) {
        struct span server = k->source_servers.items[s];
        if (!examine_store_complete(e, server) || server_has_pair(e, server, ch->shown.name) ||
            !c->server.text.n)
            continue;
        struct exchange_finding *f =
            examine_add(e, "F31", "missing-on-one-server", FINDING_RED, examine_absence(e),
                        examine_connector_subject(e, k));
        f->finding.cause =
            arena_printf(e->arena,
                         "the certificate that the connector names is on server " SPAN_FMT
                         " and not on " SPAN_FMT ", which sends for it as well",
                         SPAN_ARG(c->server.text), SPAN_ARG(server));
        f->finding.consequence =
            SPAN("what the other server sends waits until it expires: some mail goes, "
                 "some does not");
        examine_quote_list(e, f, "SourceTransportServers", &k->source_servers, SPAN_NONE);
        examine_quote_certificate(e, f, c,
                                  arena_printf(e->arena, "on " SPAN_FMT, SPAN_ARG(c->server.text)));
        step_copy(e, f, powershell_quote(e->arena, c->thumbprint.text), c->server.text, server);
        step_retry_queues(e, f, k);
        examine_verify(e, f,
                       arena_printf(e->arena,
                                    "Get-ExchangeCertificate" SPAN_FMT " -Thumbprint " SPAN_FMT
                                    " | FL Services,HasPrivateKey",
                                    SPAN_ARG(step_server(e, server)),
                                    SPAN_ARG(powershell_quote(e->arena, c->thumbprint.text))),
                       SPAN("SMTP, and True"));
        ch->explained = true;
    }
}

static void examine_attribution(struct examination *e, const struct exchange_reply *reply)
{
    struct exchange_finding *f =
        examine_explanation(e, (const char *[]){"F31", "F15", "F12", "F13"}, 4);
    if (!f) {
        f = examine_add(e, "F31", "attribution-refused", FINDING_RED, EXCHANGE_PROBABLE,
                        SPAN("Exchange Online's inbound connector"));
        f->finding.cause =
            SPAN("Exchange Online finds no inbound connector for the certificate with which this "
                 "server sent: the certificate is missing on one of the sending servers, or its "
                 "name is no accepted domain of the tenant");
        f->finding.consequence = SPAN("mail to the cloud is bounced (550 5.7.64)");
        examine_step(e, f,
                     SPAN("Get-ExchangeServer | ForEach-Object { Get-ExchangeCertificate -Server "
                          "$_.Name } | FL "
                          "Identity,Thumbprint,Subject,Services,NotAfter\n"
                          "Get-SendConnector | FL Name,TlsCertificateName,SourceTransportServers"),
                     SPAN("the same certificate, with SMTP, must stand on every source server"),
                     SPAN_NONE);
        examine_step(e, f,
                     SPAN("Get-InboundConnector | FL "
                          "Name,Enabled,TlsSenderCertificateName,RequireTls\nGet-AcceptedDomain"),
                     SPAN("in Exchange Online: TlsSenderCertificateName must be a name of that "
                          "certificate and "
                          "within an accepted domain"),
                     SPAN_NONE);
    }
    examine_evidence(e, f, reply->place, reply->text, SPAN("what Exchange Online answered"));
}

void examine_f31_missing_on_server(struct examination *e)
{
    for (size_t i = 0; i < e->choice_count; i++) {
        struct connector_choice *ch = &e->choices[i];
        if (ch->shown.connector->sends && ch->has_pair &&
            ch->shown.connector->source_servers.count > 1)
            examine_sources(e, ch);
    }
    for (size_t i = 0; i < e->c->reply_count; i++)
        if (has_word(e->c->replies[i].text, "ATTR36") ||
            span_eq(e->c->replies[i].enhanced, SPAN("5.7.51")))
            examine_attribution(e, &e->c->replies[i]);
}
