#include "service/receive_limits.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"

enum { SOURCES_MAX = 200000 }; /* remembered; beyond that the oldest idle ones are forgotten */

struct source {
    struct list by_age; /* idle ones, least recently used first */
    struct span key;
    uint64_t connections;
    int64_t minute; /* the minute that is being counted */
    uint64_t this_minute, last_minute;
    char key_bytes[];
};

struct receive_limits {
    pthread_mutex_t lock;
    struct map sources;    /* connector and address -> struct source */
    struct map connectors; /* name -> uint64_t, how many connections */
    struct list idle;
};

struct receive_limits *receive_limits_new(void)
{
    struct receive_limits *limits = calloc(1, sizeof(*limits));
    if (!limits || pthread_mutex_init(&limits->lock, NULL) != 0)
        abort();
    map_init(&limits->sources);
    map_init(&limits->connectors);
    list_init(&limits->idle);
    return limits;
}

void receive_limits_free(struct receive_limits *limits)
{
    if (!limits)
        return;
    map_done_with_values(&limits->sources);
    map_done_with_values(&limits->connectors);
    pthread_mutex_destroy(&limits->lock);
    free(limits);
}

static struct span source_key(char *bytes, struct span connector, const struct ip *source)
{
    size_t n = source->v6 ? 8 : 4;
    memcpy(bytes, connector.p, connector.n);
    bytes[connector.n] = source->v6 ? '6' : '4';
    memcpy(bytes + connector.n + 1, source->b, n);
    return span_make(bytes, connector.n + 1 + n);
}

static void forget_oldest(struct receive_limits *limits)
{
    struct list *node = list_take(&limits->idle);
    if (!node)
        return;
    struct source *oldest = LIST_OBJECT(node, struct source, by_age);
    map_remove(&limits->sources, oldest->key);
    free(oldest);
}

static struct source *find_source(struct receive_limits *limits, struct span connector,
                                  const struct ip *ip, bool make)
{
    char bytes[256];
    struct span key = source_key(bytes, span_head(connector, 200), ip);
    struct source *s = map_get(&limits->sources, key);
    if (s || !make)
        return s;
    if (limits->sources.count >= SOURCES_MAX)
        forget_oldest(limits);
    s = calloc(1, sizeof(*s) + key.n);
    if (!s)
        abort();
    memcpy(s->key_bytes, key.p, key.n);
    s->key = span_make(s->key_bytes, key.n);
    list_init(&s->by_age);
    list_append(&limits->idle, &s->by_age);
    map_set(&limits->sources, s->key, s);
    return s;
}

static uint64_t *find_count(struct receive_limits *limits, struct span connector)
{
    uint64_t *count = map_get(&limits->connectors, connector);
    if (!count) {
        count = calloc(1, sizeof(*count));
        if (!count)
            abort();
        map_set(&limits->connectors, connector, count);
    }
    return count;
}

/* Connections within the last minute, from two counters: the share of the last minute that still
 * counts is taken as even. */
static uint64_t recent_rate(struct source *s, int64_t now_ms)
{
    int64_t minute = now_ms / MINUTE_MS;
    if (minute != s->minute) {
        s->last_minute = minute == s->minute + 1 ? s->this_minute : 0;
        s->this_minute = 0;
        s->minute = minute;
    }
    uint64_t left = (uint64_t)(MINUTE_MS - now_ms % MINUTE_MS);
    return s->this_minute + s->last_minute * left / MINUTE_MS;
}

enum receive_limit receive_limits_enter(struct receive_limits *limits,
                                        const struct receive_connector *connector,
                                        const struct ip *source, int64_t now_ms)
{
    pthread_mutex_lock(&limits->lock);
    struct source *s = find_source(limits, connector->name, source, true);
    uint64_t *count = find_count(limits, connector->name);
    enum receive_limit limit = RECEIVE_LIMIT_NONE;
    if (recent_rate(s, now_ms) >= connector->max_connection_rate)
        limit = RECEIVE_LIMIT_RATE;
    else if (*count >= connector->max_connections)
        limit = RECEIVE_LIMIT_TOTAL;
    else if (s->connections >= connector->max_connections_per_source)
        limit = RECEIVE_LIMIT_SOURCE;
    if (limit != RECEIVE_LIMIT_RATE)
        s->this_minute++;
    if (limit == RECEIVE_LIMIT_NONE) {
        s->connections++;
        ++*count;
        list_remove(&s->by_age);
    }
    pthread_mutex_unlock(&limits->lock);
    return limit;
}

void receive_limits_leave(struct receive_limits *limits, struct span connector,
                          const struct ip *source)
{
    pthread_mutex_lock(&limits->lock);
    struct source *s = find_source(limits, connector, source, false);
    --*find_count(limits, connector);
    if (--s->connections == 0)
        list_append(&limits->idle, &s->by_age);
    pthread_mutex_unlock(&limits->lock);
}

const char *receive_limit_text(enum receive_limit limit)
{
    static const char *const texts[] = {"none", "max-connections", "max-connections-per-source",
                                        "max-connection-rate"};
    return texts[limit];
}

uint64_t receive_limits_count(struct receive_limits *limits, struct span connector)
{
    pthread_mutex_lock(&limits->lock);
    uint64_t *count = map_get(&limits->connectors, connector);
    uint64_t n = count ? *count : 0;
    pthread_mutex_unlock(&limits->lock);
    return n;
}
