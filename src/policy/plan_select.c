/* From connectors to selections, and which certificates have had their time. */
#include <assert.h>

#include "base/map.h"
#include "policy/plan.h"

/* The document has been checked, so that its pins can be read. */
static const struct pin *read_pin(struct arena *arena, struct span text)
{
    struct pin *pin = ARENA_NEW(arena, struct pin);
    struct buf why = BUF_INIT(1000);
    enum err err = pin_parse(arena, text, pin, &why);
    assert(err == OK);
    buf_done(&why);
    return pin;
}

struct selection_request plan_request(struct arena *arena, const struct plan_state *state,
                                      const struct receive_connector *connector, int64_t now_ms)
{
    return (struct selection_request){
        .name = connector->fqdn,
        .service = SERVICE_SMTP,
        .now_ms = now_ms,
        .candidates = state->candidates,
        .count = state->count,
        .pin = read_pin(arena, connector->pin),
        .pin_strict = connector->pin_strict,
    };
}

struct selection plan_select(struct arena *arena, const struct plan_state *state,
                             const struct receive_connector *connector, int64_t now_ms)
{
    struct selection_request request = plan_request(arena, state, connector, now_ms);
    return certificate_select(arena, &request);
}

/* Always strict: a next hop that knows one certificate is not served by another. */
struct selection plan_select_client(struct arena *arena, const struct plan_state *state,
                                    const struct send_connector *connector, int64_t now_ms)
{
    if (connector->tls_certificate.n == 0)
        return (struct selection){0};
    return certificate_select(arena, &(struct selection_request){
                                         .service = SERVICE_CLIENT,
                                         .now_ms = now_ms,
                                         .candidates = state->candidates,
                                         .count = state->count,
                                         .pin = read_pin(arena, connector->tls_certificate),
                                         .pin_strict = true,
                                     });
}

struct usage {
    struct arena *arena;
    const struct plan_state *state;
    int64_t now_ms;
    bool *used; /* one per candidate */
};

static void mark(struct usage *u, const struct selection *s)
{
    for (size_t i = 0; i < u->state->count; i++) {
        const struct certificate *c = u->state->candidates[i].certificate;
        u->used[i] |= c == s->chosen || c == s->other_type;
    }
}

/* What a pin names is kept even where another stands in for it now. */
static void mark_pinned(struct usage *u, struct span pin_text)
{
    const struct pin *pin = read_pin(u->arena, pin_text);
    bool by_thumbprint = pin->kind == PIN_THUMBPRINT;
    for (size_t i = 0; by_thumbprint && i < u->state->count; i++)
        u->used[i] |= pin_matches(pin, u->state->candidates[i].certificate);
}

static void mark_all(struct usage *u)
{
    const struct document *d = u->state->document;
    for (size_t i = 0; i < d->receive_connector_count; i++) {
        const struct receive_connector *c = &d->receive_connectors[i];
        struct selection s = plan_select(u->arena, u->state, c, u->now_ms);
        mark(u, &s);
        mark_pinned(u, c->pin);
    }
    for (size_t i = 0; i < d->send_connector_count; i++) {
        const struct send_connector *c = &d->send_connectors[i];
        struct selection s = plan_select_client(u->arena, u->state, c, u->now_ms);
        mark(u, &s);
        mark_pinned(u, c->tls_certificate);
    }
}

static struct span kind_of_key(const struct certificate *c)
{
    return span_head(c->key_type, span_find(c->key_type, ' '));
}

/* The newer one does all that the older did. */
static bool takes_over(const struct certificate *newer, const struct certificate *older,
                       int64_t now_ms)
{
    if (newer->not_before_ms <= older->not_before_ms || newer->not_before_ms > now_ms ||
        newer->not_after_ms <= now_ms || !newer->key_matches || older->name_count == 0 ||
        (older->services & ~newer->services) || !span_eq(kind_of_key(newer), kind_of_key(older)))
        return false;
    struct map names;
    map_init(&names);
    for (size_t i = 0; i < newer->name_count; i++)
        map_set(&names, newer->names[i], newer->names);
    bool all = true;
    for (size_t i = 0; all && i < older->name_count; i++)
        all = map_get(&names, older->names[i]);
    map_done(&names);
    return all;
}

size_t plan_superseded(struct arena *arena, const struct plan_state *state, int64_t now_ms,
                       const struct certificate ***superseded)
{
    struct usage usage = {arena, state, now_ms, ARENA_ARRAY(arena, bool, state->count)};
    const struct certificate **found = ARENA_ARRAY(arena, const struct certificate *, state->count);
    size_t count = 0;
    mark_all(&usage);
    for (size_t i = 0; i < state->count; i++) {
        const struct certificate *older = state->candidates[i].certificate;
        bool over = false;
        for (size_t j = 0; !usage.used[i] && !over && j < state->count; j++)
            over = takes_over(state->candidates[j].certificate, older, now_ms) &&
                   (usage.used[j] || !(older->services & SERVICE_SMTP));
        if (over)
            found[count++] = older;
    }
    *superseded = found;
    return count;
}
