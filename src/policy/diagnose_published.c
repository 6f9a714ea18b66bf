/* What a receive connector presents against what is published about its name: TLSA (DANE) and
 * MTA-STS. */
#include "cert/tlsa.h"
#include "policy/diagnosis.h"
#include "policy/remedy.h"

/* ---- TLSA ---- */

static const struct host_fact *host_of(const struct diagnosis *d, const struct standing *s)
{
    return dns_facts_faces_mx(s->connector) ? dns_facts_host(d->facts->dns, s->connector->fqdn)
                                            : NULL;
}

static size_t count_usable(const struct host_fact *host, int usage)
{
    size_t count = 0;
    for (size_t i = 0; i < host->tlsa_count; i++)
        if (tlsa_is_usable(host->tlsa[i].usage, host->tlsa[i].selector, host->tlsa[i].matching) &&
            (usage < 0 || host->tlsa[i].usage == usage))
            count++;
    return count;
}

/* "3 1 1, 2 0 1" */
static struct span kinds(struct diagnosis *d, const struct host_fact *host)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = 0; i < host->tlsa_count; i++)
        buf_addf(&out, "%s%u %u %u", i ? ", " : "", host->tlsa[i].usage, host->tlsa[i].selector,
                 host->tlsa[i].matching);
    struct span text = arena_copy(d->arena, buf_span(&out));
    buf_done(&out);
    return text;
}

/* A certificate that the records name and that could be pinned; NULL: there is none. */
static const struct certificate *find_named(const struct diagnosis *d, const struct standing *s,
                                            const struct host_fact *host)
{
    for (size_t i = 0; i < d->facts->state.count; i++) {
        const struct certificate *c = d->facts->state.candidates[i].certificate;
        const struct verdict *v = &s->selection.verdicts[i];
        bool usable = v->reason == VERDICT_LESS_PREFERRED || v->reason == VERDICT_NOT_PINNED;
        if (usable && !v->expired && !standing_tlsa_contradicts(c, host, true))
            return c;
    }
    return NULL;
}

static bool judge_tlsa(struct diagnosis *d, const struct standing *s, struct finding *f)
{
    const struct host_fact *host = host_of(d, s);
    struct span fqdn = s->connector->fqdn;
    if (!s->tlsa_contradicts)
        return false;
    bool secure = host->proof == PROOF_SECURE;
    bool anchors_only = count_usable(host, TLSA_DANE_TA) == count_usable(host, -1);
    const struct certificate *named = find_named(d, s, host);
    f->severity = secure ? FINDING_RED : FINDING_YELLOW;
    if (anchors_only) {
        f->name = SPAN("tlsa-not-in-chain");
        f->event = EVENT_TLSA_NOT_IN_CHAIN;
        f->cause =
            arena_printf(d->arena,
                         "the TLSA records of " SPAN_FMT
                         " name an authority (usage 2) that is not in the chain that is sent",
                         SPAN_ARG(fqdn));
    } else {
        f->cause = arena_printf(
            d->arena, "the TLSA records of " SPAN_FMT " name another certificate", SPAN_ARG(fqdn));
    }
    f->evidence = arena_printf(d->arena, "presented: " SPAN_FMT "; published: " SPAN_FMT,
                               SPAN_ARG(diagnosis_certificate(d, s->selection.chosen)),
                               SPAN_ARG(kinds(d, host)));
    f->consequence = secure ? SPAN("senders that use DANE do not deliver")
                            : SPAN("senders that use DANE do not deliver, if the zone is signed: "
                                   "that is not known here, as answers are not validated "
                                   "(dns.validate)");
    if (named)
        f->remedy = remedy_set(d->arena, s->connector, "pin", span_of(named->thumbprint));
    f->remedy = remedy_join(d->arena, f->remedy,
                            remedy_publish(d->arena, s->connector, s->selection.chosen));
    return true;
}

static bool judge_insecure(struct diagnosis *d, const struct standing *s, struct finding *f)
{
    const struct host_fact *host = host_of(d, s);
    if (!host || host->known != FACT_KNOWN || host->proof != PROOF_INSECURE ||
        count_usable(host, -1) == 0)
        return false;
    f->severity = FINDING_GREEN;
    f->cause = arena_printf(d->arena, "the TLSA records of " SPAN_FMT " are not signed by DNSSEC",
                            SPAN_ARG(host->host));
    f->evidence = arena_printf(d->arena, "published: " SPAN_FMT, SPAN_ARG(kinds(d, host)));
    f->consequence = SPAN("senders pass them over: they neither protect nor stop anything");
    f->remedy = arena_printf(d->arena, "# sign the zone of " SPAN_FMT ", or take them away",
                             SPAN_ARG(host->host));
    return true;
}

/* Whether a certificate that the authority issues next is what some record names already. */
static bool outlives_renewal(const struct certificate *c, const struct host_fact *host,
                             bool keeps_key)
{
    for (size_t i = 0; i < host->tlsa_count; i++) {
        const struct tlsa_fact *t = &host->tlsa[i];
        bool lasts = t->usage == TLSA_DANE_TA ||
                     (t->usage == TLSA_DANE_EE && t->selector == TLSA_KEY && keeps_key);
        if (lasts && tlsa_is_usable(t->usage, t->selector, t->matching) &&
            certificate_matches_tlsa(c, t->usage, t->selector, t->matching, t->data))
            return true;
    }
    return false;
}

static bool is_renewed_here(const struct acme_conf *acme, const struct certificate *c,
                            struct span fqdn)
{
    for (size_t i = 0; acme->directory.n && i < acme->name_count; i++)
        if (span_ieq(acme->names[i], fqdn))
            return !c->self_signed;
    return false;
}

/* Said before the key is made: afterwards the plan can only refuse the renewal. */
static bool judge_renewal(struct diagnosis *d, const struct standing *s, struct finding *f)
{
    const struct acme_conf *acme = &d->facts->state.document->certificates.acme;
    const struct certificate *chosen = s->selection.chosen;
    const struct host_fact *host = host_of(d, s);
    if (!chosen || !dns_facts_tlsa_binds(host) || s->tlsa_contradicts ||
        !is_renewed_here(acme, chosen, s->connector->fqdn) ||
        outlives_renewal(chosen, host, acme->reuse_key))
        return false;
    f->cause =
        acme->reuse_key
            ? arena_printf(d->arena,
                           "the TLSA records of " SPAN_FMT
                           " name the certificate itself, which every renewal replaces",
                           SPAN_ARG(host->host))
            : arena_printf(d->arena,
                           "the next renewal makes a new key, and the TLSA records of " SPAN_FMT
                           " name the present one only",
                           SPAN_ARG(host->host));
    f->evidence = arena_printf(d->arena, "published: " SPAN_FMT "; certificates.acme.reuse-key: %s",
                               SPAN_ARG(kinds(d, host)), acme->reuse_key ? "true" : "false");
    f->consequence = SPAN("the renewed certificate will be refused, and the present one serves "
                          "until it expires");
    if (!outlives_renewal(chosen, host, true)) /* the key is not what they name */
        f->remedy = remedy_publish(d->arena, s->connector, chosen);
    if (!acme->reuse_key)
        f->remedy = remedy_join(d->arena,
                                SPAN("# in the document: certificates: {acme: {reuse-key: true}}"),
                                f->remedy);
    return true;
}

/* ---- MTA-STS ---- */

static bool judge_sts(struct diagnosis *d, const struct standing *s, struct finding *f)
{
    if (!s->sts_fault)
        return false;
    f->severity = s->enforced ? FINDING_RED : FINDING_YELLOW;
    f->cause = arena_printf(
        d->arena,
        "the MTA-STS policy of " SPAN_FMT " promises a certificate for " SPAN_FMT
        " that everybody can verify, but %s",
        SPAN_ARG(standing_promises(d->arena, s)), SPAN_ARG(s->connector->fqdn), s->sts_fault);
    f->evidence =
        arena_printf(d->arena, "mode %s; presented: " SPAN_FMT, s->enforced ? "enforce" : "testing",
                     SPAN_ARG(s->selection.chosen ? diagnosis_certificate(d, s->selection.chosen)
                                                  : SPAN("nothing")));
    f->consequence =
        s->enforced ? SPAN("senders with MTA-STS do not deliver here")
                    : SPAN("senders with MTA-STS report failures; in mode enforce they would not "
                           "deliver");
    f->remedy = remedy_promise(d->arena, s);
    return true;
}

const struct connector_rule diagnose_published_rules[] = {
    {"", "tlsa-mismatch", EVENT_TLSA_MISMATCH, judge_tlsa},
    {"", "tlsa-insecure", EVENT_TLSA_INSECURE, judge_insecure},
    {"", "tlsa-renewal", EVENT_TLSA_RENEWAL, judge_renewal},
    {"", "mta-sts-certificate", EVENT_STS_CERTIFICATE, judge_sts},
    {0},
};
