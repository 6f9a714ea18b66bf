#include "policy/route.h"

#include "base/num.h"
#include "policy/accept.h"

static bool is_literal(struct span domain)
{
    return span_starts(domain, SPAN("["));
}

/* How well a space fits: 0 not at all; "*" least, then "*.domain" the longer the better, the exact
 * name most. */
static size_t fit(const struct address_space *space, struct span domain)
{
    if (space->everything)
        return 1;
    if (is_literal(domain))
        return 0;
    if (span_eq(space->domain, domain))
        return 2 * domain.n + (space->with_subdomains ? 2 : 3);
    if (!space->with_subdomains || domain.n <= space->domain.n + 1)
        return 0;
    struct span tail = span_skip(domain, domain.n - space->domain.n);
    bool below = tail.p[-1] == '.' && span_eq(tail, space->domain);
    return below ? 2 * space->domain.n + 2 : 0;
}

static const struct address_space *best_space(const struct send_connector *c, struct span domain)
{
    const struct address_space *best = NULL;
    size_t best_fit = 0;
    for (size_t i = 0; i < c->address_space_count; i++) {
        const struct address_space *space = &c->address_spaces[i];
        size_t how_well = fit(space, domain);
        if (how_well > best_fit || (best && how_well == best_fit && space->cost < best->cost)) {
            best = space;
            best_fit = how_well;
        }
    }
    return best;
}

static bool is_own(const struct document *d, struct span domain)
{
    const struct accepted_domain *accepted = is_literal(domain) ? NULL : accept_domain(d, domain);
    return accepted && accepted->type == DOMAIN_AUTHORITATIVE;
}

/* What disqualifies a connector by itself; ROUTE_CHOSEN: nothing. */
static enum route_reason judge(const struct send_connector *c, const struct address_space *space,
                               bool own, uint64_t size)
{
    if (!c->enabled)
        return ROUTE_DISABLED;
    if (!space)
        return ROUTE_NO_MATCH;
    if (space->everything && own)
        return ROUTE_OWN_DOMAIN;
    if (c->max_message_size != UNLIMITED && size > c->max_message_size)
        return ROUTE_TOO_LARGE;
    return ROUTE_CHOSEN;
}

bool route_exists(const struct document *d, struct span domain_key)
{
    bool own = is_own(d, domain_key);
    for (size_t i = 0; i < d->send_connector_count; i++) {
        const struct send_connector *c = &d->send_connectors[i];
        if (c->enabled && judge(c, best_space(c, domain_key), own, 0) == ROUTE_CHOSEN)
            return true;
    }
    return false;
}

/* Why `loser` stands behind `winner`. */
static enum route_reason compare(const struct route_verdict *loser,
                                 const struct route_verdict *winner, struct span domain)
{
    size_t a = fit(loser->space, domain), b = fit(winner->space, domain);
    if (a != b)
        return a < b ? ROUTE_LESS_SPECIFIC : ROUTE_CHOSEN;
    if (loser->space->cost != winner->space->cost)
        return loser->space->cost > winner->space->cost ? ROUTE_HIGHER_COST : ROUTE_CHOSEN;
    return span_cmp(loser->connector->name, winner->connector->name) > 0 ? ROUTE_LATER_NAME
                                                                         : ROUTE_CHOSEN;
}

static struct span space_text(struct arena *arena, const struct address_space *space)
{
    return space->everything
               ? SPAN("*")
               : arena_printf(arena, "%s" SPAN_FMT, space->with_subdomains ? "*." : "",
                              SPAN_ARG(space->domain));
}

static struct span size_text(struct arena *arena, uint64_t size)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    num_add_size(&text, size);
    struct span copy = arena_copy(arena, buf_span(&text));
    buf_done(&text);
    return copy;
}

/* One sentence for the administrator; most connectors of a large document do not match, and cost
 * nothing here. */
static struct span explain(struct arena *arena, const struct route_verdict *v,
                           const struct route_verdict *winner, struct span domain)
{
    if (v->reason == ROUTE_DISABLED)
        return SPAN("it is disabled");
    if (v->reason == ROUTE_NO_MATCH)
        return SPAN("none of its address spaces matches the domain");
    struct span space = space_text(arena, v->space);
    switch (v->reason) {
    case ROUTE_CHOSEN:
        return arena_printf(arena, "its address space " SPAN_FMT " is the best match for " SPAN_FMT,
                            SPAN_ARG(space), SPAN_ARG(domain));
    case ROUTE_OWN_DOMAIN:
        return SPAN("its address space * never takes a domain that is authoritative here: mail "
                    "would come back");
    case ROUTE_TOO_LARGE:
        return arena_printf(arena, "the message is larger than its max-message-size (" SPAN_FMT ")",
                            SPAN_ARG(size_text(arena, v->connector->max_message_size)));
    case ROUTE_LESS_SPECIFIC:
        return arena_printf(
            arena, "its address space " SPAN_FMT " is less specific than " SPAN_FMT " of " SPAN_FMT,
            SPAN_ARG(space), SPAN_ARG(space_text(arena, winner->space)),
            SPAN_ARG(winner->connector->name));
    case ROUTE_HIGHER_COST:
        return arena_printf(arena, "its cost %u is higher than %u of " SPAN_FMT, v->space->cost,
                            winner->space->cost, SPAN_ARG(winner->connector->name));
    default:
        return arena_printf(arena,
                            "a tie: " SPAN_FMT " has the address space " SPAN_FMT
                            " at the same cost %u, and its name comes first",
                            SPAN_ARG(winner->connector->name), SPAN_ARG(space), v->space->cost);
    }
}

static struct next_hop next_hop_of(struct arena *arena, const struct send_connector *c,
                                   struct span domain)
{
    struct next_hop hop = {.connector = c};
    switch (c->deliver_by) {
    case DELIVER_BY_SMART_HOST: hop.destination = SPAN("smart-hosts"); break;
    case DELIVER_BY_LMTP: hop.destination = SPAN("lmtp"); break;
    case DELIVER_BY_MX:
    case DELIVER_BY_MAILDIR: hop.destination = arena_copy(arena, domain); break;
    }
    size_t n = c->name.n + 1 + hop.destination.n;
    char *key = arena_alloc(arena, n);
    memcpy(key, c->name.p, c->name.n);
    key[c->name.n] = '/';
    if (hop.destination.n)
        memcpy(key + c->name.n + 1, hop.destination.p, hop.destination.n);
    hop.key = span_make(key, n);
    return hop;
}

static struct outcome failure_of(struct arena *arena, const struct route *route, struct span domain)
{
    for (size_t i = 0; i < route->verdict_count; i++)
        if (route->verdicts[i].reason == ROUTE_TOO_LARGE)
            return outcome_local(arena, FATE_NEVER, CONCERN_MESSAGE, 552, "5.3.4",
                                 "The message is too large for every route to " SPAN_FMT,
                                 SPAN_ARG(domain));
    return outcome_local(arena, FATE_LATER, CONCERN_NEXT_HOP, 451, "4.4.4",
                         "Unreachable: no send connector takes mail for " SPAN_FMT,
                         SPAN_ARG(domain));
}

static struct route_verdict judge_connector(const struct send_connector *c, struct span domain,
                                            bool own, uint64_t size)
{
    struct route_verdict v = {.connector = c, .space = best_space(c, domain)};
    v.reason = judge(c, v.space, own, size);
    return v;
}

bool route_next_hop(struct arena *arena, const struct document *d, struct span domain_key,
                    uint64_t size, struct next_hop *next_hop)
{
    struct route_verdict winner = {0};
    bool own = is_own(d, domain_key);
    for (size_t i = 0; i < d->send_connector_count; i++) {
        struct route_verdict v = judge_connector(&d->send_connectors[i], domain_key, own, size);
        if (v.reason == ROUTE_CHOSEN &&
            (!winner.connector || compare(&v, &winner, domain_key) == ROUTE_CHOSEN))
            winner = v;
    }
    if (!winner.connector)
        return false;
    *next_hop = next_hop_of(arena, winner.connector, domain_key);
    return true;
}

struct route route_select(struct arena *arena, const struct document *d, struct span domain_key,
                          uint64_t size)
{
    struct route route = {.verdict_count = d->send_connector_count};
    size_t count = d->send_connector_count;
    route.verdicts = ARENA_ARRAY(arena, struct route_verdict, count ? count : 1);
    struct route_verdict *winner = NULL;
    bool own = is_own(d, domain_key);
    for (size_t i = 0; i < count; i++) {
        struct route_verdict *v = &route.verdicts[i];
        *v = judge_connector(&d->send_connectors[i], domain_key, own, size);
        if (v->reason == ROUTE_CHOSEN &&
            (!winner || compare(v, winner, domain_key) == ROUTE_CHOSEN))
            winner = v;
    }
    for (size_t i = 0; i < count; i++) {
        struct route_verdict *v = &route.verdicts[i];
        if (v != winner && v->reason == ROUTE_CHOSEN)
            v->reason = compare(v, winner, domain_key);
        v->text = explain(arena, v, winner, domain_key);
    }
    route.found = winner != NULL;
    if (winner)
        route.next_hop = next_hop_of(arena, winner->connector, domain_key);
    else
        route.failure = failure_of(arena, &route, domain_key);
    return route;
}
