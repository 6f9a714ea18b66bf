/* /v1/queue/messages: what waits, why, and what it contains. */
#include "base/clock.h"
#include "service/admin_queue.h"
#include "service/admin_waiting.h"
#include "store/track.h"

enum {
    MESSAGES_LISTED = 100,
    MESSAGES_LISTED_MAX = 1000,
    CONTENT_PIECE = 128 * 1024, /* between two pieces the loop does its other work */
};

static json_t *recipient_value(struct arena *arena, const struct queued_message *message,
                               const struct queued_recipient *r, const struct waiting_facts *facts)
{
    struct waiting w = waiting_explain(arena, facts, message, r);
    json_t *value = json_object();
    present_set(value, "number", present_number(r->number));
    present_set(value, "address", present_text(r->recipient.address));
    present_set(value, "domain", present_text(r->recipient.domain));
    present_set(value, "state", json_string(r->state == RECIPIENT_HELD ? "held" : "queued"));
    present_set(value, "why", present_text(w.why));
    present_set(value, "next", present_text(w.next));
    present_set(value, "next-attempt", present_time(w.next_attempt_ms));
    present_set(value, "expires", present_time(w.expires_ms));
    present_set(value, "connector", present_text_or_null(w.connector));
    present_set(value, "next-hop", present_text_or_null(w.hop));
    present_set(value, "attempts", present_number(r->attempts));
    present_set(value, "last-attempt", present_time(r->last_attempt_ms));
    present_set(value, "last-next-hop",
                present_text_or_null(queue_next_hop_text(arena, r->connector, r->next_hop)));
    present_set(value, "last-reply", present_text_or_null(r->last_reply));
    present_set(value, "delay-notified", json_boolean(r->delay_notified));
    return value;
}

json_t *admin_message(struct arena *arena, const struct queued_message *message,
                      const struct snapshot *s, const struct deliver_next_hop *hops,
                      size_t hop_count)
{
    struct waiting_facts facts = {s->document, hops, hop_count, clock_now_ms()};
    const struct envelope *e = &message->envelope;
    json_t *value = json_object(), *recipients = json_array();
    for (size_t i = 0; i < message->recipient_count; i++)
        present_push(recipients, recipient_value(arena, message, &message->recipients[i], &facts));
    present_set(value, "id", admin_id(e->id));
    present_set(value, "received", present_time(e->received_ms));
    present_set(value, "size", present_number(e->size));
    present_set(value, "sender", present_text(e->reverse_path));
    present_set(value, "message-id", present_text(e->header_message_id));
    present_set(value, "subject", present_text(e->subject));
    present_set(value, "receive-connector", present_text(e->connector));
    present_set(value, "client-ip", present_text_or_null(e->client_ip));
    present_set(value, "helo", present_text_or_null(e->helo));
    present_set(value, "protocol", present_text(e->protocol));
    present_set(value, "tls", present_text_or_null(e->tls));
    present_set(value, "body", json_string(body_type_name(e->body)));
    present_set(value, "smtputf8", json_boolean(e->smtputf8));
    present_set(value, "recipients", recipients);
    return value;
}

/* ---- listing: first what delivery knows of the next hops, then a page of messages ---- */

struct listing {
    struct admin_call *call;
    struct queue_filter filter;
    struct message_id after;
    size_t limit;
    struct deliver_next_hop *hops;
    size_t hop_count;
    json_t *one; /* the message that was asked for, while its tracking is read */
};

static void on_listed(void *context, enum err err, struct queued_message *const *messages,
                      size_t count, bool more)
{
    struct listing *l = context;
    struct admin_call *call = l->call;
    admin_filter_done(&l->filter);
    if (err != OK) {
        admin_fail_err(call, err, "the queue cannot be read");
        return;
    }
    struct snapshot *s = snapshot_current(call->admin->world);
    json_t *array = json_array(), *value = json_object();
    for (size_t i = 0; i < count; i++)
        present_push(array, admin_message(call->arena, messages[i], s, l->hops, l->hop_count));
    snapshot_release(s);
    present_set(value, "messages", array);
    present_set(value, "more", json_boolean(more));
    present_set(value, "next",
                more && count ? admin_id(messages[count - 1]->envelope.id) : json_null());
    admin_answer(call, 200, value);
}

static void on_hops_for_list(void *context, const struct deliver_next_hop *hops, size_t count)
{
    struct listing *l = context;
    l->hops = admin_copy_hops(l->call->arena, hops, count);
    l->hop_count = count;
    queue_list(l->call->admin->world->store, &l->filter, l->after, l->limit, l->call->admin->loop,
               on_listed, l);
}

void admin_list_messages(struct admin_call *call)
{
    uint64_t limit = MESSAGES_LISTED;
    struct listing *l = ARENA_NEW(call->arena, struct listing);
    struct filter_source source = {call, NULL};
    struct span after = admin_query(call, "after");
    bool is_empty;
    l->call = call;
    if (!admin_query_number(call, "limit", MESSAGES_LISTED_MAX, &limit))
        return;
    if (after.n && message_id_parse(after, &l->after) != OK) {
        admin_fail(call, 400, "bad-parameter", SPAN("after is no queue id"),
                   "give the \"next\" of the page before");
        return;
    }
    l->limit = limit ? limit : 1;
    if (!admin_read_filter(&source, &l->filter, &is_empty))
        return;
    deliver_next_hops(call->admin->world->deliver, call->admin->loop, on_hops_for_list, l);
}

/* ---- one message ---- */

static bool read_id(struct admin_call *call, struct message_id *id)
{
    if (message_id_parse(call->parameters[0], id) == OK)
        return true;
    admin_failf(call, 404, "not-found", "copy it from sealpost queue list",
                SPAN_FMT " is no queue id", SPAN_ARG(call->parameters[0]));
    return false;
}

static void fail_gone(struct admin_call *call)
{
    struct span remedy =
        arena_printf(call->arena, "sealpost track --id " SPAN_FMT " tells what became of it",
                     SPAN_ARG(call->parameters[0]));
    admin_failf(call, 404, "not-found", remedy.p, "message " SPAN_FMT " is not in the queue",
                SPAN_ARG(call->parameters[0]));
}

/* Who holds it is in the newest record of that kind. */
static void on_hold_tracked(void *context, enum err err, const struct track_record *records,
                            size_t count, bool more)
{
    (void)more;
    struct listing *l = context;
    json_t *by = json_null();
    if (err == OK && count) {
        by = json_object();
        present_set(by, "time", present_time(records[count - 1].time_ms));
        present_set(by, "text", present_text(records[count - 1].info));
    }
    present_set(l->one, "held", by);
    admin_answer(l->call, 200, l->one);
}

static bool is_held(const struct queued_message *message)
{
    for (size_t i = 0; i < message->recipient_count; i++)
        if (message->recipients[i].state == RECIPIENT_HELD)
            return true;
    return false;
}

static void on_shown(void *context, enum err err, struct queued_message *const *messages,
                     size_t count, bool more)
{
    (void)more;
    struct listing *l = context;
    struct admin_call *call = l->call;
    if (err != OK && err != ERR_NOT_FOUND) {
        admin_fail_err(call, err, "the message cannot be read");
        return;
    }
    if (err == ERR_NOT_FOUND || count == 0) {
        fail_gone(call);
        return;
    }
    struct snapshot *s = snapshot_current(call->admin->world);
    json_t *value = admin_message(call->arena, messages[0], s, l->hops, l->hop_count);
    snapshot_release(s);
    if (!is_held(messages[0])) {
        present_set(value, "held", json_null());
        admin_answer(call, 200, value);
        return;
    }
    l->one = value;
    struct track_filter filter = {
        .id = l->filter.id, .has_id = true, .event = span_of(track_event_name(TRACK_HOLD))};
    track_find(call->admin->world->store, &filter, 1, call->admin->loop, on_hold_tracked, l);
}

static void on_hops_for_one(void *context, const struct deliver_next_hop *hops, size_t count)
{
    struct listing *l = context;
    l->hops = admin_copy_hops(l->call->arena, hops, count);
    l->hop_count = count;
    queue_list(l->call->admin->world->store, &l->filter, l->after, 1, l->call->admin->loop,
               on_shown, l);
}

void admin_get_message(struct admin_call *call)
{
    struct listing *l = ARENA_NEW(call->arena, struct listing);
    l->call = call;
    l->filter.has_id = true;
    if (read_id(call, &l->filter.id))
        deliver_next_hops(call->admin->world->deliver, call->admin->loop, on_hops_for_one, l);
}

/* ---- content ---- */

struct export
{
    struct admin_call *call;
    struct queued_message *message;
    uint64_t offset;
    char *piece;
};

/* Ends short where the content cannot be read; the client knows the message's size and sees that
 * some is missing. */
static void send_piece(void *context)
{
    struct export *export = context;
    struct http_request *request = export->call->request;
    ssize_t n = queued_message_read(export->message, export->offset, export->piece, CONTENT_PIECE);
    if (n > 0 && http_stream_piece(request, span_make(export->piece, (size_t)n))) {
        export->offset += (uint64_t)n;
        loop_post(export->call->admin->loop, send_piece, export);
        return;
    }
    queued_message_free(export->message);
    http_stream_end(request);
}

static void on_fetched(void *context, enum err err, struct queued_message *message)
{
    struct admin_call *call = context;
    if (err == ERR_NOT_FOUND) {
        fail_gone(call);
        return;
    }
    if (err != OK) {
        admin_fail_err(call, err, "the message cannot be read");
        return;
    }
    struct export *export = ARENA_NEW(call->arena, struct export);
    *export = (struct export){
        .call = call, .message = message, .piece = arena_alloc(call->arena, CONTENT_PIECE)};
    http_stream_begin(call->request, 200, "message/rfc822");
    send_piece(export);
}

void admin_get_content(struct admin_call *call)
{
    struct message_id id;
    if (read_id(call, &id))
        queue_fetch(call->admin->world->store, id, call->admin->loop, on_fetched, call);
}
