#include "present/published_json.h"

#include "base/buf.h"
#include "present/json.h"

static void set_known(json_t *value, enum fact_known known, struct span why)
{
    static const char *const names[] = {"not-asked", "cannot-tell", "yes"};
    present_set(value, "known", json_string(names[known]));
    if (known == FACT_CANNOT_TELL)
        present_set(value, "why", present_text(why));
}

static json_t *tlsa_to_json(const struct tlsa_fact *tlsa)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    buf_addf(&text, "%u %u %u ", tlsa->usage, tlsa->selector, tlsa->matching);
    for (size_t i = 0; i < tlsa->data.n; i++)
        buf_addf(&text, "%02x", (unsigned char)tlsa->data.p[i]);
    json_t *value = present_text(buf_span(&text));
    buf_done(&text);
    return value;
}

static json_t *host_to_json(const struct host_fact *host)
{
    static const char *const proofs[] = {"not-tried", "insecure", "secure"};
    json_t *value = json_object(), *tlsa = json_array();
    present_set(value, "fqdn", present_text(host->host));
    set_known(value, host->known, host->why);
    for (size_t i = 0; i < host->tlsa_count; i++)
        present_push(tlsa, tlsa_to_json(&host->tlsa[i]));
    if (host->known == FACT_KNOWN) {
        present_set(value, "dnssec", json_string(proofs[host->proof]));
        present_set(value, "tlsa", tlsa);
    } else {
        json_decref(tlsa);
    }
    return value;
}

static json_t *sts_to_json(const struct domain_fact *domain)
{
    static const char *const fetched[] = {"not-asked",   "fetched",   "missing",
                                          "unreachable", "untrusted", "malformed"};
    json_t *value = json_object();
    set_known(value, domain->sts_known, domain->sts_why);
    if (domain->sts_known != FACT_KNOWN)
        return value;
    present_set(value, "announced", json_boolean(domain->sts_announced));
    present_set(value, "policy", json_string(fetched[domain->fetched]));
    if (domain->fetched == POLICY_FETCHED) {
        present_set(value, "mode", json_string(mta_sts_mode_name(domain->policy.mode)));
        present_set(value, "mx", present_texts(domain->policy.mx, domain->policy.mx_count));
    } else if (domain->policy_why.n) {
        present_set(value, "why", present_text(domain->policy_why));
    }
    return value;
}

static json_t *domain_to_json(const struct domain_fact *domain)
{
    json_t *value = json_object(), *mx = json_object();
    present_set(value, "domain", present_text(domain->domain));
    set_known(mx, domain->mx_known, domain->mx_why);
    if (domain->mx_known == FACT_KNOWN)
        present_set(mx, "hosts", present_texts(domain->mx, domain->mx_count));
    present_set(value, "mx", mx);
    present_set(value, "mta-sts", sts_to_json(domain));
    return value;
}

json_t *published_to_json(const struct dns_facts *facts)
{
    if (!facts)
        return json_null();
    json_t *value = json_object(), *hosts = json_array(), *domains = json_array();
    for (size_t i = 0; i < facts->host_count; i++)
        present_push(hosts, host_to_json(&facts->hosts[i]));
    for (size_t i = 0; i < facts->domain_count; i++)
        present_push(domains, domain_to_json(&facts->domains[i]));
    present_set(value, "fqdns", hosts);
    present_set(value, "domains", domains);
    return value;
}
