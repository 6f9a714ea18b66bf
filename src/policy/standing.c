#include "policy/standing.h"

#include "base/clock.h"
#include "cert/chain.h"
#include "cert/tlsa.h"
#include "policy/diagnose.h"

bool standing_tlsa_contradicts(const struct certificate *c, struct span host, bool verifies,
                               const struct plan_tlsa *tlsa, size_t count)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        const struct plan_tlsa *t = &tlsa[i];
        if (!span_ieq(t->host, host) || !tlsa_is_usable(t->usage, t->selector, t->matching))
            continue;
        any = true;
        /* RFC 7672 section 3.1: DANE-EE asks neither for the name nor for the dates. */
        bool counts = t->usage == TLSA_DANE_EE || verifies;
        if (counts && certificate_matches_tlsa(c, t->usage, t->selector, t->matching, t->data))
            return false;
    }
    return any;
}

static bool selection_contradicts(const struct standing *s, const struct plan_tlsa *tlsa,
                                  size_t count)
{
    const struct selection *x = &s->selection;
    const struct certificate *presented[] = {x->chosen, x->other_type};
    bool verifies = x->name_covered && !x->expired;
    for (size_t i = 0; i < COUNT_OF(presented); i++)
        if (presented[i] &&
            standing_tlsa_contradicts(presented[i], s->connector->fqdn, verifies, tlsa, count))
            return true;
    return false;
}

static void judge_service(struct standing *s)
{
    const struct receive_connector *c = s->connector;
    s->offers_tls =
        s->selection.chosen && (s->selection.name_covered || c->on_mismatch == MISMATCH_OFFER);
    s->takes_mail =
        s->offers_tls || (c->tls == RECEIVE_TLS_OFFERED && c->on_mismatch != MISMATCH_REFUSE);
}

struct standing standing_of(struct arena *arena, const struct plan_state *state,
                            const struct receive_connector *connector, int64_t now_ms,
                            const struct plan_tlsa *tlsa, size_t tlsa_count)
{
    struct standing s = {.connector = connector};
    if (!connector)
        return s;
    s.presents = connector->enabled && connector->tls != RECEIVE_TLS_OFF;
    s.takes_mail = connector->enabled;
    if (!s.presents)
        return s;
    s.selection = plan_select(arena, state, connector, now_ms);
    judge_service(&s);
    if (!s.selection.chosen)
        return s;
    while (state->candidates[s.chosen].certificate != s.selection.chosen)
        s.chosen++;
    s.chain = state->candidates[s.chosen].chain;
    diagnose_expires_soon(s.selection.chosen, now_ms, &s.expiry);
    s.tlsa_contradicts = selection_contradicts(&s, tlsa, tlsa_count);
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
