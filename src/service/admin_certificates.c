/* /v1/certificates: what is in the store, who uses it, and why one is chosen or not. */
#include "service/admin_certificates.h"

#include "base/clock.h"
#include "base/encode.h"
#include "cert/bundle.h"
#include "present/certificate_json.h"
#include "service/admin_changes.h"
#include "service/dns_watch.h"

json_t *admin_presented(const struct connector_tls *tls)
{
    const struct certificate *chosen = tls->selection.chosen;
    if (tls->connector->tls == RECEIVE_TLS_OFF)
        return json_null();
    json_t *value = json_object();
    present_set(value, "thumbprint", chosen ? json_string(chosen->thumbprint) : json_null());
    present_set(value, "names",
                chosen ? present_texts(chosen->names, chosen->name_count) : json_array());
    present_set(value, "expires", chosen ? present_time(chosen->not_after_ms) : json_null());
    present_set(value, "name-covered", json_boolean(chosen && tls->selection.name_covered));
    present_set(value, "expired", json_boolean(chosen && tls->selection.expired));
    present_set(value, "starttls-offered", json_boolean(tls->context != NULL));
    present_set(value, "fault", present_text_or_null(tls->fault));
    return value;
}

struct view admin_view(struct admin_call *call, const struct snapshot *s)
{
    struct plan_state state = {s->document, s->certificates, s->certificate_count};
    struct view view = view_make(call->arena, &state, s->set, clock_now_ms());
    for (size_t i = 0; i < s->document->receive_connector_count; i++)
        if (view_presents(&s->document->receive_connectors[i]))
            view.receive[i] = s->receive_tls[i].selection;
    view.dns = dns_watch_facts(call->admin->world->dns_watch);
    return view;
}

bool admin_find_certificate(struct admin_call *call, const struct snapshot *s,
                            struct span thumbprint, size_t *at)
{
    enum view_lookup lookup = view_find(s->set, thumbprint, at);
    if (lookup == VIEW_FOUND)
        return true;
    bool unknown = lookup == VIEW_UNKNOWN;
    admin_fail(call, unknown ? 404 : 409, unknown ? "not-found" : "ambiguous",
               view_lookup_text(call->arena, lookup, thumbprint), view_lookup_remedy(lookup));
    return false;
}

void admin_list_certificates(struct admin_call *call)
{
    struct snapshot *s = snapshot_current(call->admin->world);
    struct view view = admin_view(call, s);
    admin_answer(call, 200, certificates_to_json(&view));
    snapshot_release(s);
}

void admin_get_certificate(struct admin_call *call)
{
    struct snapshot *s = snapshot_current(call->admin->world);
    struct view view = admin_view(call, s);
    size_t at;
    if (admin_find_certificate(call, s, call->parameters[0], &at))
        admin_answer(call, 200, certificate_to_json_in_full(&view, at));
    snapshot_release(s);
}

/* ---- export ---- */

/* PKCS#12 holds the key, so it never leaves without a passphrase; PEM holds none. */
static void answer_pkcs12(struct admin_call *call, const struct certificate_set *set, size_t at,
                          struct span passphrase)
{
    struct buf bytes = BUF_INIT(BUNDLE_MAX), text = BUF_INIT(BUF_UNLIMITED);
    enum err err =
        bundle_write_pkcs12(set->items[at], passphrase, set->meta[at].friendly_name, &bytes);
    if (err == OK) {
        json_t *value = json_object();
        encode_base64(&text, buf_span(&bytes));
        present_set(value, "thumbprint", json_string(set->items[at]->thumbprint));
        present_set(value, "form", json_string("pkcs12"));
        present_set(value, "data", present_text(buf_span(&text)));
        admin_answer(call, 200, value);
    } else if (err == ERR_NOT_FOUND || err == ERR_UNSUPPORTED) {
        admin_fail(call, 409, "no-key", SPAN("the certificate's private key is not here"),
                   "export the chain alone, without --pkcs12");
    } else {
        admin_fail(call, 422, "bad-passphrase",
                   SPAN("PKCS#12 needs a passphrase of 1 to 1024 bytes"), "choose another");
    }
    if (bytes.p)
        explicit_bzero(bytes.p, bytes.cap);
    if (text.p)
        explicit_bzero(text.p, text.cap);
    buf_done(&bytes);
    buf_done(&text);
}

/* {"passphrase"}. A POST, as a passphrase belongs into a body and not into a path. */
void admin_export_pkcs12(struct admin_call *call)
{
    json_t *body = admin_body(call);
    size_t at;
    if (!body)
        return;
    struct snapshot *s = snapshot_current(call->admin->world);
    if (admin_find_certificate(call, s, call->parameters[0], &at))
        answer_pkcs12(call, s->set, at, admin_member(body, "passphrase"));
    snapshot_release(s);
    json_decref(body);
}

/* The certificate and its chain as PEM, without the key. */
void admin_export_chain(struct admin_call *call)
{
    struct snapshot *s = snapshot_current(call->admin->world);
    struct buf pem = BUF_INIT(CERT_PEM_MAX);
    size_t at;
    if (admin_find_certificate(call, s, call->parameters[0], &at)) {
        enum err err = certificate_write_pem(s->set->items[at], false, &pem);
        json_t *value = json_object();
        present_set(value, "thumbprint", json_string(s->set->items[at]->thumbprint));
        present_set(value, "form", json_string("pem"));
        present_set(value, "data", present_text(buf_span(&pem)));
        if (err == OK)
            admin_answer(call, 200, json_incref(value));
        else
            admin_fail_err(call, err, "the certificate cannot be written");
        json_decref(value);
    }
    buf_done(&pem);
    snapshot_release(s);
}
