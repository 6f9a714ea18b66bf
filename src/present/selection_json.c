#include "present/selection_json.h"

#include "cert/chain.h"
#include "policy/diagnose.h"
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

static json_t *chosen_to_json(const struct selection *selection)
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
    present_set(value, "before", chosen_to_json(before));
    present_set(value, "after", chosen_to_json(after));
    return value;
}

static json_t *connector_to_json(const struct plan_connector *c)
{
    json_t *value = change_to_json(c->connector->name, c->effect, &c->before, &c->after);
    present_set(value, "text", present_text(c->text));
    present_set(value, "consequence", present_text_or_null(c->consequence));
    return value;
}

static json_t *send_connector_to_json(const struct plan_send_connector *c)
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
        present_push(connectors, connector_to_json(&plan->connectors[i]));
    for (size_t i = 0; i < plan->send_connector_count; i++)
        present_push(send, send_connector_to_json(&plan->send_connectors[i]));
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

/* ---- explanations ---- */

static enum err change_state(const struct view *view, const struct explain *explain,
                             struct plan_state *state, struct buf *why)
{
    size_t removed = view->state.count, count = 0;
    struct candidate *items = ARENA_ARRAY(view->arena, struct candidate, view->state.count + 1);
    if (explain->if_removed.n) {
        enum view_lookup lookup = view_find(view->set, explain->if_removed, &removed);
        if (lookup != VIEW_FOUND) {
            buf_add(why, view_lookup_text(view->arena, lookup, explain->if_removed));
            return lookup == VIEW_UNKNOWN ? ERR_NOT_FOUND : ERR_RANGE;
        }
    }
    for (size_t i = 0; i < view->state.count; i++)
        if (i != removed)
            items[count++] = view->state.candidates[i];
    if (explain->if_imported)
        items[count++] = (struct candidate){explain->if_imported, explain->imported_chain};
    *state = (struct plan_state){view->state.document, items, count};
    return OK;
}

static json_t *verdicts_to_json(const struct plan_state *state, const struct selection *selection)
{
    json_t *array = json_array();
    for (size_t i = 0; selection->verdicts && i < state->count; i++) {
        const struct certificate *c = state->candidates[i].certificate;
        json_t *value = verdict_to_json(&selection->verdicts[i]);
        present_set(value, "thumbprint", json_string(c->thumbprint));
        present_set(value, "names", present_texts(c->names, c->name_count));
        present_set(value, "issuer", present_text(c->issuer));
        present_set(value, "self-signed", json_boolean(c->self_signed));
        present_set(value, "chain", json_string(chain_state_text(state->candidates[i].chain)));
        present_set(value, "expires", present_time(c->not_after_ms));
        present_push(array, value);
    }
    return array;
}

static json_t *findings_of(const struct view *view, const struct plan_state *state,
                           const struct receive_connector *connector)
{
    struct diagnose_facts facts = {.state = *state, .now_ms = view->now_ms};
    struct findings findings = {.arena = view->arena};
    diagnose_connector(&findings, &facts, connector);
    return findings_to_json(&findings);
}

static void set_sni(json_t *value, const struct view *view, const struct plan_state *state,
                    const struct receive_connector *connector, const struct selection *own,
                    struct span sni)
{
    struct selection_request request = plan_request(view->arena, state, connector, view->now_ms);
    const struct certificate *other =
        own->chosen ? certificate_select_sni(view->arena, &request, own, sni) : NULL;
    struct selection shown = *own;
    if (other) {
        shown.chosen = other;
        shown.name_covered = true;
        shown.expired = false;
    }
    present_set(value, "sni", present_text(sni));
    present_set(value, "for-sni", chosen_to_json(&shown));
    present_set(value, "sni-refines", json_boolean(other != NULL));
}

static void set_selection(json_t *value, const struct receive_connector *connector,
                          const struct selection *selection)
{
    static const char *const tls[] = {"off", "offered", "required", "implicit"};
    static const char *const pins[] = {NULL, "held", "fell-back", "broken"};
    present_set(value, "connector", present_text(connector->name));
    present_set(value, "fqdn", present_text(connector->fqdn));
    present_set(value, "enabled", json_boolean(connector->enabled));
    present_set(value, "tls", json_string(tls[connector->tls]));
    present_set(value, "pin", present_text_or_null(connector->pin));
    present_set(value, "pin-state",
                pins[selection->pin] ? json_string(pins[selection->pin]) : json_null());
    present_set(value, "presents", chosen_to_json(selection));
    present_set(value, "other-key-type",
                selection->other_type ? json_string(selection->other_type->thumbprint)
                                      : json_null());
}

/* What the change that is asked about would do to the connector. */
static void set_change(json_t *value, const struct view *view, const struct plan_state *after,
                       const struct receive_connector *connector)
{
    struct plan plan = plan_compute(view->arena, &view->state, after, view->now_ms, NULL, 0);
    for (size_t i = 0; i < plan.connector_count; i++)
        if (span_eq(plan.connectors[i].connector->name, connector->name))
            present_set(value, "change", connector_to_json(&plan.connectors[i]));
}

enum err explain_to_json(const struct view *view, const struct explain *explain, json_t **value,
                         struct buf *why)
{
    const struct receive_connector *connector =
        document_receive_connector(view->state.document, explain->connector);
    struct plan_state state;
    if (!connector) {
        buf_addf(why, "there is no receive connector " SPAN_FMT, SPAN_ARG(explain->connector));
        return ERR_NOT_FOUND;
    }
    enum err err = change_state(view, explain, &state, why);
    if (err != OK)
        return err;
    struct selection selection = {0};
    if (view_presents(connector))
        selection = plan_select(view->arena, &state, connector, view->now_ms);
    *value = json_object();
    present_set(*value, "at", present_time(view->now_ms));
    set_selection(*value, connector, &selection);
    if (explain->sni.n)
        set_sni(*value, view, &state, connector, &selection, explain->sni);
    if (explain->if_removed.n || explain->if_imported)
        set_change(*value, view, &state, connector);
    present_set(*value, "verdicts", verdicts_to_json(&state, &selection));
    present_set(*value, "findings",
                view_presents(connector) ? findings_of(view, &state, connector) : json_array());
    return OK;
}
