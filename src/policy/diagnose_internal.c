/* The certificate of internal trust, Exchange's internal transport certificate: the one that is
 * enabled for `edge`. No connector presents it, so nobody else watches its end. */
#include "policy/diagnosis.h"
#include "policy/remedy.h"

/* Of several the one that ends last has taken over from the others. */
static const struct certificate *find_internal(const struct plan_state *state)
{
    const struct certificate *last = NULL;
    for (size_t i = 0; i < state->count; i++) {
        const struct certificate *c = state->candidates[i].certificate;
        if ((c->services & SERVICE_EDGE) && c->key_matches &&
            (!last || c->not_after_ms > last->not_after_ms))
            last = c;
    }
    return last;
}

static struct span replace(struct arena *arena, const struct certificate *c)
{
    if (!c->self_signed)
        return remedy_renew(arena, c);
    struct span names = SPAN_NONE;
    for (size_t i = 0; i < c->name_count; i++)
        names = arena_printf(arena, SPAN_FMT "%s" SPAN_FMT, SPAN_ARG(names), i ? " " : "",
                             SPAN_ARG(remedy_word(arena, c->names[i])));
    return arena_printf(arena, "sealpost cert new " SPAN_FMT " --services edge", SPAN_ARG(names));
}

void diagnose_internal(struct findings *findings, const struct diagnose_facts *facts)
{
    struct arena *arena = findings->arena;
    struct diagnosis d = {.findings = findings, .facts = facts, .arena = arena};
    const struct certificate *c = find_internal(&facts->state);
    unsigned stage;
    if (!c || !diagnose_expires_soon(c, facts->now_ms, &stage))
        return;
    bool expired = c->not_after_ms < facts->now_ms;
    struct buf when = BUF_INIT(200);
    standing_add_time(&when, c->not_after_ms, facts->now_ms);
    findings_add(
        findings,
        &(struct finding){
            .fault = SPAN("F05"),
            .event = expired ? EVENT_INTERNAL_EXPIRED : EVENT_INTERNAL_EXPIRES_SOON,
            .name = expired ? SPAN("internal-certificate-expired")
                            : SPAN("internal-certificate-expires-soon"),
            .severity = FINDING_YELLOW,
            .subject = arena_printf(arena, "certificate %s", c->thumbprint),
            .cause = arena_printf(arena, "the certificate of internal trust (service edge) %s %s",
                                  expired ? "expired" : "expires", buf_text(&when)),
            .evidence = diagnosis_certificate(&d, c),
            .consequence = expired ? SPAN("servers that know this one by it and mind the date "
                                          "trust it no longer; connectors do not present it")
                                   : SPAN("from then on servers that know this one by it may trust "
                                          "it no longer; connectors do not present it"),
            .remedy = replace(arena, c),
            .stage = stage,
        });
    buf_done(&when);
}
