#include "policy/diagnose_exchange.h"

#include "policy/exchange_examine.h"

/* In this order: what proves itself from the server's state comes before the symptoms that it
 * explains. Among findings of one weight this is also the order in which they are told. */
static examine_rule *const rules[] = {
    examine_f31_missing_on_server,
    examine_f05_internal_expired,
    examine_f06_starttls_expired,
    examine_connectors,
    examine_f12_key_missing,
    examine_f04_internal_missing,
    examine_lost_inserts,
    examine_f10_public_internal,
    examine_f13_untrusted_chosen,
    examine_f15_reply,
    examine_f25_port,
    examine_f34_binding,
    examine_f35_other_connector,
    examine_f28_stripped,
    examine_wire,
    examine_self_signed_chosen,
    examine_bounces,
    examine_not_offered,
    examine_f21_capability,
    examine_f19_pair_length,
    examine_f24_cng,
    examine_f30_weak,
    examine_f22_require_tls,
    examine_f06_listed_expired,
    examine_f14_root_store,
    examine_f23_revocation,
    examine_f08_tagged,
    examine_f09_internal_removal,
    examine_f07_fqdn_refused,
    examine_f32_short_pairs,
    examine_f27_wildcard,
    examine_f38_test,
    examine_cmdlet_errors,
    examine_mended,
};

/* ---- what is still unknown ---- */

static void ask_about_certificates(struct examination *e)
{
    bool services = false, key = false, names = false, dates = false, thumbprint = false;
    for (size_t i = 0; i < e->c->certificate_count; i++) {
        const struct exchange_certificate *c = &e->c->certificates[i];
        if (c->from_wire)
            continue;
        services |= c->services_known != KNOWN_YES;
        key |= c->has_private_key == CANNOT_TELL;
        names |= !c->domains.printed || c->domains.truncated;
        dates |= !c->not_after.printed || c->not_after.ambiguous;
        thumbprint |= !c->thumbprint_whole;
    }
    if (services || key || thumbprint)
        examine_ask(
            e, SPAN("services, private key or thumbprint of some certificates"),
            SPAN("Get-ExchangeCertificate | FL Thumbprint,Subject,Services,HasPrivateKey,Status"));
    if (names)
        examine_ask(e, SPAN("all names of some certificates"),
                    SPAN("$FormatEnumerationLimit = -1; Get-ExchangeCertificate | FL "
                         "Thumbprint,CertificateDomains"));
    if (dates)
        examine_ask(
            e,
            SPAN("when some certificates expire: the printed dates can be read in two ways, or are "
                 "missing"),
            SPAN("Get-ExchangeCertificate | FL "
                 "Thumbprint,@{n='NotBefore';e={$_.NotBefore.ToString('o')}},"
                 "@{n='NotAfter';e={$_.NotAfter.ToString('o')}}"));
}

static void ask_about_connectors(struct examination *e)
{
    for (size_t i = 0; i < e->choice_count; i++) {
        const struct exchange_connector *k = e->choices[i].shown.connector;
        if (!k->sends && !e->choices[i].event &&
            (k->enabled == CANNOT_TELL || !k->fqdn.printed || !k->tls_certificate_name.printed ||
             !k->auth_mechanism.printed))
            examine_ask(
                e,
                SPAN("whether some Receive connectors are enabled, and by what name they choose "
                     "their certificate"),
                SPAN("Get-ReceiveConnector | FL "
                     "Identity,Enabled,Fqdn,TlsCertificateName,AuthMechanism"));
        if (!k->fqdn.text.n && k->fqdn.printed && !k->sends && !e->choices[i].has_pair &&
            e->choices[i].state == CHOICE_UNKNOWN)
            examine_ask(e, SPAN("the server's own name, which a connector without Fqdn goes by"),
                        SPAN("Get-ExchangeServer | FL Name,Fqdn"));
    }
}

static void ask_for_missing(struct examination *e)
{
    bool server_matters = e->c->event_count || e->c->connector_count || e->c->certificate_count;
    if (!e->c->certificates_listed && server_matters)
        examine_ask(e, SPAN("the certificates of the server"),
                    SPAN("Get-ExchangeCertificate | FL *"));
    if (!e->c->receive_connectors_listed && server_matters)
        examine_ask(e, SPAN("the Receive connectors"), SPAN("Get-ReceiveConnector | FL *"));
    if (!e->c->server_count && e->c->certificates_listed)
        examine_ask(e, SPAN("which certificate is the internal transport certificate"),
                    SPAN("Get-TransportService | FL Name,InternalTransportCertificateThumbprint"));
    if (e->c->certificates_cut)
        examine_ask(e, SPAN("whether the listing of certificates goes on where the input ends"),
                    SPAN("Get-ExchangeCertificate | FL *"));
    ask_about_certificates(e);
    ask_about_connectors(e);
}

/* ---- order, and the short form ---- */

static int weight(const struct exchange_finding *f)
{
    return (int)f->finding.severity * 4 + (int)f->certainty;
}

/* Stable: equals stay in the order of the rules. */
static void sort_findings(struct examination *e)
{
    for (size_t i = 1; i < e->count; i++) {
        struct exchange_finding moved = e->findings[i];
        size_t at = i;
        for (; at > 0 && weight(&e->findings[at - 1]) < weight(&moved); at--)
            e->findings[at] = e->findings[at - 1];
        e->findings[at] = moved;
    }
}

static void join(struct examination *e, struct exchange_finding *f)
{
    struct buf evidence = BUF_INIT(BUF_UNLIMITED), remedy = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = 0; i < f->evidence_count; i++)
        buf_addf(&evidence, "%s" SPAN_FMT " (" SPAN_FMT ":%u)", i ? "; " : "",
                 SPAN_ARG(f->evidence[i].quote), SPAN_ARG(f->evidence[i].place.file),
                 f->evidence[i].place.line);
    for (size_t i = 0; i < f->step_count; i++)
        buf_addf(&remedy, "%s" SPAN_FMT, i ? "\n" : "", SPAN_ARG(f->steps[i].command));
    f->finding.evidence = arena_copy(e->arena, buf_span(&evidence));
    f->finding.remedy = arena_copy(e->arena, buf_span(&remedy));
    buf_done(&evidence);
    buf_done(&remedy);
}

struct exchange_diagnosis diagnose_exchange(struct arena *arena, const struct exchange_case *c,
                                            int64_t now_ms)
{
    struct examination e = {.arena = arena, .c = c, .now_ms = now_ms};
    examine_choices(&e);
    for (size_t i = 0; i < COUNT_OF(rules); i++)
        rules[i](&e);
    ask_for_missing(&e);
    sort_findings(&e);
    struct exchange_diagnosis d = {.findings = e.findings,
                                   .count = e.count,
                                   .questions = e.questions,
                                   .question_count = e.question_count,
                                   .choices =
                                       ARENA_ARRAY(arena, struct exchange_choice, e.choice_count),
                                   .choice_count = e.choice_count};
    for (size_t i = 0; i < e.count; i++)
        join(&e, &e.findings[i]);
    for (size_t i = 0; i < e.choice_count; i++)
        d.choices[i] = e.choices[i].shown;
    return d;
}
