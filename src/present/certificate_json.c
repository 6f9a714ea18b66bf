#include "present/certificate_json.h"

#include "cert/chain.h"
#include "present/json.h"
#include "present/selection_json.h"

/* ---- services ---- */

static const struct {
    enum cert_service service;
    const char *name;
} known_services[] = {{SERVICE_SMTP, "smtp"},
                      {SERVICE_HTTP, "http"},
                      {SERVICE_CLIENT, "client"},
                      {SERVICE_EDGE, "edge"}};

json_t *services_to_json(unsigned services)
{
    json_t *array = json_array();
    for (size_t i = 0; i < COUNT_OF(known_services); i++)
        if (services & known_services[i].service)
            present_push(array, json_string(known_services[i].name));
    return array;
}

enum err services_from_json(const json_t *value, unsigned *services)
{
    size_t i, known;
    const json_t *item;
    unsigned bits = 0;
    if (!json_is_array(value))
        return ERR_RANGE;
    json_array_foreach(value, i, item)
    {
        struct span name = span_make(json_string_value(item), json_string_length(item));
        for (known = 0; known < COUNT_OF(known_services); known++)
            if (span_ieq(name, span_of(known_services[known].name)))
                break;
        if (known == COUNT_OF(known_services))
            return ERR_RANGE;
        bits |= known_services[known].service;
    }
    *services = bits;
    return OK;
}

/* ---- status ---- */

static bool is_chosen(const struct selection *selection, const struct certificate *c)
{
    return selection->chosen == c || selection->other_type == c;
}

static bool is_presented(const struct view *view, const struct certificate *c)
{
    const struct document *d = view->state.document;
    for (size_t i = 0; d && i < d->receive_connector_count; i++)
        if (is_chosen(&view->receive[i], c))
            return true;
    for (size_t i = 0; d && i < d->send_connector_count; i++)
        if (is_chosen(&view->send[i], c))
            return true;
    return false;
}

static bool is_superseded(const struct view *view, const struct certificate *c)
{
    for (size_t i = 0; i < view->superseded_count; i++)
        if (view->superseded[i] == c)
            return true;
    return false;
}

const char *certificate_status_name(const struct view *view, size_t at)
{
    const struct candidate *candidate = &view->state.candidates[at];
    const struct certificate *c = candidate->certificate;
    if (!c->key)
        return "key-missing";
    if (!c->key_matches)
        return "key-mismatch";
    if (view->now_ms >= c->not_after_ms)
        return "expired";
    if (view->now_ms < c->not_before_ms)
        return "not-yet-valid";
    if (is_presented(view, c))
        return "active";
    if (is_superseded(view, c))
        return "superseded";
    if (c->weak_signature)
        return "weak-signature";
    if (candidate->chain == CHAIN_INCOMPLETE)
        return "chain-incomplete";
    return candidate->chain == CHAIN_TRUSTED ? "standby" : "untrusted";
}

/* ---- one certificate ---- */

static void push_user(json_t *array, struct span connector, struct span fqdn, bool receive,
                      const struct selection *selection, const struct certificate *c)
{
    if (!is_chosen(selection, c))
        return;
    json_t *user = json_object();
    present_set(user, "connector", present_text(connector));
    present_set(user, "kind", json_string(receive ? "receive-connector" : "send-connector"));
    present_set(user, "fqdn", present_text(fqdn));
    present_set(user, "fallback", json_boolean(receive && !selection->name_covered));
    present_set(user, "other-key-type", json_boolean(selection->other_type == c));
    present_push(array, user);
}

static json_t *used_by(const struct view *view, const struct certificate *c)
{
    const struct document *d = view->state.document;
    json_t *array = json_array();
    for (size_t i = 0; d && i < d->receive_connector_count; i++)
        push_user(array, d->receive_connectors[i].name, d->receive_connectors[i].fqdn, true,
                  &view->receive[i], c);
    for (size_t i = 0; d && i < d->send_connector_count; i++)
        push_user(array, d->send_connectors[i].name, d->send_connectors[i].fqdn, false,
                  &view->send[i], c);
    return array;
}

static void set_meta(json_t *value, const struct view *view, size_t at)
{
    const struct certificate_meta *meta = &view->set->meta[at];
    present_set(value, "friendly-name", present_text_or_null(meta->friendly_name));
    present_set(value, "notes", present_text_or_null(meta->notes));
    present_set(value, "source", present_text_or_null(meta->source));
    present_set(value, "author", present_text_or_null(meta->author));
    present_set(value, "added", present_time(meta->added_ms));
    present_set(value, "managed", json_boolean(meta->managed));
    present_set(value, "file", present_text(view->set->paths[at]));
}

/* RFC 9525 section 2: a common name is no identity of a service any more. */
static json_t *advice_of(const struct view *view, const struct certificate *c)
{
    if (!c->names_from_cn)
        return json_null();
    return present_text(arena_printf(
        view->arena,
        "its only name is the common name of the subject, which most clients no longer accept; ask "
        "for one with the name in subjectAltName: sealpost cert request " SPAN_FMT,
        SPAN_ARG(c->name_count ? c->names[0] : SPAN("NAME"))));
}

json_t *certificate_to_json(const struct view *view, size_t at)
{
    const struct candidate *candidate = &view->state.candidates[at];
    const struct certificate *c = candidate->certificate;
    json_t *value = json_object();
    present_set(value, "thumbprint", json_string(c->thumbprint));
    present_set(value, "names", present_texts(c->names, c->name_count));
    present_set(value, "names-from-cn", json_boolean(c->names_from_cn));
    present_set(value, "advice", advice_of(view, c));
    present_set(value, "subject", present_text(c->subject));
    present_set(value, "issuer", present_text(c->issuer));
    present_set(value, "serial", present_text(c->serial));
    present_set(value, "sha256", json_string(c->sha256));
    present_set(value, "spki", json_string(c->spki));
    present_set(value, "self-signed", json_boolean(c->self_signed));
    present_set(value, "chain", json_string(chain_state_text(candidate->chain)));
    present_set(value, "key-type", present_text(c->key_type));
    present_set(value, "key",
                json_string(!c->key          ? "missing"
                            : c->key_matches ? "present"
                                             : "mismatch"));
    present_set(value, "weak-signature", json_boolean(c->weak_signature));
    present_set(value, "services", services_to_json(c->services));
    present_set(value, "not-before", present_time(c->not_before_ms));
    present_set(value, "expires", present_time(c->not_after_ms));
    present_set(value, "status", json_string(certificate_status_name(view, at)));
    present_set(value, "used-by", used_by(view, c));
    set_meta(value, view, at);
    return value;
}

json_t *certificate_to_json_in_full(const struct view *view, size_t at)
{
    const struct document *d = view->state.document;
    json_t *value = certificate_to_json(view, at), *verdicts = json_array();
    for (size_t i = 0; d && i < d->receive_connector_count; i++) {
        const struct receive_connector *connector = &d->receive_connectors[i];
        if (!view_presents(connector))
            continue;
        json_t *verdict = verdict_to_json(&view->receive[i].verdicts[at]);
        present_set(verdict, "connector", present_text(connector->name));
        present_set(verdict, "fqdn", present_text(connector->fqdn));
        present_push(verdicts, verdict);
    }
    present_set(value, "verdicts", verdicts);
    return value;
}

/* ---- lists ---- */

json_t *request_to_json(const struct certificate_request *request, bool with_csr)
{
    json_t *value = json_object();
    present_set(value, "id", present_text(request->id));
    present_set(value, "names", present_texts(request->names, request->name_count));
    present_set(value, "key-type", present_text(request->key_type));
    present_set(value, "spki", present_text(request->spki));
    present_set(value, "friendly-name", present_text_or_null(request->friendly_name));
    present_set(value, "made", present_time(request->made_ms));
    present_set(value, "status", json_string("pending"));
    if (with_csr)
        present_set(value, "csr", present_text(request->pem));
    return value;
}

static json_t *fault_to_json(const struct certificate_file_fault *fault)
{
    json_t *value = json_object();
    present_set(value, "file", present_text(fault->path));
    present_set(value, "text", present_text(fault->text));
    return value;
}

json_t *certificates_to_json(const struct view *view)
{
    json_t *value = json_object(), *certificates = json_array(), *requests = json_array(),
           *faults = json_array();
    for (size_t i = 0; i < view->state.count; i++)
        present_push(certificates, certificate_to_json(view, i));
    for (size_t i = 0; i < view->set->request_count; i++)
        present_push(requests, request_to_json(&view->set->requests[i], false));
    for (size_t i = 0; i < view->set->fault_count; i++)
        present_push(faults, fault_to_json(&view->set->faults[i]));
    present_set(value, "certificates", certificates);
    present_set(value, "requests", requests);
    present_set(value, "faults", faults);
    return value;
}
