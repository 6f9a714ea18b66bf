/* /v1/certificates: what is in the store, who uses it, and why one is chosen or not. */
#include "service/admin_certificates.h"

#include "base/clock.h"
#include "base/log.h"
#include "cert/chain.h"
#include "service/apply.h"
#include "store/certificates.h"

json_t *admin_certificate_names(const struct certificate *c)
{
    json_t *names = json_array();
    for (size_t i = 0; i < c->name_count; i++)
        admin_push(names, admin_text(c->names[i]));
    return names;
}

json_t *admin_presented(const struct connector_tls *tls)
{
    const struct certificate *chosen = tls->selection.chosen;
    if (tls->connector->tls == RECEIVE_TLS_OFF)
        return json_null();
    json_t *value = json_object();
    admin_set(value, "thumbprint", chosen ? json_string(chosen->thumbprint) : json_null());
    admin_set(value, "names", chosen ? admin_certificate_names(chosen) : json_array());
    admin_set(value, "expires", chosen ? admin_time(chosen->not_after_ms) : json_null());
    admin_set(value, "name-covered", json_boolean(chosen && tls->selection.name_covered));
    admin_set(value, "expired", json_boolean(chosen && tls->selection.expired));
    admin_set(value, "starttls-offered", json_boolean(tls->context != NULL));
    admin_set(value, "fault", admin_text_or_null(tls->fault));
    return value;
}

static bool is_presented(const struct snapshot *s, const struct certificate *c)
{
    for (size_t i = 0; i < s->document->receive_connector_count; i++)
        if (s->receive_tls[i].selection.chosen == c && s->receive_tls[i].context)
            return true;
    return false;
}

static bool covers_all(const struct certificate *by, const struct certificate *names_of)
{
    for (size_t i = 0; i < names_of->name_count; i++)
        if (certificate_covers(by, names_of->names[i]) == NAME_NO_MATCH)
            return false;
    return names_of->name_count > 0;
}

/* The newest usable one that makes this one needless; NULL: there is none. */
static const struct certificate *successor(const struct snapshot *s, const struct certificate *c,
                                           int64_t now_ms)
{
    const struct certificate *best = NULL;
    for (size_t i = 0; i < s->certificate_count; i++) {
        const struct certificate *other = s->certificates[i].certificate;
        bool usable =
            other->key_matches && other->not_before_ms <= now_ms && other->not_after_ms > now_ms;
        if (other != c && usable && other->not_before_ms > c->not_before_ms &&
            covers_all(other, c) && (other->self_signed <= c->self_signed) &&
            (!best || other->not_before_ms > best->not_before_ms))
            best = other;
    }
    return best;
}

enum certificate_status certificate_status(const struct snapshot *s, const struct certificate *c,
                                           int64_t now_ms)
{
    if (!c->key_matches)
        return CERTIFICATE_UNUSABLE;
    if (now_ms >= c->not_after_ms)
        return CERTIFICATE_EXPIRED;
    if (now_ms < c->not_before_ms)
        return CERTIFICATE_NOT_YET_VALID;
    if (is_presented(s, c))
        return CERTIFICATE_ACTIVE;
    return successor(s, c, now_ms) ? CERTIFICATE_SUPERSEDED : CERTIFICATE_SPARE;
}

static json_t *services(unsigned bits)
{
    static const struct {
        enum cert_service service;
        const char *name;
    } known[] = {{SERVICE_SMTP, "smtp"},
                 {SERVICE_HTTP, "http"},
                 {SERVICE_CLIENT, "client"},
                 {SERVICE_EDGE, "edge"}};
    json_t *array = json_array();
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (bits & known[i].service)
            admin_push(array, json_string(known[i].name));
    return array;
}

static json_t *used_by(const struct snapshot *s, const struct certificate *c)
{
    json_t *array = json_array();
    for (size_t i = 0; i < s->document->receive_connector_count; i++) {
        const struct connector_tls *tls = &s->receive_tls[i];
        if (tls->selection.chosen != c)
            continue;
        json_t *user = json_object();
        admin_set(user, "connector", admin_text(tls->connector->name));
        admin_set(user, "fqdn", admin_text(tls->connector->fqdn));
        admin_set(user, "fallback", json_boolean(!tls->selection.name_covered));
        admin_push(array, user);
    }
    return array;
}

static json_t *certificate_value(const struct snapshot *s, size_t at, int64_t now_ms)
{
    static const char *const statuses[] = {"active",  "superseded",    "spare",
                                           "expired", "not-yet-valid", "unusable"};
    const struct certificate *c = s->certificates[at].certificate;
    enum certificate_status status = certificate_status(s, c, now_ms);
    const struct certificate *next =
        status == CERTIFICATE_SUPERSEDED ? successor(s, c, now_ms) : NULL;
    json_t *value = json_object();
    admin_set(value, "thumbprint", json_string(c->thumbprint));
    admin_set(value, "names", admin_certificate_names(c));
    admin_set(value, "subject", admin_text(c->subject));
    admin_set(value, "issuer", admin_text(c->issuer));
    admin_set(value, "serial", admin_text(c->serial));
    admin_set(value, "self-signed", json_boolean(c->self_signed));
    admin_set(value, "chain", json_string(chain_state_text(s->certificates[at].chain)));
    admin_set(value, "key-type", admin_text(c->key_type));
    admin_set(value, "key",
              json_string(!c->key          ? "missing"
                          : c->key_matches ? "present"
                                           : "mismatch"));
    admin_set(value, "services", services(c->services));
    admin_set(value, "not-before", admin_time(c->not_before_ms));
    admin_set(value, "expires", admin_time(c->not_after_ms));
    admin_set(value, "status", json_string(statuses[status]));
    admin_set(value, "superseded-by", next ? json_string(next->thumbprint) : json_null());
    admin_set(value, "file", admin_text(s->set->paths[at]));
    admin_set(value, "used-by", used_by(s, c));
    return value;
}

static json_t *faults(const struct certificate_set *set)
{
    json_t *array = json_array();
    for (size_t i = 0; i < set->fault_count; i++) {
        json_t *fault = json_object();
        admin_set(fault, "file", admin_text(set->faults[i].path));
        admin_set(fault, "text", admin_text(set->faults[i].text));
        admin_push(array, fault);
    }
    return array;
}

void admin_list_certificates(struct admin_call *call)
{
    struct snapshot *s = snapshot_current(call->admin->world);
    json_t *array = json_array(), *value = json_object();
    for (size_t i = 0; i < s->certificate_count; i++)
        admin_push(array, certificate_value(s, i, clock_now_ms()));
    admin_set(value, "certificates", array);
    admin_set(value, "faults", faults(s->set));
    snapshot_release(s);
    admin_answer(call, 200, value);
}

/* ---- one ---- */

/* People copy thumbprints from everywhere: blanks and colons within do not count, nor does case. */
static struct span plain_thumbprint(struct admin_call *call, struct span given)
{
    char *text = arena_text(call->arena, given);
    size_t n = 0;
    for (size_t i = 0; i < given.n; i++)
        if (given.p[i] != ' ' && given.p[i] != ':')
            text[n++] = given.p[i];
    return span_make(text, n);
}

static json_t *verdicts(const struct snapshot *s, size_t at)
{
    static const char *const matches[] = {"none", "wildcard", "exact"};
    json_t *array = json_array();
    for (size_t i = 0; i < s->document->receive_connector_count; i++) {
        const struct connector_tls *tls = &s->receive_tls[i];
        if (tls->connector->tls == RECEIVE_TLS_OFF)
            continue;
        const struct verdict *verdict = &tls->selection.verdicts[at];
        json_t *value = json_object();
        admin_set(value, "connector", admin_text(tls->connector->name));
        admin_set(value, "fqdn", admin_text(tls->connector->fqdn));
        admin_set(value, "chosen", json_boolean(verdict->reason == VERDICT_CHOSEN));
        admin_set(value, "reason", json_string(verdict_text(verdict->reason)));
        admin_set(value, "detail", admin_text_or_null(verdict->detail));
        admin_set(value, "match", json_string(matches[verdict->match]));
        admin_set(value, "fallback", json_boolean(verdict->fallback));
        admin_push(array, value);
    }
    return array;
}

void admin_get_certificate(struct admin_call *call)
{
    struct span wanted = plain_thumbprint(call, call->parameters[0]);
    struct snapshot *s = snapshot_current(call->admin->world);
    size_t found = 0, at = 0;
    for (size_t i = 0; i < s->certificate_count; i++)
        if (wanted.n && span_istarts(span_of(s->certificates[i].certificate->thumbprint), wanted)) {
            found++;
            at = i;
        }
    if (found == 1) {
        json_t *value = certificate_value(s, at, clock_now_ms());
        admin_set(value, "verdicts", verdicts(s, at));
        admin_answer(call, 200, value);
    } else if (found == 0) {
        admin_failf(call, 404, "not-found", "list them with: sealpost cert list",
                    "no certificate has the thumbprint " SPAN_FMT, SPAN_ARG(wanted));
    } else {
        admin_failf(call, 409, "ambiguous", "give more digits",
                    "%zu certificates have thumbprints that begin with " SPAN_FMT, found,
                    SPAN_ARG(wanted));
    }
    snapshot_release(s);
}

/* ---- import ---- */

struct import {
    struct admin_call *call;
    char thumbprint[CERT_THUMBPRINT_HEX];
};

static size_t find(const struct snapshot *s, const char *thumbprint)
{
    size_t at = 0;
    while (at < s->certificate_count &&
           strcmp(s->certificates[at].certificate->thumbprint, thumbprint) != 0)
        at++;
    return at;
}

static void on_imported(void *context, enum err err, const struct problems *problems,
                        uint64_t revision, struct span diff)
{
    (void)revision;
    (void)diff;
    struct import *import = context;
    struct admin_call *call = import->call;
    admin_end_change(call->admin);
    if (err != OK) {
        struct span why =
            problems && problems->count ? problems->items[0].text : span_of(err_text(err));
        admin_failf(call, 500, "failed", "the one before still serves; see sealpost events",
                    "the certificate was stored but cannot be used: " SPAN_FMT, SPAN_ARG(why));
        return;
    }
    struct snapshot *s = snapshot_current(call->admin->world);
    size_t at = find(s, import->thumbprint);
    if (at < s->certificate_count)
        admin_answer(call, 201, certificate_value(s, at, clock_now_ms()));
    else
        admin_failf(call, 500, "failed", "see sealpost cert list for files with faults",
                    "the certificate %s was stored but is not in the store", import->thumbprint);
    snapshot_release(s);
}

/* Stores a certificate whose key is its own, and has it taken into use. */
static void import(struct admin_call *call, const struct certificate *c)
{
    struct world *world = call->admin->world;
    enum err err;
    if (!admin_begin_change(call))
        return;
    if ((err = certificates_save(world->data_directory, c->thumbprint, c)) != OK) {
        admin_end_change(call->admin);
        admin_fail_err(call, err, "the certificate cannot be stored");
        return;
    }
    struct import *import = ARENA_NEW(call->arena, struct import);
    import->call = call;
    memcpy(import->thumbprint, c->thumbprint, sizeof(import->thumbprint));
    LOG(LOG_INFO, "certificate-imported", LOG_T("thumbprint", c->thumbprint),
        LOG_S("subject", c->subject), LOG_S("by", http_request_author(call->request)));
    apply_certificates(world, on_imported, import);
}

/* The body is PEM: the certificate, its chain and its key. */
void admin_add_certificate(struct admin_call *call)
{
    struct certificate *c = NULL;
    struct buf why = BUF_INIT(1024);
    if (certificate_parse_pem(http_request_body(call->request), SPAN_NONE, &c, &why) != OK)
        admin_failf(call, 422, "bad-certificate",
                    "send PEM: the certificate, its chain and its private key",
                    "this is no usable certificate: " SPAN_FMT, SPAN_ARG(buf_span(&why)));
    else if (!c->key_matches)
        admin_fail(call, 422, "bad-certificate",
                   c->key ? SPAN("the private key does not belong to the certificate")
                          : SPAN("the private key is missing"),
                   "import the certificate together with its own key");
    else
        import(call, c);
    buf_done(&why);
    certificate_free(c);
}
