#include "service/rotate.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "cert/chain.h"
#include "io/tls.h"
#include "io/trust.h"
#include "service/dns_watch.h"
#include "store/events.h"

struct rotate {
    struct world *world;
    struct arena arena;
    struct snapshot *snapshot; /* the one that the plan began from */
    struct rotate_change change;
    struct plan plan;
    struct buf why;
    enum err err;
    rotate_fn *fn;
    void *context;
};

static void finish(struct rotate *r)
{
    r->fn(r->context, r->err, &r->plan, buf_span(&r->why));
    if (r->change.certificate)
        certificate_free(r->change.certificate);
    snapshot_release(r->snapshot);
    buf_done(&r->why);
    arena_done(&r->arena);
    free(r);
}

/* ---- what would be ---- */

static const struct candidate *find(const struct snapshot *s, struct span thumbprint)
{
    for (size_t i = 0; i < s->certificate_count; i++)
        if (span_ieq(span_of(s->certificates[i].certificate->thumbprint), thumbprint))
            return &s->certificates[i];
    return NULL;
}

static struct candidate with_services(struct arena *arena, const struct candidate *old,
                                      unsigned services)
{
    struct certificate *copy = ARENA_NEW(arena, struct certificate);
    *copy = *old->certificate; /* borrows everything */
    copy->services = services;
    return (struct candidate){copy, old->chain};
}

static struct plan_state state_after(struct rotate *r, const struct candidate *target)
{
    const struct snapshot *s = r->snapshot;
    struct candidate *items = ARENA_ARRAY(&r->arena, struct candidate, s->certificate_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < s->certificate_count; i++) {
        bool is_target = target && &s->certificates[i] == target;
        if (is_target && r->change.kind == ROTATE_REMOVE)
            continue;
        items[count++] = is_target && r->change.kind == ROTATE_SERVICES
                             ? with_services(&r->arena, target, r->change.meta.services)
                             : s->certificates[i];
    }
    if (r->change.kind == ROTATE_ADD) {
        r->change.certificate->services = r->change.meta.services;
        items[count++] = (struct candidate){
            r->change.certificate,
            certificate_chain_state(r->change.certificate, trust_system_roots())};
    }
    return (struct plan_state){s->document, items, count};
}

/* A complete load: what is added for SMTP must make a working context, handshake included. */
static enum err rehearse(struct rotate *r)
{
    const struct certificate *c = r->change.certificate;
    SSL_CTX *context;
    if (!c->key || !c->key_matches) {
        buf_add_text(&r->why, c->key ? "the private key does not belong to the certificate"
                                     : "there is no private key for it");
        return ERR_REFUSED;
    }
    if (!(r->change.meta.services & SERVICE_SMTP))
        return OK;
    enum err err = tls_server_context(c, &context, &r->why);
    if (err == OK)
        SSL_CTX_free(context);
    return err == OK ? OK : ERR_REFUSED;
}

static enum err judge(struct rotate *r)
{
    const struct candidate *target = NULL;
    if (r->change.kind == ROTATE_ADD) {
        if (find(r->snapshot, span_of(r->change.certificate->thumbprint))) {
            buf_addf(&r->why, "certificate %s is there already", r->change.certificate->thumbprint);
            return ERR_EXISTS;
        }
        enum err err = rehearse(r);
        if (err != OK)
            return err;
    } else {
        target = find(r->snapshot, r->change.thumbprint);
        if (!target) {
            buf_addf(&r->why, "there is no certificate " SPAN_FMT, SPAN_ARG(r->change.thumbprint));
            return ERR_NOT_FOUND;
        }
    }
    struct plan_state before = {r->snapshot->document, r->snapshot->certificates,
                                r->snapshot->certificate_count};
    struct plan_state after = state_after(r, target);
    r->plan = plan_compute(&r->arena, &before, &after, clock_now_ms(),
                           dns_watch_facts(r->world->dns_watch));
    if (r->plan.refused && !r->change.force) {
        buf_add(&r->why, r->plan.refusal);
        return ERR_REFUSED;
    }
    return OK;
}

/* ---- doing it ---- */

static const struct certificate_meta *meta_of(const struct snapshot *s, struct span thumbprint)
{
    for (size_t i = 0; i < s->set->count; i++)
        if (span_ieq(span_of(s->set->items[i]->thumbprint), thumbprint))
            return &s->set->meta[i];
    return NULL;
}

static enum err carry_out(struct rotate *r)
{
    const char *folder = r->world->data_directory;
    if (r->change.kind == ROTATE_ADD) {
        r->change.meta.author = r->change.author;
        r->change.meta.added_ms = clock_now_ms();
        return certificates_add(folder, r->change.certificate, &r->change.meta);
    }
    const struct certificate_meta *meta = meta_of(r->snapshot, r->change.thumbprint);
    if (!meta || !meta->managed) {
        buf_add_text(&r->why, "this certificate is a file of the folder that the document names, "
                              "so it is changed there");
        return ERR_UNSUPPORTED;
    }
    if (r->change.kind == ROTATE_REMOVE)
        return certificates_remove(folder, r->change.thumbprint);
    struct certificate_meta changed = *meta;
    changed.services = r->change.meta.services;
    changed.friendly_name = r->change.meta.friendly_name;
    changed.notes = r->change.meta.notes;
    return certificates_set_meta(folder, r->change.thumbprint, &changed);
}

static const char *kind_name(enum rotate_kind kind)
{
    static const char *const names[] = {"certificate-added", "certificate-removed",
                                        "certificate-services-changed"};
    return names[kind];
}

static void record(struct rotate *r)
{
    bool forced = r->plan.refused;
    struct span thumbprint =
        r->change.certificate ? span_of(r->change.certificate->thumbprint) : r->change.thumbprint;
    struct event event = {
        .time_ms = clock_now_ms(),
        .id = forced ? 50021 : 50020,
        .level = forced ? LOG_WARNING : LOG_INFO,
        .name = span_of(kind_name(r->change.kind)),
        .subject = arena_printf(&r->arena, "certificate " SPAN_FMT, SPAN_ARG(thumbprint)),
        .text = forced ? arena_printf(&r->arena,
                                      "changed by " SPAN_FMT " with --force, although: " SPAN_FMT,
                                      SPAN_ARG(r->change.author), SPAN_ARG(r->plan.refusal))
                       : arena_printf(&r->arena, "changed by " SPAN_FMT ", source " SPAN_FMT,
                                      SPAN_ARG(r->change.author), SPAN_ARG(r->change.meta.source)),
        .remedy = forced ? r->plan.remedy : SPAN_NONE,
    };
    events_add(r->world->store, &event);
    LOG(event.level, kind_name(r->change.kind), LOG_S("thumbprint", thumbprint),
        LOG_S("author", r->change.author), LOG_S("source", r->change.meta.source),
        LOG_N("forced", forced));
}

/* Judges and changes the files, as one step: no other change comes between. */
static bool change_files(void *context)
{
    struct rotate *r = context;
    r->snapshot = snapshot_current(r->world);
    r->err = judge(r);
    if (r->err != OK || r->change.dry_run)
        return false;
    r->err = carry_out(r);
    if (r->err != OK) {
        if (r->why.n == 0)
            buf_addf(&r->why, "the data folder could not be written: %s", err_text(r->err));
        return false;
    }
    record(r);
    return true;
}

static void on_applied(void *context, const struct apply_result *result)
{
    struct rotate *r = context;
    if (result->err != OK) {
        r->err = result->err;
        buf_addf(&r->why,
                 "the files were changed, but the new state cannot be put in force: " SPAN_FMT,
                 SPAN_ARG(result->problems->count ? result->problems->items[0].text
                                                  : span_of(err_text(result->err))));
    }
    finish(r);
}

void rotate_change(struct world *world, const struct rotate_change *change, rotate_fn *fn,
                   void *context)
{
    struct rotate *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    r->world = world;
    r->change = *change;
    r->change.thumbprint = arena_copy(&r->arena, change->thumbprint);
    r->change.author = arena_copy(&r->arena, change->author);
    r->change.meta.friendly_name = arena_copy(&r->arena, change->meta.friendly_name);
    r->change.meta.notes = arena_copy(&r->arena, change->meta.notes);
    r->change.meta.source = arena_copy(&r->arena, change->meta.source);
    buf_init(&r->why, 4096);
    r->fn = fn;
    r->context = context;
    apply_certificates_after(world, change_files, on_applied, r);
}
