/* /v1/certificates/requests: keys whose certificate has not come yet, and what is sent to the
 * authority. */
#include "base/clock.h"
#include "cert/request.h"
#include "present/certificate_json.h"
#include "service/admin_certificates.h"
#include "service/admin_changes.h"
#include "service/apply.h"
#include "service/dns_watch.h"

enum { ID_HEX = 16, CSR_MAX = 1024 * 1024 };

void admin_list_requests(struct admin_call *call)
{
    struct snapshot *s = snapshot_current(call->admin->world);
    json_t *value = json_object(), *array = json_array();
    for (size_t i = 0; i < s->set->request_count; i++)
        present_push(array, request_to_json(&s->set->requests[i], false));
    snapshot_release(s);
    present_set(value, "requests", array);
    admin_answer(call, 200, value);
}

/* The first digits are enough where they are unique. NULL: the answer was given. */
static const struct certificate_request *find(struct admin_call *call, const struct snapshot *s)
{
    struct span wanted = call->parameters[0];
    const struct certificate_request *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < s->set->request_count; i++)
        if (wanted.n >= VIEW_PREFIX_MIN && span_istarts(s->set->requests[i].id, wanted)) {
            found = &s->set->requests[i];
            count++;
        }
    if (count == 1)
        return found;
    admin_failf(call, count ? 409 : 404, count ? "ambiguous" : "not-found",
                "list them with: sealpost cert requests", "%s has the id " SPAN_FMT,
                count ? "more than one request" : "no pending request", SPAN_ARG(wanted));
    return NULL;
}

/* With what has to be published before its certificate serves. */
static json_t *whole_request(struct admin_call *call, const struct certificate_request *request)
{
    json_t *value = request_to_json(request, true);
    struct span first =
        dns_facts_publish_first(call->arena, dns_watch_facts(call->admin->world->dns_watch),
                                request->names, request->name_count, request->spki);
    present_set(value, "publish-first", present_text_or_null(first));
    return value;
}

void admin_get_request(struct admin_call *call)
{
    struct snapshot *s = snapshot_current(call->admin->world);
    const struct certificate_request *request = find(call, s);
    if (request)
        admin_answer(call, 200, whole_request(call, request));
    snapshot_release(s);
}

/* ---- changes ---- */

struct settling {
    struct admin_call *call;
    json_t *answer;
    int status;
};

/* What is on the disk is also in the list now. */
static void on_settled(void *context, const struct apply_result *result)
{
    (void)result;
    const struct settling *settling = context;
    admin_end_change(settling->call->admin);
    admin_answer(settling->call, settling->status, settling->answer);
}

static void settle(struct admin_call *call, int status, json_t *answer)
{
    struct settling *settling = ARENA_NEW(call->arena, struct settling);
    *settling = (struct settling){call, answer, status};
    apply_certificates(call->admin->world, on_settled, settling);
}

void admin_remove_request(struct admin_call *call)
{
    struct snapshot *s = snapshot_current(call->admin->world);
    const struct certificate_request *request = find(call, s);
    if (request && admin_begin_change(call)) {
        enum err err = certificates_remove_request(call->admin->world->data_directory, request->id);
        if (err == OK) {
            settle(call, 200, request_to_json(request, false));
        } else {
            admin_end_change(call->admin);
            admin_fail_err(call, err, "the request cannot be removed");
        }
    }
    snapshot_release(s);
}

/* ---- a new one ---- */

struct making {
    struct admin_call *call;
    const struct snapshot *snapshot;
    struct span *names;
    size_t count;
    struct span friendly_name, key_type;
    EVP_PKEY *key;
};

static void add_name(struct making *m, struct span name)
{
    for (size_t i = 0; i < m->count; i++)
        if (span_ieq(m->names[i], name))
            return;
    m->names[m->count++] = name;
}

/* "names", else those of the certificate to renew and "add", else the connectors'. */
static bool settle_names(struct making *m, const json_t *body)
{
    struct admin_call *call = m->call;
    struct span *given = NULL, *added = NULL, *own = NULL, renew = admin_member(body, "renew");
    const struct certificate *old = NULL;
    size_t given_count, added_count, own_count, at;
    if (!admin_read_names(call, body, "names", &given, &given_count) ||
        !admin_read_names(call, body, "add", &added, &added_count))
        return false;
    if (renew.n) {
        if (!admin_find_certificate(call, m->snapshot, renew, &at))
            return false;
        old = m->snapshot->set->items[at];
    }
    own_count = admin_connector_names(call->arena, m->snapshot->document, &own);
    m->names = ARENA_ARRAY(call->arena, struct span,
                           given_count + added_count + own_count + (old ? old->name_count : 0));
    for (size_t i = 0; i < given_count; i++)
        add_name(m, given[i]);
    for (size_t i = 0; old && i < old->name_count; i++)
        add_name(m, arena_copy(call->arena, old->names[i]));
    for (size_t i = 0; i < own_count && given_count == 0 && !old; i++)
        add_name(m, own[i]);
    for (size_t i = 0; i < added_count; i++)
        add_name(m, added[i]);
    return true;
}

static bool take_existing_key(struct making *m, struct span thumbprint)
{
    size_t at;
    if (!admin_find_certificate(m->call, m->snapshot, thumbprint, &at))
        return false;
    const struct certificate *c = m->snapshot->set->items[at];
    if (!c->key_matches) {
        admin_failf(m->call, 409, "no-key", "make a request with a new key",
                    "the private key of certificate %s is not here", c->thumbprint);
        return false;
    }
    EVP_PKEY_up_ref(c->key);
    m->key = c->key;
    m->key_type = arena_copy(m->call->arena, c->key_type);
    return true;
}

static bool settle_key(struct making *m, const json_t *body)
{
    struct span kind_text = admin_member(body, "key"), existing = admin_member(body, "existing");
    enum key_kind kind = KEY_P256;
    if (existing.n)
        return take_existing_key(m, existing);
    if (kind_text.n && key_kind_parse(kind_text, &kind) != OK) {
        admin_fail(m->call, 400, "bad-body", SPAN("that is no kind of key"),
                   "key is p256, p384, rsa2048, rsa3072 or rsa4096");
        return false;
    }
    enum err err = key_new(kind, &m->key);
    if (err != OK) {
        admin_fail_err(m->call, err, "no key can be made");
        return false;
    }
    m->key_type = span_of(key_kind_name(kind));
    return true;
}

static enum err store_request(const struct making *m, struct span csr, json_t **value)
{
    char spki[65];
    key_spki_hash(m->key, spki);
    struct certificate_request request = {
        .id = arena_copy(m->call->arena, span_make(spki, ID_HEX)),
        .names = m->names,
        .name_count = m->count,
        .key_type = m->key_type,
        .spki = arena_copy(m->call->arena, span_of(spki)),
        .friendly_name = m->friendly_name,
        .pem = csr,
        .made_ms = clock_now_ms(),
    };
    enum err err =
        certificates_add_request(m->call->admin->world->data_directory, m->key, &request);
    if (err == OK)
        *value = whole_request(m->call, &request);
    return err;
}

static void make_request(const struct making *m)
{
    struct admin_call *call = m->call;
    struct buf csr = BUF_INIT(CSR_MAX);
    json_t *value = NULL;
    enum err err = request_new(m->key, m->names, m->count, &csr);
    if (err != OK) {
        admin_failf(call, 422, "bad-names", "give host names such as mail.example.com",
                    "no request can be made for these names: %s", err_text(err));
    } else if (admin_begin_change(call)) {
        err = store_request(m, buf_span(&csr), &value);
        if (err == OK) {
            settle(call, 201, value);
        } else {
            admin_end_change(call->admin);
            admin_fail_err(call, err, "the request cannot be stored");
        }
    }
    buf_done(&csr);
}

/* {"names", "add", "renew" (thumbprint), "key" or "existing" (thumbprint), "friendly-name"} */
void admin_add_request(struct admin_call *call)
{
    json_t *body = admin_body(call);
    if (!body)
        return;
    struct making m = {.call = call, .snapshot = NULL};
    struct certificate_meta meta = {0};
    struct snapshot *s = snapshot_current(call->admin->world);
    m.snapshot = s;
    if (admin_read_meta(call, body, &meta) && settle_names(&m, body) && settle_key(&m, body)) {
        m.friendly_name = meta.friendly_name;
        make_request(&m);
    }
    EVP_PKEY_free(m.key);
    snapshot_release(s);
    json_decref(body);
}
