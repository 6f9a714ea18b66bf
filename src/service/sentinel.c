#include "service/sentinel.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/list.h"
#include "io/tls.h"
#include "policy/accept.h"
#include "service/listen.h"
#include "service/sentinel_probe.h"
#include "service/told.h"

enum { SETTLE_MS = 1000 };

enum client_kind { CLIENT_ANY, CLIENT_ECDSA, CLIENT_RSA, CLIENT_KINDS };

struct visit {
    const struct connector_tls *tls;
    struct endpoint to;
    enum client_kind client;
    bool names; /* sends SNI */
};

/* One look at everything. */
struct look {
    struct sentinel *sentinel;
    struct snapshot *snapshot;
    struct arena arena;
    struct visit *visits;
    struct wire_fact *facts;
    size_t visit_count, visit_capacity, at, fact_count;
    struct probe *probe;
    uint64_t turned_away; /* connections, before this visit */
};

struct waiting {
    struct list node;
    sentinel_fn *fn;
    void *context;
};

struct sentinel {
    struct world *world;
    struct loop_timer *timer;
    SSL_CTX *clients[CLIENT_KINDS];
    struct look *look;         /* NULL: not looking */
    struct list present, next; /* who waits for this look, who for the one after it */
    struct told *told;
    struct arena last_arena;
    struct wire_fact *last;
    size_t last_count;
};

/* ---- what to visit ---- */

static void add_visit(struct look *l, const struct connector_tls *tls, const struct endpoint *to,
                      enum client_kind client, bool names)
{
    if (l->visit_count == l->visit_capacity) {
        l->visit_capacity = l->visit_capacity ? 2 * l->visit_capacity : 8;
        struct visit *more = ARENA_ARRAY(&l->arena, struct visit, l->visit_capacity);
        for (size_t i = 0; i < l->visit_count; i++)
            more[i] = l->visits[i];
        l->visits = more;
    }
    l->visits[l->visit_count++] = (struct visit){tls, *to, client, names};
}

static bool has_kind(const struct selection *s, enum tls_keys kind)
{
    return (s->chosen && tls_keys_of(s->chosen) == kind) ||
           (s->other_type && tls_keys_of(s->other_type) == kind);
}

/* Where everything is listened on, this machine's own loopback address answers. */
static struct endpoint reachable(const struct endpoint *bound)
{
    static const struct ip any4 = {.v6 = false}, any6 = {.v6 = true};
    struct endpoint to = *bound;
    if (ip_cmp(&to.ip, to.ip.v6 ? &any6 : &any4) != 0)
        return to;
    to.ip = (struct ip){.v6 = bound->ip.v6};
    if (to.ip.v6) {
        to.ip.b[15] = 1;
    } else {
        to.ip.b[0] = 127;
        to.ip.b[3] = 1;
    }
    return to;
}

static void plan_visits(void *context, const struct endpoint *bound)
{
    struct look *l = context;
    const struct endpoint to = reachable(bound);
    /* To one's own address one comes from that address. */
    const struct receive_connector *connector =
        accept_connector(l->snapshot->document, &to, &to.ip);
    if (!connector)
        return;
    const struct connector_tls *tls = snapshot_receive_tls(l->snapshot, connector);
    if (tls->refuses || (!tls->context && connector->tls == RECEIVE_TLS_IMPLICIT))
        return;
    add_visit(l, tls, &to, CLIENT_ANY, false);
    if (connector->tls == RECEIVE_TLS_OFF || !tls->context)
        return;
    add_visit(l, tls, &to, CLIENT_ANY, true);
    if (has_kind(&tls->selection, TLS_KEYS_ECDSA))
        add_visit(l, tls, &to, CLIENT_ECDSA, false);
    if (has_kind(&tls->selection, TLS_KEYS_RSA))
        add_visit(l, tls, &to, CLIENT_RSA, false);
}

static void make_clients(struct sentinel *s)
{
    static const enum tls_keys kinds[] = {
        [CLIENT_ECDSA] = TLS_KEYS_ECDSA, [CLIENT_RSA] = TLS_KEYS_RSA};
    struct buf why = BUF_INIT(1024);
    for (int i = 0; !s->clients[CLIENT_KINDS - 1] && i < CLIENT_KINDS; i++) {
        /* Without trust, and so without anything that could be missing. */
        enum err err = tls_client_context(TLS_VERIFY_NONE, NULL, NULL, &s->clients[i], &why);
        assert(err == OK);
        if (i != CLIENT_ANY)
            tls_client_limit_keys(s->clients[i], kinds[i]);
    }
    buf_done(&why);
}

/* ---- the end of a look ---- */

static void look_free(struct look *l)
{
    probe_free(l->probe);
    snapshot_release(l->snapshot);
    arena_done(&l->arena);
    free(l);
}

static void keep_facts(struct sentinel *s, const struct look *l)
{
    arena_done(&s->last_arena);
    s->last = ARENA_ARRAY(&s->last_arena, struct wire_fact, l->fact_count);
    s->last_count = l->fact_count;
    for (size_t i = 0; i < l->fact_count; i++) {
        s->last[i] = l->facts[i];
        s->last[i].connector = arena_copy(&s->last_arena, l->facts[i].connector);
        s->last[i].name = arena_copy(&s->last_arena, l->facts[i].name);
        s->last[i].error = arena_copy(&s->last_arena, l->facts[i].error);
    }
}

/* Where TLS does not work with the certificate that should be presented, the next best one is no
 * disagreement: the monitor has told. */
static bool is_stand_in(const struct look *l, const struct wire_fact *fact)
{
    const struct receive_connector *c =
        document_receive_connector(l->snapshot->document, fact->connector);
    const struct connector_tls *tls = snapshot_receive_tls(l->snapshot, c);
    const struct certificate *presented[] = {tls->selection.chosen, tls->selection.other_type};
    for (size_t i = 0; tls->passed_over.n && i < COUNT_OF(presented); i++)
        if (presented[i] && strcmp(presented[i]->thumbprint, fact->thumbprint) == 0)
            return true;
    return false;
}

static void judge(struct look *l, struct findings *wire)
{
    struct findings all = {.arena = &l->arena};
    struct wire_fact *judged = ARENA_ARRAY(&l->arena, struct wire_fact, l->fact_count);
    struct diagnose_facts facts = {
        .state = {l->snapshot->document, l->snapshot->certificates, l->snapshot->certificate_count},
        .now_ms = clock_now_ms(),
        .wire = judged,
    };
    for (size_t i = 0; i < l->fact_count; i++)
        if (!is_stand_in(l, &l->facts[i]))
            judged[facts.wire_count++] = l->facts[i];
    diagnose(&all, &facts);
    for (size_t i = 0; i < all.count; i++)
        if (all.items[i].event >= EVENT_LISTENER_SILENT &&
            all.items[i].event <= EVENT_OTHER_CHAIN_SEEN)
            findings_add(wire, &all.items[i]);
}

static void start_timer(struct sentinel *s, const struct document *d)
{
    if (d->certificates.sentinel_interval_ms)
        loop_timer_start(s->timer, (int64_t)d->certificates.sentinel_interval_ms);
}

static void begin(struct sentinel *s);

static void end_look(struct look *l)
{
    struct sentinel *s = l->sentinel;
    struct findings wire = {.arena = &l->arena};
    judge(l, &wire);
    keep_facts(s, l);
    told_begin(s->told);
    for (size_t i = 0; i < wire.count; i++)
        told_add(s->told, &wire.items[i]);
    told_end(s->told);
    start_timer(s, l->snapshot->document);
    s->look = NULL;
    LIST_EACH(w, &s->present, struct waiting, node)
    {
        if (w->fn)
            w->fn(w->context, l->facts, l->fact_count, &wire);
        list_remove(&w->node);
        free(w);
    }
    look_free(l);
    if (!s->look && !list_is_empty(&s->next))
        begin(s);
}

/* ---- visiting ---- */

static void visit_next(struct look *l);

static uint64_t count_turned_away(const struct world *world)
{
    return atomic_load(&world->counters.connections_refused_limit) +
           atomic_load(&world->counters.connections_refused_rate);
}

static void on_seen(void *context, const struct wire_fact *seen, bool refused)
{
    struct look *l = context;
    const struct visit *v = &l->visits[l->at++];
    /* With implicit TLS a listener that is full does not say so in a way that a client understands.
     */
    bool full = !seen->handshake && count_turned_away(l->sentinel->world) != l->turned_away;
    if (!refused && !full) {
        struct wire_fact *fact = &l->facts[l->fact_count++];
        *fact = *seen;
        fact->connector = v->tls->connector->name;
        fact->name = v->names ? v->tls->connector->fqdn : SPAN_NONE;
        fact->error = arena_copy(&l->arena, seen->error);
        fact->ecdsa_only = v->client == CLIENT_ECDSA;
        fact->rsa_only = v->client == CLIENT_RSA;
    }
    probe_free(l->probe);
    l->probe = NULL;
    visit_next(l);
}

/* What was in force at the end was so all the while: else visits of two worlds would be mixed. */
static bool is_overtaken(const struct look *l)
{
    struct snapshot *now = snapshot_current(l->sentinel->world);
    bool overtaken = now != l->snapshot;
    snapshot_release(now);
    return overtaken;
}

static void visit_next(struct look *l)
{
    struct sentinel *s = l->sentinel;
    if (is_overtaken(l)) {
        look_free(l);
        s->look = NULL;
        loop_timer_start(s->timer, 0);
        return;
    }
    if (l->at == l->visit_count) {
        end_look(l);
        return;
    }
    const struct visit *v = &l->visits[l->at];
    struct probe_request request = {
        .to = v->to,
        .implicit = v->tls->connector->tls == RECEIVE_TLS_IMPLICIT,
        .client = s->clients[v->client],
        .sni = v->names ? arena_text(&l->arena, v->tls->connector->fqdn) : NULL,
    };
    l->turned_away = count_turned_away(s->world);
    l->probe = probe_new(s->world->main_loop, &request, on_seen, l);
}

static void begin(struct sentinel *s)
{
    struct look *l = calloc(1, sizeof(*l));
    if (!l)
        abort();
    make_clients(s);
    while (!list_is_empty(&s->next))
        list_append(&s->present, list_take(&s->next));
    l->sentinel = s;
    l->snapshot = snapshot_current(s->world);
    s->look = l;
    listen_each(s->world->listen, plan_visits, l);
    l->facts = ARENA_ARRAY(&l->arena, struct wire_fact, l->visit_count);
    visit_next(l);
}

static void on_timer(void *context)
{
    struct sentinel *s = context;
    if (!s->look)
        begin(s);
}

/* ---- for others ---- */

void sentinel_look(struct sentinel *sentinel, sentinel_fn *fn, void *context)
{
    struct waiting *w = calloc(1, sizeof(*w));
    if (!w)
        abort();
    w->fn = fn;
    w->context = context;
    list_append(&sentinel->next, &w->node);
    if (!sentinel->look)
        loop_timer_start(sentinel->timer, 0);
}

void sentinel_snapshot_changed(struct sentinel *sentinel)
{
    if (!sentinel->look)
        loop_timer_start(sentinel->timer, SETTLE_MS);
}

size_t sentinel_last(struct sentinel *sentinel, struct arena *arena, const struct wire_fact **facts)
{
    struct wire_fact *copy = ARENA_ARRAY(arena, struct wire_fact, sentinel->last_count);
    for (size_t i = 0; i < sentinel->last_count; i++) {
        copy[i] = sentinel->last[i];
        copy[i].connector = arena_copy(arena, copy[i].connector);
        copy[i].name = arena_copy(arena, copy[i].name);
        copy[i].error = arena_copy(arena, copy[i].error);
    }
    *facts = copy;
    return sentinel->last_count;
}

struct sentinel *sentinel_new(struct world *world)
{
    struct sentinel *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    s->world = world;
    list_init(&s->present);
    list_init(&s->next);
    s->told = told_new(world);
    s->timer = loop_timer_new(world->main_loop, on_timer, s);
    return s;
}

static void drop_waiting(struct list *list)
{
    LIST_EACH(w, list, struct waiting, node)
    {
        list_remove(&w->node);
        free(w);
    }
}

void sentinel_free(struct sentinel *sentinel)
{
    if (!sentinel)
        return;
    if (sentinel->look)
        look_free(sentinel->look);
    drop_waiting(&sentinel->present);
    drop_waiting(&sentinel->next);
    for (int i = 0; i < CLIENT_KINDS; i++)
        SSL_CTX_free(sentinel->clients[i]);
    loop_timer_free(sentinel->timer);
    told_free(sentinel->told);
    arena_done(&sentinel->last_arena);
    free(sentinel);
}
