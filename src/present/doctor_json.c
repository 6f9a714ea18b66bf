#include "present/doctor_json.h"

#include "present/finding_json.h"
#include "present/json.h"

void doctor_findings(struct findings *findings, const struct view *view,
                     const struct wire_fact *wire, size_t wire_count)
{
    const struct certificate_set *set = view->set;
    struct file_fact *files = ARENA_ARRAY(view->arena, struct file_fact, set->fault_count);
    for (size_t i = 0; i < set->fault_count; i++) /* a file that others can read is usable */
        files[i] = (struct file_fact){
            .path = set->faults[i].path,
            .fault = set->faults[i].mode ? SPAN_NONE : set->faults[i].text,
            .mode = set->faults[i].mode,
        };
    struct diagnose_facts facts = {
        .state = view->state,
        .now_ms = view->now_ms,
        .wire = wire,
        .wire_count = wire_count,
        .files = files,
        .file_count = set->fault_count,
    };
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i]->not_before_ms > facts.newest_not_before_ms)
            facts.newest_not_before_ms = set->items[i]->not_before_ms;
    diagnose(findings, &facts);
}

json_t *wire_fact_to_json(const struct wire_fact *fact)
{
    json_t *value = json_object();
    present_set(value, "connector", present_text(fact->connector));
    present_set(value, "sni", present_text_or_null(fact->name));
    present_set(value, "client",
                json_string(fact->rsa_only     ? "rsa-only"
                            : fact->ecdsa_only ? "ecdsa-only"
                                               : "any"));
    present_set(value, "connected", json_boolean(fact->connected));
    present_set(value, "starttls", json_boolean(fact->offered_starttls));
    present_set(value, "handshake", json_boolean(fact->handshake));
    present_set(value, "thumbprint",
                fact->thumbprint[0] ? json_string(fact->thumbprint) : json_null());
    present_set(value, "error", present_text_or_null(fact->error));
    present_set(value, "time", present_time(fact->at_ms));
    return value;
}

json_t *doctor_to_json(const struct view *view, const struct wire_fact *wire, size_t wire_count)
{
    struct findings findings = {.arena = view->arena};
    json_t *value = json_object(), *listeners = json_array();
    doctor_findings(&findings, view, wire, wire_count);
    for (size_t i = 0; i < wire_count; i++)
        present_push(listeners, wire_fact_to_json(&wire[i]));
    present_set(value, "time", present_time(view->now_ms));
    present_set(value, "health", json_string(findings_health(&findings)));
    present_set(value, "findings", findings_to_json(&findings));
    present_set(value, "listeners", listeners);
    return value;
}
