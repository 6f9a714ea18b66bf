/* What others see: bounces of partners, sessions in protocol logs, EHLO replies and probes. A fault
 * of the server's own state that explains a symptom takes it as evidence. */
#include "policy/exchange_examine.h"

#include "base/clock.h"

static bool text_has(struct span text, const char *word)
{
    return span_search(text, span_of(word)) < text.n;
}

/* ---- F16, F17, F18: what a partner says of our certificate ---- */

/* The connector that takes mail from outside: port 25 at the front. */
static struct connector_choice *front_connector(struct examination *e)
{
    struct connector_choice *any = NULL;
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
    struct connector_choice *ch = front_connector(e);
    const struct exchange_certificate *c = examine_successor(e, name, SPAN_NONE, SPAN_NONE);
    if (!c)
        c = examine_successor(e, SPAN_NONE, SPAN_NONE, SPAN_NONE);
    if (c && !exchange_certificate_has_smtp(c))
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

static bool is_front(const struct exchange_connector *k)
{
    return !k->sends && (span_istarts(k->name.text, SPAN("Default Frontend")) ||
                         span_istarts(k->name.text, SPAN("Default internal")));
}

/* Partners meet the front connectors: where these are known and good, a fault of another connector
 * does not explain what partners say. */
static bool fronts_are_good(const struct examination *e)
{
    bool any = false;
    for (size_t i = 0; i < e->choice_count; i++) {
        const struct connector_choice *ch = &e->choices[i];
        if (!is_front(ch->shown.connector))
            continue;
        if (ch->explained || ch->state != CHOICE_GOOD)
            return false;
        any = true;
    }
    return any;
}

static struct exchange_finding *blame_mismatch(struct examination *e,
                                               const struct exchange_reply *reply)
{
    static const char *const causes[] = {"F03", "F20", "F02", "F11", "F36", "F01", "F04", "F12"};
    struct exchange_finding *f = examine_find(e, "F26", SPAN_NONE);
    if (!f && !fronts_are_good(e))
        f = examine_explanation(e, causes, COUNT_OF(causes));
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
        return blame_device(e, examine_absence(e));
    struct exchange_finding *f = examine_explanation(e, (const char *[]){"F06", "F05", "F26"}, 3);
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
    static const char *const causes[] = {"F03", "F20", "F36", "F01", "F04", "F02", "F12", "F11"};
    struct exchange_finding *f = examine_explanation(e, (const char *[]){"F28", "F35"}, 2);
    if (!f && !fronts_are_good(e))
        f = examine_explanation(e, causes, COUNT_OF(causes));
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

static struct connector_choice *choice_of_session(struct examination *e,
                                                  const struct exchange_session *s)
{
    struct connector_choice *ch = examine_choice_of(e, s->connector.text, false);
    return ch || s->connector.text.n ? ch : front_connector(e);
}

static void blame_old_served(struct examination *e, const struct exchange_session *s,
                             const struct connector_choice *ch)
{
    struct exchange_finding *f =
        examine_add(e, "F26", "old-certificate-served", FINDING_RED, examine_absence(e),
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

static void blame_expired_wire(struct examination *e, const struct exchange_session *s)
{
    struct exchange_finding *f = examine_explanation(e, (const char *[]){"F06"}, 1);
    if (!f) {
        f = add_bounce(e, "F06", "starttls-expired",
                       SPAN("the certificate that STARTTLS presents has expired"));
        f->finding.event = 12016;
        f->certainty = EXCHANGE_CERTAIN;
        step_request(e, f, NULL, s->presented->name_count ? s->presented->names[0] : SPAN_NONE);
        step_restart(e, f, NULL);
    }
    struct buf quote = BUF_INIT(BUF_UNLIMITED);
    buf_addf(&quote, "presented: " SPAN_FMT ", valid until ", SPAN_ARG(s->presented->subject));
    clock_add_iso(&quote, s->presented->not_after_ms);
    examine_evidence(e, f, s->place, arena_copy(e->arena, buf_span(&quote)),
                     SPAN("seen on the wire"));
    buf_done(&quote);
}

/* Nothing but the wire is known: opportunistic peers do not mind, those that verify do. */
static void blame_self_signed_wire(struct examination *e, const struct exchange_session *s)
{
    struct exchange_finding *f =
        add_bounce(e, "F16", "self-signed-presented",
                   SPAN("a self-signed certificate is presented: the connector goes by the "
                        "server's own name, or nothing "
                        "better is enabled for SMTP"));
    f->finding.severity = FINDING_YELLOW;
    f->certainty = EXCHANGE_POSSIBLE;
    f->finding.consequence =
        SPAN("partners and Exchange Online that verify certificates do not deliver; others "
             "are encrypted all the same");
    examine_evidence(
        e, f, s->place,
        arena_printf(e->arena, "presented: " SPAN_FMT, SPAN_ARG(s->presented->subject)),
        SPAN("its own issuer"));
    mend_by_pair(e, f, SPAN_NONE);
}

static void blame_untrusted_wire(struct examination *e, const struct exchange_session *s)
{
    struct exchange_finding *f = blame_intermediate(e);
    f->certainty = EXCHANGE_CERTAIN;
    examine_evidence(
        e, f, s->place,
        arena_printf(e->arena, "presented: " SPAN_FMT, SPAN_ARG(s->presented->subject)),
        SPAN("does not lead to a trusted root"));
}

static void examine_session(struct examination *e, const struct exchange_session *s)
{
    struct span thumbprint = session_thumbprint(s);
    struct connector_choice *ch = choice_of_session(e, s);
    if (s->direction == EXCHANGE_SENDS || !thumbprint.n)
        return;
    const struct exchange_certificate *listed = examine_certificate(e, thumbprint);
    const struct exchange_certificate *chosen = ch && !ch->explained ? ch->shown.chosen : NULL;
    bool foreign = is_foreign(e, thumbprint),
         other = chosen && !span_ieq(chosen->thumbprint.text, thumbprint);
    if (foreign && (wire_has_expired(e, s) || !s->presented)) {
        struct exchange_finding *f = blame_device(e, examine_absence(e));
        examine_evidence(e, f, s->place,
                         arena_printf(e->arena, "presented: " SPAN_FMT, SPAN_ARG(thumbprint)),
                         SPAN("not among the server's certificates"));
    } else if (other && (listed || foreign)) {
        if (!examine_find(e, "F26", SPAN_NONE))
            blame_old_served(e, s, ch);
    } else if (wire_has_expired(e, s)) {
        blame_expired_wire(e, s);
    } else if (s->presented && s->presented->self_signed) {
        if (!chosen && !(ch && ch->explained))
            blame_self_signed_wire(e, s);
    } else if (s->presented && s->presented_trusted == KNOWN_NO) {
        blame_untrusted_wire(e, s);
    }
}

void examine_wire(struct examination *e)
{
    for (size_t i = 0; i < e->c->session_count; i++)
        examine_session(e, &e->c->sessions[i]);
}
