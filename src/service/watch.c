/* watch: imports certificates from watched folders, whole pairs only. A new certificate beside the
 * old key (a renewal that is half written) changes nothing: the pair before goes on serving from
 * the data folder, and an event says what is awaited. */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "io/folder_watch.h"
#include "service/rotate.h"
#include "store/events.h"

enum { QUIET_MS = 500, LEAST_POLL_MS = 1000 };

struct watch {
    struct world *world;
    struct folder_watch *folders; /* NULL: only the slow look */
    struct loop_timer *timer;
    struct map told;  /* path -> what was said of it last */
    uint64_t pending; /* imports under way */
};

/* ---- what is wrong with a file, said once ---- */

static bool is_news(struct watch *w, struct span path, struct span text)
{
    const char *before = map_get(&w->told, path);
    if (span_eq(span_of(before ? before : ""), text))
        return false;
    char *copy = strndup(text.n ? text.p : "", text.n);
    if (!copy)
        abort();
    free(map_set(&w->told, path, copy));
    return true;
}

static void tell(struct watch *w, struct span path, struct span text)
{
    if (!is_news(w, path, text))
        return;
    struct event event = {
        .time_ms = clock_now_ms(),
        .id = 50022,
        .level = LOG_WARNING,
        .name = SPAN("watched-certificate-not-usable"),
        .subject = path,
        .text = text,
        .consequence = SPAN(
            "the certificate before it goes on serving; this one is taken as soon as it is whole"),
        .remedy = SPAN("finish the renewal that writes these files; see: sealpost cert list"),
    };
    events_add(w->world->store, &event);
    LOG(LOG_WARNING, "watched-certificate-not-usable", LOG_S("path", path), LOG_S("why", text));
}

static void heal(struct watch *w, struct span path)
{
    if (!map_get(&w->told, path) || !is_news(w, path, SPAN_NONE))
        return;
    struct event event = {.time_ms = clock_now_ms(),
                          .id = 50023,
                          .level = LOG_INFO,
                          .name = SPAN("watched-certificate-whole"),
                          .subject = path,
                          .text = SPAN("certificate and key fit together now")};
    events_add(w->world->store, &event);
    LOG(LOG_INFO, "watched-certificate-whole", LOG_S("path", path));
}

/* ---- importing ---- */

static bool is_in_force(const struct snapshot *s, const struct certificate *c)
{
    for (size_t i = 0; i < s->certificate_count; i++)
        if (strcmp(s->certificates[i].certificate->thumbprint, c->thumbprint) == 0)
            return true;
    return false;
}

/* Who removed a certificate does not want it back from the folder it came from. */
static bool was_removed(const struct watch *w, const struct certificate *c)
{
    char path[4096];
    struct stat status;
    snprintf(path, sizeof(path), "%s/certificates/removed/%s.pem", w->world->data_directory,
             c->thumbprint);
    return stat(path, &status) == 0;
}

struct import {
    struct watch *watch;
    struct arena arena;
    struct span path;
};

static void on_imported(void *context, enum err err, const struct plan *plan, struct span why)
{
    struct import *i = context;
    (void)plan;
    i->watch->pending--;
    if (err == OK || err == ERR_EXISTS)
        heal(i->watch, i->path);
    else
        tell(i->watch, i->path, why);
    arena_done(&i->arena);
    free(i);
}

static void import(struct watch *w, struct certificate_set *set, size_t at)
{
    struct import *i = calloc(1, sizeof(*i));
    struct buf pem = BUF_INIT(CERT_PEM_MAX), why = BUF_INIT(1024);
    struct certificate *copy;
    if (!i)
        abort();
    i->watch = w;
    i->path = arena_copy(&i->arena, set->paths[at]);
    /* The set goes; what is imported needs a life of its own. */
    enum err err = certificate_write_pem(set->items[at], true, &pem);
    if (err == OK)
        err = certificate_parse_pem(buf_span(&pem), SPAN_NONE, &copy, &why);
    if (err == OK) {
        struct rotate_change change = {
            .kind = ROTATE_ADD,
            .certificate = copy,
            .meta = {.services = SERVICE_SMTP,
                     .source = arena_printf(&i->arena, "watch " SPAN_FMT, SPAN_ARG(i->path))},
            .author = SPAN("watch"),
        };
        w->pending++;
        rotate_change(w->world, &change, on_imported, i);
    } else {
        tell(w, i->path, buf_span(&why));
        arena_done(&i->arena);
        free(i);
    }
    if (pem.p)
        explicit_bzero(pem.p, pem.cap);
    buf_done(&pem);
    buf_done(&why);
}

static void look_at(struct watch *w, const struct snapshot *s, struct span folder)
{
    struct certificate_set *set = certificates_read_folder(folder);
    for (size_t i = 0; i < set->fault_count; i++)
        if (!set->faults[i].mode)
            tell(w, set->faults[i].path, set->faults[i].text);
    for (size_t i = 0; i < set->count; i++) {
        const struct certificate *c = set->items[i];
        if (!c->key || !c->key_matches)
            tell(w, set->paths[i],
                 c->key ? SPAN("the private key beside it belongs to another certificate")
                        : SPAN("its private key is not there"));
        else if (is_in_force(s, c))
            heal(w, set->paths[i]);
        else if (!was_removed(w, c))
            import(w, set, i);
    }
    certificate_set_release(set);
}

static void look(void *context)
{
    struct watch *w = context;
    struct snapshot *s = snapshot_current(w->world);
    const struct certificate_conf *conf = &s->document->certificates;
    for (size_t i = 0; w->pending == 0 && i < conf->watch_count; i++) {
        struct arena arena = ARENA_INIT;
        if (w->folders)
            folder_watch_add(w->folders, arena_text(&arena, conf->watch[i]));
        arena_done(&arena);
        look_at(w, s, conf->watch[i]);
    }
    if (conf->watch_count) {
        int64_t interval = (int64_t)conf->watch_interval_ms;
        loop_timer_start(w->timer,
                         w->pending || interval < LEAST_POLL_MS ? LEAST_POLL_MS : interval);
    }
    snapshot_release(s);
}

struct watch *watch_new(struct world *world)
{
    struct watch *w = calloc(1, sizeof(*w));
    if (!w)
        abort();
    w->world = world;
    map_init(&w->told);
    w->timer = loop_timer_new(world->main_loop, look, w);
    w->folders = folder_watch_new(world->main_loop, QUIET_MS, look, w);
    return w;
}

void watch_snapshot_changed(struct watch *watch)
{
    loop_timer_start(watch->timer, 0);
}

void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    folder_watch_free(watch->folders);
    loop_timer_free(watch->timer);
    map_done_with_values(&watch->told);
    free(watch);
}
