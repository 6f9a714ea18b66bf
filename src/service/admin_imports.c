/* POST of certificates: from a file in any form, and self-signed ones. */
#include "base/clock.h"
#include "base/encode.h"
#include "cert/bundle.h"
#include "present/trial.h"
#include "service/admin_certificates.h"
#include "service/admin_changes.h"

enum { DAYS_USUAL = 3650, DAYS_MAX = 36500 };

struct import {
    struct admin_call *call;
    const struct snapshot *snapshot;
    struct span data, passphrase;
    struct certificate_meta meta;
    bool completes; /* has to answer a pending request */
};

/* ---- the keys of requests ---- */

struct keys {
    EVP_PKEY **items;
    size_t count;
};

static struct keys request_keys(struct admin_call *call, const struct certificate_set *set)
{
    struct keys keys = {ARENA_ARRAY(call->arena, EVP_PKEY *, set->request_count), 0};
    struct buf why = BUF_INIT(1024);
    for (size_t i = 0; i < set->request_count; i++)
        if (certificates_request_key(call->admin->world->data_directory, set->requests[i].id,
                                     &keys.items[keys.count], &why) == OK)
            keys.count++;
    buf_done(&why);
    return keys;
}

static void free_keys(struct keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        EVP_PKEY_free(keys->items[i]);
}

/* The request that the certificate answers; empty: none. */
static struct span request_of(const struct certificate_set *set, const struct certificate *c)
{
    for (size_t i = 0; i < set->request_count; i++)
        if (span_ieq(set->requests[i].spki, span_of(c->spki)))
            return set->requests[i].id;
    return SPAN_NONE;
}

/* ---- import ---- */

static void fail_import(struct admin_call *call, enum err err, const struct buf *why)
{
    const char *remedy = err == ERR_DENIED ? "give the passphrase: --passphrase-file FILE"
                                           : "send the certificate, its chain and its private key: "
                                             "PEM, PKCS#12, PKCS#7 or DER";
    admin_fail(call, 422, err == ERR_DENIED ? "passphrase" : "bad-certificate", buf_span(why),
               remedy);
}

/* The one leaf to import: certificates of others may stand in the same file, but only one of a
 * key. */
static struct certificate *take_leaf(struct certificate **certificates, size_t count,
                                     struct buf *why)
{
    struct certificate *taken = NULL;
    size_t with_key = 0;
    for (size_t i = 0; i < count; i++)
        with_key += certificates[i]->key_matches;
    for (size_t i = 0; i < count; i++) {
        bool fits = with_key ? with_key == 1 && certificates[i]->key_matches : count == 1;
        if (fits)
            taken = certificates[i];
        else
            certificate_free(certificates[i]);
    }
    if (!taken)
        buf_addf(why, "the file holds %zu certificates of servers; import one at a time", count);
    return taken;
}

static struct certificate *read_certificate(const struct import *import, struct keys *keys)
{
    struct admin_call *call = import->call;
    struct buf why = BUF_INIT(4096);
    struct bundle *bundle = NULL;
    struct certificate **certificates, *c = NULL;
    size_t count;
    STACK_OF(X509) *known = trial_issuers(import->snapshot->set);
    enum err err = bundle_read(import->data, import->passphrase, &bundle, &why);
    if (err == OK)
        err = bundle_certificates(bundle, keys->items, keys->count, known, call->arena,
                                  &certificates, &count, &why);
    if (err == OK)
        c = take_leaf(certificates, count, &why);
    if (!c)
        fail_import(call, err, &why);
    bundle_free(bundle);
    trial_issuers_free(known);
    buf_done(&why);
    return c;
}

/* A renewal under another key would leave its request pending for ever, and nobody would know. */
static void fail_unasked(struct admin_call *call, const struct certificate_set *set,
                         const struct certificate *c)
{
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    buf_addf(&why, "no request is pending for the key of certificate %s (SPKI %s); ", c->thumbprint,
             c->spki);
    buf_addf(&why, set->request_count ? "pending:" : "none is pending at all");
    for (size_t i = 0; i < set->request_count; i++) {
        const struct certificate_request *r = &set->requests[i];
        buf_addf(&why, "%s " SPAN_FMT " for " SPAN_FMT, i ? "," : "", SPAN_ARG(r->id),
                 SPAN_ARG(r->name_count ? r->names[0] : SPAN("no name")));
    }
    admin_fail(call, 409, "not-requested", buf_span(&why),
               "if it is the right one, import it with its key: sealpost cert import FILE");
    buf_done(&why);
}

static void import_certificate(struct import *import)
{
    struct admin_call *call = import->call;
    struct keys keys = request_keys(call, import->snapshot->set);
    struct certificate *c = read_certificate(import, &keys);
    free_keys(&keys);
    if (!c)
        return;
    struct span request = request_of(import->snapshot->set, c);
    if (import->completes && request.n == 0) {
        fail_unasked(call, import->snapshot->set, c);
        certificate_free(c);
        return;
    }
    import->meta.source = request.n ? SPAN("request") : SPAN("import");
    struct rotate_change change = {.kind = ROTATE_ADD, .certificate = c, .meta = import->meta};
    admin_change_certificates(call, &change, request);
}

/* {"data" (base64) or "pem", "passphrase", "services", "friendly-name", "notes", "completes" (true:
 * only where a request is pending for its key)} */
static void import_body(struct import *import, const json_t *body)
{
    struct admin_call *call = import->call;
    struct span data = admin_member(body, "data"), pem = admin_member(body, "pem");
    struct buf bytes = BUF_INIT(BUNDLE_MAX);
    import->passphrase = admin_member(body, "passphrase");
    import->completes = json_is_true(json_object_get(body, "completes"));
    if ((data.n == 0) == (pem.n == 0)) {
        admin_fail(call, 400, "bad-body", SPAN("give either data (base64) or pem"), NULL);
    } else if (data.n && decode_base64(&bytes, data) != OK) {
        admin_fail(call, 400, "bad-body", SPAN("data is no base64, or too large"), NULL);
    } else if (admin_read_meta(call, body, &import->meta)) {
        import->data = data.n ? buf_span(&bytes) : pem;
        import_certificate(import);
    }
    if (bytes.p)
        explicit_bzero(bytes.p, bytes.cap);
    buf_done(&bytes);
}

/* A body that is no JSON is the file itself. */
void admin_import_certificate(struct admin_call *call)
{
    struct span body = http_request_body(call->request);
    struct snapshot *s = snapshot_current(call->admin->world);
    struct import import = {
        .call = call, .snapshot = s, .data = body, .meta = {.services = SERVICE_SMTP}};
    json_t *value = NULL;
    if (!span_starts(span_trim(body), SPAN("{")))
        import_certificate(&import);
    else if ((value = admin_body(call)))
        import_body(&import, value);
    json_decref(value);
    snapshot_release(s);
}

/* ---- self-signed ---- */

static void make_certificate(struct admin_call *call, const json_t *body, struct span *names,
                             size_t count)
{
    struct certificate_meta meta = {.services = SERVICE_SMTP, .source = SPAN("self-signed")};
    const json_t *days_value = json_object_get(body, "days");
    int64_t days = days_value ? json_integer_value(days_value) : DAYS_USUAL, now = clock_now_ms();
    struct certificate *c;
    if (days < 1 || days > DAYS_MAX) {
        admin_failf(call, 400, "bad-body", NULL, "days is a number from 1 to %d", DAYS_MAX);
        return;
    }
    if (!admin_read_meta(call, body, &meta))
        return;
    enum err err =
        certificate_new_self_signed(names, count, now - HOUR_MS, now + days * DAY_MS, &c);
    if (err != OK) {
        admin_failf(call, 422, "bad-names", "give host names such as mail.example.com",
                    "no certificate can be made for these names: %s", err_text(err));
        return;
    }
    struct rotate_change change = {.kind = ROTATE_ADD, .certificate = c, .meta = meta};
    admin_change_certificates(call, &change, SPAN_NONE);
}

/* {"names", "days", "services", "friendly-name", "notes"} */
void admin_make_certificate(struct admin_call *call)
{
    json_t *body = admin_body(call);
    struct span *names = NULL;
    size_t count;
    if (!body)
        return;
    struct snapshot *s = snapshot_current(call->admin->world);
    if (admin_read_names(call, body, "names", &names, &count)) {
        if (count == 0)
            count = admin_connector_names(call->arena, s->document, &names);
        make_certificate(call, body, names, count);
    }
    snapshot_release(s);
    json_decref(body);
}
