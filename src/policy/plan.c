#include "policy/plan.h"

#include "policy/diagnose.h"
#include "policy/plan_send.h"
#include "policy/remedy.h"
#include "policy/standing.h"

/* ---- what worse means: a table; read from top to bottom, the first that fits is told ---- */

struct worse_rule {
    enum plan_effect effect;
    bool (*got_worse)(const struct standing *before, const struct standing *after);
    const char *text;
    struct span (*remedy)(struct arena *arena, const struct standing *before,
                          const struct standing *after);
};

/* Both present a certificate: then the two can be compared. */
static bool both(const struct standing *before, const struct standing *after)
{
    return before->selection.chosen && after->selection.chosen;
}

static bool is_there(const struct standing *s)
{
    return s->connector && s->connector->enabled;
}

static bool stops_mail(const struct standing *before, const struct standing *after)
{
    return before->takes_mail && after->presents && !after->takes_mail;
}

static bool stops_tls(const struct standing *before, const struct standing *after)
{
    return before->offers_tls && after->presents && !after->offers_tls;
}

/* It stays, in clear text. */
static bool stops_partners(const struct standing *before, const struct standing *after)
{
    return before->offers_tls && before->connector->partner_count > 0 && is_there(after) &&
           !after->offers_tls;
}

/* It goes; another one may take them over, as where it is renamed. */
static bool leaves_partners(const struct standing *before, const struct standing *after)
{
    return before->offers_tls && !is_there(after) && after->homeless.n > 0;
}

static bool stops_dane(const struct standing *before, const struct standing *after)
{
    return before->offers_tls && is_there(after) && !after->offers_tls && after->tlsa_binds;
}

static bool breaks_pin(const struct standing *before, const struct standing *after)
{
    return before->selection.pin != PIN_BROKEN && after->selection.pin == PIN_BROKEN;
}

static bool loses_name(const struct standing *before, const struct standing *after)
{
    return both(before, after) && before->selection.name_covered && !after->selection.name_covered;
}

static bool expires(const struct standing *before, const struct standing *after)
{
    return both(before, after) && !before->selection.expired && after->selection.expired;
}

static bool expires_sooner(const struct standing *before, const struct standing *after)
{
    return both(before, after) && after->expiry > before->expiry;
}

static bool loses_trust(const struct standing *before, const struct standing *after)
{
    return both(before, after) &&
           standing_trust_rank(after->chain) > standing_trust_rank(before->chain);
}

/* Another pin is what was asked for, see misses_pin. */
static bool loses_pin(const struct standing *before, const struct standing *after)
{
    return both(before, after) && span_eq(before->connector->pin, after->connector->pin) &&
           before->selection.pin == PIN_HELD && after->selection.pin == PIN_FELL_BACK;
}

static bool loses_key_type(const struct standing *before, const struct standing *after)
{
    return both(before, after) && before->selection.other_type && !after->selection.other_type;
}

static bool contradicts_tlsa(const struct standing *before, const struct standing *after)
{
    return !before->tlsa_contradicts && after->tlsa_contradicts;
}

static bool contradicts_sts(const struct standing *before, const struct standing *after)
{
    return after->sts_fault && after->enforced && !(before->sts_fault && before->enforced);
}

/* The same names again, unless they are not what is missing. */
static struct span renew(struct arena *arena, const struct standing *before,
                         const struct standing *after)
{
    const struct receive_connector *a = before->connector, *b = after->connector;
    if (a && b && (!before->selection.name_covered || !span_ieq(a->fqdn, b->fqdn)))
        return remedy_cover(arena, before->selection.chosen, b->fqdn);
    const struct certificate *c =
        before->selection.chosen ? before->selection.chosen : after->selection.chosen;
    return c && !c->self_signed
               ? remedy_renew(arena, c)
               : remedy_cover(arena, c,
                              before->connector ? before->connector->fqdn : after->connector->fqdn);
}

static struct span cover(struct arena *arena, const struct standing *before,
                         const struct standing *after)
{
    const struct standing *s = after->connector ? after : before;
    return remedy_cover(arena, after->selection.chosen, s->connector->fqdn);
}

static struct span unpin(struct arena *arena, const struct standing *before,
                         const struct standing *after)
{
    return remedy_unpin(arena, after->connector ? after->connector : before->connector);
}

static struct span keep_tls(struct arena *arena, const struct standing *before,
                            const struct standing *after)
{
    (void)after;
    return remedy_set(arena, before->connector, "tls", SPAN("offered"));
}

static struct span take_over(struct arena *arena, const struct standing *before,
                             const struct standing *after)
{
    (void)before;
    return remedy_partner(arena, after->homeless);
}

static struct span publish(struct arena *arena, const struct standing *before,
                           const struct standing *after)
{
    (void)before;
    return remedy_publish(arena, after->connector, after->selection.chosen);
}

static struct span keep_promise(struct arena *arena, const struct standing *before,
                                const struct standing *after)
{
    (void)before;
    return remedy_promise(arena, after);
}

static const struct worse_rule rules[] = {
    {PLAN_BROKEN, breaks_pin, "its strict pin would name no usable certificate", unpin},
    {PLAN_BROKEN, stops_mail, "no mail could be received on it", renew},
    {PLAN_BROKEN, stops_tls, "STARTTLS would no longer be offered", renew},
    {PLAN_BROKEN, stops_partners, "its partners send by TLS only, and there would be none",
     keep_tls},
    {PLAN_WORSE, leaves_partners,
     "its partners send by TLS only, and no other connector is for all of them", take_over},
    {PLAN_WORSE, stops_dane, "its TLSA records ask for TLS: senders with DANE would stop",
     keep_tls},
    {PLAN_WORSE, contradicts_sts,
     "senders with MTA-STS would stop, as its certificate would not be what the policy promises",
     keep_promise},
    {PLAN_WORSE, loses_name, "its name would be covered by no certificate", cover},
    {PLAN_WORSE, expires, "an expired certificate would be presented", renew},
    {PLAN_WORSE, contradicts_tlsa,
     "the published TLSA records name another certificate: senders with DANE would stop", publish},
    {PLAN_WORSE, expires_sooner, "a certificate that expires soon would be presented", renew},
    {PLAN_WORSE, loses_trust, "a certificate that is trusted less would be presented", renew},
    {PLAN_WORSE, loses_pin, "its pin would name no usable certificate", unpin},
    {PLAN_WORSE, loses_key_type, "clients that know one kind of key only would not be served",
     renew},
};

/* ---- what is told and refused to nobody: it is what was asked for ---- */

static bool misses_pin(const struct standing *before, const struct standing *after)
{
    return before->selection.pin != PIN_FELL_BACK && after->selection.pin == PIN_FELL_BACK;
}

static bool goes(const struct standing *before, const struct standing *after)
{
    return is_there(before) && !is_there(after);
}

static bool gives_up_tls(const struct standing *before, const struct standing *after)
{
    return before->presents && is_there(after) && !after->presents;
}

static bool requires_tls(const struct standing *s)
{
    return s->presents && s->connector->tls != RECEIVE_TLS_OFFERED;
}

static bool admits_clear_text(const struct standing *before, const struct standing *after)
{
    return requires_tls(before) && after->presents && !requires_tls(after);
}

static const struct worse_rule told_rules[] = {
    {PLAN_DIFFERENT, misses_pin, "its pin names no usable certificate, so its name chooses", NULL},
    {PLAN_DIFFERENT, goes, "it would receive no mail any more", NULL},
    {PLAN_DIFFERENT, gives_up_tls, "mail would come to it in clear text", NULL},
    {PLAN_DIFFERENT, admits_clear_text, "mail in clear text would be taken as well", NULL},
};

static const struct worse_rule *find_told(const struct standing *before,
                                          const struct standing *after)
{
    for (size_t i = 0; i < COUNT_OF(told_rules); i++)
        if (told_rules[i].got_worse(before, after))
            return &told_rules[i];
    return NULL;
}

static const struct worse_rule *find_worse(const struct standing *before,
                                           const struct standing *after)
{
    /* A connector that is new cannot become worse, but may be broken from the start. */
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        bool judged = before->connector || rules[i].got_worse == breaks_pin ||
                      rules[i].got_worse == contradicts_tlsa ||
                      rules[i].got_worse == contradicts_sts;
        if (judged && rules[i].got_worse(before, after))
            return &rules[i];
    }
    return NULL;
}

/* ---- one connector ---- */

static bool same_certificate(const struct certificate *a, const struct certificate *b)
{
    return a == b || (a && b && strcmp(a->thumbprint, b->thumbprint) == 0);
}

static enum plan_effect effect_of(const struct standing *before, const struct standing *after,
                                  const struct worse_rule *rule)
{
    if (rule)
        return rule->effect;
    if (!before->connector || !after->connector || before->presents != after->presents)
        return PLAN_DIFFERENT;
    if (find_worse(after, before))
        return PLAN_BETTER;
    return same_certificate(before->selection.chosen, after->selection.chosen) &&
                   same_certificate(before->selection.other_type, after->selection.other_type)
               ? PLAN_SAME
               : PLAN_DIFFERENT;
}

static struct span consequence_of(struct arena *arena, const struct standing *before,
                                  const struct standing *after, const struct worse_rule *rule)
{
    if (!rule)
        return SPAN_NONE;
    if (rule->effect == PLAN_DIFFERENT)
        return span_of(rule->text);
    const struct receive_connector *c = after->connector ? after->connector : before->connector;
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    buf_add_text(&out, rule->text);
    if (c->tls == RECEIVE_TLS_REQUIRED || c->tls == RECEIVE_TLS_IMPLICIT)
        buf_add_text(&out, "; TLS is required here, so what fails is not sent at all");
    if (rule->got_worse == contradicts_sts)
        buf_addf(&out, "; domains with such a policy: " SPAN_FMT,
                 SPAN_ARG(standing_promises(arena, after)));
    for (size_t i = 0; i < c->partner_count; i++)
        buf_addf(&out, "%s" SPAN_FMT,
                 i ? ", " : "; partners that send by TLS only: ", SPAN_ARG(c->partners[i]));
    struct span text = arena_copy(arena, buf_span(&out));
    buf_done(&out);
    return text;
}

struct planning {
    struct arena *arena;
    const struct plan_state *before, *after;
    int64_t now_ms;
    const struct dns_facts *dns;
    struct plan *plan;
};

static bool is_partner(const struct receive_connector *c, struct span partner)
{
    for (size_t i = 0; i < c->partner_count; i++)
        if (span_ieq(c->partners[i], partner))
            return true;
    return false;
}

static bool is_served(const struct planning *p, struct span partner)
{
    const struct document *d = p->after->document;
    for (size_t i = 0; i < d->receive_connector_count; i++) {
        const struct receive_connector *c = &d->receive_connectors[i];
        if (is_partner(c, partner) &&
            standing_of(p->arena, p->after, c, p->now_ms, p->dns).offers_tls)
            return true;
    }
    return false;
}

/* The first of its partners that no connector would be for any more. */
static struct span find_homeless(const struct planning *p, const struct receive_connector *before)
{
    for (size_t i = 0; i < before->partner_count; i++)
        if (!is_served(p, before->partners[i]))
            return before->partners[i];
    return SPAN_NONE;
}

static void plan_one(struct planning *p, const struct receive_connector *before,
                     const struct receive_connector *after)
{
    struct standing a = standing_of(p->arena, p->before, before, p->now_ms, p->dns);
    struct standing b = standing_of(p->arena, p->after, after, p->now_ms, p->dns);
    if (before)
        b.homeless = find_homeless(p, before);
    const struct worse_rule *worse = find_worse(&a, &b);
    const struct worse_rule *rule = worse ? worse : find_told(&a, &b);
    bool with_types = (a.selection.other_type != NULL) != (b.selection.other_type != NULL);
    struct span from = standing_text(p->arena, &a, p->now_ms, with_types),
                to = standing_text(p->arena, &b, p->now_ms, with_types);
    p->plan->connectors[p->plan->connector_count++] = (struct plan_connector){
        .connector = after ? after : before,
        .before = a.selection,
        .after = b.selection,
        .effect = effect_of(&a, &b, rule),
        .text = arena_printf(p->arena, SPAN_FMT " -> " SPAN_FMT, SPAN_ARG(from), SPAN_ARG(to)),
        .consequence = consequence_of(p->arena, &a, &b, rule),
    };
    if (worse)
        p->plan->remedy = remedy_join(p->arena, p->plan->remedy, worse->remedy(p->arena, &a, &b));
}

static void plan_receive_connectors(struct planning *p)
{
    const struct document *before = p->before->document, *after = p->after->document;
    size_t most = before->receive_connector_count + after->receive_connector_count;
    p->plan->connectors = ARENA_ARRAY(p->arena, struct plan_connector, most);
    for (size_t i = 0; i < after->receive_connector_count; i++) {
        const struct receive_connector *c = &after->receive_connectors[i];
        plan_one(p, document_receive_connector(before, c->name), c);
    }
    for (size_t i = 0; i < before->receive_connector_count; i++) {
        const struct receive_connector *c = &before->receive_connectors[i];
        if (!document_receive_connector(after, c->name))
            plan_one(p, c, NULL);
    }
}

/* ---- the whole ---- */

struct tally {
    size_t broken, worse;
    struct buf names;
};

static void count_effect(struct tally *t, enum plan_effect effect, struct span name)
{
    if (effect != PLAN_WORSE && effect != PLAN_BROKEN)
        return;
    if (effect == PLAN_BROKEN)
        t->broken++;
    else
        t->worse++;
    buf_addf(&t->names, "%s" SPAN_FMT, t->names.n ? ", " : "", SPAN_ARG(name));
}

static struct span refusal_text(struct arena *arena, struct tally *t)
{
    size_t n = t->broken + t->worse;
    const char *what = t->worse == 0 ? (n == 1 ? "its" : "their") : NULL;
    if (what)
        return arena_printf(arena, "%zu connector%s would lose %s certificate: %s", n,
                            n == 1 ? "" : "s", what, buf_text(&t->names));
    return arena_printf(arena, "%zu connector%s would get worse: %s", n, n == 1 ? "" : "s",
                        buf_text(&t->names));
}

static void decide(struct planning *p)
{
    struct plan *plan = p->plan;
    struct tally t = {.names = BUF_INIT(BUF_UNLIMITED)};
    for (size_t i = 0; i < plan->connector_count; i++)
        count_effect(&t, plan->connectors[i].effect, plan->connectors[i].connector->name);
    for (size_t i = 0; i < plan->send_connector_count; i++)
        count_effect(&t, plan->send_connectors[i].effect, plan->send_connectors[i].connector->name);
    plan->refused = t.broken + t.worse > 0;
    if (plan->refused)
        plan->refusal = refusal_text(p->arena, &t);
    buf_done(&t.names);
}

struct plan plan_compute(struct arena *arena, const struct plan_state *before,
                         const struct plan_state *after, int64_t now_ms,
                         const struct dns_facts *dns)
{
    struct plan plan = {.findings = {.arena = arena}};
    struct planning p = {arena, before, after, now_ms, dns, &plan};
    plan_receive_connectors(&p);
    plan_send_connectors(arena, before, after, now_ms, &plan);
    plan.superseded_count = plan_superseded(arena, after, now_ms, &plan.superseded);
    decide(&p);
    diagnose(&plan.findings, &(struct diagnose_facts){
                                 .state = *after,
                                 .now_ms = now_ms,
                                 .dns = dns,
                             });
    return plan;
}
