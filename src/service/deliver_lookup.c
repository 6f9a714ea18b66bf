#include <stdlib.h>

#include "base/clock.h"
#include "service/deliver_private.h"

enum { MX_HOSTS_MAX = 10 };

enum { V4, V6, FAMILIES };

struct addresses {
    struct ip *items;
    size_t count;
};

struct host {
    struct span name;
    uint16_t port;
    bool is_literal; /* it names its address itself */
    struct addresses found[FAMILIES];
    bool failed; /* a temporary failure, so an address may exist */
};

/* A place is one family of one host: 2 * host + family. They are given in this order. */
struct lookup {
    struct arena arena;
    struct hop *hop;
    const struct send_connector *connector;
    lookup_fn *fn;
    void *context;
    struct resolver_query *mx;
    struct resolver_query *queries[FAMILIES * MX_HOSTS_MAX];
    unsigned outstanding;
    struct host hosts[MX_HOSTS_MAX];
    size_t host_count;
    size_t asked, given; /* places */
    struct target targets[TARGETS_MAX];
    size_t target_count;
    struct outcome failure;
    struct loop_timer *soon; /* so that fn is never called from lookup_new; NULL until needed */
};

static void finish(struct lookup *l)
{
    l->fn(l->context, l->targets, l->target_count, &l->failure);
}

static void fail(struct lookup *l, enum fate fate, int code, const char *enhanced, const char *text,
                 struct span about)
{
    /* A domain without mail service concerns its recipients; a resolver that fails concerns the
     * next hop. */
    enum concern concern = fate == FATE_NEVER ? CONCERN_RECIPIENT : CONCERN_NEXT_HOP;
    l->failure = outcome_local(&l->arena, fate, concern, code, enhanced, "%s: " SPAN_FMT, text,
                               SPAN_ARG(about));
    finish(l);
}

static void add_target(struct lookup *l, struct span host, const struct ip *ip, uint16_t port)
{
    if (l->target_count < TARGETS_MAX)
        l->targets[l->target_count++] = (struct target){.host = host, .to = {*ip, port}};
}

static void give_up(struct lookup *l)
{
    bool failed = false;
    for (size_t i = 0; i < l->host_count; i++)
        failed = failed || l->hosts[i].failed;
    if (failed)
        fail(l, FATE_LATER, 451, "4.4.3", "No address was found for now (DNS failure)",
             l->hosts[0].name);
    else if (l->connector
                 ->smart_host_count) /* the administrator's affair: mail waits until it is mended */
        fail(l, FATE_LATER, 451, "4.4.4", "The smart host has no address", l->hosts[0].name);
    else
        fail(l, FATE_NEVER, 550, "5.4.4", "The mail host has no address", l->hosts[0].name);
}

static size_t place_count(const struct lookup *l)
{
    return FAMILIES * l->host_count;
}

static void ask_up_to(struct lookup *l, size_t places);

/* All that was asked is there: IPv4 before IPv6 of each host, hosts in their order. */
static void gather(struct lookup *l)
{
    size_t before = l->given ? l->target_count : 0;
    for (; l->given < l->asked; l->given++) {
        const struct host *h = &l->hosts[l->given / FAMILIES];
        const struct addresses *found = &h->found[l->given % FAMILIES];
        for (size_t j = 0; j < found->count; j++)
            add_target(l, h->name, &found->items[j], h->port);
    }
    if (l->target_count == before && l->given < place_count(l))
        ask_up_to(l, place_count(l));
    else if (l->target_count)
        finish(l);
    else
        give_up(l);
}

/* The query's place tells its host. */
struct asked {
    struct lookup *lookup;
    size_t place;
};

static void take_addresses(struct lookup *l, struct addresses *found,
                           const struct dns_answer *answer)
{
    size_t count = answer->count < TARGETS_MAX ? answer->count : TARGETS_MAX;
    found->items = ARENA_ARRAY(&l->arena, struct ip, count);
    for (size_t i = 0; i < count; i++)
        found->items[found->count++] = answer->records[i].ip;
}

static void on_address(void *context, const struct dns_answer *answer)
{
    struct asked *asked = context;
    struct lookup *l = asked->lookup;
    struct host *h = &l->hosts[asked->place / FAMILIES];
    l->queries[asked->place] = NULL;
    h->failed = h->failed || answer->status == DNS_FAILED || answer->status == DNS_BOGUS;
    if (answer->status == DNS_FOUND)
        take_addresses(l, &h->found[asked->place % FAMILIES], answer);
    if (--l->outstanding == 0)
        gather(l);
}

static void add_host(struct lookup *l, struct span name, uint16_t port)
{
    if (l->host_count == MX_HOSTS_MAX)
        return;
    struct host *h = &l->hosts[l->host_count++];
    h->name = arena_copy(&l->arena, name);
    h->port = port;
    struct span literal = name;
    if (name.n > 2 && name.p[0] == '[')
        literal = span_make(name.p + 1, name.n - 2);
    if (span_istarts(literal, SPAN("IPv6:"))) /* RFC 5321 section 4.1.3 */
        literal = span_skip(literal, 5);
    struct ip ip;
    if (ip_parse(literal, &ip) != OK)
        return;
    h->is_literal = true;
    struct addresses *found = &h->found[ip.v6 ? V6 : V4];
    found->items = ARENA_NEW(&l->arena, struct ip);
    found->items[found->count++] = ip;
}

static void on_soon(void *context)
{
    gather(context);
}

static void ask_up_to(struct lookup *l, size_t places)
{
    static const int types[FAMILIES] = {[V4] = DNS_TYPE_A, [V6] = DNS_TYPE_AAAA};
    for (; l->asked < places; l->asked++) {
        const struct host *h = &l->hosts[l->asked / FAMILIES];
        if (h->is_literal)
            continue;
        struct asked *asked = ARENA_NEW(&l->arena, struct asked);
        *asked = (struct asked){l, l->asked};
        l->queries[asked->place] = resolver_ask(l->hop->deliver->resolver, h->name,
                                                types[asked->place % FAMILIES], on_address, asked);
        l->outstanding++;
    }
    if (l->outstanding)
        return;
    if (!l->soon)
        l->soon = loop_timer_new(l->hop->deliver->loop, on_soon, l);
    loop_timer_start(l->soon, 0);
}

/* One question is enough for most mail: the first host's IPv4 addresses. All others follow together
 * where these lead nowhere. */
static void ask_addresses(struct lookup *l)
{
    size_t first = l->host_count == 0 ? 0 : l->hosts[0].is_literal ? FAMILIES : 1;
    ask_up_to(l, first);
}

bool lookup_more(struct lookup *l)
{
    if (l->given == place_count(l) || l->target_count == TARGETS_MAX)
        return false;
    ask_up_to(l, place_count(l));
    return true;
}

static uint64_t seed_of(const struct lookup *l)
{
    return (uint64_t)(uintptr_t)l * 0x9E3779B97F4A7C15u ^ (uint64_t)clock_monotonic_ms();
}

static void take_mx(struct lookup *l, const struct dns_answer *answer)
{
    struct mx_host *hosts = ARENA_ARRAY(&l->arena, struct mx_host, answer->count);
    for (size_t i = 0; i < answer->count; i++)
        hosts[i] = (struct mx_host){arena_copy(&l->arena, answer->records[i].name),
                                    answer->records[i].preference};
    bool null_mx, only_self;
    size_t count =
        route_order_mx(hosts, answer->count, l->hop->deliver->snapshot->document->hostname,
                       seed_of(l), &null_mx, &only_self);
    if (null_mx) { /* RFC 7505 section 4.2 */
        fail(l, FATE_NEVER, 556, "5.1.10", "The domain accepts no mail (null MX)",
             l->hop->destination);
    } else if (only_self) {
        fail(l, FATE_NEVER, 554, "5.4.6",
             "The best mail host of the domain is this server, which does not take its mail (loop)",
             l->hop->destination);
    } else {
        for (size_t i = 0; i < count; i++)
            add_host(l, hosts[i].name, l->connector->port);
        ask_addresses(l);
    }
}

static void on_mx(void *context, const struct dns_answer *answer)
{
    struct lookup *l = context;
    l->mx = NULL;
    switch (answer->status) {
    case DNS_FOUND: take_mx(l, answer); break;
    case DNS_NO_DATA: /* the implicit MX, RFC 5321 section 5.1 */
        add_host(l, l->hop->destination, l->connector->port);
        ask_addresses(l);
        break;
    case DNS_NO_NAME:
        fail(l, FATE_NEVER, 550, "5.1.2", "The domain does not exist", l->hop->destination);
        break;
    case DNS_FAILED:
        fail(l, FATE_LATER, 451, "4.4.3", "The domain's MX records cannot be found for now",
             l->hop->destination);
        break;
    case DNS_BOGUS:
        fail(l, FATE_LATER, 451, "4.7.0", "The domain's MX records fail DNSSEC validation",
             l->hop->destination);
        break;
    }
}

static void take_smart_hosts(struct lookup *l)
{
    const struct send_connector *c = l->connector;
    size_t first =
        (size_t)(seed_of(l) >> 33) % c->smart_host_count; /* round robin, as Exchange does */
    for (size_t i = 0; i < c->smart_host_count; i++) {
        const struct smart_host *s = &c->smart_hosts[(first + i) % c->smart_host_count];
        if (s->host.n && s->host.p[0] == '/') {
            if (l->target_count < TARGETS_MAX)
                l->targets[l->target_count++] = (struct target){.host = s->host, .is_path = true};
        } else {
            add_host(l, s->host, s->port ? s->port : c->port);
        }
    }
    ask_addresses(l);
}

struct lookup *lookup_new(struct hop *hop, const struct send_connector *connector, lookup_fn *fn,
                          void *context)
{
    struct lookup *l = calloc(1, sizeof(*l));
    if (!l)
        abort();
    l->hop = hop;
    l->connector = connector;
    l->fn = fn;
    l->context = context;
    if (connector->smart_host_count) {
        take_smart_hosts(l);
    } else if (hop->destination.n && hop->destination.p[0] == '[') {
        add_host(l, hop->destination, connector->port);
        ask_addresses(l);
    } else {
        l->mx = resolver_ask(hop->deliver->resolver, hop->destination, DNS_TYPE_MX, on_mx, l);
    }
    return l;
}

void lookup_free(struct lookup *l)
{
    if (!l)
        return;
    if (l->mx)
        resolver_cancel(l->mx);
    for (size_t i = 0; i < COUNT_OF(l->queries); i++)
        if (l->queries[i])
            resolver_cancel(l->queries[i]);
    if (l->soon)
        loop_timer_free(l->soon);
    arena_done(&l->arena);
    free(l);
}
