#include "service/snapshot_tls.h"

#include "base/clock.h"
#include "io/tls.h"
#include "io/tls_resume.h"
#include "policy/plan.h"

/* The candidates that have not failed yet. */
struct attempt {
    struct snapshot *snapshot;
    struct candidate *candidates;
    size_t *origin; /* index in the snapshot */
    size_t count;
    struct span *failed; /* one per certificate of the snapshot; empty: it has not failed */
    int64_t now_ms;
};

static void exclude(struct attempt *a, const struct certificate *c, struct span why)
{
    size_t kept = 0;
    for (size_t i = 0; i < a->count; i++) {
        if (a->candidates[i].certificate == c) {
            a->failed[a->origin[i]] = arena_printf(
                &a->snapshot->arena, "it cannot be used for TLS: " SPAN_FMT, SPAN_ARG(why));
            continue;
        }
        a->candidates[kept] = a->candidates[i];
        a->origin[kept++] = a->origin[i];
    }
    a->count = kept;
}

/* One verdict per certificate of the snapshot again. */
static void spread_verdicts(const struct attempt *a, struct selection *selection)
{
    const struct snapshot *s = a->snapshot;
    struct verdict *all = ARENA_ARRAY(&a->snapshot->arena, struct verdict, s->certificate_count);
    for (size_t i = 0; i < s->certificate_count; i++)
        if (a->failed[i].n)
            all[i] = (struct verdict){.reason = VERDICT_LESS_PREFERRED, .detail = a->failed[i]};
    for (size_t i = 0; i < a->count; i++)
        all[a->origin[i]] = selection->verdicts[i];
    selection->verdicts = all;
}

/* Which of the chosen ones is to blame is found by trying the first alone; a second kind of key is
 * an extra and costs nobody the first. */
static bool try_context(struct attempt *a, struct connector_tls *tls)
{
    const struct certificate *both[] = {tls->selection.chosen, tls->selection.other_type};
    const struct certificate *bad = both[0];
    struct buf why = BUF_INIT(1024), alone = BUF_INIT(1024);
    SSL_CTX *unused;
    bool done = tls_server_context_of(both, both[1] ? 2 : 1, &tls->context, &why) == OK;
    if (!done && both[1] && tls_server_context(both[0], &unused, &alone) == OK) {
        SSL_CTX_free(unused);
        bad = both[1];
    }
    if (!done) {
        if (tls->passed_over.n == 0)
            tls->passed_over = arena_printf(
                &a->snapshot->arena, "certificate %s (" SPAN_FMT ") cannot be used: " SPAN_FMT,
                bad->thumbprint, SPAN_ARG(bad->key_type), SPAN_ARG(buf_span(&why)));
        exclude(a, bad, buf_span(&why));
    }
    buf_done(&why);
    buf_done(&alone);
    return done;
}

static void choose(struct snapshot *s, struct connector_tls *tls)
{
    struct attempt a = {
        .snapshot = s,
        .candidates = ARENA_ARRAY(&s->arena, struct candidate, s->certificate_count),
        .origin = ARENA_ARRAY(&s->arena, size_t, s->certificate_count),
        .count = s->certificate_count,
        .failed = ARENA_ARRAY(&s->arena, struct span, s->certificate_count),
        .now_ms = clock_now_ms(),
    };
    for (size_t i = 0; i < s->certificate_count; i++) {
        a.candidates[i] = s->certificates[i];
        a.origin[i] = i;
    }
    do {
        struct plan_state state = {s->document, a.candidates, a.count};
        tls->selection = plan_select(&s->arena, &state, tls->connector, a.now_ms);
    } while (tls->selection.chosen && !try_context(&a, tls));
    spread_verdicts(&a, &tls->selection);
}

/* ---- what the document wants where no certificate fits ---- */

static void judge_mismatch(struct connector_tls *tls)
{
    enum on_mismatch wanted = tls->connector->on_mismatch;
    bool fits = tls->selection.chosen && tls->selection.name_covered;
    if (fits || wanted == MISMATCH_OFFER)
        return;
    SSL_CTX_free(tls->context);
    tls->context = NULL;
    tls->refuses = wanted == MISMATCH_REFUSE;
}

static struct span mismatch_text(struct snapshot *s, const struct connector_tls *tls)
{
    const struct receive_connector *c = tls->connector;
    if (tls->refuses)
        return arena_printf(&s->arena,
                            "no certificate covers " SPAN_FMT "; connections are turned away with "
                            "421, as on-mismatch: refuse wants",
                            SPAN_ARG(c->fqdn));
    if (!tls->context)
        return arena_printf(&s->arena,
                            "no certificate covers " SPAN_FMT "; STARTTLS is not offered, as "
                            "on-mismatch: withhold wants",
                            SPAN_ARG(c->fqdn));
    return arena_printf(&s->arena, "no certificate covers " SPAN_FMT "; %s is served instead",
                        SPAN_ARG(c->fqdn), tls->selection.chosen->thumbprint);
}

static struct span standing_fault(struct snapshot *s, const struct connector_tls *tls)
{
    const struct receive_connector *c = tls->connector;
    const struct selection *x = &tls->selection;
    if (!x->chosen && x->pin == PIN_BROKEN)
        return arena_printf(&s->arena,
                            "the strict pin " SPAN_FMT " names no certificate that can be used",
                            SPAN_ARG(c->pin));
    if (!x->chosen)
        return SPAN("no certificate in the store is usable for SMTP");
    if (!x->name_covered)
        return mismatch_text(s, tls);
    if (x->expired)
        return arena_printf(&s->arena,
                            "certificate %s for " SPAN_FMT " has expired and is still served",
                            x->chosen->thumbprint, SPAN_ARG(c->fqdn));
    if (x->pin == PIN_FELL_BACK)
        return arena_printf(&s->arena,
                            "the pin " SPAN_FMT " names no certificate that can be used; %s, "
                            "chosen by name, is served instead",
                            SPAN_ARG(c->pin), x->chosen->thumbprint);
    return SPAN_NONE;
}

void snapshot_prepare_receive(struct snapshot *s, struct connector_tls *tls)
{
    if (tls->connector->tls == RECEIVE_TLS_OFF)
        return;
    choose(s, tls);
    judge_mismatch(tls);
    tls->fault = standing_fault(s, tls);
    if (tls->passed_over.n)
        tls->fault = tls->fault.n ? arena_printf(&s->arena, SPAN_FMT "; " SPAN_FMT,
                                                 SPAN_ARG(tls->passed_over), SPAN_ARG(tls->fault))
                                  : tls->passed_over;
    if (tls->context)
        tls->names = snapshot_names_new(s, tls);
}

/* ---- send connectors ---- */

/* A next hop that asks for no certificate takes mail without one; one that insists says so itself,
 * and its mail waits. */
static void judge_client_certificate(struct snapshot *s, struct send_tls_context *tls)
{
    const struct send_connector *c = tls->connector;
    struct plan_state state = {s->document, s->certificates, s->certificate_count};
    struct selection x = plan_select_client(&s->arena, &state, c, clock_now_ms());
    tls->certificate = x.chosen;
    if (c->tls_certificate.n && !x.chosen)
        tls->fault = arena_printf(&s->arena,
                                  "tls-certificate " SPAN_FMT " names no certificate that can be "
                                  "used as a client's; none is presented",
                                  SPAN_ARG(c->tls_certificate));
    else if (x.chosen && x.expired)
        tls->fault =
            arena_printf(&s->arena, "the client certificate %s has expired", x.chosen->thumbprint);
}

enum err snapshot_prepare_send(struct snapshot *s, struct send_tls_context *tls, struct buf *why)
{
    static const enum tls_verify verify[] = {TLS_VERIFY_NONE, TLS_VERIFY_CHAIN, TLS_VERIFY_NAME};
    const struct send_connector *c = tls->connector;
    if (c->tls == SEND_TLS_OFF)
        return OK;
    const char *trust = c->tls_trust_file.n ? arena_text(&s->arena, c->tls_trust_file) : NULL;
    struct buf said = BUF_INIT(1024);
    judge_client_certificate(s, tls);
    enum err err =
        tls_client_context(verify[c->tls_verify], trust, tls->certificate, &tls->context, &said);
    if (err == ERR_REFUSED && tls->certificate) {
        tls->fault = arena_printf(
            &s->arena, "the client certificate %s cannot be used, and none is presented: " SPAN_FMT,
            tls->certificate->thumbprint, SPAN_ARG(buf_span(&said)));
        tls->certificate = NULL;
        buf_reset(&said);
        err = tls_client_context(verify[c->tls_verify], trust, NULL, &tls->context, &said);
    }
    if (err == OK)
        tls_resume_use(tls->context);
    else
        buf_addf(why, "send-connectors." SPAN_FMT ": " SPAN_FMT, SPAN_ARG(c->name),
                 SPAN_ARG(buf_span(&said)));
    buf_done(&said);
    return err;
}
