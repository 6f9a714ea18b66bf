#include "service/admin_waiting.h"

#include "policy/retry.h"
#include "policy/route.h"

static const struct deliver_next_hop *find_hop(const struct waiting_facts *facts, struct span key)
{
    for (size_t i = 0; i < facts->hop_count; i++)
        if (span_eq(facts->hops[i].key, key))
            return &facts->hops[i];
    return NULL;
}

static struct span schedule(struct arena *arena, const struct send_connector *c, unsigned attempts)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    retry_add_explanation(&text, &c->retry, attempts);
    struct span copy = arena_copy(arena, buf_span(&text));
    buf_done(&text);
    return copy;
}

static void explain_held(struct waiting *w, const struct queued_recipient *r)
{
    w->why = SPAN("held until it is released");
    w->next = r->attempts ? SPAN("nothing: no further attempt is made before it is released")
                          : SPAN("nothing: no attempt is made before it is released");
    w->next_attempt_ms = 0;
    w->expires_ms = 0;
}

static void explain_connector_held(struct arena *arena, struct waiting *w,
                                   const struct queued_recipient *r)
{
    w->why = arena_printf(arena, "the send connector " SPAN_FMT " holds what it takes",
                          SPAN_ARG(w->connector));
    w->next = r->attempts ? SPAN("no further attempt before its hold is false again")
                          : SPAN("no attempt before its hold is false again");
    w->next_attempt_ms = 0;
}

static void explain_unroutable(struct waiting *w, const struct route *route, struct arena *arena)
{
    const struct reply *reply = &route->failure.reply;
    w->why = arena_printf(arena, "no send connector takes it: " SPAN_FMT, SPAN_ARG(reply->text));
    w->next = SPAN("it is routed again when the send connectors change, and at each attempt");
}

static void explain_hop(struct arena *arena, struct waiting *w, const struct deliver_next_hop *hop,
                        const struct queued_recipient *r)
{
    bool hop_fails = hop && span_eq(hop->state, SPAN("retry"));
    if (hop_fails && hop->next_attempt_ms > w->next_attempt_ms) {
        w->next_attempt_ms = hop->next_attempt_ms;
        w->next = arena_printf(arena, "attempt %u, when " SPAN_FMT " is tried again",
                               r->attempts + 1, SPAN_ARG(hop->key));
    }
    if (hop_fails)
        w->why = arena_printf(arena, "the next hop " SPAN_FMT " takes no mail: " SPAN_FMT,
                              SPAN_ARG(hop->key), SPAN_ARG(hop->last_error));
    else if (r->attempts)
        w->why = r->last_reply.n ? r->last_reply : SPAN("the last attempt failed");
    else if (hop && hop->in_flight)
        w->why = arena_printf(arena,
                              "%llu of %llu for " SPAN_FMT " are being sent over %llu connections",
                              (unsigned long long)hop->in_flight,
                              (unsigned long long)hop->waiting + (unsigned long long)hop->in_flight,
                              SPAN_ARG(hop->key), (unsigned long long)hop->connections);
    else
        w->why = SPAN("its first attempt has not been made yet");
}

struct waiting waiting_explain(struct arena *arena, const struct waiting_facts *facts,
                               const struct queued_message *message,
                               const struct queued_recipient *r)
{
    struct waiting w = {.next_attempt_ms = r->next_attempt_ms};
    struct route route =
        route_select(arena, facts->document, r->recipient.domain, message->envelope.size);
    const struct send_connector *connector = route.found ? route.next_hop.connector : NULL;
    if (connector) {
        w.connector = connector->name;
        w.hop = route.next_hop.key;
        w.expires_ms = message->envelope.received_ms + (int64_t)connector->retry.expire_ms;
    }
    if (r->state == RECIPIENT_HELD) {
        explain_held(&w, r);
        return w;
    }
    if (!connector) {
        explain_unroutable(&w, &route, arena);
        return w;
    }
    if (connector->hold) {
        explain_connector_held(arena, &w, r);
        return w;
    }
    explain_hop(arena, &w, find_hop(facts, w.hop), r);
    if (w.next_attempt_ms <= facts->now_ms)
        w.next =
            arena_printf(arena, "an attempt as soon as " SPAN_FMT " has room", SPAN_ARG(w.hop));
    else if (w.next.n == 0)
        w.next = schedule(arena, connector, r->attempts);
    return w;
}
