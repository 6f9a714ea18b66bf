#include "policy/dns_facts.h"

#include "base/buf.h"
#include "base/encode.h"
#include "cert/tlsa.h"

bool dns_facts_faces_mx(const struct receive_connector *connector)
{
    enum { PORT_SUBMISSIONS = 465, PORT_SUBMISSION = 587 };
    if (!connector->enabled || connector->tls == RECEIVE_TLS_IMPLICIT)
        return false;
    for (size_t i = 0; i < connector->bind_count; i++)
        if (connector->bind[i].port != PORT_SUBMISSION &&
            connector->bind[i].port != PORT_SUBMISSIONS)
            return true;
    return false;
}

const struct host_fact *dns_facts_host(const struct dns_facts *facts, struct span host)
{
    for (size_t i = 0; facts && i < facts->host_count; i++)
        if (span_ieq(facts->hosts[i].host, host))
            return &facts->hosts[i];
    return NULL;
}

bool dns_facts_tlsa_binds(const struct host_fact *host)
{
    if (!host || host->known != FACT_KNOWN || host->proof == PROOF_INSECURE)
        return false;
    for (size_t i = 0; i < host->tlsa_count; i++)
        if (tlsa_is_usable(host->tlsa[i].usage, host->tlsa[i].selector, host->tlsa[i].matching))
            return true;
    return false;
}

static bool holds(const struct span *names, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++)
        if (span_ieq(names[i], name))
            return true;
    return false;
}

bool dns_facts_promises(const struct domain_fact *domain, struct span host)
{
    if (domain->fetched != POLICY_FETCHED || domain->policy.mode == MTA_STS_NONE)
        return false;
    /* A wildcard of the policy alone sends nothing anywhere. */
    if (domain->mx_known != FACT_KNOWN)
        return holds(domain->policy.mx, domain->policy.mx_count, host);
    return holds(domain->mx, domain->mx_count, host) && mta_sts_lists(&domain->policy, host);
}

/* ---- a new key ---- */

static bool names_key(const struct tlsa_fact *tlsa, struct span spki)
{
    enum { MATCHING_SHA256 = 1 };
    struct buf hex = BUF_INIT(BUF_UNLIMITED);
    encode_hex(&hex, tlsa->data);
    bool same = tlsa->usage == TLSA_DANE_EE && tlsa->selector == TLSA_KEY &&
                tlsa->matching == MATCHING_SHA256 && span_ieq(buf_span(&hex), spki);
    buf_done(&hex);
    return same;
}

static bool misses_key(const struct host_fact *host, struct span spki)
{
    if (!dns_facts_tlsa_binds(host))
        return false;
    for (size_t i = 0; i < host->tlsa_count; i++)
        if (host->tlsa[i].usage == TLSA_DANE_TA || names_key(&host->tlsa[i], spki))
            return false;
    return true;
}

static bool is_named(struct span host, const struct span *names, size_t count)
{
    size_t dot = span_find(host, '.');
    for (size_t i = 0; i < count; i++) {
        bool wildcard = span_starts(names[i], SPAN("*."));
        if (wildcard ? span_ieq(span_skip(host, dot), span_skip(names[i], 1))
                     : span_ieq(host, names[i]))
            return true;
    }
    return false;
}

struct span dns_facts_publish_first(struct arena *arena, const struct dns_facts *facts,
                                    const struct span *names, size_t name_count, struct span spki)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = 0; facts && i < facts->host_count; i++)
        if (is_named(facts->hosts[i].host, names, name_count) && misses_key(&facts->hosts[i], spki))
            buf_addf(&out, "%s_25._tcp." SPAN_FMT ". IN TLSA 3 1 1 " SPAN_FMT, out.n ? "\n" : "",
                     SPAN_ARG(facts->hosts[i].host), SPAN_ARG(spki));
    struct span text = out.n ? arena_copy(arena, buf_span(&out)) : SPAN_NONE;
    buf_done(&out);
    return text;
}
