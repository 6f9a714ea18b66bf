#include "present/explain_json.h"

#include "cert/chain.h"
#include "policy/diagnose.h"
#include "present/finding_json.h"
#include "present/json.h"
#include "present/selection_json.h"

/* ---- what both kinds of connector share ---- */

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

static bool asks_for_change(const struct explain *explain)
{
    return explain->if_removed.n || explain->if_imported;
}

static struct diagnose_facts facts_of(const struct view *view, const struct plan_state *state)
{
    return (struct diagnose_facts){.state = *state, .now_ms = view->now_ms, .dns = view->dns};
}

static void set_selection(json_t *value, const struct selection *selection, struct span pin)
{
    static const char *const pins[] = {NULL, "held", "fell-back", "broken"};
    present_set(value, "pin", present_text_or_null(pin));
    present_set(value, "pin-state",
                pins[selection->pin] ? json_string(pins[selection->pin]) : json_null());
    present_set(value, "presents", selection_to_json(selection));
    present_set(value, "other-key-type",
                selection->other_type ? json_string(selection->other_type->thumbprint)
                                      : json_null());
}

static json_t *begin(const struct view *view, const char *kind, struct span name, struct span fqdn,
                     bool enabled)
{
    json_t *value = json_object();
    present_set(value, "at", present_time(view->now_ms));
    present_set(value, "kind", json_string(kind));
    present_set(value, "connector", present_text(name));
    present_set(value, "fqdn", present_text(fqdn));
    present_set(value, "enabled", json_boolean(enabled));
    return value;
}

/* ---- receive connectors ---- */

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
    present_set(value, "for-sni", selection_to_json(&shown));
    present_set(value, "sni-refines", json_boolean(other != NULL));
}

static void set_change(json_t *value, const struct view *view, const struct plan_state *after,
                       const struct receive_connector *connector)
{
    struct plan plan = plan_compute(view->arena, &view->state, after, view->now_ms, view->dns);
    for (size_t i = 0; i < plan.connector_count; i++)
        if (span_eq(plan.connectors[i].connector->name, connector->name))
            present_set(value, "change", plan_connector_to_json(&plan.connectors[i]));
}

static json_t *explain_receive(const struct view *view, const struct plan_state *state,
                               const struct receive_connector *connector,
                               const struct explain *explain)
{
    static const char *const tls[] = {"off", "offered", "required", "implicit"};
    struct selection selection = {0};
    struct findings findings = {.arena = view->arena};
    struct diagnose_facts facts = facts_of(view, state);
    if (view_presents(connector))
        selection = plan_select(view->arena, state, connector, view->now_ms);
    json_t *value = begin(view, "receive", connector->name, connector->fqdn, connector->enabled);
    present_set(value, "tls", json_string(tls[connector->tls]));
    set_selection(value, &selection, connector->pin);
    if (explain->sni.n)
        set_sni(value, view, state, connector, &selection, explain->sni);
    if (asks_for_change(explain))
        set_change(value, view, state, connector);
    present_set(value, "verdicts", verdicts_to_json(state, &selection));
    if (view_presents(connector))
        diagnose_connector(&findings, &facts, connector);
    present_set(value, "findings", findings_to_json(&findings));
    return value;
}

/* ---- send connectors: the client certificate ---- */

static void set_send_change(json_t *value, const struct view *view, const struct plan_state *after,
                            const struct send_connector *connector)
{
    struct plan plan = plan_compute(view->arena, &view->state, after, view->now_ms, view->dns);
    for (size_t i = 0; i < plan.send_connector_count; i++)
        if (span_eq(plan.send_connectors[i].connector->name, connector->name))
            present_set(value, "change", plan_send_connector_to_json(&plan.send_connectors[i]));
}

static json_t *explain_send(const struct view *view, const struct plan_state *state,
                            const struct send_connector *connector, const struct explain *explain)
{
    static const char *const tls[] = {"off", "opportunistic", "required", "implicit"};
    struct selection selection = {0};
    struct findings findings = {.arena = view->arena};
    struct diagnose_facts facts = facts_of(view, state);
    if (connector->enabled && connector->tls != SEND_TLS_OFF)
        selection = plan_select_client(view->arena, state, connector, view->now_ms);
    json_t *value = begin(view, "send", connector->name, connector->fqdn, connector->enabled);
    present_set(value, "tls", json_string(tls[connector->tls]));
    set_selection(value, &selection, connector->tls_certificate);
    if (asks_for_change(explain))
        set_send_change(value, view, state, connector);
    present_set(value, "verdicts", verdicts_to_json(state, &selection));
    diagnose_send_connector(&findings, &facts, connector);
    present_set(value, "findings", findings_to_json(&findings));
    return value;
}

/* ---- one, or all ---- */

/* Whether the question is about connectors of that kind and name. */
static bool is_asked(const struct explain *explain, enum explain_kind kind, struct span name)
{
    return (explain->kind == EXPLAIN_ANY || explain->kind == kind) &&
           (explain->connector.n == 0 || span_eq(explain->connector, name));
}

static json_t *explain_asked(const struct view *view, const struct plan_state *state,
                             const struct explain *explain)
{
    const struct document *d = view->state.document;
    json_t *connectors = json_array();
    for (size_t i = 0; i < d->receive_connector_count; i++)
        if (is_asked(explain, EXPLAIN_RECEIVE, d->receive_connectors[i].name))
            present_push(connectors,
                         explain_receive(view, state, &d->receive_connectors[i], explain));
    for (size_t i = 0; i < d->send_connector_count; i++)
        if (is_asked(explain, EXPLAIN_SEND, d->send_connectors[i].name))
            present_push(connectors, explain_send(view, state, &d->send_connectors[i], explain));
    return connectors;
}

enum err explain_to_json(const struct view *view, const struct explain *explain, json_t **value,
                         struct buf *why)
{
    static const char *const kinds[] = {"", "receive ", "send "};
    struct plan_state state;
    enum err err = change_state(view, explain, &state, why);
    if (err != OK)
        return err;
    json_t *connectors = explain_asked(view, &state, explain);
    size_t count = json_array_size(connectors);
    if (explain->connector.n && count == 0) {
        buf_addf(why, "there is no %sconnector " SPAN_FMT, kinds[explain->kind],
                 SPAN_ARG(explain->connector));
        json_decref(connectors);
        return ERR_NOT_FOUND;
    }
    if (explain->connector.n && count == 1) {
        *value = json_incref(json_array_get(connectors, 0));
        json_decref(connectors);
        return OK;
    }
    *value = json_object();
    present_set(*value, "at", present_time(view->now_ms));
    present_set(*value, "connectors", connectors);
    return OK;
}

enum err explain_kind_parse(struct span text, enum explain_kind *kind)
{
    if (span_eq(text, SPAN("receive")))
        *kind = EXPLAIN_RECEIVE;
    else if (span_eq(text, SPAN("send")))
        *kind = EXPLAIN_SEND;
    else if (text.n == 0)
        *kind = EXPLAIN_ANY;
    else
        return ERR_RANGE;
    return OK;
}
