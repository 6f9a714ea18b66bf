#include "policy/accept.h"

#include "policy/route.h"

static bool is_any_address(const struct ip *ip)
{
    static const struct ip any4 = {.v6 = false}, any6 = {.v6 = true};
    return ip_cmp(ip, ip->v6 ? &any6 : &any4) == 0;
}

static bool is_bound_to(const struct receive_connector *c, const struct endpoint *local)
{
    for (size_t i = 0; i < c->bind_count; i++) {
        const struct endpoint *bind = &c->bind[i];
        /* Port 0 took a free one, which the document does not know. */
        if ((bind->port && bind->port != local->port) || bind->ip.v6 != local->ip.v6)
            continue;
        if (is_any_address(&bind->ip) || ip_cmp(&bind->ip, &local->ip) == 0)
            return true;
    }
    return false;
}

static void set_everyone(struct ip_range *range, bool v6)
{
    *range = (struct ip_range){.first.v6 = v6, .last.v6 = v6};
    memset(range->last.b, 0xFF, v6 ? sizeof(range->last.b) : 4);
}

/* The smallest of its ranges that holds the peer; false: none does. */
static bool smallest_range(const struct receive_connector *c, const struct ip *peer,
                           struct ip_range *smallest)
{
    bool found = c->from_count == 0;
    if (found)
        set_everyone(smallest, peer->v6);
    for (size_t i = 0; i < c->from_count; i++) {
        const struct ip_range *range = &c->from[i];
        if (!ip_range_has(range, peer))
            continue;
        if (!found || ip_range_cmp_size(range, smallest) < 0)
            *smallest = *range;
        found = true;
    }
    return found;
}

const struct receive_connector *
accept_connector(const struct document *d, const struct endpoint *local, const struct ip *peer)
{
    const struct receive_connector *best = NULL;
    struct ip_range best_range, range;
    for (size_t i = 0; i < d->receive_connector_count; i++) {
        const struct receive_connector *c = &d->receive_connectors[i];
        if (!c->enabled || !is_bound_to(c, local) || !smallest_range(c, peer, &range))
            continue;
        if (!best || ip_range_cmp_size(&range, &best_range) < 0) {
            best = c;
            best_range = range;
        }
    }
    return best;
}

static bool is_below(struct span domain, struct span above)
{
    return domain.n > above.n + 1 && domain.p[domain.n - above.n - 1] == '.' &&
           span_eq(span_skip(domain, domain.n - above.n), above);
}

const struct accepted_domain *accept_domain(const struct document *d, struct span domain_key)
{
    const struct accepted_domain *best = NULL;
    for (size_t i = 0; i < d->accepted_domain_count; i++) {
        const struct accepted_domain *domain = &d->accepted_domains[i];
        if (!domain->with_subdomains && span_eq(domain->domain, domain_key))
            return domain;
        if (domain->with_subdomains && is_below(domain_key, domain->domain) &&
            (!best || domain->domain.n > best->domain.n))
            best = domain;
    }
    return best;
}

/* RFC 5321 section 4.5.1: the mailbox that answers for the server, in any case of letters. */
static bool is_postmaster(const struct document *d, const struct address *path,
                          struct span domain_key, bool accepted)
{
    return span_ieq(path->local, SPAN("postmaster")) &&
           (path->domain.n == 0 || accepted || span_eq(domain_key, d->hostname));
}

static struct accept_verdict accept_as(enum accept_reason reason)
{
    return (struct accept_verdict){.reason = reason, .accepted = true};
}

static struct accept_verdict refuse(struct arena *arena, enum accept_reason reason,
                                    struct span domain)
{
    static const struct {
        int code;
        const char *enhanced, *format;
    } words[] = {
        [REFUSE_RELAY] = {550, "5.7.1",
                          "Relaying to " SPAN_FMT " is not allowed from your address here"},
        [REFUSE_NO_ROUTE] = {550, "5.4.4", "There is no route for mail to " SPAN_FMT},
        [REFUSE_BAD_DOMAIN] = {553, "5.1.3", "\"" SPAN_FMT "\" is not a valid domain"},
    };
    struct accept_verdict verdict = {.reason = reason};
    verdict.reply.code = words[reason].code;
    memcpy(verdict.reply.enhanced, words[reason].enhanced, strlen(words[reason].enhanced) + 1);
    verdict.reply.text = arena_printf(arena, words[reason].format, SPAN_ARG(domain));
    return verdict;
}

struct accept_verdict accept_recipient(struct arena *arena, const struct document *d,
                                       const struct receive_connector *connector,
                                       const struct address *path, struct span domain_key)
{
    bool literal = address_is_literal(path->domain);
    if (path->domain.n && domain_key.n == 0)
        return refuse(arena, REFUSE_BAD_DOMAIN, path->domain);
    bool accepted = path->domain.n && !literal && accept_domain(d, domain_key);
    if (is_postmaster(d, path, domain_key, accepted))
        return accept_as(ACCEPT_POSTMASTER);
    if (!accepted && !connector->relay)
        return refuse(arena, REFUSE_RELAY, path->domain);
    if (!route_exists(d, domain_key))
        return refuse(arena, REFUSE_NO_ROUTE, path->domain);
    return accept_as(accepted ? ACCEPT_OK : ACCEPT_RELAY);
}
