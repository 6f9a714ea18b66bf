#include "policy/dns_facts.h"

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
