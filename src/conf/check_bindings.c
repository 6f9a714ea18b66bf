/* Exchange's rule for connectors that share a binding: two ranges may overlap only where one lies
 * wholly in the other, so that the most specific range is always one. */
#include <stdlib.h>

#include "conf/check.h"

/* As many bindings as a process could open sensibly; it bounds the work below. */
enum { BINDINGS_MAX = 4096 };

struct entry {
    struct ip_range range;
    size_t connector, item; /* where it stands; item is SIZE_MAX for "everyone" */
    bool reported;
};

struct sweep {
    const struct checking *check;
    struct entry *entries; /* by first address, wider ranges before those they hold */
    size_t count;
    size_t *stack;   /* the ranges that hold the one at hand, widest first */
    bool *is_member; /* connectors that listen where we look */
};

static bool is_judged(const struct checking *check, size_t i)
{
    return check->d->receive_connectors[i].enabled && !check->receive_nodes[i]->broken;
}

static bool is_any_address(const struct ip *ip)
{
    static const struct ip any4 = {.v6 = false}, any6 = {.v6 = true};
    return ip_cmp(ip, ip->v6 ? &any6 : &any4) == 0;
}

/* Whether a connector bound to `bind` gets connections that come to `local`. */
static bool serves(const struct endpoint *bind, const struct endpoint *local)
{
    if (bind->port == 0 || bind->port != local->port || bind->ip.v6 != local->ip.v6)
        return false;
    return is_any_address(&bind->ip) || ip_cmp(&bind->ip, &local->ip) == 0;
}

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order = ip_cmp(&a->range.first, &b->range.first);
    if (order == 0)
        order = ip_cmp(&b->range.last, &a->range.last);
    if (order == 0 && a->connector != b->connector)
        order = a->connector < b->connector ? -1 : 1;
    if (order == 0 && a->item != b->item)
        order = a->item < b->item ? -1 : 1;
    return order;
}

static int compare_endpoints(const void *left, const void *right)
{
    const struct endpoint *a = left, *b = right;
    int order = ip_cmp(&a->ip, &b->ip);
    return order ? order : (int)a->port - (int)b->port;
}

static void collect_entries(struct sweep *s, struct arena *arena)
{
    const struct document *d = s->check->d;
    size_t total = 0;
    for (size_t i = 0; i < d->receive_connector_count; i++)
        total += d->receive_connectors[i].from_count + 2;
    s->entries = ARENA_ARRAY(arena, struct entry, total + 1);
    s->stack = ARENA_ARRAY(arena, size_t, total + 1);
    s->is_member = ARENA_ARRAY(arena, bool, d->receive_connector_count + 1);
    struct ip_range everyone[2] = {{.first = {.v6 = false}}, {.first = {.v6 = true}}};
    for (int v6 = 0; v6 < 2; v6++) {
        everyone[v6].last.v6 = v6;
        memset(everyone[v6].last.b, 0xFF, v6 ? 16 : 4);
    }
    for (size_t i = 0; i < d->receive_connector_count; i++) {
        const struct receive_connector *c = &d->receive_connectors[i];
        if (!is_judged(s->check, i))
            continue;
        for (size_t j = 0; j < c->from_count; j++)
            s->entries[s->count++] = (struct entry){c->from[j], i, j, false};
        for (int v6 = 0; c->from_count == 0 && v6 < 2; v6++)
            s->entries[s->count++] = (struct entry){everyone[v6], i, SIZE_MAX, false};
    }
    qsort(s->entries, s->count, sizeof(*s->entries), compare_entries);
}

static const struct node *entry_place(const struct sweep *s, const struct entry *e)
{
    const struct node *connector = s->check->receive_nodes[e->connector];
    const struct node *from = tree_get(connector, SPAN("from"));
    const struct node *item = from ? tree_at(from, e->item) : NULL;
    return item ? item : from ? from : connector;
}

static void add_entry(struct buf *out, const struct entry *e)
{
    if (e->item == SIZE_MAX)
        buf_add_text(out, "everyone");
    else
        ip_range_add(out, &e->range);
}

static bool is_same(const struct entry *a, const struct entry *b)
{
    return ip_cmp(&a->range.first, &b->range.first) == 0 &&
           ip_cmp(&a->range.last, &b->range.last) == 0;
}

/* "10.0.0.0/8 overlaps 10.0.0.5-11.0.0.1 of "other"" */
static void add_conflict(struct buf *out, const struct sweep *s, const struct entry *late,
                         const struct entry *early)
{
    bool own = late->connector == early->connector;
    add_entry(out, late);
    if (own && is_same(late, early)) {
        buf_add_text(out, " is listed twice");
        return;
    }
    buf_add_text(out, is_same(late, early) ? " is also served by " : " overlaps ");
    if (!is_same(late, early)) {
        add_entry(out, early);
        buf_add_text(out, " of ");
    }
    struct span name = s->check->d->receive_connectors[early->connector].name;
    buf_addf(out, own ? "the same connector" : "\"" SPAN_FMT "\"", SPAN_ARG(name));
}

static struct span conflict_remedy(const struct entry *late, const struct entry *early)
{
    if (!is_same(late, early))
        return SPAN("make one range lie wholly in the other, or split them where they meet");
    if (late->connector == early->connector)
        return SPAN("keep one of them");
    return SPAN("give one of them a narrower from, or another binding");
}

static void report(struct sweep *s, struct entry *a, struct entry *b, const struct endpoint *where)
{
    /* Finding the place costs a walk; nobody sees what is said past the maximum. */
    if (a->reported || b->reported || s->check->problems->errors >= DOCUMENT_PROBLEMS_MAX)
        return;
    /* The one that stands later in the file is told about the other. */
    bool a_is_late =
        a->connector > b->connector || (a->connector == b->connector && a->item > b->item);
    struct entry *late = a_is_late ? a : b, *early = a_is_late ? b : a;
    late->reported = true;
    char endpoint[ENDPOINT_TEXT];
    endpoint_format(where, endpoint);
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    add_conflict(&text, s, late, early);
    problem_error(s->check->problems, entry_place(s, late), conflict_remedy(late, early),
                  "%s on %s%s", buf_text(&text), endpoint,
                  is_same(late, early) ? "" : ", and neither range lies wholly in the other");
    buf_done(&text);
}

/* Ranges that obey the rule nest, so a stack of those that hold the one at hand is all that has to
 * be looked at. */
static void sweep_endpoint(struct sweep *s, const struct endpoint *where)
{
    size_t depth = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct entry *e = &s->entries[i];
        if (!s->is_member[e->connector] || e->range.first.v6 != where->ip.v6)
            continue;
        while (depth && ip_cmp(&s->entries[s->stack[depth - 1]].range.last, &e->range.first) < 0)
            depth--;
        struct entry *top = depth ? &s->entries[s->stack[depth - 1]] : NULL;
        if (top && (is_same(top, e) || ip_cmp(&top->range.last, &e->range.last) < 0))
            report(s, top, e, where);
        else
            s->stack[depth++] = i;
    }
}

/* The different endpoints of all connectors; 0 where there are too many of them. */
static size_t collect_endpoints(const struct sweep *s, struct arena *arena,
                                struct endpoint **endpoints)
{
    const struct document *d = s->check->d;
    size_t total = 0, n = 0;
    for (size_t i = 0; i < d->receive_connector_count; i++)
        total += d->receive_connectors[i].bind_count;
    if (total > BINDINGS_MAX) {
        problem_error(s->check->problems, tree_get(s->check->root, SPAN("receive-connectors")),
                      SPAN("bind to 0.0.0.0 and [::] instead of single addresses"),
                      "%zu bindings; %d are the most", total, BINDINGS_MAX);
        return 0;
    }
    struct endpoint *all = ARENA_ARRAY(arena, struct endpoint, total + 1);
    for (size_t i = 0; i < d->receive_connector_count; i++)
        for (size_t j = 0; is_judged(s->check, i) && j < d->receive_connectors[i].bind_count; j++)
            all[n++] = d->receive_connectors[i].bind[j];
    qsort(all, n, sizeof(*all), compare_endpoints);
    size_t different = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || compare_endpoints(&all[i], &all[i - 1]) != 0)
            all[different++] = all[i];
    *endpoints = all;
    return different;
}

static void mark_members(struct sweep *s, const struct endpoint *where)
{
    const struct document *d = s->check->d;
    for (size_t i = 0; i < d->receive_connector_count; i++) {
        s->is_member[i] = false;
        for (size_t j = 0; is_judged(s->check, i) && j < d->receive_connectors[i].bind_count; j++)
            if (serves(&d->receive_connectors[i].bind[j], where))
                s->is_member[i] = true;
    }
}

void check_shared_bindings(const struct checking *check)
{
    struct arena arena = ARENA_INIT;
    struct sweep s = {.check = check};
    struct endpoint *endpoints = NULL;
    size_t count = collect_endpoints(&s, &arena, &endpoints);
    if (count)
        collect_entries(&s, &arena);
    for (size_t i = 0; i < count; i++) {
        mark_members(&s, &endpoints[i]);
        sweep_endpoint(&s, &endpoints[i]);
    }
    arena_done(&arena);
}
