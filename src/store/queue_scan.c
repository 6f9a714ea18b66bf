#include "store/queue_scan.h"

#include <stdlib.h>

#include "base/text.h"

enum {
    ROWS_PER_STEP = 8000, /* some 10 ms */
};

void queue_matches_add(struct queue_matches *matches, struct queue_match match)
{
    if (matches->count == matches->capacity) {
        size_t capacity = matches->capacity ? matches->capacity * 2 : 64;
        struct queue_match *more = realloc(matches->items, capacity * sizeof(*more));
        if (!more)
            abort();
        matches->items = more;
        matches->capacity = capacity;
    }
    matches->items[matches->count++] = match;
}

void queue_matches_done(struct queue_matches *matches)
{
    free(matches->items);
    *matches = (struct queue_matches){0};
}

struct queue_filter queue_filter_copy(struct arena *arena, const struct queue_filter *filter)
{
    struct queue_filter copy = *filter;
    copy.sender = arena_copy(arena, filter->sender);
    copy.recipient = arena_copy(arena, filter->recipient);
    copy.domain = arena_copy(arena, filter->domain);
    copy.receive_connector = arena_copy(arena, filter->receive_connector);
    return copy;
}

struct span queue_next_hop_text(struct arena *arena, struct span connector, struct span next_hop)
{
    if (connector.n == 0)
        return SPAN_NONE;
    return arena_printf(arena, SPAN_FMT "/" SPAN_FMT, SPAN_ARG(connector), SPAN_ARG(next_hop));
}

struct queue_scan queue_scan_start(const struct queue_filter *filter, struct message_id after)
{
    struct queue_scan scan = {.filter = filter, .at = after, .number = INT64_MAX};
    if (filter->has_id) {
        scan.is_finished = memcmp(filter->id.b, after.b, sizeof(after.b)) <= 0;
        scan.at = filter->id;
        scan.number = -1;
    }
    return scan;
}

/* ---- filters ---- */

static bool fits(struct span pattern, struct span text)
{
    return pattern.n == 0 || text_glob(pattern, text);
}

static bool wants_message(const struct queue_filter *f)
{
    return f->sender.n > 0 || f->receive_connector.n > 0 || f->older_than_ms || f->newer_than_ms ||
           f->goes;
}

/* What was found about the message of the rows at hand. */
struct verdict {
    struct message_id id;
    uint64_t size;
    bool is_known, does_fit;
};

static enum err message_fits(struct store *store, const struct queue_filter *f,
                             const struct message_id *id, struct verdict *verdict)
{
    struct query q = query_open(&store->database, STATEMENT_MESSAGE_FILTER);
    query_set_id(&q, id);
    bool result = false;
    enum err err = query_next(&q, &result);
    if (err == OK && result) {
        int64_t received_ms = query_number(&q);
        struct span sender = query_text(&q), connector = query_text(&q);
        verdict->size = (uint64_t)query_number(&q);
        result = (f->older_than_ms == 0 || received_ms < f->older_than_ms) &&
                 (f->newer_than_ms == 0 || received_ms > f->newer_than_ms) &&
                 fits(f->sender, sender) && fits(f->receive_connector, connector);
    }
    query_close(&q);
    if (err != OK)
        return err;
    verdict->id = *id;
    verdict->is_known = true;
    verdict->does_fit = result;
    return OK;
}

/* The row at hand, behind id and number; place borrows from it. */
static bool recipient_fits(const struct queue_filter *f, struct query *q, struct queue_match *match,
                           struct queue_place *place)
{
    match->state = (enum recipient_state)query_number(q);
    place->domain = query_text(q);
    struct span address = query_text(q);
    place->last_connector = query_text(q);
    place->last_next_hop = query_text(q);
    match->next_attempt_ms = query_number(q);
    return (!f->has_state || f->state == match->state) && fits(f->domain, place->domain) &&
           fits(f->recipient, address);
}

/* ---- steps ---- */

static enum err judge_row(struct store *store, const struct queue_filter *f, struct query *q,
                          struct verdict *verdict, struct queue_match *match, bool *does_fit)
{
    struct queue_place place;
    *does_fit = recipient_fits(f, q, match, &place);
    if (!*does_fit || !wants_message(f))
        return OK;
    if (!verdict->is_known || !message_id_eq(verdict->id, match->id)) {
        enum err err = message_fits(store, f, &match->id, verdict);
        if (err != OK)
            return err;
    }
    place.size = verdict->size;
    *does_fit = verdict->does_fit && (!f->goes || f->goes(f->goes_context, &place));
    return OK;
}

enum err queue_scan_step(struct store *store, struct queue_scan *scan, queue_scan_fn *visit,
                         void *context)
{
    const struct queue_filter *f = scan->filter;
    struct message_id from = scan->at;
    struct query q = query_open(&store->database, STATEMENT_RECIPIENT_SCAN);
    query_set_id(&q, &from);
    query_set_number(&q, scan->number);
    struct verdict verdict = {0};
    enum err err = OK;
    for (int rows = 0; rows < ROWS_PER_STEP && !scan->is_finished; rows++) {
        bool row = false, does_fit = false;
        if ((err = query_next(&q, &row)) != OK)
            break;
        struct queue_match match = {0};
        if (row) {
            match.id = query_id(&q);
            match.number = (uint32_t)query_number(&q);
        }
        if (!row || (f->has_id && !message_id_eq(match.id, f->id))) {
            scan->is_finished = true;
            break;
        }
        err = judge_row(store, f, &q, &verdict, &match, &does_fit);
        if (err != OK || (does_fit && !visit(context, &match)))
            break;
        scan->at = match.id;
        scan->number = match.number;
    }
    query_close(&q);
    return err;
}
