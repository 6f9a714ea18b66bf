/* /v1/explain, /v1/doctor and /v1/sentinel. */
#include "base/clock.h"
#include "cert/chain.h"
#include "io/trust.h"
#include "present/doctor_json.h"
#include "present/explain_json.h"
#include "present/finding_json.h"
#include "present/trial.h"
#include "service/admin_certificates.h"
#include "service/dns_watch.h"
#include "service/sentinel.h"

/* ---- explain ---- */

static void explain(struct admin_call *call, const struct snapshot *s,
                    const struct certificate *trial)
{
    int64_t at_ms = clock_now_ms();
    enum explain_kind kind;
    if (!admin_query_time(call, "at", &at_ms))
        return;
    if (explain_kind_parse(admin_query(call, "kind"), &kind) != OK) {
        admin_fail(call, 400, "bad-parameter", SPAN("kind is receive or send"), NULL);
        return;
    }
    struct plan_state state = {s->document, s->certificates, s->certificate_count};
    struct view view = view_make(call->arena, &state, s->set, at_ms);
    view.dns = dns_watch_facts(call->admin->world->dns_watch);
    struct explain question = {
        .connector = call->parameters[0],
        .kind = kind,
        .sni = admin_query(call, "sni"),
        .if_removed = admin_query(call, "if-removed"),
        .if_imported = trial,
        .imported_chain =
            trial ? certificate_chain_state(trial, trust_system_roots()) : CHAIN_INCOMPLETE,
    };
    struct buf why = BUF_INIT(4096);
    json_t *value;
    enum err err = explain_to_json(&view, &question, &value, &why);
    if (err == OK)
        admin_answer(call, 200, value);
    else
        admin_fail(call, err == ERR_NOT_FOUND ? 404 : 409,
                   err == ERR_NOT_FOUND ? "not-found" : "ambiguous", buf_span(&why),
                   "list them with: sealpost receive-connector list, sealpost send-connector list, "
                   "sealpost cert list");
    buf_done(&why);
}

/* A body is a certificate that would be imported. Without a name, of all connectors. */
void admin_explain(struct admin_call *call)
{
    struct snapshot *s = snapshot_current(call->admin->world);
    struct span body = http_request_body(call->request);
    struct certificate *trial = NULL;
    struct buf why = BUF_INIT(4096);
    if (body.n && trial_read(s->set, body, SPAN_NONE, &trial, &why) != OK)
        admin_fail(call, 422, "bad-certificate", buf_span(&why), NULL);
    else
        explain(call, s, trial);
    buf_done(&why);
    certificate_free(trial);
    snapshot_release(s);
}

/* ---- doctor and sentinel ---- */

static void answer_doctor(struct admin_call *call, const struct wire_fact *wire, size_t count)
{
    struct snapshot *s = snapshot_current(call->admin->world);
    struct view view = admin_view(call, s);
    admin_answer(call, 200, doctor_to_json(&view, wire, count));
    snapshot_release(s);
}

void admin_doctor(struct admin_call *call)
{
    const struct wire_fact *wire = NULL;
    size_t count = call->admin->world->sentinel
                       ? sentinel_last(call->admin->world->sentinel, call->arena, &wire)
                       : 0;
    answer_doctor(call, wire, count);
}

static void on_looked(void *context, const struct wire_fact *facts, size_t count,
                      const struct findings *findings)
{
    struct admin_call *call = context;
    json_t *value = json_object(), *listeners = json_array();
    for (size_t i = 0; i < count; i++)
        present_push(listeners, wire_fact_to_json(&facts[i]));
    present_set(value, "time", present_time(clock_now_ms()));
    present_set(value, "health", json_string(findings_health(findings)));
    present_set(value, "findings", findings_to_json(findings));
    present_set(value, "listeners", listeners);
    admin_answer(call, 200, value);
}

void admin_look_around(struct admin_call *call)
{
    if (call->admin->world->sentinel)
        sentinel_look(call->admin->world->sentinel, on_looked, call);
    else
        admin_fail(call, 503, "unavailable", SPAN("this daemon runs without a sentinel"), NULL);
}
