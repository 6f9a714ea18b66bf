/* What is published about the domains: MX and MTA-STS against what listens here, and what could not
 * be looked up. */
#include "policy/diagnosis.h"
#include "policy/remedy.h"

static struct span subject_of(struct diagnosis *d, const struct domain_fact *fact)
{
    return arena_printf(d->arena, "domain " SPAN_FMT, SPAN_ARG(fact->domain));
}

static struct span join_names(struct diagnosis *d, const struct span *names, size_t count)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = 0; i < count; i++)
        buf_addf(&out, "%s" SPAN_FMT, i ? ", " : "", SPAN_ARG(names[i]));
    struct span text = out.n ? arena_copy(d->arena, buf_span(&out)) : SPAN("none");
    buf_done(&out);
    return text;
}

/* ---- MX ---- */

/* The listener that the MX host is, by its name; NULL: it may be another server, or one here under
 * another name. */
static const struct standing *find_own(const struct diagnosis *d, struct span host)
{
    for (size_t i = 0; i < d->standing_count; i++) {
        const struct receive_connector *c = d->standings[i].connector;
        if (dns_facts_faces_mx(c) && span_ieq(c->fqdn, host))
            return &d->standings[i];
    }
    return NULL;
}

/* Whether a listener presents a certificate for the host. */
static bool is_served(const struct diagnosis *d, struct span host)
{
    for (size_t i = 0; i < d->standing_count; i++) {
        const struct certificate *c = d->standings[i].selection.chosen;
        if (c && d->standings[i].offers_tls && certificate_covers(c, host) != NAME_NO_MATCH)
            return true;
    }
    return false;
}

static void report_not_covered(struct diagnosis *d, const struct domain_fact *fact,
                               const struct standing *s)
{
    findings_add(
        d->findings,
        &(struct finding){
            .event = EVENT_MX_NOT_COVERED,
            .name = SPAN("mx-not-covered"),
            .severity = FINDING_YELLOW,
            .subject = subject_of(d, fact),
            .cause = arena_printf(d->arena,
                                  "the MX " SPAN_FMT " is receive connector " SPAN_FMT
                                  ", which presents no certificate for that name",
                                  SPAN_ARG(s->connector->fqdn), SPAN_ARG(s->connector->name)),
            .evidence = arena_printf(d->arena, "MX: " SPAN_FMT,
                                     SPAN_ARG(join_names(d, fact->mx, fact->mx_count))),
            .consequence = SPAN("peers that verify the MX name (MTA-STS, DANE-TA, partners) do not "
                                "deliver, unless another host takes this mail first"),
            .remedy = remedy_cover(d->arena, s->selection.chosen, s->connector->fqdn),
        });
}

static void report_elsewhere(struct diagnosis *d, const struct domain_fact *fact)
{
    findings_add(
        d->findings,
        &(struct finding){
            .event = EVENT_MX_ELSEWHERE,
            .name = SPAN("mx-elsewhere"),
            .severity = FINDING_GREEN,
            .subject = subject_of(d, fact),
            .cause = SPAN("no MX of the domain is the fqdn of a receive connector, or on a "
                          "certificate that is presented"),
            .evidence = arena_printf(d->arena, "MX: " SPAN_FMT,
                                     SPAN_ARG(join_names(d, fact->mx, fact->mx_count))),
            .consequence = SPAN("fine where another server takes this mail first; where it is this "
                                "one, peers that verify its name do not deliver"),
            .remedy = arena_printf(d->arena,
                                   "# if it is this server: sealpost receive-connector set NAME "
                                   "fqdn=" SPAN_FMT,
                                   SPAN_ARG(fact->mx[0])),
        });
}

static void judge_mx(struct diagnosis *d, const struct domain_fact *fact)
{
    bool known_here = fact->mx_count == 0 || d->standing_count == 0;
    for (size_t i = 0; i < fact->mx_count; i++) {
        const struct standing *own = find_own(d, fact->mx[i]);
        known_here = known_here || own || is_served(d, fact->mx[i]);
        if (own && own->presents && !own->selection.name_covered)
            report_not_covered(d, fact, own);
    }
    if (!known_here)
        report_elsewhere(d, fact);
}

/* ---- MTA-STS ---- */

static void judge_listed(struct diagnosis *d, const struct domain_fact *fact)
{
    struct span *missing = ARENA_ARRAY(d->arena, struct span, fact->mx_count);
    size_t count = 0;
    bool enforced = fact->policy.mode == MTA_STS_ENFORCE;
    for (size_t i = 0; i < fact->mx_count; i++)
        if (!mta_sts_lists(&fact->policy, fact->mx[i]))
            missing[count++] = fact->mx[i];
    if (count == 0)
        return;
    struct span names = join_names(d, missing, count);
    findings_add(
        d->findings,
        &(struct finding){
            .event = EVENT_STS_MX_NOT_LISTED,
            .name = SPAN("mta-sts-mx-not-listed"),
            .severity = enforced ? FINDING_RED : FINDING_YELLOW,
            .subject = subject_of(d, fact),
            .cause = arena_printf(d->arena, "the MTA-STS policy does not list the MX " SPAN_FMT,
                                  SPAN_ARG(names)),
            .evidence =
                arena_printf(d->arena, "mode %s; mx of the policy: " SPAN_FMT,
                             mta_sts_mode_name(fact->policy.mode),
                             SPAN_ARG(join_names(d, fact->policy.mx, fact->policy.mx_count))),
            .consequence = enforced ? SPAN("senders with MTA-STS do not deliver there")
                                    : SPAN("senders with MTA-STS report failures; in mode enforce "
                                           "they would not deliver there"),
            .remedy = remedy_policy(d->arena, fact->domain,
                                    arena_text(d->arena, arena_printf(d->arena, "mx: " SPAN_FMT,
                                                                      SPAN_ARG(missing[0])))),
        });
}

static const struct {
    enum policy_fetch fetched;
    const char *name, *cause;
} policy_faults[] = {
    {POLICY_ABSENT, "mta-sts-policy-missing", "MTA-STS is announced, but there is no policy"},
    {POLICY_UNREACHABLE, "mta-sts-policy-unreachable",
     "MTA-STS is announced, but the policy cannot be fetched"},
    {POLICY_UNTRUSTED, "mta-sts-policy-untrusted",
     "the certificate of the host with the MTA-STS policy does not verify"},
    {POLICY_MALFORMED, "mta-sts-policy-malformed", "the MTA-STS policy is malformed"},
};

static void judge_policy(struct diagnosis *d, const struct domain_fact *fact)
{
    for (size_t i = 0; i < COUNT_OF(policy_faults); i++)
        if (policy_faults[i].fetched == fact->fetched)
            findings_add(
                d->findings,
                &(struct finding){
                    .event = EVENT_STS_POLICY,
                    .name = span_of(policy_faults[i].name),
                    .severity = FINDING_YELLOW,
                    .subject = subject_of(d, fact),
                    .cause = span_of(policy_faults[i].cause),
                    .evidence = fact->policy_why.n ? fact->policy_why : fact->domain,
                    .consequence = SPAN("senders that know an earlier policy go by it until it "
                                        "ends; for all others there is none"),
                    .remedy = arena_printf(
                        d->arena, "curl -v https://mta-sts." SPAN_FMT "/.well-known/mta-sts.txt",
                        SPAN_ARG(fact->domain)),
                });
}

/* ---- what cannot be told ---- */

static void report_failed(struct diagnosis *d, struct span subject, const char *cause,
                          struct span why, struct span question)
{
    findings_add(d->findings,
                 &(struct finding){
                     .event = EVENT_DNS_FAILED,
                     .name = SPAN("dns-failed"),
                     .severity = FINDING_YELLOW,
                     .subject = subject,
                     .cause = span_of(cause),
                     .evidence = why.n ? why : question,
                     .consequence = SPAN("whether the certificates fit them is not known"),
                     .remedy = arena_printf(d->arena, "dig " SPAN_FMT, SPAN_ARG(question)),
                 });
}

static void judge_domain(struct diagnosis *d, const struct domain_fact *fact)
{
    if (fact->mx_known == FACT_KNOWN)
        judge_mx(d, fact);
    if (fact->mx_known == FACT_CANNOT_TELL)
        report_failed(d, subject_of(d, fact), "its MX records could not be looked up", fact->mx_why,
                      arena_printf(d->arena, "MX " SPAN_FMT, SPAN_ARG(fact->domain)));
    if (fact->sts_known == FACT_CANNOT_TELL)
        report_failed(d, subject_of(d, fact), "its MTA-STS records could not be looked up",
                      fact->sts_why,
                      arena_printf(d->arena, "TXT _mta-sts." SPAN_FMT, SPAN_ARG(fact->domain)));
    if (fact->mx_known == FACT_KNOWN && fact->fetched == POLICY_FETCHED &&
        fact->policy.mode != MTA_STS_NONE)
        judge_listed(d, fact);
    judge_policy(d, fact);
}

void diagnose_dns(struct diagnosis *d)
{
    const struct dns_facts *dns = d->facts->dns;
    for (size_t i = 0; dns && i < dns->host_count; i++)
        if (dns->hosts[i].known == FACT_CANNOT_TELL)
            report_failed(
                d, arena_printf(d->arena, "name " SPAN_FMT, SPAN_ARG(dns->hosts[i].host)),
                "its TLSA records could not be looked up", dns->hosts[i].why,
                arena_printf(d->arena, "TLSA _25._tcp." SPAN_FMT, SPAN_ARG(dns->hosts[i].host)));
    for (size_t i = 0; dns && i < dns->domain_count; i++)
        judge_domain(d, &dns->domains[i]);
}
