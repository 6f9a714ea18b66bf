#include "service/dns_watch.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/worker.h"
#include "service/dns_resolver.h"
#include "service/dns_round.h"
#include "service/monitor.h"

enum {
    NAMES_MAX = 64,
    AGAIN_MIN_MS = 60 * 1000, /* between looks, whatever the answers' times say */
    AGAIN_MAX_MS = 3600 * 1000,
    SOON_MS = 500, /* changes come in groups */
    FETCHERS = 2,
};

struct dns_watch {
    struct world *world;
    struct loop_timer *timer;
    struct workers *workers;
    struct resolver *resolver; /* NULL: none was needed yet */
    struct dns_conf conf;      /* of the resolver; in the arena */
    struct arena arena;
    struct dns_round *round; /* under way */
    struct dns_round *last;  /* complete */
    bool again;              /* once the round ends */
};

/* ---- which names ---- */

struct names {
    struct span items[NAMES_MAX];
    size_t count, left_out;
};

static void add_name(struct names *names, struct span name)
{
    for (size_t i = 0; i < names->count; i++)
        if (span_ieq(names->items[i], name))
            return;
    if (names->count < COUNT_OF(names->items))
        names->items[names->count++] = name;
    else
        names->left_out++;
}

static void find_names(const struct document *d, struct names *hosts, struct names *domains)
{
    for (size_t i = 0; i < d->receive_connector_count; i++)
        if (dns_facts_faces_mx(&d->receive_connectors[i]))
            add_name(hosts, d->receive_connectors[i].fqdn);
    for (size_t i = 0; i < d->accepted_domain_count; i++)
        if (d->accepted_domains[i].type == DOMAIN_AUTHORITATIVE &&
            !d->accepted_domains[i].with_subdomains)
            add_name(domains, d->accepted_domains[i].domain);
    if (hosts->left_out || domains->left_out)
        LOG(LOG_INFO, "own-names-left-out", LOG_N("fqdns", hosts->left_out),
            LOG_N("domains", domains->left_out));
}

/* ---- rounds ---- */

static int64_t wait_after(const struct dns_round *round)
{
    int64_t ms = (int64_t)dns_round_ttl_s(round) * 1000;
    return ms < AGAIN_MIN_MS ? AGAIN_MIN_MS : ms > AGAIN_MAX_MS ? AGAIN_MAX_MS : ms;
}

static void on_round(void *context)
{
    struct dns_watch *w = context;
    struct dns_round *before = w->last;
    w->last = w->round;
    w->round = NULL;
    if (before)
        dns_round_carry_over(w->last, before);
    dns_round_free(before);
    loop_timer_start(w->timer, w->again ? SOON_MS : wait_after(w->last));
    w->again = false;
    LOG(LOG_DEBUG, "own-names-looked-up", LOG_N("fqdns", dns_round_facts(w->last)->host_count),
        LOG_N("domains", dns_round_facts(w->last)->domain_count));
    monitor_snapshot_changed(w->world->monitor);
}

static void keep_conf(struct dns_watch *w, const struct dns_conf *conf)
{
    arena_done(&w->arena);
    w->conf = *conf;
    w->conf.resolvers = ARENA_ARRAY(&w->arena, struct endpoint, conf->resolver_count);
    for (size_t i = 0; i < conf->resolver_count; i++)
        w->conf.resolvers[i] = conf->resolvers[i];
}

static enum err make_resolver(struct dns_watch *w, const struct dns_conf *conf)
{
    struct buf why = BUF_INIT(1024);
    struct resolver *resolver = NULL;
    enum err err = OK;
    if (w->resolver && dns_resolver_is_same(&w->conf, conf))
        return OK;
    err = dns_resolver_new(w->world->main_loop, conf, &resolver, &why);
    if (err == OK) {
        resolver_free(w->resolver);
        w->resolver = resolver;
        keep_conf(w, conf);
    } else {
        LOG(LOG_ERROR, "own-names-not-looked-up", LOG_S("why", buf_span(&why)));
    }
    buf_done(&why);
    return err;
}

static void forget(struct dns_watch *w)
{
    dns_round_free(w->last);
    w->last = NULL;
}

static void begin(struct dns_watch *w, const struct snapshot *s)
{
    struct names hosts = {0}, domains = {0};
    find_names(s->document, &hosts, &domains);
    struct dns_round_options options = {
        .loop = w->world->main_loop,
        .resolver = w->resolver,
        .workers = w->workers,
        .validates = dns_resolver_validates(&s->document->dns),
        .hosts = hosts.items,
        .host_count = hosts.count,
        .domains = domains.items,
        .domain_count = domains.count,
    };
    w->round = dns_round_start(&options, on_round, w);
}

static void look(void *context)
{
    struct dns_watch *w = context;
    if (w->round) {
        w->again = true;
        return;
    }
    struct snapshot *s = snapshot_current(w->world);
    if (!s->document->dns.own_names)
        forget(w);
    else if (make_resolver(w, &s->document->dns) == OK)
        begin(w, s);
    else
        loop_timer_start(w->timer, AGAIN_MAX_MS);
    snapshot_release(s);
}

/* ---- from outside ---- */

struct dns_watch *dns_watch_new(struct world *world)
{
    struct dns_watch *w = calloc(1, sizeof(*w));
    if (!w)
        abort();
    w->world = world;
    w->timer = loop_timer_new(world->main_loop, look, w);
    w->workers = workers_new(FETCHERS);
    return w;
}

void dns_watch_free(struct dns_watch *watch)
{
    if (!watch)
        return;
    loop_timer_free(watch->timer);
    dns_round_give_up(watch->round);
    workers_free(watch->workers);
    resolver_free(watch->resolver);
    dns_round_free(watch->round);
    dns_round_free(watch->last);
    arena_done(&watch->arena);
    free(watch);
}

void dns_watch_snapshot_changed(struct dns_watch *watch)
{
    loop_timer_start(watch->timer, SOON_MS);
}

const struct dns_facts *dns_watch_facts(const struct dns_watch *watch)
{
    return watch && watch->last ? dns_round_facts(watch->last) : NULL;
}
