/* /v1/queue: filters, actions and next hops. */
#include "service/admin_queue.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "service/admin_way.h"

/* ---- filters ---- */

static bool filter_text(const struct filter_source *from, const char *name, struct span *text)
{
    if (!from->object) {
        *text = admin_query(from->call, name);
        return true;
    }
    const json_t *value = json_object_get(from->object, name);
    if (value && !json_is_string(value)) {
        admin_failf(from->call, 400, "bad-filter", NULL, "the filter's %s is no text", name);
        return false;
    }
    *text = arena_copy(from->call->arena,
                       span_make(json_string_value(value), json_string_length(value)));
    return true;
}

static bool filter_time(const struct filter_source *from, const char *name, int64_t *ms)
{
    struct span text;
    if (!filter_text(from, name, &text))
        return false;
    if (text.n == 0 || clock_parse_iso(text, ms) == OK)
        return true;
    admin_failf(from->call, 400, "bad-filter", "write it as 2026-11-22 or 2026-11-22T18:00:00Z",
                "%s " SPAN_FMT " is no time", name, SPAN_ARG(text));
    return false;
}

static bool filter_state(const struct filter_source *from, struct queue_filter *filter)
{
    struct span text;
    if (!filter_text(from, "state", &text))
        return false;
    bool held = span_eq(text, SPAN("held")), queued = span_eq(text, SPAN("queued"));
    filter->has_state = held || queued;
    filter->state = held ? RECIPIENT_HELD : RECIPIENT_QUEUED;
    if (text.n == 0 || filter->has_state)
        return true;
    admin_failf(from->call, 400, "bad-filter", "it is queued or held",
                "there is no state " SPAN_FMT, SPAN_ARG(text));
    return false;
}

static bool filter_id(const struct filter_source *from, struct queue_filter *filter)
{
    struct span text;
    if (!filter_text(from, "id", &text))
        return false;
    filter->has_id = text.n > 0;
    if (text.n == 0 || message_id_parse(text, &filter->id) == OK)
        return true;
    admin_failf(from->call, 400, "bad-filter", "copy it from sealpost queue list",
                SPAN_FMT " is no queue id", SPAN_ARG(text));
    return false;
}

/* A filter whose member is misspelt would match everything. */
static bool members_are_known(const struct filter_source *from)
{
    static const char *const known[] = {"id",
                                        "sender",
                                        "recipient",
                                        "domain",
                                        "connector",
                                        "next-hop",
                                        "receive-connector",
                                        "state",
                                        "received-before",
                                        "received-after"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)from->object, key, value)
    {
        bool is_known = false;
        for (size_t i = 0; i < COUNT_OF(known); i++)
            is_known = is_known || strcmp(key, known[i]) == 0;
        if (is_known)
            continue;
        admin_failf(from->call, 400, "bad-filter", NULL, "a filter has no member \"%s\"", key);
        return false;
    }
    return true;
}

bool admin_read_filter(const struct filter_source *from, struct queue_filter *filter,
                       bool *is_empty)
{
    struct queue_filter f = {0};
    struct span connector, next_hop;
    if ((from->object && !members_are_known(from)) || !filter_id(from, &f) ||
        !filter_text(from, "sender", &f.sender) || !filter_text(from, "recipient", &f.recipient) ||
        !filter_text(from, "domain", &f.domain) || !filter_text(from, "connector", &connector) ||
        !filter_text(from, "next-hop", &next_hop) ||
        !filter_text(from, "receive-connector", &f.receive_connector) || !filter_state(from, &f) ||
        !filter_time(from, "received-before", &f.older_than_ms) ||
        !filter_time(from, "received-after", &f.newer_than_ms))
        return false;
    *is_empty = !f.has_id && !f.has_state && !f.older_than_ms && !f.newer_than_ms &&
                !(f.sender.n + f.recipient.n + f.domain.n + connector.n + next_hop.n +
                  f.receive_connector.n);
    if (connector.n + next_hop.n) {
        struct snapshot *s = snapshot_current(from->call->admin->world);
        f.goes = way_goes;
        f.goes_context = way_new(s, connector, next_hop);
        snapshot_release(s);
    }
    *filter = f;
    return true;
}

void admin_filter_done(struct queue_filter *filter)
{
    way_free(filter->goes_context);
    filter->goes_context = NULL;
}

/* ---- actions ---- */

static const char *const action_names[] = {
    [QUEUE_ACTION_HOLD] = "hold",
    [QUEUE_ACTION_RELEASE] = "release",
    [QUEUE_ACTION_RETRY] = "retry",
    [QUEUE_ACTION_REMOVE] = "remove",
};

struct acting {
    struct admin_call *call;
    enum queue_action action;
    struct queue_filter filter;
};

static size_t count_messages(const struct queue_acted *acted, size_t count)
{
    struct map seen;
    map_init(&seen);
    for (size_t i = 0; i < count; i++)
        map_set(&seen, span_make((const char *)acted[i].id.b, sizeof(acted[i].id.b)), &seen);
    size_t messages = seen.count;
    map_done(&seen);
    return messages;
}

static void on_acted(void *context, enum err err, const struct queue_acted *acted, size_t count)
{
    struct acting *acting = context;
    struct admin_call *call = acting->call;
    admin_filter_done(&acting->filter);
    if (err != OK) {
        admin_fail_err(call, err, "the action could not be stored; nothing was changed");
        return;
    }
    deliver_acted(call->admin->world->deliver, acting->action, acted, count);
    size_t messages = count_messages(acted, count);
    LOG(LOG_INFO, "queue-action", LOG_T("action", action_names[acting->action]),
        LOG_N("messages", messages), LOG_N("recipients", count),
        LOG_S("by", http_request_author(call->request)));
    json_t *value = json_object();
    present_set(value, "action", json_string(action_names[acting->action]));
    present_set(value, "messages", present_number(messages));
    present_set(value, "recipients", present_number(count));
    admin_answer(call, 200, value);
}

static bool read_action(struct admin_call *call, const json_t *body, enum queue_action *action)
{
    const char *name = json_string_value(json_object_get(body, "action"));
    for (size_t i = 0; name && i < COUNT_OF(action_names); i++)
        if (strcmp(name, action_names[i]) == 0) {
            *action = (enum queue_action)i;
            return true;
        }
    admin_fail(call, 400, "bad-body", SPAN("the action is none of hold, release, retry and remove"),
               NULL);
    return false;
}

/* False: the answer was given. An empty filter means the whole queue, which has to be said. */
static bool read_action_filter(struct admin_call *call, const json_t *body,
                               struct queue_filter *filter)
{
    const json_t *object = json_object_get(body, "filter");
    bool all = json_is_true(json_object_get(body, "all")), is_empty = true;
    if (object && !json_is_object(object)) {
        admin_fail(call, 400, "bad-body", SPAN("the filter is no object"), NULL);
        return false;
    }
    struct filter_source source = {call, object};
    if (object && !admin_read_filter(&source, filter, &is_empty))
        return false;
    if (!is_empty || all)
        return true;
    admin_fail(call, 400, "all-not-said",
               SPAN("the filter is empty: this would act on the whole queue"),
               "name messages or narrow the filter, or say \"all\": true");
    return false;
}

void admin_act(struct admin_call *call)
{
    json_t *body = admin_body(call);
    if (!body)
        return;
    enum queue_action action;
    struct queue_filter filter = {0};
    if (read_action(call, body, &action) && read_action_filter(call, body, &filter)) {
        struct acting *acting = ARENA_NEW(call->arena, struct acting);
        *acting = (struct acting){call, action, filter};
        queue_act(call->admin->world->store, action, &acting->filter, clock_now_ms(),
                  http_request_author(call->request), call->admin->loop, on_acted, acting);
    }
    json_decref(body);
}

/* ---- next hops ---- */

struct deliver_next_hop *admin_copy_hops(struct arena *arena, const struct deliver_next_hop *hops,
                                         size_t count)
{
    struct deliver_next_hop *copies =
        ARENA_ARRAY(arena, struct deliver_next_hop, count ? count : 1);
    for (size_t i = 0; i < count; i++) {
        copies[i] = hops[i];
        copies[i].key = arena_copy(arena, hops[i].key);
        copies[i].connector = arena_copy(arena, hops[i].connector);
        copies[i].destination = arena_copy(arena, hops[i].destination);
        copies[i].state = arena_copy(arena, hops[i].state);
        copies[i].last_error = arena_copy(arena, hops[i].last_error);
    }
    return copies;
}

json_t *admin_next_hop(const struct deliver_next_hop *hop)
{
    json_t *value = json_object();
    present_set(value, "next-hop", present_text(hop->key));
    present_set(value, "connector", present_text_or_null(hop->connector));
    present_set(value, "destination", present_text(hop->destination));
    present_set(value, "state", present_text(hop->state));
    present_set(value, "waiting", present_number(hop->waiting));
    present_set(value, "in-flight", present_number(hop->in_flight));
    present_set(value, "connections", present_number(hop->connections));
    present_set(value, "last-attempt", present_time(hop->last_attempt_ms));
    present_set(value, "next-attempt", present_time(hop->next_attempt_ms));
    present_set(value, "last-error", present_text_or_null(hop->last_error));
    return value;
}

static void on_next_hops(void *context, const struct deliver_next_hop *hops, size_t count)
{
    json_t *array = json_array(), *value = json_object();
    for (size_t i = 0; i < count; i++)
        present_push(array, admin_next_hop(&hops[i]));
    present_set(value, "next-hops", array);
    admin_answer(context, 200, value);
}

void admin_list_next_hops(struct admin_call *call)
{
    deliver_next_hops(call->admin->world->deliver, call->admin->loop, on_next_hops, call);
}
