#include "policy/diagnose.h"

#include "base/clock.h"
#include "policy/diagnosis.h"

/* ---- what the rules share ---- */

struct span diagnosis_certificate(struct diagnosis *d, const struct certificate *c)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    buf_addf(&out, "%s (", c->thumbprint);
    certificate_add_summary(&out, c);
    buf_addf(&out, ", issued by " SPAN_FMT ", valid until ",
             SPAN_ARG(c->self_signed ? SPAN("itself") : c->issuer));
    clock_add_iso(&out, c->not_after_ms);
    buf_add_char(&out, ')');
    struct span text = arena_copy(d->arena, buf_span(&out));
    buf_done(&out);
    return text;
}

bool diagnosis_presents(const struct standing *s, const struct certificate *c)
{
    return s->presents && (s->selection.chosen == c || s->selection.other_type == c);
}

struct span diagnosis_users(struct diagnosis *d, const struct certificate *c)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = 0; i < d->standing_count; i++)
        if (diagnosis_presents(&d->standings[i], c))
            buf_addf(&out, "%s" SPAN_FMT, out.n ? ", " : "",
                     SPAN_ARG(d->standings[i].connector->name));
    struct span text = out.n ? arena_copy(d->arena, buf_span(&out)) : SPAN_NONE;
    buf_done(&out);
    return text;
}

const struct standing *diagnosis_standing(struct diagnosis *d, struct span connector)
{
    for (size_t i = 0; i < d->standing_count; i++)
        if (span_eq(d->standings[i].connector->name, connector))
            return &d->standings[i];
    return NULL;
}

/* ---- the tables are walked ---- */

static struct finding begin(const char *fault, const char *name, unsigned event,
                            struct span subject)
{
    return (struct finding){
        .fault = span_of(fault),
        .name = span_of(name),
        .event = event,
        .subject = subject,
        .severity = FINDING_YELLOW,
    };
}

static void judge_by(struct diagnosis *d, const struct standing *s,
                     const struct connector_rule *rules)
{
    struct span subject =
        arena_printf(d->arena, "receive connector " SPAN_FMT, SPAN_ARG(s->connector->name));
    for (const struct connector_rule *r = rules; r->judge; r++) {
        struct finding f = begin(r->fault, r->name, r->event, subject);
        if (r->judge(d, s, &f))
            findings_add(d->findings, &f);
    }
}

static void judge_connector(struct diagnosis *d, const struct standing *s)
{
    if (s->presents)
        judge_by(d, s, diagnose_connector_rules);
    if (s->connector->enabled)
        judge_by(d, s, diagnose_published_rules);
}

static void judge_candidates(struct diagnosis *d)
{
    for (size_t i = 0; i < d->facts->state.count; i++) {
        struct span subject = arena_printf(d->arena, "certificate %s",
                                           d->facts->state.candidates[i].certificate->thumbprint);
        for (const struct candidate_rule *r = diagnose_candidate_rules; r->judge; r++) {
            struct finding f = begin(r->fault, r->name, r->event, subject);
            if (r->judge(d, i, &f))
                findings_add(d->findings, &f);
        }
    }
}

static void judge_send_connector(struct diagnosis *d, const struct send_connector *c)
{
    if (!c->enabled || c->tls_certificate.n == 0)
        return;
    struct selection s = plan_select_client(d->arena, &d->facts->state, c, d->facts->now_ms);
    struct span subject = arena_printf(d->arena, "send connector " SPAN_FMT, SPAN_ARG(c->name));
    for (const struct send_rule *r = diagnose_send_rules; r->judge; r++) {
        struct finding f = begin(r->fault, r->name, r->event, subject);
        if (r->judge(d, c, &s, &f))
            findings_add(d->findings, &f);
    }
}

/* The first rule that fits says it: what follows from it is not told besides. */
static void judge_wire(struct diagnosis *d, const struct wire_fact *fact)
{
    const struct standing *s = diagnosis_standing(d, fact->connector);
    if (!s || !s->connector->enabled)
        return;
    struct span subject =
        arena_printf(d->arena, "receive connector " SPAN_FMT, SPAN_ARG(fact->connector));
    for (const struct wire_rule *r = diagnose_wire_rules; r->judge; r++) {
        struct finding f = begin(r->fault, r->name, r->event, subject);
        f.severity = FINDING_RED;
        if (!r->judge(d, fact, s, &f))
            continue;
        findings_add(d->findings, &f);
        return;
    }
}

/* Insertion keeps the order of the tables within one severity; findings are few. */
static void sort(struct findings *findings, size_t from)
{
    for (size_t i = from + 1; i < findings->count; i++) {
        struct finding moved = findings->items[i];
        size_t at = i;
        for (; at > from && findings->items[at - 1].severity < moved.severity; at--)
            findings->items[at] = findings->items[at - 1];
        findings->items[at] = moved;
    }
}

/* `only`: no other connector is asked for, and there is nothing that would be compared with others.
 */
static struct diagnosis begin_diagnosis(struct findings *findings,
                                        const struct diagnose_facts *facts,
                                        const struct receive_connector *only)
{
    const struct document *doc = facts->state.document;
    struct diagnosis d = {.findings = findings, .facts = facts, .arena = findings->arena};
    d.standing_count = doc->receive_connector_count;
    d.standings = ARENA_ARRAY(d.arena, struct standing, d.standing_count);
    d.told = ARENA_ARRAY(d.arena, bool, facts->state.count);
    for (size_t i = 0; i < d.standing_count; i++) {
        const struct receive_connector *c = &doc->receive_connectors[i];
        if (only && !span_eq(c->name, only->name))
            d.standings[i] = (struct standing){.connector = c};
        else
            d.standings[i] = standing_of(d.arena, &facts->state, c, facts->now_ms, facts->dns);
    }
    return d;
}

void diagnose(struct findings *findings, const struct diagnose_facts *facts)
{
    size_t from = findings->count;
    struct diagnosis d = begin_diagnosis(findings, facts, NULL);
    d.superseded_count = plan_superseded(d.arena, &facts->state, facts->now_ms, &d.superseded);
    for (size_t i = 0; i < d.standing_count; i++)
        judge_connector(&d, &d.standings[i]);
    for (size_t i = 0; i < facts->wire_count; i++)
        judge_wire(&d, &facts->wire[i]);
    for (size_t i = 0; i < facts->state.document->send_connector_count; i++)
        judge_send_connector(&d, &facts->state.document->send_connectors[i]);
    diagnose_internal(findings, facts);
    judge_candidates(&d);
    diagnose_files(&d);
    diagnose_dns(&d);
    diagnose_clock(&d);
    sort(findings, from);
}

void diagnose_published(struct findings *findings, const struct diagnose_facts *facts)
{
    size_t from = findings->count;
    struct diagnosis d = begin_diagnosis(findings, facts, NULL);
    diagnose_dns(&d);
    sort(findings, from);
}

void diagnose_connector(struct findings *findings, const struct diagnose_facts *facts,
                        const struct receive_connector *connector)
{
    size_t from = findings->count;
    struct diagnosis d = begin_diagnosis(findings, facts, facts->wire_count ? NULL : connector);
    const struct standing *s = diagnosis_standing(&d, connector->name);
    if (!s)
        return;
    judge_connector(&d, s);
    for (size_t i = 0; i < facts->wire_count; i++)
        if (span_eq(facts->wire[i].connector, connector->name))
            judge_wire(&d, &facts->wire[i]);
    sort(findings, from);
}

void diagnose_send_connector(struct findings *findings, const struct diagnose_facts *facts,
                             const struct send_connector *connector)
{
    struct diagnosis d = {.findings = findings, .facts = facts, .arena = findings->arena};
    size_t from = findings->count;
    judge_send_connector(&d, connector);
    sort(findings, from);
}
