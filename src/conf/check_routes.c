/* The send connectors together: what none of them takes, and what two of them take alike. Warnings
 * only. */
#include "base/map.h"
#include "conf/check.h"

static void add_space(struct buf *out, const struct address_space *space)
{
    buf_addf(out, "%s" SPAN_FMT,
             space->everything        ? "*"
             : space->with_subdomains ? "*."
                                      : "",
             SPAN_ARG(space->domain));
}

static void report_tie(const struct checking *check, const struct node *node,
                       const struct send_connector *c, const struct send_connector *other,
                       struct span space)
{
    struct span first = span_cmp(c->name, other->name) < 0 ? c->name : other->name;
    problem_warning(check->problems, check_place(node, "address-spaces"),
                    SPAN("give one of them a higher cost (\"space;2\") to say which one is meant"),
                    "\"" SPAN_FMT "\" has the space " SPAN_FMT " at the same cost; \"" SPAN_FMT
                    "\" takes all its mail, as its name comes first",
                    SPAN_ARG(other->name), SPAN_ARG(space), SPAN_ARG(first));
}

/* The same space at the same cost: only the names decide, which is seldom what was meant. */
static void claim_space(const struct checking *check, struct map *claims, size_t connector,
                        const struct address_space *space)
{
    const struct send_connector *c = &check->d->send_connectors[connector];
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    add_space(&text, space);
    size_t space_length = text.n;
    buf_addf(&text, ";%u", space->cost);
    const struct send_connector *other = map_get(claims, buf_span(&text));
    if (other)
        report_tie(check, check->send_nodes[connector], c, other,
                   span_head(buf_span(&text), space_length));
    else
        map_set(claims, buf_span(&text), (void *)(uintptr_t)c);
    buf_done(&text);
}

static void check_ties(const struct checking *check)
{
    struct map claims;
    map_init(&claims);
    for (size_t i = 0; i < check->d->send_connector_count; i++) {
        const struct send_connector *c = &check->d->send_connectors[i];
        for (size_t j = 0; c->enabled && j < c->address_space_count; j++)
            claim_space(check, &claims, i, &c->address_spaces[j]);
    }
    map_done(&claims);
}

/* The spaces of all enabled connectors, for looking up. */
static void collect_spaces(const struct checking *check, struct map *spaces)
{
    for (size_t i = 0; i < check->d->send_connector_count; i++) {
        const struct send_connector *c = &check->d->send_connectors[i];
        for (size_t j = 0; c->enabled && j < c->address_space_count; j++) {
            struct buf text = BUF_INIT(BUF_UNLIMITED);
            add_space(&text, &c->address_spaces[j]);
            map_set(spaces, buf_span(&text), spaces);
            buf_done(&text);
        }
    }
}

static bool has_space(const struct map *spaces, const char *head, struct span domain)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    buf_addf(&text, "%s" SPAN_FMT, head, SPAN_ARG(domain));
    bool found = map_get(spaces, buf_span(&text)) != NULL;
    buf_done(&text);
    return found;
}

/* The rule of policy/route: "*" takes domains that are only passed on, never our own. */
static bool has_route(const struct map *spaces, const struct accepted_domain *domain)
{
    if (domain->type == DOMAIN_RELAY && map_get(spaces, SPAN("*")))
        return true;
    if (!domain->with_subdomains && has_space(spaces, "", domain->domain))
        return true;
    for (struct span name = domain->domain; name.n;
         name = span_skip(name, span_find(name, '.') + 1))
        if (has_space(spaces, "*.", name))
            return true;
    return false;
}

static void check_accepted_routes(const struct checking *check)
{
    struct map spaces;
    map_init(&spaces);
    collect_spaces(check, &spaces);
    const struct node *list = check_place(check->root, "accepted-domains");
    const struct node *node = list->kind == NODE_LIST ? list->first : list;
    for (size_t i = 0; i < check->d->accepted_domain_count; i++, node = node->next) {
        const struct accepted_domain *domain = &check->d->accepted_domains[i];
        if (has_route(&spaces, domain))
            continue;
        problem_warning(check->problems, node,
                        SPAN("name the domain in the address-spaces of a send connector"),
                        "no send connector takes mail for %s" SPAN_FMT
                        ", so its recipients are refused%s",
                        domain->with_subdomains ? "*." : "", SPAN_ARG(domain->domain),
                        domain->type == DOMAIN_AUTHORITATIVE && map_get(&spaces, SPAN("*"))
                            ? " (\"*\" never takes an authoritative domain)"
                            : "");
    }
    map_done(&spaces);
}

void check_routes(const struct checking *check)
{
    check_ties(check);
    check_accepted_routes(check);
}
