/* What others see: bounces of partners, sessions in protocol logs, EHLO replies and probes. A fault
 * of the server's own state that explains a symptom takes it as evidence. */
#include "policy/exchange_examine.h"

#include "base/ip.h"

static bool text_has(struct span text, const char *word)
{
    return span_search(text, span_of(word)) < text.n;
}

/* ---- F16, F17, F18: what a partner says of our certificate ---- */

/* The connector that takes mail from outside: port 25 at the front. */
static struct choice *front_connector(struct examination *e)
{
    struct choice *any = NULL;
    for (size_t i = 0; i < e->choice_count; i++) {
        const struct exchange_connector *k = e->choices[i].shown.connector;
        if (k->sends)
            continue;
        if (span_istarts(k->name.text, SPAN("Default Frontend")))
            return &e->choices[i];
        for (size_t b = 0; b < k->bindings.count && !any; b++)
            if (span_iends(k->bindings.items[b], SPAN(":25")))
                any = &e->choices[i];
    }
    return any;
}

static void mend_by_pair(struct examination *e, struct exchange_finding *f, struct span name)
{
    struct choice *ch = front_connector(e);
    const struct exchange_certificate *c = examine_successor(e, name, SPAN_NONE, SPAN_NONE);
    if (!c)
        c = examine_successor(e, SPAN_NONE, SPAN_NONE, SPAN_NONE);
    if (c && !(c->services_known == KNOWN_YES && (c->services & EXCHANGE_SMTP)))
        step_enable(e, f, c);
    if (c && ch)
        step_pair(e, f, ch->shown.connector, c);
    if (!c)
        examine_ask(e, SPAN("the certificates of the server"),
                    SPAN("Get-ExchangeCertificate | FL *"));
    if (!ch)
        examine_ask(e, SPAN("the Receive connectors"), SPAN("Get-ReceiveConnector | FL *"));
    if (!c || !ch)
        examine_step(e, f,
                     SPAN("Get-ReceiveConnector | FL Identity,Bindings,Fqdn,TlsCertificateName\n"
                          "Get-ExchangeCertificate | FL "
                          "Thumbprint,Issuer,Subject,CertificateDomains,Services"),
                     SPAN("print both, and hand them over: then the exact commands can be told"),
                     SPAN_NONE);
    step_restart(e, f, ch ? ch->shown.connector : NULL);
    step_verify_tls(e, f, ch ? ch->shown.connector : NULL, name);
}

static struct exchange_finding *add_bounce(struct examination *e, const char *fault,
                                           const char *name, struct span cause)
{
    struct exchange_finding *f = examine_add(e, fault, name, FINDING_RED, EXCHANGE_PROBABLE,
                                             SPAN("mail from the partner to this server"));
    f->finding.cause = cause;
    f->finding.consequence = SPAN("the partner holds its mail back and bounces it in the end");
    return f;
}

static struct exchange_finding *blame_mismatch(struct examination *e,
                                               const struct exchange_reply *reply)
{
    static const char *const causes[] = {"F03", "F20", "F02", "F11", "F36",
                                         "F01", "F04", "F26", "F12"};
    struct exchange_finding *f = examine_explanation(e, causes, COUNT_OF(causes));
    if (f)
        return f;
    f = examine_find(e, "F37", SPAN_NONE);
    if (f) {
        f->finding.severity = FINDING_RED;
        return f;
    }
    f = add_bounce(e, "F16", "partner-sees-other-name",
                   SPAN("the partner was shown another certificate than it expects: mostly the "
                        "self-signed one, "
                        "because the connector goes by the server's name"));
    f->certainty = EXCHANGE_CERTAIN;
    if (reply->presented.text.n)
        examine_quote(e, f, "presented", &reply->presented, SPAN("what the partner saw"));
    mend_by_pair(e, f, reply->expected.text);
    return f;
}

/* Anything that presents a certificate which the server does not have stands in between. */
static bool is_foreign(const struct examination *e, struct span thumbprint)
{
    return thumbprint.n && examine_store_complete(e, SPAN_NONE) &&
           !examine_certificate(e, thumbprint);
}

static struct exchange_finding *blame_device(struct examination *e,
                                             enum exchange_certainty certainty)
{
    struct exchange_finding *f = examine_find(e, "F18", SPAN_NONE);
    if (f)
        return f;
    f = add_bounce(
        e, "F18", "device-presents-own-copy",
        SPAN("what was presented is no certificate of this server: a firewall or mail gateway in "
             "between ends TLS itself, with a copy of its own that has expired"));
    f->certainty = certainty;
    examine_step(
        e, f,
        SPAN("# on the firewall or gateway: import the new certificate with its key, or turn the "
             "inspection of SMTP off for this server"),
        SPAN("nothing on the Exchange server can mend it"), SPAN_NONE);
    examine_verify(e, f, SPAN("openssl s_client -connect SERVER:25 -starttls smtp"),
                   SPAN("the same certificate from outside and from the server's own network"));
    return f;
}

static struct exchange_finding *blame_expired(struct examination *e,
                                              const struct exchange_reply *reply)
{
    if (is_foreign(e, reply->presented_thumbprint.text))
        return blame_device(e, EXCHANGE_CERTAIN);
    struct exchange_finding *f = examine_explanation(e, (const char *[]){"F06", "F26"}, 2);
    if (f)
        return f;
    const struct exchange_certificate *c = examine_certificate(e, reply->presented_thumbprint.text);
    if (!c && !reply->presented_thumbprint.text.n && examine_store_complete(e, SPAN_NONE))
        return blame_device(e, EXCHANGE_PROBABLE);
    f = add_bounce(e, "F06", "starttls-expired",
                   SPAN("the certificate that STARTTLS presents has expired"));
    f->finding.event = 12016;
    if (c)
        step_renew(e, f, c);
    else
        step_request(e, f, NULL, reply->expected.text);
    step_restart(e, f, NULL);
    return f;
}

static struct exchange_finding *blame_intermediate(struct examination *e)
{
    static const char *const causes[] = {"F37", "F17"};
    struct exchange_finding *f = examine_explanation(e, causes, COUNT_OF(causes));
    if (f)
        return f;
    f = add_bounce(
        e, "F17", "intermediate-missing",
        SPAN("the chain that this server sends ends before a root that the partner knows: the "
             "intermediate certificate is missing in the server's store, and the partner does not "
             "fetch it"));
    examine_step(
        e, f,
        SPAN("Import-Certificate -FilePath 'C:\\Temp\\intermediate.cer' -CertStoreLocation "
             "Cert:\\LocalMachine\\CA"),
        SPAN("the intermediate of the CA that issued the certificate, on every server"), SPAN_NONE);
    step_restart(e, f, NULL);
    examine_verify(e, f, SPAN("openssl s_client -connect SERVER:25 -starttls smtp -showcerts"),
                   SPAN("the leaf and the intermediate; Verify return code: 0 (ok)"));
    return f;
}

static struct exchange_finding *blame_not_offered(struct examination *e)
{
    static const char *const causes[] = {"F03", "F20", "F36", "F01", "F04",
                                         "F02", "F12", "F11", "F28", "F35"};
    struct exchange_finding *f = examine_explanation(e, causes, COUNT_OF(causes));
    if (f)
        return f;
    f = add_bounce(
        e, "F01", "starttls-not-offered",
        SPAN("the partner requires STARTTLS and this server does not offer it: no certificate fits "
             "the "
             "connector that takes the session (event 12014 names it), or a device takes STARTTLS "
             "out of the reply"));
    examine_ask(
        e, SPAN("what event 12014 says, and the connectors"),
        SPAN("Get-WinEvent -FilterHashtable @{LogName='Application'; Id=12014} -MaxEvents 5 | FL\n"
             "Get-ReceiveConnector | FL *"));
    mend_by_pair(e, f, SPAN_NONE);
    return f;
}

void examine_bounces(struct examination *e)
{
    for (size_t i = 0; i < e->c->reply_count; i++) {
        const struct exchange_reply *reply = &e->c->replies[i];
        bool inbound =
            span_eq(reply->enhanced, SPAN("4.4.317")) || span_eq(reply->enhanced, SPAN("4.4.101"));
        struct exchange_finding *f = NULL;
        if (text_has(reply->text, "STARTTLS is required"))
            f = blame_not_offered(e);
        else if (inbound && text_has(reply->text, "SubjectMismatch"))
            f = blame_mismatch(e, reply);
        else if (inbound && text_has(reply->text, "CertificateExpired"))
            f = blame_expired(e, reply);
        else if ((inbound && text_has(reply->text, "UntrustedRoot")) ||
                 (text_has(reply->text, "TenantAttribution") && !text_has(reply->text, "ATTR36")))
            f = blame_intermediate(e);
        if (f)
            examine_evidence(e, f, reply->place, reply->text, SPAN("what the partner was told"));
    }
}

/* ---- the wire against the choice: F26, F18, F17 ---- */

static struct span session_thumbprint(const struct exchange_session *s)
{
    return s->presented ? span_of(s->presented->thumbprint) : s->certificate_thumbprint.text;
}

static struct choice *choice_of_session(struct examination *e, const struct exchange_session *s)
{
    struct choice *ch = examine_choice_of(e, s->connector.text, false);
    return ch || s->connector.text.n ? ch : front_connector(e);
}

static void blame_old_served(struct examination *e, const struct exchange_session *s,
                             const struct choice *ch)
{
    struct exchange_finding *f =
        examine_add(e, "F26", "old-certificate-served", FINDING_RED, EXCHANGE_CERTAIN,
                    examine_connector_subject(e, ch->shown.connector));
    f->finding.cause =
        arena_printf(e->arena,
                     "Exchange's rules choose " SPAN_FMT ", but another certificate is presented: "
                     "the service was not restarted since the change, or this is another member "
                     "behind the load balancer",
                     SPAN_ARG(examine_certificate_text(e, ch->shown.chosen)));
    f->finding.consequence =
        SPAN("the change has no effect yet: peers see the old certificate until it expires "
             "and then refuse it");
    examine_evidence(
        e, f, s->place,
        arena_printf(e->arena, "presented: " SPAN_FMT, SPAN_ARG(session_thumbprint(s))),
        SPAN("seen on the wire"));
    examine_quote_certificate(e, f, ch->shown.chosen, SPAN("is what should be presented"));
    step_restart(e, f, NULL);
    step_verify_tls(e, f, ch->shown.connector,
                    ch->shown.chosen->domains.count ? ch->shown.chosen->domains.items[0]
                                                    : SPAN_NONE);
}

static bool wire_has_expired(const struct examination *e, const struct exchange_session *s)
{
    return s->presented && s->presented->not_after_ms < e->now_ms;
}

static void examine_session(struct examination *e, const struct exchange_session *s)
{
    struct span thumbprint = session_thumbprint(s);
    struct choice *ch = choice_of_session(e, s);
    if (s->direction == EXCHANGE_SENDS || !thumbprint.n)
        return;
    const struct exchange_certificate *listed = examine_certificate(e, thumbprint);
    const struct exchange_certificate *chosen = ch && !ch->explained ? ch->shown.chosen : NULL;
    if (is_foreign(e, thumbprint) && (wire_has_expired(e, s) || !s->presented)) {
        struct exchange_finding *f = blame_device(e, EXCHANGE_CERTAIN);
        examine_evidence(e, f, s->place,
                         arena_printf(e->arena, "presented: " SPAN_FMT, SPAN_ARG(thumbprint)),
                         SPAN("not among the server's certificates"));
    } else if (chosen && !span_ieq(chosen->thumbprint.text, thumbprint) &&
               (listed || is_foreign(e, thumbprint)) && !examine_find(e, "F26", SPAN_NONE)) {
        blame_old_served(e, s, ch);
    } else if (s->presented && !s->presented->self_signed && s->presented_trusted == KNOWN_NO &&
               !wire_has_expired(e, s)) {
        struct exchange_finding *f = blame_intermediate(e);
        f->certainty = EXCHANGE_CERTAIN;
        examine_evidence(
            e, f, s->place,
            arena_printf(e->arena, "presented: " SPAN_FMT, SPAN_ARG(s->presented->subject)),
            SPAN("does not lead to a trusted root"));
    }
}

void examine_wire(struct examination *e)
{
    for (size_t i = 0; i < e->c->session_count; i++)
        examine_session(e, &e->c->sessions[i]);
}

/* ---- F28 ---- */

static void blame_f28(struct examination *e, const struct exchange_session *s, const char *says)
{
    struct exchange_finding *f = examine_find(e, "F28", SPAN_NONE);
    if (!f) {
        f = examine_add(e, "F28", "starttls-stripped", FINDING_RED, EXCHANGE_CERTAIN,
                        SPAN("the way between the Internet and the server"));
        f->finding.cause = SPAN(
            "a device in between rewrites the server's EHLO reply (SMTP inspection, Mailguard, "
            "fixup): the server offers STARTTLS, and outside nobody sees it");
        f->finding.consequence =
            SPAN("peers deliver in clear text; those that require TLS do not deliver");
        examine_step(
            e, f,
            SPAN("# on a Cisco ASA: policy-map global_policy, class inspection_default, no inspect "
                 "esmtp; elsewhere: turn the inspection of SMTP off for this server"),
            SPAN("nothing on the Exchange server can mend it"), SPAN_NONE);
        examine_verify(
            e, f, SPAN("openssl s_client -connect SERVER:25 -starttls smtp"),
            SPAN("from outside and from the server's own network: both get a certificate"));
    }
    examine_evidence(e, f, s->place, s->server_name.text, span_of(says));
}

void examine_f28_stripped(struct examination *e)
{
    for (size_t i = 0; i < e->c->session_count; i++) {
        const struct exchange_session *s = &e->c->sessions[i];
        if (s->stripped)
            blame_f28(e, s, "the reply is overwritten with X");
        for (size_t j = 0; j < e->c->session_count; j++) {
            const struct exchange_session *other = &e->c->sessions[j];
            if (s->starttls == KNOWN_NO && other->starttls == KNOWN_YES && s->server_name.text.n &&
                span_ieq(s->server_name.text, other->server_name.text) && !s->connector.text.n) {
                blame_f28(e, s, "without STARTTLS");
                blame_f28(e, other, "the same server, with STARTTLS");
            }
        }
    }
}

/* ---- F35 ---- */

static bool ranges_within(const struct exchange_connector *inner,
                          const struct exchange_connector *outer)
{
    for (size_t i = 0; i < inner->remote_ip_ranges.count; i++)
        for (size_t o = 0; o < outer->remote_ip_ranges.count; o++) {
            struct ip_range a, b;
            if (ip_range_parse(inner->remote_ip_ranges.items[i], &a) == OK &&
                ip_range_parse(outer->remote_ip_ranges.items[o], &b) == OK &&
                a.first.v6 == b.first.v6 && ip_range_within(&a, &b) &&
                ip_range_cmp_size(&a, &b) < 0)
                return true;
        }
    return false;
}

static struct choice *connector_behind(struct examination *e, const struct choice *taken)
{
    for (size_t i = 0; i < e->choice_count; i++) {
        struct choice *ch = &e->choices[i];
        if (ch != taken && !ch->shown.connector->sends && ch->state == CHOICE_GOOD &&
            ranges_within(taken->shown.connector, ch->shown.connector))
            return ch;
    }
    return NULL;
}

static void blame_f35(struct examination *e, const struct exchange_session *s, struct choice *taken,
                      const struct choice *behind)
{
    const struct exchange_connector *k = taken->shown.connector;
    struct exchange_finding *f = examine_add(e, "F35", "other-connector-answers", FINDING_RED,
                                             EXCHANGE_CERTAIN, examine_connector_subject(e, k));
    f->finding.cause =
        arena_printf(e->arena,
                     "its RemoteIPRanges are more specific than those of " SPAN_FMT
                     ", so it takes this client's sessions, and it does not offer STARTTLS",
                     SPAN_ARG(examine_connector_subject(e, behind->shown.connector)));
    f->finding.consequence =
        SPAN("clients in these ranges get no TLS: those that require it do not deliver");
    examine_evidence(e, f, s->place, s->remote.text, SPAN("a session that it took"));
    examine_quote_list(e, f, "RemoteIPRanges", &k->remote_ip_ranges,
                       SPAN("of the connector that answers"));
    examine_quote_list(e, f, "RemoteIPRanges", &behind->shown.connector->remote_ip_ranges,
                       SPAN("of the one that would have offered STARTTLS"));
    examine_step(
        e, f,
        arena_printf(e->arena,
                     "Set-ReceiveConnector -Identity " SPAN_FMT
                     " -RemoteIPRanges 'ONLY','THE','ADDRESSES',"
                     "'THAT','NEED','IT'",
                     SPAN_ARG(step_identity(e, k))),
        SPAN("without the addresses of clients that need TLS; or give it Tls in AuthMechanism"),
        SPAN_NONE);
    examine_verify(e, f, SPAN("Get-ReceiveConnector | FL Identity,RemoteIPRanges,AuthMechanism"),
                   SPAN("the client's address in the intended connector's ranges only"));
    taken->explained = true;
}

void examine_f35_other_connector(struct examination *e)
{
    for (size_t i = 0; i < e->c->session_count; i++) {
        const struct exchange_session *s = &e->c->sessions[i];
        struct choice *taken = examine_choice_of(e, s->connector.text, false);
        if (s->direction == EXCHANGE_SENDS || s->starttls != KNOWN_NO || !taken ||
            taken->explained || taken->state == CHOICE_GOOD)
            continue;
        struct choice *behind = connector_behind(e, taken);
        if (behind)
            blame_f35(e, s, taken, behind);
    }
}

/* ---- the server itself does not offer it, and nothing printed says why ---- */

void examine_not_offered(struct examination *e)
{
    static const char *const causes[] = {"F03", "F20", "F36", "F01", "F04",
                                         "F12", "F28", "F35", "F02"};
    for (size_t i = 0; i < e->c->session_count; i++) {
        const struct exchange_session *s = &e->c->sessions[i];
        struct choice *ch = examine_choice_of(e, s->connector.text, false);
        bool wanted = !ch || ch->state != CHOICE_NO_TLS;
        if (s->direction == EXCHANGE_SENDS || s->starttls != KNOWN_NO || s->stripped || !wanted ||
            s->x_anonymous_tls != KNOWN_YES)
            continue;
        struct exchange_finding *f = examine_explanation(e, causes, COUNT_OF(causes));
        if (!f) {
            f = examine_add(
                e, "F01", "starttls-not-offered", FINDING_RED, EXCHANGE_POSSIBLE,
                arena_printf(e->arena, "Receive connector " SPAN_FMT,
                             SPAN_ARG(s->connector.text.n ? s->connector.text
                                                          : SPAN("(name not printed)"))));
            f->finding.cause =
                SPAN("the server offers X-ANONYMOUSTLS and not STARTTLS: no certificate fits the "
                     "connector's name, which event 12014 says");
            f->finding.consequence =
                SPAN("peers deliver in clear text; those that require TLS do not deliver");
            examine_ask(e, SPAN("what event 12014 says of this connector"),
                        SPAN("Get-WinEvent -FilterHashtable @{LogName='Application'; Id=12014} "
                             "-MaxEvents 5 | FL\n"
                             "Get-ReceiveConnector | FL *\nGet-ExchangeCertificate | FL *"));
        }
        examine_evidence(e, f, s->place, s->server_name.text,
                         SPAN("an EHLO reply without STARTTLS"));
    }
}

/* ---- F38 ---- */

void examine_f38_test(struct examination *e)
{
    for (size_t i = 0; i < e->c->session_count; i++) {
        const struct exchange_session *s = &e->c->sessions[i];
        if (!s->plain_tls_attempt)
            continue;
        struct exchange_finding *f =
            examine_add(e, "F38", "wrong-test", FINDING_YELLOW, EXCHANGE_CERTAIN,
                        SPAN("the test, not the server"));
        f->finding.cause =
            SPAN("port 25 speaks SMTP first; openssl s_client without -starttls smtp sends a TLS "
                 "greeting into it and gets an SMTP banner back");
        f->finding.consequence = SPAN("none: this proves nothing about the certificate");
        examine_evidence(e, f, s->place, s->tls_error.text, SPAN("what the test printed"));
        examine_step(e, f, SPAN("openssl s_client -connect SERVER:25 -starttls smtp"),
                     SPAN("the right test; or: sealpost diagnose --connect SERVER:25"), SPAN_NONE);
        return;
    }
}
