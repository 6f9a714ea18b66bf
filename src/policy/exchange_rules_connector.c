/* Faults of how connectors are set. */
#include "policy/exchange_examine.h"

#include "base/ip.h"

enum { PAIR_MAX = 256, SMTP_PORT = 25, SUBMISSION_PORT = 587 };

static bool text_has(struct span text, const char *word)
{
    return span_search(text, span_of(word)) < text.n;
}

/* ---- F07 ---- */

void examine_f07_fqdn_refused(struct examination *e)
{
    const struct exchange_error *error = examine_error(e, EXCHANGE_FQDN_REFUSED);
    if (!error)
        return;
    struct exchange_finding *f =
        examine_add(e, "F07", "fqdn-pinned", FINDING_YELLOW, EXCHANGE_CERTAIN,
                    SPAN("the Receive connector whose Fqdn was to change"));
    f->finding.cause =
        SPAN("AuthMechanism has ExchangeServer: then Fqdn must be the server's own name, its "
             "NetBIOS name or empty, because other Exchange servers rely on it");
    f->finding.consequence = SPAN("the change was refused; mail is not affected");
    examine_evidence(e, f, error->place, error->text, SPAN("what was refused"));
    struct span server = error->server.n ? error->server : SPAN("SERVER");
    const struct exchange_certificate *c =
        examine_successor(e, SPAN_NONE, error->server, SPAN_NONE);
    struct span name = c && c->domains.count ? c->domains.items[0] : SPAN("mail.example.com");
    examine_step(
        e, f,
        arena_printf(e->arena,
                     "New-ReceiveConnector -Name 'Internet " SPAN_FMT "' -Server " SPAN_FMT
                     " -Usage Internet -TransportRole FrontendTransport -Bindings 'OWN-ADDRESS:25' "
                     "-RemoteIPRanges '0.0.0.0-255.255.255.255' -Fqdn " SPAN_FMT,
                     SPAN_ARG(server), SPAN_ARG(powershell_quote(e->arena, server)),
                     SPAN_ARG(powershell_quote(e->arena, name))),
        SPAN("a connector of its own for the public name, on an address of this server that no "
             "other connector names: one with the bindings and ranges of the default one is "
             "refused"),
        SPAN_NONE);
    examine_verify(
        e, f, SPAN("Get-ReceiveConnector | FT Identity,Bindings,RemoteIPRanges,Fqdn,AuthMechanism"),
        SPAN("the new connector, without ExchangeServer"));
}

/* ---- F19 ---- */

static struct exchange_finding *add_f19(struct examination *e, struct span subject)
{
    struct exchange_finding *f =
        examine_add(e, "F19", "pair-too-long", FINDING_RED, EXCHANGE_CERTAIN, subject);
    f->finding.cause = SPAN(
        "TlsCertificateName is longer than the 256 characters that the schema of AD LDS takes");
    f->finding.consequence =
        SPAN("EdgeSync leaves the connector out, and mail to the cloud shows as external");
    examine_step(e, f,
                 SPAN("# on each Edge server: ADSI Edit, localhost:50389, schema, attribute "
                      "ms-Exch-Smtp-TLS-Certificate: rangeUpper = 1024\n"
                      "Restart-Service ADAM_MSExchange"),
                 SPAN("the limit of the schema, raised as Microsoft advises"), SPAN_NONE);
    examine_step(e, f, SPAN("Start-EdgeSynchronization -ForceFullSync"),
                 SPAN("on a Mailbox server, to write the connector anew"), SPAN_NONE);
    examine_verify(e, f, SPAN("Test-EdgeSynchronization"), SPAN("SyncStatus : Normal"));
    return f;
}

void examine_f19_pair_length(struct examination *e)
{
    const struct exchange_error *error = examine_error(e, EXCHANGE_VALUE_INVALID);
    for (size_t i = 0; i < e->choice_count; i++) {
        const struct exchange_connector *k = e->choices[i].shown.connector;
        if (k->tls_certificate_name.text.n <= PAIR_MAX)
            continue;
        struct exchange_finding *f = add_f19(e, examine_connector_subject(e, k));
        examine_quote(e, f, "TlsCertificateName", &k->tls_certificate_name,
                      arena_printf(e->arena, "%zu characters", k->tls_certificate_name.text.n));
    }
    if (!error)
        return;
    struct exchange_finding *f = examine_find(e, "F19", SPAN_NONE);
    if (!f) {
        f = add_f19(e, SPAN("Send connector (name not printed)"));
        f->certainty = EXCHANGE_PROBABLE;
        examine_ask(e, SPAN("the length of the Send connectors' TlsCertificateName"),
                    SPAN("Get-SendConnector | FL Name,TlsCertificateName"));
    }
    examine_evidence(e, f, error->place, error->text, SPAN("what EdgeSync said"));
}

/* ---- F21 ---- */

static struct exchange_finding *add_f21(struct examination *e, struct span subject,
                                        const struct exchange_connector *k)
{
    struct exchange_finding *f =
        examine_add(e, "F21", "capability-pinned", FINDING_RED, EXCHANGE_CERTAIN, subject);
    f->finding.event = 11022;
    f->finding.cause =
        SPAN("TlsDomainCapabilities names the issuer and subject of Exchange Online's certificate, "
             "as old Hybrid Configuration wizards wrote it; that certificate has changed since");
    f->finding.consequence =
        SPAN("mail from the cloud loses its organisation headers: it counts as external");
    struct span identity = k ? step_identity(e, k) : SPAN("'SERVER\\Default Frontend SERVER'");
    examine_step(
        e, f,
        arena_printf(
            e->arena,
            "Set-ReceiveConnector -Identity " SPAN_FMT
            " -TlsDomainCapabilities 'mail.protection.outlook.com:AcceptCloudServicesMail'",
            SPAN_ARG(identity)),
        SPAN("the name, which does not change with the certificate"), SPAN_NONE);
    step_restart(e, f, k);
    examine_verify(e, f, SPAN("Get-ReceiveConnector | FL Identity,TlsDomainCapabilities"),
                   SPAN("no <I> any more, and no new event 11022"));
    return f;
}

void examine_f21_capability(struct examination *e)
{
    for (size_t i = 0; i < e->choice_count; i++) {
        const struct exchange_connector *k = e->choices[i].shown.connector;
        bool pinned = false;
        for (size_t n = 0; n < k->tls_domain_capabilities.count; n++)
            pinned |= text_has(k->tls_domain_capabilities.items[n], "<I>");
        if (!pinned)
            continue;
        struct exchange_finding *f = add_f21(e, examine_connector_subject(e, k), k);
        examine_quote_list(e, f, "TlsDomainCapabilities", &k->tls_domain_capabilities, SPAN_NONE);
    }
    for (size_t i = 0; i < e->c->event_count; i++) {
        const struct exchange_event *event = &e->c->events[i];
        if (event->id != 11022)
            continue;
        struct exchange_finding *f = examine_find(e, "F21", SPAN_NONE);
        if (!f) {
            struct connector_choice *ch = examine_choice_of_event(e, event);
            f = add_f21(e,
                        event->connector.text.n
                            ? arena_printf(e->arena, "Receive connector " SPAN_FMT,
                                           SPAN_ARG(event->connector.text))
                            : SPAN("Receive connector (name not printed)"),
                        ch ? ch->shown.connector : NULL);
            f->certainty = EXCHANGE_PROBABLE;
        }
        examine_evidence(e, f, event->place, event->text, SPAN_NONE);
    }
}

/* ---- bindings: F25, F34 ---- */

static bool binds_port(const struct exchange_connector *k, unsigned port)
{
    for (size_t i = 0; i < k->bindings.count; i++) {
        struct endpoint at;
        if (endpoint_parse(k->bindings.items[i], &at) == OK && at.port == port)
            return true;
    }
    return false;
}

static bool share_item(const struct exchange_list *a, const struct exchange_list *b)
{
    for (size_t i = 0; i < a->count; i++)
        for (size_t j = 0; j < b->count; j++)
            if (span_ieq(a->items[i], b->items[j]))
                return true;
    return false;
}

static bool is_role(const struct exchange_connector *k, const char *role)
{
    return span_ieq(k->transport_role.text, span_of(role));
}

/* The HubTransport connector that takes the port from a FrontendTransport one; NULL: none. */
static const struct exchange_connector *port_thief(struct examination *e)
{
    for (size_t i = 0; i < e->choice_count; i++)
        for (size_t j = 0; j < e->choice_count; j++) {
            const struct exchange_connector *hub = e->choices[i].shown.connector,
                                            *front = e->choices[j].shown.connector;
            if (!hub->sends && !front->sends && hub->enabled != KNOWN_NO &&
                front->enabled != KNOWN_NO && is_role(hub, "HubTransport") &&
                is_role(front, "FrontendTransport") &&
                span_ieq(examine_server_of(e, hub), examine_server_of(e, front)) &&
                share_item(&hub->bindings, &front->bindings))
                return hub;
        }
    return NULL;
}

static struct exchange_finding *add_f25(struct examination *e,
                                        const struct exchange_connector *thief)
{
    struct exchange_finding *f = examine_add(
        e, "F25", "port-taken", FINDING_RED, thief ? EXCHANGE_CERTAIN : EXCHANGE_PROBABLE,
        thief ? examine_connector_subject(e, thief)
              : SPAN("a Receive connector on a port that is in use"));
    f->finding.event = 1018;
    f->finding.cause =
        SPAN("a connector of the HubTransport role is bound to a port of the FrontendTransport "
             "service: whichever service starts second fails");
    f->finding.consequence =
        SPAN("one of the two transport services stops and does not start again: no mail");
    struct span identity = thief ? step_identity(e, thief) : SPAN("'SERVER\\CONNECTOR'");
    if (!thief) {
        examine_step(e, f, SPAN("Get-ReceiveConnector | FT Identity,Bindings,TransportRole"),
                     SPAN("the one of the HubTransport role on port 25 (or 587, 717)"), SPAN_NONE);
        examine_ask(
            e, SPAN("which connectors share a port"),
            SPAN("Get-ReceiveConnector | FL Identity,Bindings,RemoteIPRanges,TransportRole"));
    }
    examine_step(e, f,
                 arena_printf(e->arena,
                              "Set-ReceiveConnector -Identity " SPAN_FMT
                              " -TransportRole FrontendTransport",
                              SPAN_ARG(identity)),
                 SPAN("the role that listens on this port"), SPAN_NONE);
    examine_step(e, f, SPAN("Restart-Service MSExchangeTransport,MSExchangeFrontEndTransport"),
                 SPAN("both find their ports free now"), SPAN_NONE);
    examine_verify(e, f, SPAN("Get-Service MSExchangeTransport,MSExchangeFrontEndTransport"),
                   SPAN("Running, twice"));
    return f;
}

static struct exchange_finding *add_f34(struct examination *e, struct span subject,
                                        struct span identity, struct span port)
{
    struct exchange_finding *f =
        examine_add(e, "F34", "binding-not-local", FINDING_RED, EXCHANGE_CERTAIN, subject);
    f->finding.event = 1019;
    f->finding.cause = SPAN("Bindings name an address that the server does not have (any more)");
    f->finding.consequence =
        SPAN("the transport service does not start, or does not listen: no mail");
    examine_step(e, f,
                 arena_printf(e->arena,
                              "Get-NetIPAddress | FT IPAddress\n"
                              "Set-ReceiveConnector -Identity " SPAN_FMT
                              " -Bindings '0.0.0.0:" SPAN_FMT "'",
                              SPAN_ARG(identity), SPAN_ARG(port)),
                 SPAN("all local addresses; or one that the first command lists"), SPAN_NONE);
    step_restart(e, f, NULL);
    examine_verify(e, f, SPAN("Get-Service MSExchangeTransport,MSExchangeFrontEndTransport"),
                   SPAN("Running"));
    return f;
}

static bool is_local(const struct exchange_server *s, const struct ip *ip)
{
    for (size_t i = 0; i < s->local_addresses.count; i++) {
        struct ip local;
        if (ip_parse(s->local_addresses.items[i], &local) == OK && ip_cmp(&local, ip) == 0)
            return true;
    }
    return false;
}

static void examine_bindings(struct examination *e, const struct exchange_connector *k)
{
    static const struct ip any4 = {0}, any6 = {.v6 = true};
    const struct exchange_server *s = examine_server(e, examine_server_of(e, k));
    for (size_t i = 0; s && s->local_addresses.count && !k->sends && i < k->bindings.count; i++) {
        struct endpoint at;
        if (endpoint_parse(k->bindings.items[i], &at) != OK || ip_cmp(&at.ip, &any4) == 0 ||
            ip_cmp(&at.ip, &any6) == 0 || ip_is_loopback(&at.ip) || is_local(s, &at.ip))
            continue;
        struct exchange_finding *f =
            add_f34(e, examine_connector_subject(e, k), step_identity(e, k),
                    arena_printf(e->arena, "%u", (unsigned)at.port));
        examine_quote_list(e, f, "Bindings", &k->bindings, k->bindings.items[i]);
        return;
    }
}

void examine_f25_port(struct examination *e)
{
    const struct exchange_connector *thief = port_thief(e);
    struct exchange_finding *f = thief ? add_f25(e, thief) : NULL;
    if (f)
        examine_quote_list(e, f, "Bindings", &thief->bindings,
                           SPAN("with TransportRole : HubTransport"));
    for (size_t i = 0; i < e->c->event_count; i++) {
        const struct exchange_event *event = &e->c->events[i];
        if ((event->id != 1018 && event->id != 1019) || text_has(event->text, "10049"))
            continue;
        f = examine_find(e, "F25", SPAN_NONE);
        if (!f)
            f = add_f25(e, NULL);
        examine_evidence(e, f, event->place, event->text, SPAN_NONE);
    }
}

/* The connector that is bound to what the event speaks of; NULL: none was printed. */
static const struct exchange_connector *bound_to(const struct examination *e, struct span address)
{
    for (size_t i = 0; i < e->choice_count; i++) {
        const struct exchange_connector *k = e->choices[i].shown.connector;
        for (size_t b = 0; !k->sends && b < k->bindings.count; b++)
            if (span_eq(k->bindings.items[b], address))
                return k;
    }
    return NULL;
}

static struct exchange_finding *add_f34_of_event(struct examination *e,
                                                 const struct exchange_event *event)
{
    const struct exchange_connector *k = bound_to(e, event->address.text);
    struct endpoint at;
    if (!k || endpoint_parse(event->address.text, &at) != OK)
        return add_f34(e, SPAN("a Receive connector bound to a foreign address"),
                       SPAN("'SERVER\\CONNECTOR'"), SPAN("25"));
    struct exchange_finding *f = add_f34(e, examine_connector_subject(e, k), step_identity(e, k),
                                         arena_printf(e->arena, "%u", (unsigned)at.port));
    examine_quote_list(e, f, "Bindings", &k->bindings, event->address.text);
    return f;
}

void examine_f34_binding(struct examination *e)
{
    for (size_t i = 0; i < e->choice_count; i++)
        examine_bindings(e, e->choices[i].shown.connector);
    for (size_t i = 0; i < e->c->event_count; i++) {
        const struct exchange_event *event = &e->c->events[i];
        if ((event->id != 1018 && event->id != 1019) || !text_has(event->text, "10049"))
            continue;
        struct exchange_finding *f = examine_find(e, "F34", SPAN_NONE);
        if (!f)
            f = add_f34_of_event(e, event);
        examine_evidence(e, f, event->place, event->text, SPAN_NONE);
    }
}

/* ---- F33, F37: the self-signed one is chosen beside a public one ---- */

static bool takes_submission(const struct exchange_connector *k)
{
    return span_istarts(k->name.text, SPAN("Client Frontend")) || binds_port(k, SUBMISSION_PORT);
}

/* Relay connectors are for a few addresses, whose devices mostly verify nothing. */
static bool takes_from_anywhere(const struct exchange_connector *k)
{
    struct ip_range all, range;
    bool anywhere = !k->remote_ip_ranges.printed || ip_range_parse(SPAN("0.0.0.0/0"), &all) != OK;
    for (size_t i = 0; i < k->remote_ip_ranges.count && !anywhere; i++)
        anywhere = ip_range_parse(k->remote_ip_ranges.items[i], &range) == OK && !range.first.v6 &&
                   ip_range_within(&all, &range);
    return anywhere;
}

static bool takes_internet_mail(const struct exchange_connector *k)
{
    if (!k->bindings.printed)
        return span_istarts(k->name.text, SPAN("Default Frontend"));
    return binds_port(k, SMTP_PORT) && !is_role(k, "HubTransport") && takes_from_anywhere(k);
}

static void blame_self_signed(struct examination *e, const struct connector_choice *ch,
                              const struct exchange_certificate *public)
{
    const struct exchange_connector *k = ch->shown.connector;
    bool submission = takes_submission(k);
    struct exchange_finding *f =
        examine_add(e, submission ? "F33" : "F37",
                    submission ? "submission-self-signed" : "partner-self-signed", FINDING_YELLOW,
                    EXCHANGE_CERTAIN, examine_connector_subject(e, k));
    f->finding.cause =
        arena_printf(e->arena,
                     "it goes by the server's name, so the self-signed " SPAN_FMT
                     " is presented, although " SPAN_FMT " is issued by a CA and enabled for SMTP",
                     SPAN_ARG(examine_certificate_text(e, ch->shown.chosen)),
                     SPAN_ARG(examine_certificate_text(e, public)));
    f->finding.consequence =
        submission ? SPAN("mail programs that submit on port 587 warn of the certificate")
                   : SPAN("partners and Exchange Online that verify do not deliver; others "
                          "are encrypted all the same");
    examine_quote(e, f, "Fqdn", &k->fqdn, SPAN("is not on the public certificate"));
    examine_quote(e, f, "TlsCertificateName", &k->tls_certificate_name, SPAN("names none"));
    examine_quote_certificate(e, f, ch->shown.chosen, SPAN("self-signed, and chosen"));
    step_pair(e, f, k, public);
    step_restart(e, f, k);
    step_verify_tls(e, f, k, public->domains.count ? public->domains.items[0] : SPAN_NONE);
}

void examine_self_signed_chosen(struct examination *e)
{
    for (size_t i = 0; i < e->choice_count; i++) {
        const struct connector_choice *ch = &e->choices[i];
        const struct exchange_connector *k = ch->shown.connector;
        if (k->sends || ch->state != CHOICE_GOOD || ch->has_pair ||
            !k->tls_certificate_name.printed || ch->shown.chosen->self_signed != KNOWN_YES ||
            (!takes_submission(k) && !takes_internet_mail(k)))
            continue;
        const struct exchange_certificate *public =
            examine_successor(e, SPAN_NONE, examine_server_of(e, k), SPAN_NONE);
        if (public && exchange_certificate_usable(e, public) == KNOWN_YES)
            blame_self_signed(e, ch, public);
    }
}
