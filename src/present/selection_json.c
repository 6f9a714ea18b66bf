#include "present/selection_json.h"

#include "present/finding_json.h"
#include "present/json.h"

json_t *verdict_to_json(const struct verdict *verdict)
{
    static const char *const matches[] = {"none", "wildcard", "exact"};
    json_t *value = json_object();
    present_set(value, "chosen", json_boolean(verdict->reason == VERDICT_CHOSEN));
    present_set(value, "reason", json_string(verdict_text(verdict->reason)));
    present_set(value, "detail", present_text_or_null(verdict->detail));
    present_set(value, "match", json_string(matches[verdict->match]));
    present_set(value, "expired", json_boolean(verdict->expired));
    present_set(value, "fallback", json_boolean(verdict->fallback));
    return value;
}

/* ---- plans ---- */

static const char *effect_name(enum plan_effect effect)
{
    static const char *const names[] = {"same", "better", "different", "worse", "broken"};
    return names[effect];
}

json_t *selection_to_json(const struct selection *selection)
{
    if (!selection->chosen)
        return json_null();
    const struct certificate *c = selection->chosen;
    json_t *value = json_object();
    present_set(value, "thumbprint", json_string(c->thumbprint));
    present_set(value, "names", present_texts(c->names, c->name_count));
    present_set(value, "expires", present_time(c->not_after_ms));
    present_set(value, "name-covered", json_boolean(selection->name_covered));
    present_set(value, "expired", json_boolean(selection->expired));
    return value;
}

static json_t *change_to_json(struct span connector, enum plan_effect effect,
                              const struct selection *before, const struct selection *after)
{
    json_t *value = json_object();
    present_set(value, "connector", present_text(connector));
    present_set(value, "effect", json_string(effect_name(effect)));
    present_set(value, "before", selection_to_json(before));
    present_set(value, "after", selection_to_json(after));
    return value;
}

json_t *plan_connector_to_json(const struct plan_connector *c)
{
    json_t *value = change_to_json(c->connector->name, c->effect, &c->before, &c->after);
    present_set(value, "text", present_text(c->text));
    present_set(value, "consequence", present_text_or_null(c->consequence));
    return value;
}

json_t *plan_send_connector_to_json(const struct plan_send_connector *c)
{
    json_t *value = change_to_json(c->connector->name, c->effect, &c->before, &c->after);
    present_set(value, "text", present_text(c->text));
    present_set(value, "consequence", present_text_or_null(c->consequence));
    return value;
}

json_t *plan_to_json(const struct plan *plan)
{
    json_t *value = json_object(), *connectors = json_array(), *send = json_array(),
           *superseded = json_array();
    for (size_t i = 0; i < plan->connector_count; i++)
        present_push(connectors, plan_connector_to_json(&plan->connectors[i]));
    for (size_t i = 0; i < plan->send_connector_count; i++)
        present_push(send, plan_send_connector_to_json(&plan->send_connectors[i]));
    for (size_t i = 0; i < plan->superseded_count; i++)
        present_push(superseded, json_string(plan->superseded[i]->thumbprint));
    present_set(value, "refused", json_boolean(plan->refused));
    present_set(value, "refusal", present_text_or_null(plan->refusal));
    present_set(value, "remedy", present_text_or_null(plan->remedy));
    present_set(value, "connectors", connectors);
    present_set(value, "send-connectors", send);
    present_set(value, "superseded", superseded);
    present_set(value, "findings", findings_to_json(&plan->findings));
    return value;
}
