/* Where Postfix sends mail, as send connectors: transport_maps first, then the transport of the
 * address class, then default_transport and relayhost (ADDRESS_CLASS_README). What goes to the same
 * next hop under the same TLS policy becomes one connector. */
#include "policy/import_postfix_route.h"

/* ".example.com": what lies below a domain. The document's "*.example.com" holds the domain too, so
 * the domain gets a route of its own where nothing else gives it one. */
static struct span below(struct routes *r, struct span key)
{
    return arena_printf(r->pi->im->arena, "*" SPAN_FMT, SPAN_ARG(key));
}

static void add_route(struct routes *r, struct span space, struct span spec,
                      const struct postfix_item *item)
{
    if (r->count >= ROUTES_MAX && !span_eq(space, SPAN("*"))) {
        r->more++;
        return;
    }
    for (size_t i = 0; i < r->count; i++)
        if (span_ieq(r->items[i].space, space))
            return; /* the first says it: transport_maps before classes */
    if (r->count == r->room) {
        r->room = r->room ? r->room * 2 : 32;
        struct route *more = ARENA_ARRAY(r->pi->im->arena, struct route, r->room);
        if (r->count)
            memcpy(more, r->items, r->count * sizeof(*more));
        r->items = more;
    }
    r->items[r->count++] = (struct route){.space = space, .spec = spec, .item = *item};
}

/* ---- transport_maps ---- */

static void add_transport(struct routes *r, const struct postfix_item *entry)
{
    struct postfix_import *pi = r->pi;
    struct span key = entry->text;
    if (span_find(key, '@') < key.n) {
        item_note(pi, IMPORT_LEFT_OUT, entry, "transport", SPAN_NONE,
                  "routes are chosen by domains here, not by single addresses");
    } else if (span_starts(key, SPAN("."))) {
        add_route(r, below(r, key), entry->value, entry);
    } else {
        add_route(r, key, entry->value, entry);
    }
}

static void add_transports(struct routes *r)
{
    struct postfix_items entries = postfix_tables(r->pi, "transport_maps");
    for (size_t i = 0; i < entries.count; i++)
        add_transport(r, &entries.items[i]);
    parameter_became(r->pi, "transport_maps", "send-connectors.*.address-spaces", NULL);
}

/* ---- address classes ---- */

static void add_class(struct routes *r, enum postfix_class which, struct span spec)
{
    struct postfix_items domains = postfix_class_domains(r->pi, which);
    for (size_t i = 0; i < domains.count; i++) {
        struct span domain = domains.items[i].text;
        if (span_starts(domain, SPAN(".")) || which == POSTFIX_RELAY)
            domain = arena_printf(r->pi->im->arena, "*%s" SPAN_FMT,
                                  span_starts(domain, SPAN(".")) ? "" : ".", SPAN_ARG(domain));
        add_route(r, domain, spec, &domains.items[i]);
    }
}

/* Who delivers to the mailboxes of the machine: mailbox_transport comes before local(8)'s own. */
static struct span local_spec(struct routes *r)
{
    struct span spec = postfix_value(r->pi, NULL, "local_transport");
    struct span mailbox = postfix_value(r->pi, NULL, "mailbox_transport");
    bool local = span_eq(span_head(spec, span_find(spec, ':')), SPAN("local"));
    parameter_became(r->pi, "local_transport", "send-connectors", NULL);
    parameter_became(r->pi, "mailbox_transport", "send-connectors",
                     "aliases and .forward files are not followed");
    return local && mailbox.n ? mailbox : spec;
}

static void add_classes(struct routes *r)
{
    struct postfix_import *pi = r->pi;
    add_class(r, POSTFIX_LOCAL, local_spec(r));
    add_class(r, POSTFIX_VIRTUAL, postfix_value(pi, NULL, "virtual_transport"));
    struct span relay = postfix_value(pi, NULL, "relay_transport");
    size_t colon = span_find(relay, ':');
    /* Without a next hop of its own it goes where everything goes, through "*". */
    if (colon < relay.n)
        add_class(r, POSTFIX_RELAY, relay);
    parameter_became(pi, "virtual_transport", "send-connectors", NULL);
    parameter_became(pi, "relay_transport", "send-connectors", NULL);
}

static struct postfix_item item_of(struct postfix_import *pi, const char *name)
{
    const struct postfix_parameter *p = postfix_parameter(&pi->conf, span_of(name));
    return (struct postfix_item){.text = span_of(name), .place = {pi->main_file, p ? p->line : 0}};
}

/* "transport:" and the next hop of relayhost, where default_transport names none. */
static void add_default(struct routes *r)
{
    struct postfix_import *pi = r->pi;
    struct span transport = postfix_value(pi, NULL, "default_transport");
    struct span relayhost = postfix_value(pi, NULL, "relayhost");
    struct postfix_item item = item_of(pi, relayhost.n ? "relayhost" : "default_transport");
    item.text = SPAN("all other domains");
    size_t colon = span_find(transport, ':');
    struct span spec = transport;
    if (colon + 1 >= transport.n)
        spec = arena_printf(pi->im->arena, SPAN_FMT ":" SPAN_FMT,
                            SPAN_ARG(span_head(transport, colon)), SPAN_ARG(relayhost));
    r->fallback = spec;
    add_route(r, SPAN("*"), spec, &item);
    parameter_became(pi, "relayhost", "send-connectors.*.smart-hosts", NULL);
    parameter_became(pi, "default_transport", "send-connectors", NULL);
}

/* Policies of domains that are sent to by MX need a connector of their own. */
static void add_policies(struct routes *r)
{
    struct span hop = span_skip(r->fallback, span_find(r->fallback, ':') + 1);
    for (size_t i = 0; i < r->policies.count; i++) {
        const struct postfix_item *policy = &r->policies.items[i];
        struct span key = policy->text;
        bool plain = span_find(key, '[') == key.n && span_find(key, ':') == key.n;
        if (!plain || hop.n)
            continue;
        if (span_starts(key, SPAN(".")))
            key = below(r, key);
        add_route(r, key, r->fallback, policy);
    }
}

static void add_bare_domains(struct routes *r)
{
    size_t count = r->count;
    for (size_t i = 0; i < count; i++) {
        struct postfix_item item = r->items[i].item;
        if (!span_starts(item.text, SPAN(".")))
            continue;
        item.text = span_skip(item.text, 1);
        item.value = SPAN_NONE;
        add_route(r, item.text, r->fallback, &item);
    }
}

/* ---- connectors ---- */

static bool same_hop(const struct hop *a, const struct hop *b)
{
    return a->deliver_by == b->deliver_by && a->service == b->service &&
           span_eq(a->hosts, b->hosts) && span_eq(a->policy, b->policy) &&
           span_eq(a->maildir, b->maildir);
}

static void note_route(struct routes *r, const struct route *route, struct import_path at)
{
    struct span became = import_path_text(r->pi->im->arena, at);
    item_note(r->pi, route->hop.why ? IMPORT_APPROXIMATED : IMPORT_TRANSLATED, &route->item,
              "mail for", became, route->hop.why);
}

/* The connector of the route at `first`, with all later routes that go the same way. */
static void emit(struct routes *r, size_t first)
{
    struct postfix_import *pi = r->pi;
    const struct route *leader = &r->items[first];
    struct span *spaces = ARENA_ARRAY(pi->im->arena, struct span, r->count);
    size_t count = 0;
    struct span name = import_name(pi->im, "send-connectors", hop_name(leader));
    struct import_path at = import_path("send-connectors", name, NULL);
    for (size_t i = first; i < r->count; i++) {
        struct route *route = &r->items[i];
        if (route->done || !same_hop(&route->hop, &leader->hop))
            continue;
        spaces[count++] = route->space;
        note_route(r, route, at);
        route->done = true;
    }
    import_set_list(pi->im, import_path_below(at, "address-spaces"), spaces, count);
    hop_emit(r, &leader->hop, at);
}

/* Without a route of its own its mail would go where everything goes. An authoritative domain that
 * no send connector takes is refused instead. */
static void refuse_domain(struct import *im, struct span space)
{
    if (import_accept(im, space, false))
        return;
    for (size_t i = 0; i < im->domain_count; i++)
        if (span_ieq(im->domains[i].pattern, space))
            im->domains[i].relay = false;
}

static void leave_route(struct routes *r, const struct route *route)
{
    bool everything = span_eq(route->space, SPAN("*"));
    if (!everything)
        refuse_domain(r->pi->im, route->space);
    item_note(r->pi, route->hop.refuses && !everything ? IMPORT_APPROXIMATED : IMPORT_LEFT_OUT,
              &route->item, "mail for",
              route->hop.refuses && !everything ? SPAN("accepted-domains") : SPAN_NONE,
              route->hop.why);
}

static void emit_all(struct routes *r)
{
    size_t connectors = 0;
    for (size_t i = 0; i < r->count; i++) {
        struct route *route = &r->items[i];
        if (route->done)
            continue;
        if (connectors++ < IMPORT_CONNECTORS_MAX || span_eq(route->space, SPAN("*"))) {
            emit(r, i);
            continue;
        }
        route->done = true;
        route->hop.why = "there are too many next hops for one document; its mail is refused";
        leave_route(r, route);
    }
    if (r->more)
        import_note(r->pi->im,
                    (struct import_note){
                        .fate = IMPORT_LEFT_OUT,
                        .place = {r->pi->main_file, 0},
                        .what = arena_printf(r->pi->im->arena, "%zu further routes", r->more),
                        .why = SPAN("there are too many for one document; their "
                                    "mail goes where everything goes")});
}

void import_postfix_send(struct postfix_import *pi)
{
    struct routes r = {.pi = pi, .policies = postfix_tables(pi, "smtp_tls_policy_maps")};
    add_transports(&r);
    add_classes(&r);
    add_default(&r);
    add_policies(&r);
    add_bare_domains(&r);
    for (size_t i = 0; i < r.count; i++) {
        struct route *route = &r.items[i];
        route->done = !hop_of(&r, route);
        if (route->done)
            leave_route(&r, route);
    }
    emit_all(&r);
    hop_notes(&r);
}
