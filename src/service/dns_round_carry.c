/* What an earlier round knew and this one could not find out. */
#include "base/clock.h"
#include "service/dns_round_private.h"

static bool is_recent(int64_t known_ms)
{
    int64_t now_ms = clock_now_ms();
    return known_ms <= now_ms && known_ms > now_ms - DAY_MS;
}

static struct span *copy_names(struct arena *arena, const struct span *names, size_t count)
{
    struct span *copies = ARENA_ARRAY(arena, struct span, count);
    for (size_t i = 0; i < count; i++)
        copies[i] = arena_copy(arena, names[i]);
    return copies;
}

static void carry_host(struct dns_round *round, size_t at, const struct dns_round *before)
{
    struct host_fact *fact = &round->hosts[at];
    for (size_t i = 0; i < before->facts.host_count; i++) {
        const struct host_fact *old = &before->hosts[i];
        int64_t known_ms = before->host_lookups[i].known_ms;
        if (!span_ieq(old->host, fact->host) || old->known != FACT_KNOWN || !is_recent(known_ms))
            continue;
        struct tlsa_fact *tlsa = ARENA_ARRAY(&round->arena, struct tlsa_fact, old->tlsa_count);
        for (size_t j = 0; j < old->tlsa_count; j++) {
            tlsa[j] = old->tlsa[j];
            tlsa[j].data = arena_copy(&round->arena, old->tlsa[j].data);
        }
        fact->known = FACT_KNOWN;
        fact->proof = old->proof;
        fact->tlsa = tlsa;
        fact->tlsa_count = old->tlsa_count;
        round->host_lookups[at].known_ms = known_ms;
    }
}

static void carry_mx(struct domain_lookup *lookup, const struct domain_lookup *before)
{
    const struct domain_fact *old = before->fact;
    if (old->mx_known != FACT_KNOWN || !is_recent(before->mx_known_ms))
        return;
    lookup->fact->mx_known = FACT_KNOWN;
    lookup->fact->mx = copy_names(&lookup->round->arena, old->mx, old->mx_count);
    lookup->fact->mx_count = old->mx_count;
    lookup->mx_known_ms = before->mx_known_ms;
}

static void carry_policy(struct domain_lookup *lookup, const struct domain_lookup *before)
{
    struct arena *arena = &lookup->round->arena;
    const struct domain_fact *old = before->fact;
    if (old->fetched == POLICY_NOT_ASKED || !is_recent(before->sts_known_ms))
        return;
    lookup->fact->fetched = old->fetched;
    lookup->fact->policy_why = arena_copy(arena, old->policy_why);
    lookup->fact->policy = old->policy;
    lookup->fact->policy.mx = copy_names(arena, old->policy.mx, old->policy.mx_count);
    lookup->sts_known_ms = before->sts_known_ms;
}

static void carry_record(struct domain_lookup *lookup, const struct domain_lookup *before)
{
    if (before->fact->sts_known != FACT_KNOWN || !is_recent(before->sts_known_ms))
        return;
    lookup->fact->sts_known = FACT_KNOWN;
    lookup->fact->sts_announced = before->fact->sts_announced;
    lookup->sts_known_ms = before->sts_known_ms;
    carry_policy(lookup, before);
}

void dns_round_carry_over(struct dns_round *round, const struct dns_round *before)
{
    for (size_t i = 0; i < round->facts.host_count; i++)
        if (round->hosts[i].known == FACT_CANNOT_TELL)
            carry_host(round, i, before);
    for (size_t i = 0; i < round->facts.domain_count; i++)
        for (size_t j = 0; j < before->facts.domain_count; j++) {
            struct domain_lookup *lookup = &round->domain_lookups[i];
            const struct domain_lookup *old = &before->domain_lookups[j];
            if (!span_ieq(lookup->fact->domain, old->fact->domain))
                continue;
            if (lookup->fact->mx_known == FACT_CANNOT_TELL)
                carry_mx(lookup, old);
            if (lookup->fact->sts_known == FACT_CANNOT_TELL)
                carry_record(lookup, old);
        }
}
