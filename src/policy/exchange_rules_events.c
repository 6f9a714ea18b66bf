/* What events and the internal transport certificate tell that no connector's choice explains. */
#include "policy/exchange_examine.h"

enum { SOON_MS_PER_DAY = 24 * 3600 * 1000, SOON_DAYS = 30 };

static struct span event_subject(struct examination *e, const struct exchange_event *event)
{
    return event->computer.n ? arena_printf(e->arena, "server " SPAN_FMT, SPAN_ARG(event->computer))
                             : SPAN("server");
}

/* ---- 12014 ---- */

/* A page that takes <...> for HTML eats pairs and leaves names alone: so it was a pair. */
void examine_lost_inserts(struct examination *e)
{
    for (size_t i = 0; i < e->c->event_count; i++) {
        const struct exchange_event *event = &e->c->events[i];
        if (event->id != 12014 || event->domain_name.text.n)
            continue;
        struct exchange_finding *f = examine_explanation(e, (const char *[]){"F03", "F20"}, 2);
        if (!f) {
            f = examine_add(e, "F03", "pair-stale", FINDING_RED, EXCHANGE_PROBABLE,
                            event->connector.text.n
                                ? arena_printf(e->arena, "Receive connector " SPAN_FMT,
                                               SPAN_ARG(event->connector.text))
                                : SPAN("a Receive connector that the text does not name any more"));
            f->finding.event = 12014;
            f->finding.cause =
                SPAN("the names are lost from the event's text; a page that takes <I>...<S>... "
                     "for HTML loses just that, so TlsCertificateName probably names an issuer "
                     "and subject that no certificate has");
            f->finding.consequence = SPAN("STARTTLS is not offered on that connector");
            examine_step(
                e, f,
                SPAN("Get-ReceiveConnector | FL Identity,Fqdn,TlsCertificateName,AuthMechanism\n"
                     "Get-ExchangeCertificate | FL Thumbprint,Issuer,Subject,Services,NotAfter"),
                SPAN("print both, and hand them over: then the exact commands can be told"),
                SPAN_NONE);
        }
        examine_evidence(e, f, event->place, event->text, SPAN("the names are missing"));
        examine_ask(e, SPAN("which connector and which name the event speaks of"),
                    SPAN("Get-ReceiveConnector | FL *"));
        examine_ask(e, SPAN("the certificates of the server"),
                    SPAN("Get-ExchangeCertificate | FL *"));
    }
}

/* The event says that nothing was found, and the prints have nothing that explains it. */
void examine_mended(struct examination *e)
{
    for (size_t i = 0; i < e->c->event_count; i++) {
        const struct exchange_event *event = &e->c->events[i];
        struct connector_choice *ch = examine_choice_of_event(e, event);
        if (event->id != 12014 || !ch || ch->explained || ch->state != CHOICE_GOOD)
            continue;
        struct exchange_finding *f =
            examine_add(e, "F26", "mended-or-not-restarted", FINDING_YELLOW, EXCHANGE_POSSIBLE,
                        examine_connector_subject(e, ch->shown.connector));
        f->finding.cause =
            SPAN("as printed now, the connector has a certificate: it was mended since, or "
                 "the service still goes by what it loaded before");
        f->finding.consequence = SPAN("none, where the event has not come again");
        examine_evidence(e, f, event->place, event->text, SPAN("contradicted by what follows"));
        examine_quote_certificate(e, f, ch->shown.chosen, SPAN("is what Exchange's rules choose"));
        step_restart(e, f, ch->shown.connector);
        step_verify_tls(e, f, ch->shown.connector, ch->shown.name);
    }
}

/* ---- F04: 12012, 12013, and a recorded thumbprint that is nowhere ---- */

static struct exchange_finding *add_f04(struct examination *e, struct span subject,
                                        struct span server)
{
    struct exchange_finding *f = examine_add(e, "F04", "internal-certificate-missing", FINDING_RED,
                                             EXCHANGE_PROBABLE, subject);
    f->finding.event = 12013;
    f->finding.cause =
        SPAN("the internal transport certificate that is recorded for the server is not "
             "in its store: it was deleted, mostly through the certificates console");
    f->finding.consequence = SPAN("X-ANONYMOUSTLS is not offered: mail between Exchange servers "
                                  "and to Edge servers stops");
    step_new_internal(e, f, server);
    step_restart(e, f, NULL);
    examine_verify(e, f,
                   SPAN("Get-TransportService | FL Name,InternalTransportCertificateThumbprint"),
                   SPAN("a thumbprint that Get-ExchangeCertificate lists"));
    return f;
}

static void blame_internal_missing(struct examination *e, enum exchange_certainty certainty,
                                   struct span subject, struct span server,
                                   struct exchange_place place, struct span quote)
{
    struct exchange_finding *f = examine_find(e, "F04", SPAN_NONE);
    if (!f)
        f = add_f04(e, subject, server);
    if (certainty > f->certainty)
        f->certainty = certainty;
    examine_evidence(e, f, place, quote, SPAN("the internal transport certificate is missing"));
}

void examine_f04_internal_missing(struct examination *e)
{
    static const unsigned ids[] = {12012, 12013, 12024};
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        const struct exchange_event *event = examine_event(e, ids[i]);
        if (event)
            blame_internal_missing(e, EXCHANGE_CERTAIN, event_subject(e, event), event->computer,
                                   event->place, event->text);
    }
    for (size_t i = 0; i < e->c->server_count; i++) {
        const struct exchange_server *s = &e->c->servers[i];
        struct span thumbprint = s->internal_thumbprint.text;
        if (thumbprint.n && examine_store_complete(e, s->name.text) &&
            !examine_certificate(e, thumbprint))
            blame_internal_missing(
                e, examine_absence(e),
                arena_printf(e->arena, "server " SPAN_FMT, SPAN_ARG(s->name.text)), s->name.text,
                s->internal_thumbprint.place,
                arena_printf(e->arena, "InternalTransportCertificateThumbprint : " SPAN_FMT,
                             SPAN_ARG(thumbprint)));
    }
}

/* ---- F05: the internal transport certificate ---- */

/* Yellow within the last month, red when it is over, green else or where it cannot be told. */
static enum finding_severity judge_expiry(const struct examination *e,
                                          const struct exchange_certificate *c)
{
    if (exchange_certificate_expired(e, c) == KNOWN_YES)
        return FINDING_RED;
    int64_t soon = e->now_ms + (int64_t)SOON_DAYS * SOON_MS_PER_DAY;
    return exchange_time_passed(&c->not_after, soon) == KNOWN_YES ? FINDING_YELLOW : FINDING_GREEN;
}

static struct exchange_finding *add_f05(struct examination *e, enum finding_severity severity,
                                        struct span subject)
{
    bool over = severity == FINDING_RED;
    struct exchange_finding *f =
        examine_add(e, "F05", over ? "internal-expired" : "internal-expires-soon", severity,
                    EXCHANGE_CERTAIN, subject);
    f->finding.event = over ? 12015 : 12017;
    f->finding.cause = over ? SPAN("the internal transport certificate has expired")
                            : SPAN("the internal transport certificate expires soon");
    f->finding.consequence =
        SPAN("it is used all the same, but Edge subscriptions and connectors that "
             "lean on it fail one after another");
    return f;
}

static void mend_f05(struct examination *e, struct exchange_finding *f,
                     const struct exchange_certificate *c, struct span server)
{
    if (c && c->self_signed == KNOWN_YES)
        examine_step(
            e, f,
            arena_printf(e->arena,
                         "Get-ExchangeCertificate -Thumbprint " SPAN_FMT SPAN_FMT
                         " | New-ExchangeCertificate",
                         SPAN_ARG(powershell_quote(e->arena, c->thumbprint.text)),
                         SPAN_ARG(step_server(e, server))),
            SPAN("the same names for another five years, as internal transport certificate"),
            SPAN("Y, where it asks to overwrite the existing default SMTP certificate"));
    else
        step_new_internal(e, f, server);
    step_restart(e, f, NULL);
    step_resubscribe_edge(e, f);
    examine_verify(e, f,
                   SPAN("Get-TransportService | FL Name,InternalTransportCertificateThumbprint"),
                   SPAN("the thumbprint of the new certificate"));
}

static void examine_internal_of(struct examination *e, const struct exchange_server *s)
{
    const struct exchange_certificate *c = examine_certificate(e, s->internal_thumbprint.text);
    enum finding_severity severity = c ? judge_expiry(e, c) : FINDING_GREEN;
    if (severity == FINDING_GREEN)
        return;
    struct exchange_finding *f = add_f05(e, severity, examine_certificate_subject(e, c));
    examine_quote(e, f, "InternalTransportCertificateThumbprint", &s->internal_thumbprint,
                  SPAN_NONE);
    examine_evidence(e, f, c->not_after.place,
                     arena_printf(e->arena, "NotAfter : " SPAN_FMT, SPAN_ARG(c->not_after.text)),
                     SPAN("of that certificate"));
    mend_f05(e, f, c, s->name.text);
}

void examine_f05_internal_expired(struct examination *e)
{
    for (size_t i = 0; i < e->c->server_count; i++)
        examine_internal_of(e, &e->c->servers[i]);
    static const unsigned ids[] = {12015, 12017};
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        const struct exchange_event *event = examine_event(e, ids[i]);
        if (!event)
            continue;
        struct exchange_finding *f = examine_find(e, "F05", SPAN_NONE);
        const struct exchange_certificate *c = examine_certificate(e, event->thumbprint.text);
        if (!f) {
            f = add_f05(e, ids[i] == 12015 ? FINDING_RED : FINDING_YELLOW, event_subject(e, event));
            mend_f05(e, f, c, event->computer);
        }
        examine_evidence(e, f, event->place, event->text, SPAN_NONE);
        if (c)
            examine_quote_certificate(e, f, c, SPAN("is the one it speaks of"));
    }
}

/* ---- F06: what STARTTLS presents ---- */

static struct exchange_finding *add_f06(struct examination *e, enum finding_severity severity,
                                        struct span subject)
{
    bool over = severity == FINDING_RED;
    struct exchange_finding *f =
        examine_add(e, "F06", over ? "starttls-expired" : "starttls-expires-soon", severity,
                    EXCHANGE_CERTAIN, subject);
    f->finding.event = over ? 12016 : 12018;
    f->finding.cause = over ? SPAN("the certificate that STARTTLS presents has expired")
                            : SPAN("the certificate that STARTTLS presents expires soon");
    f->finding.consequence =
        over ? SPAN("it is still presented: peers that verify certificates do not deliver")
             : SPAN("from that day on, peers that verify certificates do not deliver");
    return f;
}

static void examine_chosen(struct examination *e, struct connector_choice *ch)
{
    const struct exchange_certificate *c = ch->shown.chosen;
    enum finding_severity severity = c && !ch->explained ? judge_expiry(e, c) : FINDING_GREEN;
    if (severity == FINDING_GREEN)
        return;
    /* The server's own internal transport certificate is renewed as such, wherever else it is
     * presented. */
    struct span subject = examine_certificate_subject(e, c);
    struct exchange_finding *internal =
        c->self_signed == KNOWN_YES ? examine_find(e, "F05", subject) : NULL;
    struct exchange_finding *f = internal ? internal : examine_find(e, "F06", subject);
    bool first = !f;
    if (first) {
        f = add_f06(e, severity, subject);
        /* A newer one may be what a print lacks. */
        f->certainty = ch->shown.certain == CANNOT_TELL ? EXCHANGE_PROBABLE : examine_absence(e);
    }
    examine_evidence(e, f, c->not_after.place,
                     arena_printf(e->arena, "NotAfter : " SPAN_FMT, SPAN_ARG(c->not_after.text)),
                     arena_printf(e->arena, "presented by " SPAN_FMT,
                                  SPAN_ARG(examine_connector_subject(e, ch->shown.connector))));
    ch->explained = severity == FINDING_RED;
    if (first)
        step_renew(e, f, c);
    step_restart(e, f, ch->shown.connector);
    step_verify_tls(e, f, ch->shown.connector, ch->shown.name);
}

void examine_f06_starttls_expired(struct examination *e)
{
    for (size_t i = 0; i < e->choice_count; i++)
        examine_chosen(e, &e->choices[i]);
    static const unsigned ids[] = {12016, 12018};
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        const struct exchange_event *event = examine_event(e, ids[i]);
        if (!event)
            continue;
        struct exchange_finding *f = examine_find(e, "F06", SPAN_NONE);
        const struct exchange_certificate *c = examine_certificate(e, event->thumbprint.text);
        if (!f) {
            f = add_f06(e, ids[i] == 12016 ? FINDING_RED : FINDING_YELLOW, event_subject(e, event));
            if (c)
                step_renew(e, f, c);
            else
                step_request(e, f, NULL,
                             event->fqdn.text.n ? event->fqdn.text : event->domain_name.text);
            step_restart(e, f, NULL);
        }
        f->certainty = EXCHANGE_CERTAIN;
        examine_evidence(e, f, event->place, event->text, SPAN_NONE);
    }
}
