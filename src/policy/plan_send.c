#include "policy/plan_send.h"

#include "policy/remedy.h"
#include "policy/standing.h"

static struct span describe(struct arena *arena, const struct send_connector *c,
                            const struct selection *s, int64_t now_ms)
{
    if (!c)
        return SPAN("not there");
    if (c->tls_certificate.n == 0)
        return SPAN("none wanted");
    if (!s->chosen)
        return SPAN("nothing usable");
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    buf_add_text(&out, s->expired ? "expired " : "expires ");
    standing_add_time(&out, s->chosen->not_after_ms, now_ms);
    struct span text = arena_copy(arena, buf_span(&out));
    buf_done(&out);
    return text;
}

static enum plan_effect effect_of(const struct plan_send_connector *p, bool wanted)
{
    const struct certificate *before = p->before.chosen, *after = p->after.chosen;
    if (before && !after && wanted)
        return PLAN_BROKEN;
    if (!before && after)
        return PLAN_BETTER;
    bool same =
        before == after || (before && after && strcmp(before->thumbprint, after->thumbprint) == 0);
    return same ? PLAN_SAME : PLAN_DIFFERENT;
}

void plan_send_connectors(struct arena *arena, const struct plan_state *before,
                          const struct plan_state *after, int64_t now_ms, struct plan *plan)
{
    size_t count = after->document->send_connector_count;
    plan->send_connectors = ARENA_ARRAY(arena, struct plan_send_connector, count);
    for (size_t i = 0; i < count; i++) {
        const struct send_connector *new = &after->document->send_connectors[i];
        const struct send_connector *old = document_send_connector(before->document, new->name);
        bool wanted = new->enabled &&new->tls_certificate.n;
        if (!wanted && !(old && old->tls_certificate.n))
            continue;
        struct plan_send_connector p = {.connector = new};
        if (old)
            p.before = plan_select_client(arena, before, old, now_ms);
        p.after = plan_select_client(arena, after, new, now_ms);
        p.effect = effect_of(&p, wanted);
        struct span from = describe(arena, old, &p.before, now_ms),
                    to = describe(arena, new, &p.after, now_ms);
        p.text = arena_printf(arena, SPAN_FMT " -> " SPAN_FMT, SPAN_ARG(from), SPAN_ARG(to));
        if (p.effect == PLAN_BROKEN) {
            p.consequence = SPAN("next hops that ask for its certificate would get none");
            plan->remedy = remedy_join(arena, plan->remedy,
                                       remedy_set_send(arena, new, "tls-certificate", SPAN_NONE));
        }
        plan->send_connectors[plan->send_connector_count++] = p;
    }
}
