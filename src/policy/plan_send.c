#include "policy/plan_send.h"

#include "policy/remedy.h"
#include "policy/standing.h"

/* ---- the certificate ---- */

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

static bool wants(const struct send_connector *c)
{
    return c && c->enabled && c->tls_certificate.n > 0;
}

/* ---- TLS itself ---- */

static bool demands_tls(const struct send_connector *c)
{
    return c && c->enabled && (c->tls == SEND_TLS_REQUIRED || c->tls == SEND_TLS_IMPLICIT);
}

/* What the change gives up; NULL: nothing. How names are verified counts only where TLS is
 * demanded: without that, a peer that fails is sent to in clear text. */
static const char *find_weaker(const struct send_connector *old, const struct send_connector *new)
{
    if (!old || !old->enabled)
        return NULL;
    if (demands_tls(old) && (!new || !new->enabled))
        return "it demanded TLS; its address spaces go by other send connectors, with their TLS, "
               "or "
               "by none";
    if (!new || !new->enabled)
        return NULL;
    if (demands_tls(old) && !demands_tls(new))
        return "mail would be sent in clear text where TLS cannot be had";
    if (old->tls != SEND_TLS_OFF && new->tls == SEND_TLS_OFF)
        return "mail would be sent in clear text";
    if (demands_tls(old) && new->tls_verify < old->tls_verify)
        return new->tls_verify == VERIFY_ENCRYPT
                   ? "mail would be sent to whoever answers, with any certificate"
                   : "mail would be sent to whoever has a certificate for any name";
    return NULL;
}

static struct span describe_tls(struct arena *arena, const struct send_connector *c)
{
    static const char *const tls[] = {"off", "opportunistic", "required", "implicit"};
    static const char *const verify[] = {"encrypt", "chain", "name"};
    if (!c || !c->enabled)
        return c ? SPAN("disabled") : SPAN("not there");
    return demands_tls(c)
               ? arena_printf(arena, "tls %s, verify %s", tls[c->tls], verify[c->tls_verify])
               : arena_printf(arena, "tls %s", tls[c->tls]);
}

/* ---- one connector ---- */

struct planning {
    struct arena *arena;
    const struct plan_state *before, *after;
    int64_t now_ms;
    struct plan *plan;
};

static void plan_certificate(struct planning *p, struct plan_send_connector *row,
                             const struct send_connector *old, const struct send_connector *new)
{
    if (old)
        row->before = plan_select_client(p->arena, p->before, old, p->now_ms);
    if (new)
        row->after = plan_select_client(p->arena, p->after, new, p->now_ms);
    row->effect = effect_of(row, wants(new));
    struct span from = describe(p->arena, old, &row->before, p->now_ms),
                to = describe(p->arena, new, &row->after, p->now_ms);
    row->text = arena_printf(p->arena, SPAN_FMT " -> " SPAN_FMT, SPAN_ARG(from), SPAN_ARG(to));
    bool misses = wants(new) && !row->after.chosen;
    if (row->effect == PLAN_SAME && misses && !wants(old))
        row->effect = PLAN_DIFFERENT; /* wanted from now on, and not there */
    if (misses && row->effect != PLAN_SAME)
        row->consequence = SPAN("next hops that ask for its certificate would get none");
    if (row->effect == PLAN_BROKEN)
        p->plan->remedy = remedy_join(p->arena, p->plan->remedy,
                                      remedy_set_send(p->arena, new, "tls-certificate", SPAN_NONE));
}

/* Weaker TLS is told beside whatever becomes of the certificate. */
static void tell_weaker(struct planning *p, struct plan_send_connector *row,
                        const struct send_connector *old, const struct send_connector *new,
                        const char *weaker)
{
    struct span from = describe_tls(p->arena, old), to = describe_tls(p->arena, new);
    struct span text =
        arena_printf(p->arena, SPAN_FMT " -> " SPAN_FMT, SPAN_ARG(from), SPAN_ARG(to));
    row->text = row->text.n ? arena_printf(p->arena, SPAN_FMT "; " SPAN_FMT, SPAN_ARG(text),
                                           SPAN_ARG(row->text))
                            : text;
    row->consequence = row->consequence.n ? arena_printf(p->arena, SPAN_FMT "; %s",
                                                         SPAN_ARG(row->consequence), weaker)
                                          : span_of(weaker);
    if (row->effect != PLAN_BROKEN)
        row->effect = PLAN_DIFFERENT;
}

static void plan_one(struct planning *p, const struct send_connector *old,
                     const struct send_connector *new)
{
    const char *weaker = find_weaker(old, new);
    bool certified = wants(new) || (old && new && old->tls_certificate.n);
    struct plan_send_connector row = {.connector = new ? new : old};
    if (certified)
        plan_certificate(p, &row, old, new);
    if (weaker)
        tell_weaker(p, &row, old, new, weaker);
    if (certified || weaker)
        p->plan->send_connectors[p->plan->send_connector_count++] = row;
}

void plan_send_connectors(struct arena *arena, const struct plan_state *before,
                          const struct plan_state *after, int64_t now_ms, struct plan *plan)
{
    const struct document *a = before->document, *b = after->document;
    struct planning p = {arena, before, after, now_ms, plan};
    plan->send_connectors = ARENA_ARRAY(arena, struct plan_send_connector,
                                        a->send_connector_count + b->send_connector_count);
    for (size_t i = 0; i < b->send_connector_count; i++)
        plan_one(&p, document_send_connector(a, b->send_connectors[i].name),
                 &b->send_connectors[i]);
    for (size_t i = 0; i < a->send_connector_count; i++)
        if (!document_send_connector(b, a->send_connectors[i].name))
            plan_one(&p, &a->send_connectors[i], NULL);
}
