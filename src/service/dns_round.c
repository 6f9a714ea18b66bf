#include "service/dns_round.h"

#include <stdlib.h>

#include "base/clock.h"
#include "service/dns_round_private.h"

enum {
    TTL_UNKNOWN_S = 300, /* of answers that say none, and of failures */
    TLSA_HEAD = 3,
};

/* ---- answers ---- */

bool dns_round_is_answer(struct dns_round *round, const struct dns_answer *answer, struct span *why)
{
    bool known = answer->status != DNS_FAILED && answer->status != DNS_BOGUS;
    uint32_t ttl_s = known && answer->ttl_s ? answer->ttl_s : TTL_UNKNOWN_S;
    if (ttl_s < round->ttl_s)
        round->ttl_s = ttl_s;
    if (!known)
        *why = arena_copy(&round->arena, answer->why ? span_of(answer->why)
                                         : answer->status == DNS_BOGUS
                                             ? SPAN("DNSSEC validation failed")
                                             : SPAN("the lookup failed"));
    return known;
}

void dns_round_answered(struct dns_round *round)
{
    if (--round->outstanding == 0)
        round->fn(round->context);
}

static void take_tlsa(struct dns_round *round, struct host_fact *fact,
                      const struct dns_answer *answer)
{
    struct tlsa_fact *tlsa = ARENA_ARRAY(&round->arena, struct tlsa_fact, answer->count);
    for (size_t i = 0; i < answer->count; i++) {
        struct span data = answer->records[i].data; /* longer than its head: dns_decode */
        tlsa[i] = (struct tlsa_fact){
            .usage = (uint8_t)data.p[0],
            .selector = (uint8_t)data.p[1],
            .matching = (uint8_t)data.p[2],
            .data = arena_copy(&round->arena, span_skip(data, TLSA_HEAD)),
        };
    }
    fact->tlsa = tlsa;
    fact->tlsa_count = answer->count;
}

static void on_tlsa(void *context, const struct dns_answer *answer)
{
    struct host_lookup *lookup = context;
    struct dns_round *round = lookup->round;
    struct host_fact *fact = &round->hosts[lookup - round->host_lookups];
    bool known = dns_round_is_answer(round, answer, &fact->why);
    fact->known = known ? FACT_KNOWN : FACT_CANNOT_TELL;
    fact->proof = !round->options.validates ? PROOF_NOT_TRIED
                  : answer->secure          ? PROOF_SECURE
                                            : PROOF_INSECURE;
    lookup->known_ms = clock_now_ms();
    if (answer->status == DNS_FOUND)
        take_tlsa(round, fact, answer);
    dns_round_answered(round);
}

static void take_mx(struct dns_round *round, struct domain_fact *fact,
                    const struct dns_answer *answer)
{
    struct span *mx = ARENA_ARRAY(&round->arena, struct span, answer->count);
    bool *taken = ARENA_ARRAY(&round->arena, bool, answer->count);
    for (size_t n = 0; n < answer->count; n++) {
        size_t best = answer->count;
        for (size_t i = 0; i < answer->count; i++)
            if (!taken[i] && (best == answer->count ||
                              answer->records[i].preference < answer->records[best].preference))
                best = i;
        taken[best] = true;
        if (answer->records[best].name.n) /* the root: a null MX, RFC 7505 */
            mx[fact->mx_count++] = arena_copy(&round->arena, answer->records[best].name);
    }
    fact->mx = mx;
}

static void on_mx(void *context, const struct dns_answer *answer)
{
    struct domain_lookup *lookup = context;
    bool known = dns_round_is_answer(lookup->round, answer, &lookup->fact->mx_why);
    lookup->fact->mx_known = known ? FACT_KNOWN : FACT_CANNOT_TELL;
    lookup->mx_known_ms = clock_now_ms();
    if (answer->status == DNS_FOUND)
        take_mx(lookup->round, lookup->fact, answer);
    dns_round_answered(lookup->round);
}

/* ---- the round ---- */

static void ask_host(struct dns_round *round, size_t i)
{
    struct span host = arena_copy(&round->arena, round->options.hosts[i]);
    round->hosts[i].host = host;
    round->host_lookups[i].round = round;
    round->outstanding++;
    resolver_ask(round->options.resolver,
                 arena_printf(&round->arena, "_25._tcp." SPAN_FMT, SPAN_ARG(host)), DNS_TYPE_TLSA,
                 on_tlsa, &round->host_lookups[i]);
}

static void ask_domain(struct dns_round *round, size_t i)
{
    struct domain_lookup *lookup = &round->domain_lookups[i];
    struct span domain = arena_copy(&round->arena, round->options.domains[i]);
    *lookup = (struct domain_lookup){.round = round, .fact = &round->domains[i]};
    lookup->fact->domain = domain;
    round->outstanding++;
    resolver_ask(round->options.resolver, domain, DNS_TYPE_MX, on_mx, lookup);
    dns_round_ask_sts(lookup);
}

static void on_nothing(void *context)
{
    dns_round_answered(context);
}

struct dns_round *dns_round_start(const struct dns_round_options *options, dns_round_fn *fn,
                                  void *context)
{
    struct dns_round *round = calloc(1, sizeof(*round));
    if (!round)
        abort();
    struct arena *arena = &round->arena;
    round->options = *options;
    round->fn = fn;
    round->context = context;
    round->ttl_s = UINT32_MAX;
    round->hosts = ARENA_ARRAY(arena, struct host_fact, options->host_count);
    round->host_lookups = ARENA_ARRAY(arena, struct host_lookup, options->host_count);
    round->domains = ARENA_ARRAY(arena, struct domain_fact, options->domain_count);
    round->domain_lookups = ARENA_ARRAY(arena, struct domain_lookup, options->domain_count);
    round->facts = (struct dns_facts){round->hosts, options->host_count, round->domains,
                                      options->domain_count};
    for (size_t i = 0; i < options->host_count; i++)
        ask_host(round, i);
    for (size_t i = 0; i < options->domain_count; i++)
        ask_domain(round, i);
    if (round->outstanding == 0) {
        round->outstanding = 1;
        loop_post(options->loop, on_nothing, round);
    }
    return round;
}

void dns_round_give_up(struct dns_round *round)
{
    for (size_t i = 0; round && i < round->facts.domain_count; i++)
        fetch_give_up(round->domain_lookups[i].fetch);
}

void dns_round_free(struct dns_round *round)
{
    if (!round)
        return;
    for (size_t i = 0; i < round->facts.domain_count; i++)
        fetch_free(round->domain_lookups[i].fetch);
    arena_done(&round->arena);
    free(round);
}

const struct dns_facts *dns_round_facts(const struct dns_round *round)
{
    return &round->facts;
}

uint32_t dns_round_ttl_s(const struct dns_round *round)
{
    return round->ttl_s == UINT32_MAX ? TTL_UNKNOWN_S : round->ttl_s;
}
