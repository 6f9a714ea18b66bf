/* deliver_share: the connections of a send connector, shared by its next hops as policy/concurrency
 * says. Hops that find no place starve in line with others of their health; who does not answer
 * loses its place to them early. */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "service/deliver_private.h"

enum { LOOK_EACH_MS = 500 }; /* for those that keep others waiting */

static struct connector_load *load_of(struct deliver *d, struct span connector)
{
    struct connector_load *load = map_get(&d->loads, connector);
    if (!load) {
        load = calloc(1, sizeof(*load));
        if (!load)
            abort();
        list_init(&load->opening);
        list_init(&load->idle);
        for (int i = 0; i < HOP_HEALTHS; i++)
            list_init(&load->starving[i]);
        map_set(&d->loads, connector, load);
    }
    return load;
}

static struct connector_load *load_of_hop(struct hop *hop)
{
    if (!hop->load)
        hop->load = load_of(hop->deliver, hop->connector_name);
    return hop->load;
}

static void watch_patience(struct deliver *d)
{
    if (d->patience_is_watched || d->stopping)
        return;
    d->patience_is_watched = true;
    loop_timer_start(d->patience_timer, LOOK_EACH_MS);
}

static bool is_full(const struct connector_load *load, const struct send_connector *connector)
{
    uint64_t total = 0;
    for (int health = 0; health < HOP_HEALTHS; health++)
        total += load->in_use[health];
    return total >= connector->max_connections;
}

static void starve(struct hop *hop, struct connector_load *load)
{
    list_append(&load->starving[hop->health], &hop->starving);
    if (is_full(load, hop->connector) && !list_is_empty(&load->idle))
        session_end_idle(LIST_OBJECT(load->idle.next, struct holder, node));
    watch_patience(hop->deliver);
}

bool share_take(struct hop *hop)
{
    struct connector_load *load = load_of_hop(hop);
    if (!concurrency_has_place(hop->connector, load->in_use, hop->health)) {
        if (!list_is_linked(&hop->starving))
            starve(hop, load);
        return false;
    }
    load->in_use[hop->health]++;
    hop->connections++;
    return true;
}

/* The hop that is served next. Each health has its turn, so that none waits for the others to run
 * out of work. */
static struct hop *next_starving(struct connector_load *load)
{
    for (unsigned i = 1; i <= HOP_HEALTHS; i++) {
        enum hop_health health = (load->served_last + i) % HOP_HEALTHS;
        if (list_is_empty(&load->starving[health]))
            continue;
        struct hop *hop = LIST_OBJECT(load->starving[health].next, struct hop, starving);
        if (hop->connector && !concurrency_has_place(hop->connector, load->in_use, health))
            continue;
        load->served_last = health;
        list_remove(&hop->starving);
        return hop;
    }
    return NULL;
}

/* A hop that starved may have nothing to do by now: then the place is the next one's. */
static void serve_starving(struct deliver *d, struct connector_load *load)
{
    struct hop *hop;
    while (!d->stopping && (hop = next_starving(load)))
        hop_run(hop);
}

void share_give_back(struct hop *hop)
{
    struct connector_load *load = load_of_hop(hop);
    assert(hop->connections > 0 && load->in_use[hop->health] > 0);
    hop->connections--;
    load->in_use[hop->health]--;
    serve_starving(hop->deliver, load);
}

void share_set_health(struct hop *hop, enum hop_health health)
{
    if (hop->health == health)
        return;
    struct connector_load *load = load_of_hop(hop);
    load->in_use[hop->health] -= hop->connections;
    load->in_use[health] += hop->connections;
    list_remove(&hop->starving);
    hop->health = health;
    serve_starving(hop->deliver, load);
}

/* ---- holders ---- */

static void hold(struct list *list, struct hop *hop, struct holder *h)
{
    list_remove(&h->node);
    *h = (struct holder){.hop = hop, .since_ms = clock_monotonic_ms()};
    list_append(list, &h->node);
}

void share_opening(struct hop *hop, struct holder *h)
{
    hold(&load_of_hop(hop)->opening, hop, h);
}

bool share_idle(struct hop *hop, struct holder *h)
{
    struct connector_load *load = load_of_hop(hop);
    bool starves = false;
    for (int health = 0; health < HOP_HEALTHS; health++)
        starves = starves || !list_is_empty(&load->starving[health]);
    if (starves && hop->connector && is_full(load, hop->connector) && list_is_empty(&hop->ready))
        return false;
    hold(&load->idle, hop, h);
    return true;
}

void share_busy(struct holder *h)
{
    list_remove(&h->node);
}

static bool keeps_others_waiting(const struct connector_load *load, const struct holder *h)
{
    for (int health = 0; health < HOP_HEALTHS; health++)
        if (!list_is_empty(&load->starving[health]) &&
            concurrency_helps(h->hop->health, (enum hop_health)health))
            return true;
    return false;
}

static void look_at_load(struct span key, void *value, void *context)
{
    (void)key;
    struct connector_load *load = value;
    bool *any = context;
    int64_t now = clock_monotonic_ms();
    /* What takes the place of one that was hurried on stands at the end, and is young. */
    LIST_EACH(h, &load->opening, struct holder, node)
    if (h->hop->connector && keeps_others_waiting(load, h) &&
        now - h->since_ms >= concurrency_patience_ms(h->hop->connector, h->hop->failures))
        session_hurry(h, now - h->since_ms);
    for (int health = 0; health < HOP_HEALTHS; health++)
        *any = *any || !list_is_empty(&load->starving[health]);
}

void share_on_patience(void *context)
{
    struct deliver *d = context;
    bool any_starving = false;
    d->patience_is_watched = false;
    map_each(&d->loads, look_at_load, &any_starving);
    if (any_starving)
        watch_patience(d);
}
