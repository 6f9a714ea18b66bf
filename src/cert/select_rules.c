#include "cert/select_rules.h"

#include <assert.h>

#include "base/clock.h"

enum { NAMES_SHOWN = 5 };

const char *verdict_text(enum verdict_reason reason)
{
    switch (reason) {
    case VERDICT_CHOSEN: return "chosen";
    case VERDICT_LESS_PREFERRED: return "another is preferred";
    case VERDICT_OTHER_KEY_TYPE: return "chosen as well, for clients that need its key type";
    case VERDICT_NOT_PINNED: return "the pin names another";
    case VERDICT_NOT_ENABLED: return "not enabled for the service";
    case VERDICT_KEY_MISSING: return "the private key is missing";
    case VERDICT_KEY_MISMATCH: return "the private key belongs to another certificate";
    case VERDICT_NOT_V3: return "not an X.509 version 3 certificate";
    case VERDICT_WRONG_EKU: return "not meant for this use";
    case VERDICT_NAME_NOT_COVERED: return "does not cover the name";
    case VERDICT_NOT_YET_VALID: return "not valid yet";
    case VERDICT_WEAK_KEY: return "too weak to be used";
    case VERDICT_CHAIN_NOT_VALID: return "its chain is not valid";
    }
    assert(!"a verdict without a text");
    return "";
}

int rules_order(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

struct span rules_names(struct arena *arena, const struct certificate *c,
                        const struct selection_request *r)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    size_t shown = c->name_count < NAMES_SHOWN ? c->name_count : NAMES_SHOWN;
    if (c->name_count == 0)
        buf_add_text(&out, "it has no host names");
    else
        buf_add_text(&out, c->name_count == 1 ? "its name " : "its names ");
    for (size_t i = 0; i < shown; i++)
        buf_addf(&out, "%s" SPAN_FMT, i ? ", " : "", SPAN_ARG(c->names[i]));
    if (c->name_count > shown)
        buf_addf(&out, " and %zu more", c->name_count - shown);
    if (c->name_count > 0)
        buf_addf(&out, " %s not cover " SPAN_FMT, c->name_count == 1 ? "does" : "do",
                 SPAN_ARG(r->name));
    struct span detail = arena_copy(arena, buf_span(&out));
    buf_done(&out);
    return detail;
}

struct span rules_valid_from(struct arena *arena, const struct certificate *c,
                             const struct selection_request *r)
{
    (void)r;
    struct buf out = BUF_INIT(128);
    buf_add_text(&out, "valid from ");
    clock_add_iso(&out, c->not_before_ms);
    struct span detail = arena_copy(arena, buf_span(&out));
    buf_done(&out);
    return detail;
}

static struct span explain_exclusion(struct arena *arena, const struct eligibility_rule *rule,
                                     const struct certificate *c, const struct selection_request *r)
{
    if (!rule->evidence)
        return span_of(rule->explanation);
    return arena_printf(arena, "%s: " SPAN_FMT, rule->explanation,
                        SPAN_ARG(rule->evidence(arena, c, r)));
}

static struct verdict judge(struct arena *arena, const struct rule_set *rules,
                            const struct candidate *candidate, const struct selection_request *r)
{
    const struct certificate *c = candidate->certificate;
    struct verdict v = {
        .reason = VERDICT_LESS_PREFERRED,
        .match = certificate_covers(c, r->name),
        .expired = r->now_ms > c->not_after_ms,
    };
    for (size_t i = 0; i < rules->eligibility_count; i++) {
        const struct eligibility_rule *rule = &rules->eligibility[i];
        if (rule->holds(candidate, r))
            continue;
        v.reason = rule->reason;
        v.detail = explain_exclusion(arena, rule, c, r);
        break;
    }
    return v;
}

struct verdict *rules_judge(struct arena *arena, const struct rule_set *rules,
                            const struct selection_request *r)
{
    struct verdict *verdicts = ARENA_ARRAY(arena, struct verdict, r->count);
    for (size_t i = 0; i < r->count; i++)
        verdicts[i] = judge(arena, rules, &r->candidates[i], r);
    return verdicts;
}

/* <0: a comes before b. *decided is the rule, NULL where none knows a difference. */
static int compare(const struct rule_set *rules, const struct judged *a, const struct judged *b,
                   const struct preference_rule **decided)
{
    for (size_t i = 0; i < rules->preference_count; i++) {
        int order = rules->preference[i].compare(a, b);
        if (order != 0) {
            *decided = &rules->preference[i];
            return order;
        }
    }
    *decided = NULL;
    return 0;
}

size_t rules_best(const struct rule_set *rules, const struct selection_request *r,
                  const struct verdict *verdicts, const bool *eligible)
{
    const struct preference_rule *decided;
    size_t best = r->count;
    for (size_t i = 0; i < r->count; i++) {
        struct judged one = {&r->candidates[i], &verdicts[i]};
        if (eligible[i] &&
            (best == r->count ||
             compare(rules, &one, &(struct judged){&r->candidates[best], &verdicts[best]},
                     &decided) < 0))
            best = i;
    }
    return best;
}

void rules_explain(const struct rule_set *rules, const struct selection_request *r,
                   struct verdict *verdicts, size_t best)
{
    struct judged chosen = {&r->candidates[best], &verdicts[best]};
    for (size_t i = 0; i < r->count; i++) {
        if (i == best || verdicts[i].reason != VERDICT_LESS_PREFERRED)
            continue;
        const struct preference_rule *decided;
        compare(rules, &(struct judged){&r->candidates[i], &verdicts[i]}, &chosen, &decided);
        verdicts[i].detail =
            decided ? span_of(decided->explanation) : SPAN("the same certificate stands before it");
    }
}
