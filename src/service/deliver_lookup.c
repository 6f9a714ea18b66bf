#include <stdlib.h>

#include "base/clock.h"
#include "service/deliver_private.h"

enum { MX_HOSTS_MAX = 10 };

struct host {
    struct span name;
    uint16_t port;
    struct ip addresses[TARGETS_MAX];
    size_t address_count;
    bool failed; /* a temporary failure, so an address may exist */
};

struct lookup {
    struct arena arena;
    struct hop *hop;
    const struct send_connector *connector;
    lookup_fn *fn;
    void *context;
    struct resolver_query *mx;
    struct resolver_query *queries[2 * MX_HOSTS_MAX]; /* A and AAAA of each host */
    unsigned outstanding;
    struct host hosts[MX_HOSTS_MAX];
    size_t host_count;
    struct target targets[TARGETS_MAX];
    size_t target_count;
    struct outcome failure;
    struct loop_timer *soon; /* so that fn is never called from lookup_new */
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

/* All addresses are there: IPv4 before IPv6 of each host, hosts in their order. */
static void gather(struct lookup *l)
{
    bool failed = false;
    for (size_t i = 0; i < l->host_count; i++) {
        const struct host *h = &l->hosts[i];
        failed = failed || h->failed;
        for (int v6 = 0; v6 < 2; v6++)
            for (size_t j = 0; j < h->address_count; j++)
                if (h->addresses[j].v6 == v6)
                    add_target(l, h->name, &h->addresses[j], h->port);
    }
    if (l->target_count)
        finish(l);
    else if (failed)
        fail(l, FATE_LATER, 451, "4.4.3", "No address was found for now (DNS failure)",
             l->hosts[0].name);
    else if (l->connector
                 ->smart_host_count) /* the administrator's affair: mail waits until it is mended */
        fail(l, FATE_LATER, 451, "4.4.4", "The smart host has no address", l->hosts[0].name);
    else
        fail(l, FATE_NEVER, 550, "5.4.4", "The mail host has no address", l->hosts[0].name);
}

/* The query's place tells its host. */
struct asked {
    struct lookup *lookup;
    size_t place;
};

static void on_address(void *context, const struct dns_answer *answer)
{
    struct asked *asked = context;
    struct lookup *l = asked->lookup;
    struct host *h = &l->hosts[asked->place / 2];
    l->queries[asked->place] = NULL;
    h->failed = h->failed || answer->status == DNS_FAILED || answer->status == DNS_BOGUS;
    for (size_t i = 0; answer->status == DNS_FOUND && i < answer->count; i++)
        if (h->address_count < COUNT_OF(h->addresses))
            h->addresses[h->address_count++] = answer->records[i].ip;
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
    if (ip_parse(literal, &h->addresses[0]) == OK)
        h->address_count = 1;
}

static void on_soon(void *context)
{
    gather(context);
}

static void ask_addresses(struct lookup *l)
{
    static const int types[] = {DNS_TYPE_A, DNS_TYPE_AAAA};
    for (size_t i = 0; i < l->host_count; i++)
        for (size_t j = 0; l->hosts[i].address_count == 0 && j < COUNT_OF(types); j++) {
            struct asked *asked = ARENA_NEW(&l->arena, struct asked);
            *asked = (struct asked){l, 2 * i + j};
            l->queries[asked->place] = resolver_ask(l->hop->deliver->resolver, l->hosts[i].name,
                                                    types[j], on_address, asked);
            l->outstanding++;
        }
    if (l->outstanding == 0)
        loop_timer_start(l->soon, 0);
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
    l->soon = loop_timer_new(hop->deliver->loop, on_soon, l);
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
    loop_timer_free(l->soon);
    arena_done(&l->arena);
    free(l);
}
