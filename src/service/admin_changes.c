/* DELETE and PATCH of a certificate, and what all changes share. */
#include "service/admin_changes.h"

#include "base/clock.h"
#include "present/certificate_json.h"
#include "present/selection_json.h"
#include "service/admin_certificates.h"

enum { TEXT_MAX = 4096 };

struct change {
    struct admin_call *call;
    char thumbprint[CERT_THUMBPRINT_HEX];
    struct span request_id;
    bool adds, dry_run, force;
};

/* ---- answers ---- */

static json_t *changed_certificate(struct admin_call *call, const char *thumbprint)
{
    struct snapshot *s = snapshot_current(call->admin->world);
    struct view view = admin_view(call, s);
    size_t at;
    json_t *value = view_find(s->set, span_of(thumbprint), &at) == VIEW_FOUND
                        ? certificate_to_json(&view, at)
                        : json_null();
    snapshot_release(s);
    return value;
}

static void answer_changed(const struct change *change, const struct plan *plan)
{
    json_t *value = json_object();
    present_set(value, "dry-run", json_boolean(change->dry_run));
    present_set(value, "forced", json_boolean(plan->refused && !change->dry_run));
    present_set(value, "thumbprint", json_string(change->thumbprint));
    present_set(value, "certificate", changed_certificate(change->call, change->thumbprint));
    present_set(value, "plan", plan_to_json(plan));
    admin_answer(change->call, change->adds && !change->dry_run ? 201 : 200, value);
}

void admin_refuse(struct admin_call *call, const struct plan *plan)
{
    json_t *value = json_object(), *error = json_object();
    present_set(error, "code", json_string("refused"));
    present_set(error, "text", present_text(plan->refusal));
    present_set(error, "remedy", present_text_or_null(plan->remedy));
    present_set(value, "error", error);
    present_set(value, "plan", plan_to_json(plan));
    admin_answer(call, 409, value);
}

static void answer_failed(struct admin_call *call, enum err err, struct span why)
{
    static const struct {
        enum err err;
        int status;
        const char *code, *remedy;
    } known[] = {
        {ERR_REFUSED, 422, "bad-certificate", "import it together with its own key"},
        {ERR_EXISTS, 409, "exists", "list them with: sealpost cert list"},
        {ERR_NOT_FOUND, 404, "not-found", "list them with: sealpost cert list"},
        {ERR_UNSUPPORTED, 409, "not-managed",
         "change the file itself; it is found again by itself"},
    };
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (known[i].err == err) {
            admin_fail(call, known[i].status, known[i].code, why, known[i].remedy);
            return;
        }
    admin_fail(call, 500, "failed", why, "the one before still serves; see sealpost events");
}

static void on_request_gone(void *context, const struct apply_result *result)
{
    (void)context, (void)result;
}

/* The key is with its certificate now. */
static void complete_request(struct world *world, struct span id)
{
    if (certificates_remove_request(world->data_directory, id) == OK)
        apply_certificates(world, on_request_gone, NULL);
}

static void on_changed(void *context, enum err err, const struct plan *plan, struct span why)
{
    const struct change *change = context;
    struct admin_call *call = change->call;
    if (!change->dry_run)
        admin_end_change(call->admin);
    if (err == OK && change->request_id.n && !change->dry_run)
        complete_request(call->admin->world, change->request_id);
    if (err == OK)
        answer_changed(change, plan);
    else if (err == ERR_REFUSED && plan->refused)
        admin_refuse(call, plan);
    else
        answer_failed(call, err, why);
}

void admin_change_certificates(struct admin_call *call, struct rotate_change *rotate,
                               struct span request_id)
{
    struct change *change = ARENA_NEW(call->arena, struct change);
    change->call = call;
    change->request_id = request_id.n ? arena_copy(call->arena, request_id) : SPAN_NONE;
    change->adds = rotate->kind == ROTATE_ADD;
    change->dry_run = admin_query_switch(call, "dry-run");
    change->force = admin_query_switch(call, "force");
    if (!change->dry_run && !admin_begin_change(call)) {
        certificate_free(rotate->certificate);
        return;
    }
    struct span thumbprint =
        rotate->certificate ? span_of(rotate->certificate->thumbprint) : rotate->thumbprint;
    memcpy(change->thumbprint, thumbprint.p, CERT_THUMBPRINT_HEX - 1);
    rotate->dry_run = change->dry_run;
    rotate->force = change->force;
    rotate->author = http_request_author(call->request);
    rotate_change(call->admin->world, rotate, on_changed, change);
}

/* ---- bodies ---- */

struct span admin_member(const json_t *body, const char *name)
{
    const json_t *value = json_object_get(body, name);
    return span_make(json_string_value(value), json_string_length(value));
}

/* Notes are kept as lines. */
static bool read_text(struct admin_call *call, const json_t *body, const char *name,
                      struct span *text)
{
    const json_t *value = json_object_get(body, name);
    struct span given = admin_member(body, name);
    if (!value)
        return true;
    bool fits = json_is_string(value) && given.n <= TEXT_MAX;
    for (size_t i = 0; fits && i < given.n; i++)
        fits = (unsigned char)given.p[i] >= ' ';
    if (fits)
        *text = arena_copy(call->arena, given);
    else
        admin_failf(call, 400, "bad-body", NULL, "%s is one line of text, at most %d bytes", name,
                    TEXT_MAX);
    return fits;
}

bool admin_read_meta(struct admin_call *call, const json_t *body, struct certificate_meta *meta)
{
    const json_t *services = json_object_get(body, "services");
    if (services && services_from_json(services, &meta->services) != OK) {
        admin_fail(call, 400, "bad-body", SPAN("services is a list of: smtp, http, client, edge"),
                   NULL);
        return false;
    }
    return read_text(call, body, "friendly-name", &meta->friendly_name) &&
           read_text(call, body, "notes", &meta->notes);
}

bool admin_read_names(struct admin_call *call, const json_t *body, const char *member,
                      struct span **names, size_t *count)
{
    const json_t *list = json_object_get(body, member), *item;
    size_t i, n = json_array_size(list);
    *count = 0;
    if (!list)
        return true;
    if (!json_is_array(list) || n > CERT_NAMES_MAX) {
        admin_failf(call, 400, "bad-body", NULL, "%s is a list of at most %d host names", member,
                    CERT_NAMES_MAX);
        return false;
    }
    *names = ARENA_ARRAY(call->arena, struct span, n);
    json_array_foreach(list, i, item) if (json_string_length(item))(*names)[(*count)++] =
        arena_copy(call->arena, span_make(json_string_value(item), json_string_length(item)));
    return true;
}

size_t admin_connector_names(struct arena *arena, const struct document *d, struct span **names)
{
    struct span *found = ARENA_ARRAY(arena, struct span, d->receive_connector_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < d->receive_connector_count; i++) {
        const struct receive_connector *c = &d->receive_connectors[i];
        bool known = !view_presents(c);
        for (size_t j = 0; j < count; j++)
            known = known || span_ieq(found[j], c->fqdn);
        if (!known)
            found[count++] = arena_copy(arena, c->fqdn);
    }
    if (count == 0)
        found[count++] = arena_copy(arena, d->hostname);
    *names = found;
    return count;
}

/* ---- handlers ---- */

void admin_remove_certificate(struct admin_call *call)
{
    struct snapshot *s = snapshot_current(call->admin->world);
    size_t at;
    if (admin_find_certificate(call, s, call->parameters[0], &at)) {
        struct rotate_change change = {.kind = ROTATE_REMOVE,
                                       .thumbprint = span_of(s->set->items[at]->thumbprint)};
        admin_change_certificates(call, &change, SPAN_NONE);
    }
    snapshot_release(s);
}

/* {"services", "enable", "disable", "friendly-name", "notes"} */
void admin_patch_certificate(struct admin_call *call)
{
    json_t *body = admin_body(call);
    unsigned enable = 0, disable = 0;
    size_t at;
    if (!body)
        return;
    struct snapshot *s = snapshot_current(call->admin->world);
    const json_t *on = json_object_get(body, "enable"), *off = json_object_get(body, "disable");
    if ((on && services_from_json(on, &enable) != OK) ||
        (off && services_from_json(off, &disable) != OK)) {
        admin_fail(call, 400, "bad-body",
                   SPAN("enable and disable are lists of: smtp, http, client, edge"), NULL);
    } else if (admin_find_certificate(call, s, call->parameters[0], &at)) {
        struct rotate_change change = {.kind = ROTATE_SERVICES,
                                       .meta = s->set->meta[at],
                                       .thumbprint = span_of(s->set->items[at]->thumbprint)};
        if (admin_read_meta(call, body, &change.meta)) {
            change.meta.services = (change.meta.services | enable) & ~disable;
            admin_change_certificates(call, &change, SPAN_NONE);
        }
    }
    snapshot_release(s);
    json_decref(body);
}
