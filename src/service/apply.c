#include "service/apply.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "policy/remedy.h"
#include "service/deliver.h"
#include "service/dns_watch.h"
#include "service/listen.h"
#include "service/monitor.h"
#include "service/renew.h"
#include "service/rotate.h"
#include "service/sentinel.h"
#include "store/documents.h"
#include "store/events.h"

struct apply {
    struct apply *next; /* waits until this one has ended */
    void (*begin)(struct apply *a);
    struct world *world;
    struct arena arena;
    struct snapshot *before, *snapshot; /* the one in force, and the new one */
    struct problems problems;
    struct plan plan; /* of a document that changes something, see `planned` */
    struct buf diff;
    struct apply_change change;
    struct revision revision;
    bool planned;
    apply_step_fn *step;
    apply_fn *fn;
    void *context;
};

static void begin(void *context)
{
    struct apply *a = context;
    a->begin(a);
}

/* One after another, as each is judged by what the one before it has left. */
static void take_turn(struct apply *a)
{
    struct apply **end = &a->world->applying;
    while (*end)
        end = &(*end)->next;
    *end = a;
    if (a->world->applying == a)
        loop_post(a->world->main_loop, begin, a);
}

static void finish(struct apply *a, enum err err, uint64_t revision)
{
    a->world->applying = a->next;
    if (a->next)
        loop_post(a->world->main_loop, begin, a->next);
    struct apply_result result = {err, &a->problems, a->planned ? &a->plan : NULL, revision,
                                  buf_span(&a->diff)};
    a->fn(a->context, &result);
    snapshot_release(a->snapshot);
    snapshot_release(a->before);
    problems_done(&a->problems);
    buf_done(&a->diff);
    arena_done(&a->arena);
    free(a);
}

/* A problem of the world, such as a port that is taken, in the same form as one of the document:
 * "path: text". */
static void add_problem(struct problems *problems, struct span why)
{
    struct problem *items = ARENA_ARRAY(&problems->arena, struct problem, problems->count + 1);
    if (problems->count)
        memcpy(items, problems->items, problems->count * sizeof(*items));
    size_t colon = span_find(why, ':');
    bool has_path = colon < why.n && (span_starts(why, SPAN("receive-connectors.")) ||
                                      span_starts(why, SPAN("send-connectors.")));
    items[problems->count++] = (struct problem){
        .path = has_path ? arena_copy(&problems->arena, span_head(why, colon)) : SPAN_NONE,
        .text = arena_copy(&problems->arena, has_path ? span_trim(span_skip(why, colon + 1)) : why),
        .remedy = SPAN("nothing was changed; mend this and apply again"),
    };
    problems->items = items;
    problems->capacity = problems->count;
    problems->errors++;
}

enum { SELF_SIGNED_YEARS = 10 };

/* At the first start there is no certificate: a self-signed one for all of the server's names, so
 * that TLS works from the first minute. */
static enum err make_first_certificate(struct world *world, const struct document *d,
                                       struct buf *why)
{
    struct arena arena = ARENA_INIT;
    struct span *names = ARENA_ARRAY(&arena, struct span, d->receive_connector_count + 1);
    size_t count = 0;
    names[count++] = d->hostname;
    for (size_t i = 0; i < d->receive_connector_count; i++) {
        bool known = false;
        for (size_t j = 0; j < count; j++)
            known = known || span_ieq(names[j], d->receive_connectors[i].fqdn);
        if (!known)
            names[count++] = d->receive_connectors[i].fqdn;
    }
    int64_t now = clock_now_ms();
    struct certificate *c;
    enum err err = certificate_new_self_signed(names, count, now - HOUR_MS,
                                               now + SELF_SIGNED_YEARS * 365 * DAY_MS, &c);
    if (err == OK) {
        struct certificate_meta meta = {.services = SERVICE_SMTP,
                                        .source = SPAN("self-signed"),
                                        .author = SPAN("first start"),
                                        .added_ms = now};
        err = certificates_add(world->data_directory, c, &meta);
        LOG(LOG_INFO, "certificate-made", LOG_T("thumbprint", c->thumbprint),
            LOG_S("name", names[0]), LOG_N("names", count));
        certificate_free(c);
    }
    if (err != OK)
        buf_addf(why, "a first certificate could not be made in %s/certificates: %s",
                 world->data_directory, err_text(err));
    arena_done(&arena);
    return err;
}

/* A file that a renewal left half written changes nothing: what it held serves on, and it is said.
 * Before the first snapshot the data folder knows what it held. */
static void keep_last_known_good(struct world *world, struct certificate_set *set)
{
    struct snapshot *now = snapshots_are_empty(world) ? NULL : snapshot_current(world);
    struct certificate_set *before =
        now ? certificate_set_keep(now->set) : certificates_kept(world->data_directory);
    size_t kept = certificates_carry_over(set, before);
    for (size_t i = set->count - kept; i < set->count; i++) {
        struct event event = {
            .time_ms = clock_now_ms(),
            .id = 50024,
            .level = LOG_WARNING,
            .name = SPAN("certificate-file-broken"),
            .subject = set->paths[i],
            .text = SPAN("this file holds no usable pair of certificate and key any more"),
            .consequence = SPAN("the certificate that it held before serves on"),
            .remedy = SPAN("finish the renewal that writes it, then reload; see: sealpost doctor"),
        };
        events_add(world->store, &event);
        LOG(LOG_WARNING, "certificate-file-broken", LOG_S("path", set->paths[i]),
            LOG_T("serving", set->items[i]->thumbprint));
    }
    certificate_set_release(before);
    snapshot_release(now);
}

static enum err load_certificates(struct world *world, const struct document *d,
                                  struct certificate_set **set, struct buf *why)
{
    *set = certificates_load(world->data_directory, d->certificates.directory);
    keep_last_known_good(world, *set);
    if ((*set)->count)
        return OK;
    enum err err = make_first_certificate(world, d, why);
    certificate_set_release(*set);
    *set = certificates_load(world->data_directory, d->certificates.directory);
    return err;
}

static enum err build(struct world *world, struct span yaml, uint64_t revision,
                      struct problems *problems, struct snapshot **snapshot, struct buf *why)
{
    struct document *document;
    enum err err = document_parse(yaml, problems, &document);
    if (err != OK) {
        buf_add_text(why, "the document has errors");
        return err;
    }
    struct certificate_set *set;
    err = load_certificates(world, document, &set, why);
    if (err == OK)
        err = snapshot_new(document, revision, set, snapshot, why);
    certificate_set_release(set);
    if (err != OK)
        document_free(document);
    return err;
}

static void publish(struct world *world, struct snapshot *s)
{
    log_setup(s->document->log.level, s->document->log.json);
    certificates_keep(world->data_directory, s->set);
    snapshot_publish(world, snapshot_keep(s));
    listen_settle(world->listen, s->document); /* what is opened now finds its connector */
    if (world->deliver)
        deliver_document_changed(world->deliver);
    monitor_snapshot_changed(world->monitor);
    if (world->renew)
        renew_snapshot_changed(world->renew);
    if (world->watch)
        watch_snapshot_changed(world->watch);
    if (world->sentinel)
        sentinel_snapshot_changed(world->sentinel);
    if (world->dns_watch)
        dns_watch_snapshot_changed(world->dns_watch);
}

enum { DOCUMENT_FORCED = 50025, DOCUMENT_REFUSED };

/* Who did what the plan refuses. */
static void record_forced(struct apply *a, uint64_t revision)
{
    struct event event = {
        .time_ms = clock_now_ms(),
        .id = DOCUMENT_FORCED,
        .level = LOG_WARNING,
        .name = SPAN("document-forced"),
        .subject = arena_printf(&a->arena, "revision %llu", (unsigned long long)revision),
        .text = arena_printf(
            &a->arena, "applied by " SPAN_FMT " (" SPAN_FMT ") with --force, although: " SPAN_FMT,
            SPAN_ARG(a->revision.author), SPAN_ARG(a->revision.comment), SPAN_ARG(a->plan.refusal)),
        .remedy = a->plan.remedy,
    };
    events_add(a->world->store, &event);
}

static void record_refused(struct apply *a)
{
    struct event event = {
        .time_ms = clock_now_ms(),
        .id = DOCUMENT_REFUSED,
        .level = LOG_WARNING,
        .name = SPAN("document-refused"),
        .subject = arena_printf(&a->arena, "document of " SPAN_FMT, SPAN_ARG(a->revision.author)),
        .text = arena_printf(&a->arena, "not applied (" SPAN_FMT "): " SPAN_FMT,
                             SPAN_ARG(a->revision.comment), SPAN_ARG(a->plan.refusal)),
        .consequence = arena_printf(&a->arena, "revision %llu stays in force",
                                    (unsigned long long)a->before->revision),
        .remedy = remedy_join(&a->arena, a->plan.remedy, remedy_force(&a->arena, a->change.file)),
    };
    events_add(a->world->store, &event);
    LOG(LOG_WARNING, "document-refused", LOG_S("author", a->revision.author),
        LOG_S("why", a->plan.refusal));
}

static void on_stored(void *context, enum err err, const struct revision *revisions, size_t count)
{
    struct apply *a = context;
    struct world *world = a->world;
    if (err != OK || count == 0) {
        listen_abandon(world->listen);
        add_problem(&a->problems, SPAN("the revision could not be stored in the data folder"));
        finish(a, err == OK ? ERR_IO : err, 0);
        return;
    }
    a->snapshot->revision = revisions[0].number;
    publish(world, a->snapshot);
    LOG(LOG_INFO, "document-applied", LOG_N("revision", revisions[0].number),
        LOG_S("author", a->revision.author), LOG_S("comment", a->revision.comment),
        LOG_N("forced", a->plan.refused));
    if (a->plan.refused)
        record_forced(a, revisions[0].number);
    finish(a, OK, revisions[0].number);
}

static struct apply *apply_new(struct world *world, void (*begin_it)(struct apply *), apply_fn *fn,
                               void *context)
{
    struct apply *a = calloc(1, sizeof(*a));
    if (!a)
        abort();
    a->begin = begin_it;
    a->world = world;
    a->fn = fn;
    a->context = context;
    buf_init(&a->diff, BUF_UNLIMITED);
    return a;
}

/* Parses, builds and compares. False: something is wrong, and in problems. */
static bool prepare(struct apply *a)
{
    struct buf why = BUF_INIT(4096);
    enum err err = build(a->world, a->change.yaml, 0, &a->problems, &a->snapshot, &why);
    if (err == OK) {
        document_add_diff(&a->diff, a->before->document, a->snapshot->document);
        err = listen_open(a->world->listen, a->snapshot->document, &why);
    }
    if (err != OK && a->problems.errors == 0)
        add_problem(&a->problems, buf_span(&why));
    buf_done(&why);
    return err == OK;
}

/* Both documents with the certificates that each has, or would have. */
static void make_plan(struct apply *a)
{
    struct plan_state before = {a->before->document, a->before->certificates,
                                a->before->certificate_count},
                      after = {a->snapshot->document, a->snapshot->certificates,
                               a->snapshot->certificate_count};
    a->plan = plan_compute(&a->arena, &before, &after, clock_now_ms(),
                           a->world->dns_watch ? dns_watch_facts(a->world->dns_watch) : NULL);
    a->planned = true;
}

static void begin_document(struct apply *a)
{
    struct world *world = a->world;
    a->before = snapshot_current(world);
    if (a->change.if_revision && a->change.if_revision != a->before->revision) {
        finish(a, ERR_EXISTS, 0);
        return;
    }
    if (!prepare(a)) {
        finish(a, ERR_REFUSED, 0);
        return;
    }
    if (a->diff.n)
        make_plan(a);
    bool refused = a->plan.refused && !a->change.force;
    if (refused || a->change.dry_run || a->diff.n == 0) {
        listen_abandon(world->listen);
        if (refused && !a->change.dry_run)
            record_refused(a);
        finish(a, refused ? ERR_REFUSED : OK, refused ? 0 : a->before->revision);
        return;
    }
    a->revision.time_ms = clock_now_ms();
    a->revision.diff = buf_span(&a->diff);
    a->revision.text = a->snapshot->document->text;
    documents_append(world->store, &a->revision, world->main_loop, on_stored, a);
}

void apply_document(struct world *world, const struct apply_change *change, apply_fn *fn,
                    void *context)
{
    struct apply *a = apply_new(world, begin_document, fn, context);
    a->change = *change;
    a->change.yaml = arena_copy(&a->arena, change->yaml);
    a->change.file = arena_copy(&a->arena, change->file);
    a->revision = (struct revision){.author = arena_copy(&a->arena, change->author),
                                    .comment = arena_copy(&a->arena, change->comment)};
    take_turn(a);
}

static void begin_certificates(struct apply *a)
{
    struct world *world = a->world;
    if (a->step && !a->step(a->context)) {
        finish(a, OK, 0);
        return;
    }
    struct snapshot *now = snapshot_current(world);
    uint64_t revision = now->revision;
    struct buf why = BUF_INIT(4096);
    enum err err = build(world, now->document->text, revision, &a->problems, &a->snapshot, &why);
    snapshot_release(now);
    if (err != OK && a->problems.errors == 0)
        add_problem(&a->problems, buf_span(&why));
    buf_done(&why);
    if (err == OK)
        publish(world, a->snapshot);
    finish(a, err == OK ? OK : ERR_REFUSED, err == OK ? revision : 0);
}

void apply_certificates_after(struct world *world, apply_step_fn *step, apply_fn *fn, void *context)
{
    struct apply *a = apply_new(world, begin_certificates, fn, context);
    a->step = step;
    take_turn(a);
}

void apply_certificates(struct world *world, apply_fn *fn, void *context)
{
    apply_certificates_after(world, NULL, fn, context);
}

/* ---- the start ---- */

static void on_first_stored(void *context, enum err err, const struct revision *revisions,
                            size_t count)
{
    uint64_t *number = context;
    *number = err == OK && count ? revisions[0].number : 0;
}

/* The text in force at the last end, to show what an edited file changes. */
static void diff_with_newest(const char *before, const struct document *now, struct buf *diff)
{
    struct problems problems = {0};
    struct document *document;
    if (before && document_parse(span_of(before), &problems, &document) == OK) {
        document_add_diff(diff, document, now);
        document_free(document);
    }
    problems_done(&problems);
}

static enum err store_first(struct world *world, struct snapshot *s, struct span author,
                            struct buf *why)
{
    uint64_t number = 0;
    char *before = NULL;
    enum err err = documents_newest(world->store, &number, &before);
    if (err != OK && err != ERR_NOT_FOUND) {
        buf_addf(why, "the revisions in the data folder cannot be read: %s", err_text(err));
        return err;
    }
    if (!before || !span_eq(span_of(before), s->document->text)) {
        struct buf diff = BUF_INIT(BUF_UNLIMITED);
        diff_with_newest(before, s->document, &diff);
        struct revision revision = {.time_ms = clock_now_ms(),
                                    .author = author,
                                    .diff = buf_span(&diff),
                                    .text = s->document->text,
                                    .comment = before ? SPAN("the file has changed")
                                                      : SPAN("first start")};
        documents_append(world->store, &revision, NULL, on_first_stored, &number);
        buf_done(&diff);
    }
    free(before);
    s->revision = number;
    if (number == 0)
        buf_add_text(why, "the revision could not be stored in the data folder");
    return number ? OK : ERR_IO;
}

enum err apply_first(struct world *world, struct span yaml, struct span author,
                     struct problems *problems, struct buf *why)
{
    struct snapshot *s;
    enum err err = build(world, yaml, 0, problems, &s, why);
    if (err != OK)
        return err;
    err = listen_open(world->listen, s->document, why);
    if (err == OK)
        err = store_first(world, s, author, why);
    if (err != OK) {
        snapshot_release(s);
        return err;
    }
    publish(world, s);
    snapshot_release(s);
    return OK;
}
