#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "policy/retry.h"
#include "service/deliver_private.h"

enum {
    FIRST_WINDOW = 2, /* connections to a next hop that answers and was sent nothing yet */
    LAST_ERROR_MAX = 1024,
    MAILDIR_JOBS_MAX = 8,
};

/* Connectors may be called anything but this: a name has no control characters. */
static const char unreachable_key[] = "\x01unreachable";

/* Wall time may be set back or forth: looks again after a minute at the latest. */
static void arm_retry_timer(struct hop *hop)
{
    int64_t left = hop->retry_at_ms - clock_now_ms() + 1;
    loop_timer_start(hop->retry_timer, left < MINUTE_MS ? left : MINUTE_MS);
}

static void on_retry(void *context)
{
    struct hop *hop = context;
    if (hop_is_waiting(hop, clock_now_ms()))
        arm_retry_timer(hop);
    else
        hop_run(hop);
}

static struct hop *hop_new(struct deliver *d, struct span key, struct span connector,
                           struct span destination)
{
    struct hop *hop = calloc(1, sizeof(*hop) + key.n + connector.n + destination.n);
    if (!hop)
        abort();
    hop->deliver = d;
    char *at = hop->text;
    struct span *const parts[] = {&hop->key, &hop->connector_name, &hop->destination};
    const struct span sources[] = {key, connector, destination};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (sources[i].n)
            memcpy(at, sources[i].p, sources[i].n);
        *parts[i] = span_make(at, sources[i].n);
        at += sources[i].n;
    }
    hop->window = FIRST_WINDOW;
    hop->health = HOP_UNTRIED;
    list_init(&hop->ready);
    list_init(&hop->sessions);
    list_init(&hop->idle);
    buf_init(&hop->last_error, LAST_ERROR_MAX);
    map_set(&d->hops, hop->key, hop);
    return hop;
}

struct hop *hop_find(struct deliver *d, const struct next_hop *next_hop)
{
    struct hop *hop = map_get(&d->hops, next_hop->key);
    if (!hop) {
        hop = hop_new(d, next_hop->key, next_hop->connector->name, next_hop->destination);
        hop->connector = next_hop->connector;
    }
    return hop;
}

struct hop *hop_find_unreachable(struct deliver *d)
{
    struct hop *hop = map_get(&d->hops, SPAN(unreachable_key));
    if (!hop) {
        hop = hop_new(d, SPAN(unreachable_key), SPAN_NONE, SPAN("unreachable"));
        buf_add_text(&hop->last_error, "no send connector takes this domain");
    }
    return hop;
}

void hop_free(struct hop *hop)
{
    session_free_all(hop);
    if (hop->retry_timer)
        loop_timer_free(hop->retry_timer);
    list_remove(&hop->starving);
    buf_done(&hop->last_error);
    free(hop);
}

void hop_settle(struct hop *hop)
{
    if (hop->pending_count || hop->connections || hop->deliver->stopping)
        return;
    map_remove(&hop->deliver->hops, hop->key);
    hop_free(hop);
}

bool hop_is_waiting(const struct hop *hop, int64_t now_ms)
{
    return hop->failures && hop->retry_at_ms > now_ms;
}

static uint64_t allowed_connections(const struct hop *hop)
{
    if (hop->connector->deliver_by == DELIVER_BY_MAILDIR)
        return MAILDIR_JOBS_MAX;
    return concurrency_of_hop(hop->connector, hop->health, hop->window);
}

bool hop_is_open(const struct hop *hop)
{
    return hop->connector && !hop->connector->hold && !hop_is_waiting(hop, clock_now_ms());
}

void hop_run(struct hop *hop)
{
    struct deliver *d = hop->deliver;
    if (d->stopping || !d->started || !hop_is_open(hop))
        return;
    while (!list_is_empty(&hop->ready)) {
        if (session_wake_idle(hop))
            continue;
        if (hop->connections >= allowed_connections(hop) || !share_take(hop))
            return;
        if (hop->connector->deliver_by == DELIVER_BY_MAILDIR)
            maildir_start(hop);
        else
            session_start(hop);
    }
}

void hop_connection_ended(struct hop *hop)
{
    share_give_back(hop);
    hop_settle(hop);
}

void hop_answered(struct hop *hop)
{
    if (hop->health != HOP_UNTRIED) /* one that failed has to take a message first */
        return;
    share_set_health(hop, HOP_ANSWERS);
    hop_run(hop);
}

void hop_succeeded(struct hop *hop)
{
    hop->last_attempt_ms = clock_now_ms();
    share_set_health(hop, HOP_ANSWERS);
    if (hop->failures)
        LOG(LOG_INFO, "next-hop-recovered", LOG_S("next-hop", hop->key),
            LOG_N("after-failures", hop->failures));
    hop->failures = 0;
    hop->retry_at_ms = 0;
    buf_reset(&hop->last_error);
    if (hop->window < UINT32_MAX)
        hop->window++;
}

void hop_failed(struct hop *hop, const struct outcome *why)
{
    int64_t now = clock_now_ms();
    hop->last_attempt_ms = now;
    hop->window = FIRST_WINDOW;
    share_set_health(hop, HOP_FAILS);
    buf_reset(&hop->last_error);
    reply_add_line(&hop->last_error, &why->reply);
    if (hop_is_waiting(hop, now)) /* another of its connections failed as well */
        return;
    hop->failures++;
    struct retry_facts facts = {.now_ms = now, .received_ms = now, .attempts = hop->failures};
    struct retry_verdict verdict =
        retry_next(deliver_retry_conf(hop), &facts, (uint64_t)(uintptr_t)hop ^ (uint64_t)now);
    hop->retry_at_ms = verdict.expired ? now + (int64_t)deliver_retry_conf(hop)->interval_ms
                                       : verdict.next_attempt_ms;
    if (!hop->retry_timer)
        hop->retry_timer = loop_timer_new(hop->deliver->loop, on_retry, hop);
    arm_retry_timer(hop);
    LOG(LOG_WARNING, "next-hop-failed", LOG_S("next-hop", hop->key),
        LOG_N("failures", hop->failures), LOG_N("retry-in-s", (hop->retry_at_ms - now) / SECOND_MS),
        LOG_N("waiting", hop->pending_count - hop->not_waiting_count),
        LOG_S("error", buf_span(&hop->last_error)));
}

void hop_retry_now(struct hop *hop)
{
    hop->retry_at_ms = 0;
    if (hop->retry_timer)
        loop_timer_stop(hop->retry_timer);
}

void hop_rebind(struct hop *hop)
{
    if (!hop->connector_name.n)
        return;
    const struct send_connector *c =
        document_send_connector(hop->deliver->snapshot->document, hop->connector_name);
    hop->connector = c && c->enabled ? c : NULL;
    hop_retry_now(hop); /* what was wrong may have been mended by the change */
    session_close_idle(hop);
}

/* ---- for the administrator ---- */

struct hop_list {
    struct deliver *deliver;
    struct loop *loop;
    deliver_next_hops_fn *fn;
    void *context;
    struct arena arena;
    struct deliver_next_hop *items;
    size_t count;
};

static struct span state_of(const struct hop *hop)
{
    if (!hop->connector)
        return SPAN("unreachable");
    if (hop->connector->hold)
        return SPAN("held");
    if (hop_is_waiting(hop, clock_now_ms()))
        return SPAN("retry");
    return hop->in_flight ? SPAN("active") : SPAN("idle");
}

static void describe(struct span key, void *value, void *context)
{
    (void)key;
    struct hop_list *list = context;
    const struct hop *hop = value;
    list->items[list->count++] = (struct deliver_next_hop){
        .key = arena_copy(&list->arena, hop->connector_name.n ? hop->key : hop->destination),
        .connector = arena_copy(&list->arena, hop->connector_name),
        .destination = arena_copy(&list->arena, hop->destination),
        .state = state_of(hop),
        .last_error = arena_copy(&list->arena, buf_span(&hop->last_error)),
        .waiting = hop->pending_count - hop->not_waiting_count,
        .in_flight = hop->in_flight,
        .connections = hop->connections,
        .next_attempt_ms = hop->retry_at_ms,
        .last_attempt_ms = hop->last_attempt_ms,
    };
}

static void hand_over(void *context)
{
    struct hop_list *list = context;
    list->fn(list->context, list->items, list->count);
    arena_done(&list->arena);
    free(list);
}

static void on_describe(void *context)
{
    struct hop_list *list = context;
    list->items = ARENA_ARRAY(&list->arena, struct deliver_next_hop, list->deliver->hops.count);
    map_each(&list->deliver->hops, describe, list);
    loop_post(list->loop, hand_over, list);
}

void deliver_next_hops(struct deliver *d, struct loop *loop, deliver_next_hops_fn *fn,
                       void *context)
{
    struct hop_list *list = calloc(1, sizeof(*list));
    if (!list)
        abort();
    list->deliver = d;
    list->loop = loop;
    list->fn = fn;
    list->context = context;
    loop_post(d->loop, on_describe, list);
}
