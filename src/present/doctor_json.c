#include "present/doctor_json.h"

#include "cert/chain.h"
#include "present/finding_json.h"
#include "present/json.h"
#include "present/published_json.h"

struct file_list {
    struct arena *arena;
    struct file_fact *items;
    size_t count, capacity;
};

static void add_file(struct file_list *list, struct span path, struct span fault, unsigned mode)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 8;
        struct file_fact *items = ARENA_ARRAY(list->arena, struct file_fact, list->capacity);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof(*items));
        list->items = items;
    }
    list->items[list->count++] = (struct file_fact){
        .path = arena_copy(list->arena, path),
        .fault = mode ? SPAN_NONE : arena_copy(list->arena, fault), /* readable by others: usable */
        .mode = mode,
    };
}

static void add_faults(struct file_list *list, const struct certificate_set *set)
{
    for (size_t i = 0; i < set->fault_count; i++)
        add_file(list, set->faults[i].path, set->faults[i].text, set->faults[i].mode);
}

/* What waits in the watched folders and cannot be imported: a renewal that stopped half way. */
static void add_watched(struct file_list *list, const struct certificate_conf *conf)
{
    for (size_t i = 0; i < conf->watch_count; i++) {
        struct certificate_set *set = certificates_read_folder(conf->watch[i]);
        add_faults(list, set);
        for (size_t j = 0; j < set->count; j++)
            if (!set->items[j]->key_matches)
                add_file(list, set->paths[j],
                         set->items[j]->key
                             ? SPAN("the private key beside it belongs to another certificate")
                             : SPAN("its private key is not there"),
                         0);
        certificate_set_release(set);
    }
}

void doctor_findings(struct findings *findings, const struct view *view,
                     const struct wire_fact *wire, size_t wire_count)
{
    const struct certificate_set *set = view->set;
    struct file_list files = {.arena = view->arena};
    add_faults(&files, set);
    add_watched(&files, &view->state.document->certificates);
    struct diagnose_facts facts = {
        .state = view->state,
        .now_ms = view->now_ms,
        .wire = wire,
        .wire_count = wire_count,
        .files = files.items,
        .file_count = files.count,
        .dns = view->dns,
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
    present_set(value, "chain",
                fact->thumbprint[0] ? json_string(chain_state_text(fact->chain)) : json_null());
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
    present_set(value, "published", published_to_json(view->dns));
    return value;
}
