/* /v1/track and /v1/events: what became of messages, and what was noticed. */
#include <stdlib.h>

#include "base/clock.h"
#include "service/admin_call.h"
#include "store/events.h"
#include "store/track.h"

enum {
    RECORDS_FOUND = 100,
    RECORDS_FOUND_MAX = 10000,
    FOLLOW_EVERY_MS = 500,   /* how soon a follower hears of an event */
    FOLLOW_ALIVE_MS = 15000, /* a follower that has gone is noticed by writing to it */
};

/* ---- track ---- */

static json_t *track_value(const struct track_record *r)
{
    json_t *value = json_object();
    present_set(value, "time", present_time(r->time_ms));
    present_set(value, "event", json_string(track_event_name(r->event)));
    present_set(value, "source", json_string(track_source_name(r->source)));
    present_set(value, "id", admin_id(r->id));
    present_set(value, "message-id", present_text(r->message_id_header));
    present_set(value, "sender", present_text(r->sender));
    present_set(value, "recipients", present_text(r->recipients));
    present_set(value, "recipient-status", present_text(r->recipient_status));
    present_set(value, "recipient-count", present_number(r->recipient_count));
    present_set(value, "size", present_number(r->size));
    present_set(value, "subject", present_text(r->subject));
    present_set(value, "connector", present_text(r->connector));
    present_set(value, "client-ip", present_text_or_null(r->client_ip));
    present_set(value, "client-name", present_text_or_null(r->client_name));
    present_set(value, "server-ip", present_text_or_null(r->server_ip));
    present_set(value, "server-name", present_text_or_null(r->server_name));
    present_set(value, "tls", present_text_or_null(r->tls));
    present_set(value, "reference", present_text_or_null(r->reference));
    present_set(value, "info", present_text_or_null(r->info));
    return value;
}

static void on_tracks(void *context, enum err err, const struct track_record *records, size_t count,
                      bool more)
{
    struct admin_call *call = context;
    if (err != OK) {
        admin_fail_err(call, err, "the tracking records cannot be read");
        return;
    }
    json_t *array = json_array(), *value = json_object();
    for (size_t i = 0; i < count; i++)
        present_push(array, track_value(&records[i]));
    present_set(value, "records", array);
    present_set(value, "more", json_boolean(more));
    admin_answer(call, 200, value);
}

/* A misspelt event would look like mail that never was. */
static bool is_event(struct span name)
{
    for (int event = TRACK_RECEIVE; event <= TRACK_REMOVE; event++)
        if (span_ieq(name, span_of(track_event_name((enum track_event)event))))
            return true;
    return false;
}

void admin_find_tracks(struct admin_call *call)
{
    uint64_t limit = RECORDS_FOUND;
    struct span id = admin_query(call, "id");
    struct track_filter filter = {.message_id_header = admin_query(call, "message-id"),
                                  .sender = admin_query(call, "sender"),
                                  .recipient = admin_query(call, "recipient"),
                                  .subject = admin_query(call, "subject"),
                                  .event = admin_query(call, "event")};
    if (!admin_query_number(call, "limit", RECORDS_FOUND_MAX, &limit) ||
        !admin_query_time(call, "since", &filter.since_ms) ||
        !admin_query_time(call, "until", &filter.until_ms))
        return;
    if (filter.event.n && !is_event(filter.event)) {
        admin_failf(call, 400, "bad-parameter",
                    "it is RECEIVE, SEND, DELIVER, DEFER, FAIL, DSN, DROP, HOLD, RELEASE or REMOVE",
                    "there is no event " SPAN_FMT, SPAN_ARG(filter.event));
        return;
    }
    filter.has_id = id.n > 0;
    if (id.n && message_id_parse(id, &filter.id) != OK) {
        admin_failf(call, 400, "bad-parameter",
                    "copy it from a Received field, a reply or sealpost queue list",
                    SPAN_FMT " is no queue id", SPAN_ARG(id));
        return;
    }
    track_find(call->admin->world->store, &filter, limit ? limit : 1, call->admin->loop, on_tracks,
               call);
}

/* ---- events ---- */

struct event_query {
    struct admin_call *call;
    uint64_t after, limit;
    bool newest;
    enum log_level least;
};

static void on_events(void *context, enum err err, const struct event *events, size_t count,
                      bool more)
{
    struct event_query *query = context;
    struct admin_call *call = query->call;
    if (err != OK) {
        admin_fail_err(call, err, "the events cannot be read");
        return;
    }
    json_t *array = json_array(), *value = json_object();
    for (size_t i = 0; i < count; i++)
        present_push(array, admin_event(&events[i]));
    present_set(value, "events", array);
    present_set(value, "more", json_boolean(more));
    present_set(value, "last", present_number(count ? events[count - 1].number : query->after));
    admin_answer(call, 200, value);
}

/* ---- followers: the same events as lines, as they happen ---- */

struct follower {
    struct list node; /* in admin->followers */
    struct admin *admin;
    struct http_request *request;
    struct loop_timer *timer;
    uint64_t after;
    enum log_level least;
    int64_t written_ms; /* monotonic */
    bool first;         /* begins behind the newest of all */
};

static void drop_follower(struct follower *f)
{
    list_remove(&f->node);
    loop_timer_free(f->timer);
    http_stream_end(f->request);
    free(f);
}

static bool write_event(struct follower *f, const struct event *event)
{
    json_t *value = admin_event(event);
    char *text = json_dumps(value, JSON_COMPACT);
    json_decref(value);
    if (!text)
        abort();
    struct buf line = BUF_INIT(BUF_UNLIMITED);
    buf_addf(&line, "%s\n", text);
    free(text);
    bool there = http_stream_piece(f->request, buf_span(&line));
    buf_done(&line);
    f->written_ms = clock_monotonic_ms();
    return there;
}

/* Blank lines mean nothing to readers of JSON lines. */
static bool keep_alive(struct follower *f)
{
    if (clock_monotonic_ms() - f->written_ms < FOLLOW_ALIVE_MS)
        return true;
    f->written_ms = clock_monotonic_ms();
    return http_stream_piece(f->request, SPAN("\n"));
}

static void on_followed(void *context, enum err err, const struct event *events, size_t count,
                        bool more)
{
    struct follower *f = context;
    bool there = err == OK;
    for (size_t i = 0; i < count && there; i++) {
        f->after = events[i].number;
        there = f->first || write_event(f, &events[i]);
    }
    f->first = false;
    if (there && keep_alive(f))
        loop_timer_start(f->timer, more ? 0 : FOLLOW_EVERY_MS);
    else
        drop_follower(f);
}

static void ask_for_more(void *context)
{
    struct follower *f = context;
    events_find(f->admin->world->store, f->after, f->first, f->first ? LOG_DEBUG : f->least,
                f->first ? 1 : RECORDS_FOUND, f->admin->loop, on_followed, f);
}

static void follow(struct admin_call *call, const struct event_query *query)
{
    struct follower *f = calloc(1, sizeof(*f));
    if (!f)
        abort();
    *f = (struct follower){.admin = call->admin,
                           .request = call->request,
                           .after = query->after,
                           .least = query->least,
                           .first = query->after == 0,
                           .written_ms = clock_monotonic_ms()};
    f->timer = loop_timer_new(call->admin->loop, ask_for_more, f);
    list_append(&call->admin->followers, &f->node);
    http_stream_begin(call->request, 200, "application/x-ndjson");
    ask_for_more(f);
}

/* The store calls nobody back any more, so those that wait for it are dropped as well. */
void admin_end_followers(struct admin *admin)
{
    LIST_EACH(f, &admin->followers, struct follower, node)
    drop_follower(f);
}

static bool read_level(struct admin_call *call, enum log_level *level)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    struct span text = admin_query(call, "level");
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (span_eq(text, span_of(names[i]))) {
            *level = (enum log_level)i;
            return true;
        }
    if (text.n)
        admin_failf(call, 400, "bad-parameter", "it is debug, info, warning or error",
                    "there is no level " SPAN_FMT, SPAN_ARG(text));
    return text.n == 0;
}

void admin_find_events(struct admin_call *call)
{
    struct event_query *query = ARENA_NEW(call->arena, struct event_query);
    *query = (struct event_query){.call = call, .limit = RECORDS_FOUND, .least = LOG_DEBUG};
    if (!admin_query_number(call, "after", INT64_MAX, &query->after) ||
        !admin_query_number(call, "limit", RECORDS_FOUND_MAX, &query->limit) ||
        !read_level(call, &query->least))
        return;
    if (admin_query_switch(call, "follow")) {
        follow(call, query);
        return;
    }
    query->newest = query->after == 0;
    events_find(call->admin->world->store, query->after, query->newest, query->least,
                query->limit ? query->limit : 1, call->admin->loop, on_events, query);
}
