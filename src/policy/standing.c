#include "policy/standing.h"

#include <assert.h>

#include "base/clock.h"
#include "cert/chain.h"
#include "cert/tlsa.h"
#include "policy/diagnose.h"

bool standing_tlsa_contradicts(const struct certificate *c, const struct host_fact *host,
                               bool verifies)
{
    if (!dns_facts_tlsa_binds(host))
        return false;
    for (size_t i = 0; i < host->tlsa_count; i++) {
        const struct tlsa_fact *t = &host->tlsa[i];
        /* RFC 7672 section 3.1: DANE-EE asks neither for the name nor for the dates. */
        bool counts = tlsa_is_usable(t->usage, t->selector, t->matching) &&
                      (t->usage == TLSA_DANE_EE || verifies);
        if (counts && certificate_matches_tlsa(c, t->usage, t->selector, t->matching, t->data))
            return false;
    }
    return true;
}

static bool selection_contradicts(const struct standing *s, const struct host_fact *host)
{
    const struct selection *x = &s->selection;
    const struct certificate *presented[] = {x->chosen, x->other_type};
    bool verifies = x->name_covered && !x->expired;
    for (size_t i = 0; i < COUNT_OF(presented); i++)
        if (presented[i] && standing_tlsa_contradicts(presented[i], host, verifies))
            return true;
    return false;
}

/* ---- MTA-STS ---- */

/* The chain of what is presented; with two kinds of keys, the one that is trusted less. */
static enum chain_state weakest_chain(const struct standing *s, const struct plan_state *state)
{
    for (size_t i = 0; s->selection.other_type && i < state->count; i++)
        if (state->candidates[i].certificate == s->selection.other_type &&
            state->candidates[i].chain != CHAIN_TRUSTED)
            return state->candidates[i].chain;
    return s->chain;
}

/* RFC 8461 section 4.2: the name, the dates, and a chain to a root that senders have. */
static const char *find_sts_fault(const struct standing *s, const struct plan_state *state)
{
    if (!s->offers_tls)
        return "STARTTLS is not offered";
    if (!s->selection.name_covered)
        return "the certificate does not cover the name";
    if (s->selection.expired)
        return "the certificate has expired";
    switch (weakest_chain(s, state)) {
    case CHAIN_TRUSTED: return NULL;
    case CHAIN_SELF_SIGNED: return "the certificate is self-signed";
    case CHAIN_PRIVATE: return "the certificate comes from an authority that others do not trust";
    case CHAIN_INCOMPLETE: return "the chain of the certificate is incomplete";
    }
    assert(!"a chain without a state");
    return NULL;
}

static void judge_promises(struct standing *s, struct arena *arena, const struct plan_state *state,
                           const struct dns_facts *dns)
{
    if (!dns || !dns_facts_faces_mx(s->connector))
        return;
    s->promises = ARENA_ARRAY(arena, const struct domain_fact *, dns->domain_count);
    for (size_t i = 0; i < dns->domain_count; i++)
        if (dns_facts_promises(&dns->domains[i], s->connector->fqdn)) {
            s->promises[s->promise_count++] = &dns->domains[i];
            s->enforced = s->enforced || dns->domains[i].policy.mode == MTA_STS_ENFORCE;
        }
    if (s->promise_count)
        s->sts_fault = find_sts_fault(s, state);
}

struct span standing_promises(struct arena *arena, const struct standing *s)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = 0; i < s->promise_count; i++)
        buf_addf(&out, "%s" SPAN_FMT, i ? ", " : "", SPAN_ARG(s->promises[i]->domain));
    struct span text = out.n ? arena_copy(arena, buf_span(&out)) : SPAN_NONE;
    buf_done(&out);
    return text;
}

/* ---- the whole ---- */

static void judge_service(struct standing *s)
{
    const struct receive_connector *c = s->connector;
    s->offers_tls =
        s->selection.chosen && (s->selection.name_covered || c->on_mismatch == MISMATCH_OFFER);
    s->takes_mail =
        s->offers_tls || (c->tls == RECEIVE_TLS_OFFERED && c->on_mismatch != MISMATCH_REFUSE);
}

static void judge_selection(struct standing *s, struct arena *arena, const struct plan_state *state,
                            int64_t now_ms)
{
    s->selection = plan_select(arena, state, s->connector, now_ms);
    judge_service(s);
    if (!s->selection.chosen)
        return;
    while (state->candidates[s->chosen].certificate != s->selection.chosen)
        s->chosen++;
    s->chain = state->candidates[s->chosen].chain;
    diagnose_expires_soon(s->selection.chosen, now_ms, &s->expiry);
}

struct standing standing_of(struct arena *arena, const struct plan_state *state,
                            const struct receive_connector *connector, int64_t now_ms,
                            const struct dns_facts *dns)
{
    struct standing s = {.connector = connector};
    if (!connector)
        return s;
    s.presents = connector->enabled && connector->tls != RECEIVE_TLS_OFF;
    s.takes_mail = connector->enabled;
    if (s.presents)
        judge_selection(&s, arena, state, now_ms);
    if (dns_facts_faces_mx(connector)) {
        const struct host_fact *host = dns_facts_host(dns, connector->fqdn);
        s.tlsa_binds = dns_facts_tlsa_binds(host);
        s.tlsa_contradicts = selection_contradicts(&s, host);
    }
    judge_promises(&s, arena, state, dns);
    return s;
}

int standing_trust_rank(enum chain_state chain)
{
    static const int ranks[] = {
        [CHAIN_TRUSTED] = 0, [CHAIN_PRIVATE] = 1, [CHAIN_INCOMPLETE] = 2, [CHAIN_SELF_SIGNED] = 3};
    return ranks[chain];
}

void standing_add_time(struct buf *out, int64_t ms, int64_t now_ms)
{
    int64_t left = ms > now_ms ? ms - now_ms : now_ms - ms;
    bool days = left >= 2 * DAY_MS;
    long long n = (long long)(left / (days ? DAY_MS : HOUR_MS));
    buf_addf(out, "%s%lld %s%s%s", ms > now_ms ? "in " : "", n, days ? "day" : "hour",
             n == 1 ? "" : "s", ms > now_ms ? "" : " ago");
}

static void add_validity(struct buf *out, const struct standing *s, int64_t now_ms)
{
    const struct selection *x = &s->selection;
    if (!x->expired && s->expiry == 0) {
        buf_add_text(out, "valid");
        return;
    }
    buf_add_text(out, x->expired ? "expired " : "expires ");
    standing_add_time(out, x->chosen->not_after_ms, now_ms);
}

static void add_quality(struct buf *out, const struct standing *s)
{
    const struct selection *x = &s->selection;
    enum name_match match = x->verdicts[s->chosen].match;
    buf_add_text(out, !x->name_covered      ? ", name not covered"
                      : match == NAME_EXACT ? ", exact"
                                            : ", wildcard");
    if (s->chain != CHAIN_TRUSTED)
        buf_addf(out, ", %s%s", s->chain == CHAIN_INCOMPLETE ? "chain " : "",
                 chain_state_text(s->chain));
    if (x->pin == PIN_HELD || x->pin == PIN_FELL_BACK)
        buf_add_text(out, x->pin == PIN_HELD ? ", pinned" : ", not the pinned one");
    if (s->tlsa_contradicts)
        buf_add_text(out, ", against the TLSA records");
    if (s->sts_fault && s->enforced)
        buf_add_text(out, ", against the MTA-STS policy");
}

struct span standing_text(struct arena *arena, const struct standing *s, int64_t now_ms,
                          bool with_key_types)
{
    if (!s->connector)
        return SPAN("not there");
    if (!s->connector->enabled)
        return SPAN("disabled");
    if (!s->presents)
        return SPAN("no TLS");
    if (!s->selection.chosen)
        return s->selection.pin == PIN_BROKEN ? SPAN("nothing: the strict pin names none")
                                              : SPAN("nothing usable");
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    add_validity(&out, s, now_ms);
    add_quality(&out, s);
    if (with_key_types) {
        buf_addf(&out, ", " SPAN_FMT, SPAN_ARG(s->selection.chosen->key_type));
        if (s->selection.other_type)
            buf_addf(&out, " and " SPAN_FMT, SPAN_ARG(s->selection.other_type->key_type));
    }
    struct span text = arena_copy(arena, buf_span(&out));
    buf_done(&out);
    return text;
}
