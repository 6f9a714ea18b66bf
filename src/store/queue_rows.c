#include "store/queue_rows.h"

#include <stdlib.h>

/* ---- writing ---- */

static enum err insert_message(struct store *store, const struct queue_arrival *arrival,
                               const struct place *content)
{
    const struct envelope *e = &arrival->envelope;
    struct query q = query_open(&store->database, STATEMENT_MESSAGE_INSERT);
    query_set_id(&q, &e->id);
    query_set_number(&q, (int64_t)content->segment);
    query_set_number(&q, (int64_t)content->offset);
    query_set_number(&q, (int64_t)content->size);
    query_set_number(&q, (int64_t)content->trailer);
    query_set_number(&q, e->received_ms);
    query_set_text(&q, e->reverse_path);
    query_set_text(&q, e->connector);
    query_set_text(&q, e->envid);
    query_set_number(&q, e->ret);
    query_set_number(&q, e->body);
    query_set_number(&q, e->smtputf8);
    query_set_number(&q, arrival->content_has_8bit);
    query_set_text(&q, e->client_ip);
    query_set_text(&q, e->helo);
    query_set_text(&q, e->protocol);
    query_set_text(&q, e->tls);
    query_set_text(&q, e->header_message_id);
    query_set_text(&q, e->subject);
    return query_run(&q);
}

static enum err insert_recipient(struct store *store, const struct queue_arrival *arrival,
                                 size_t number)
{
    const struct recipient *r = &arrival->envelope.recipients[number];
    struct query q = query_open(&store->database, STATEMENT_RECIPIENT_INSERT);
    query_set_id(&q, &arrival->envelope.id);
    query_set_number(&q, (int64_t)number);
    query_set_number(&q, arrival->state);
    query_set_text(&q, r->domain);
    query_set_text(&q, r->address);
    query_set_number(&q, arrival->envelope.received_ms);
    query_set_number(&q, r->notify);
    query_set_text(&q, r->orcpt);
    return query_run(&q);
}

enum err queue_rows_insert(struct store *store, const struct queue_arrival *arrival,
                           const struct place *content)
{
    enum err err = insert_message(store, arrival, content);
    for (size_t i = 0; err == OK && i < arrival->envelope.recipient_count; i++)
        err = insert_recipient(store, arrival, i);
    return err;
}

/* ---- removing ---- */

void queue_gone_reset(struct queue_gone *gone)
{
    gone->messages = 0;
    gone->recipients = 0;
}

void queue_gone_done(struct queue_gone *gone)
{
    free(gone->places);
    *gone = (struct queue_gone){0};
}

void queue_gone_settle(struct store *store, const struct queue_gone *gone)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < gone->messages; i++) {
        segments_died(&store->segments, &gone->places[i]);
        bytes += gone->places[i].size;
    }
    atomic_fetch_sub(&store->counts.messages, gone->messages);
    atomic_fetch_sub(&store->counts.bytes, bytes);
    atomic_fetch_sub(&store->counts.recipients, gone->recipients);
}

void queue_gone_add(struct queue_gone *gone, const struct place *content, uint64_t recipients)
{
    if (gone->messages == gone->capacity) {
        size_t capacity = gone->capacity ? gone->capacity * 2 : 4;
        struct place *more = realloc(gone->places, capacity * sizeof(*more));
        if (!more)
            abort();
        gone->places = more;
        gone->capacity = capacity;
    }
    gone->places[gone->messages++] = *content;
    gone->recipients += recipients;
}

static struct place take_place(struct query *q)
{
    struct place place;
    place.segment = (uint64_t)query_number(q);
    place.offset = (uint64_t)query_number(q);
    place.size = (uint64_t)query_number(q);
    place.trailer = (uint64_t)query_number(q);
    return place;
}

static enum err has_recipients(struct store *store, const struct message_id *id, bool *has)
{
    struct query q = query_open(&store->database, STATEMENT_RECIPIENT_LEFT);
    query_set_id(&q, id);
    enum err err = query_next(&q, has);
    query_close(&q);
    return err;
}

static enum err remove_message(struct store *store, const struct message_id *id,
                               struct queue_gone *gone)
{
    struct query q = query_open(&store->database, STATEMENT_MESSAGE_CONTENT);
    query_set_id(&q, id);
    bool is_found = false;
    enum err err = query_next(&q, &is_found);
    struct place place = {0};
    if (err == OK && is_found)
        place = take_place(&q);
    query_close(&q);
    if (err != OK || !is_found)
        return err;
    q = query_open(&store->database, STATEMENT_MESSAGE_DELETE);
    query_set_id(&q, id);
    err = query_run(&q);
    if (err == OK)
        queue_gone_add(gone, &place, 0); /* the recipient was counted */
    return err;
}

enum err queue_rows_remove(struct store *store, const struct message_id *id, uint32_t number,
                           struct queue_gone *gone)
{
    struct query q = query_open(&store->database, STATEMENT_RECIPIENT_DELETE);
    query_set_id(&q, id);
    query_set_number(&q, number);
    enum err err = query_run(&q);
    if (err != OK || database_changes(&store->database) == 0)
        return err;
    gone->recipients++;
    bool has_others = false;
    err = has_recipients(store, id, &has_others);
    return err != OK || has_others ? err : remove_message(store, id, gone);
}

static enum err write_later(struct store *store, const struct queue_update *u)
{
    struct query q = query_open(&store->database, STATEMENT_RECIPIENT_LATER);
    query_set_number(&q, u->attempts);
    query_set_number(&q, u->next_attempt_ms);
    query_set_number(&q, u->last_attempt_ms);
    query_set_text(&q, u->connector);
    query_set_text(&q, u->next_hop);
    query_set_text(&q, u->last_reply);
    query_set_number(&q, u->delay_notified);
    query_set_id(&q, &u->id);
    query_set_number(&q, u->recipient);
    return query_run(&q);
}

static enum err write_noted(struct store *store, const struct queue_update *u)
{
    struct query q = query_open(&store->database, STATEMENT_RECIPIENT_NOTED);
    query_set_number(&q, u->delay_notified);
    query_set_id(&q, &u->id);
    query_set_number(&q, u->recipient);
    return query_run(&q);
}

enum err queue_rows_update(struct store *store, const struct queue_update *update,
                           struct queue_gone *gone)
{
    switch (update->kind) {
    case QUEUE_DONE: return queue_rows_remove(store, &update->id, update->recipient, gone);
    case QUEUE_LATER: return write_later(store, update);
    case QUEUE_NOTED: return write_noted(store, update);
    }
    abort();
}

/* ---- reading ---- */

static struct span take_text(struct arena *a, struct query *q)
{
    struct span text = query_text(q);
    return text.n > 0 ? arena_copy(a, text) : SPAN("");
}

static void take_message(struct query *q, struct stored_message *m)
{
    struct arena *a = &m->arena;
    struct envelope *e = &m->message.envelope;
    e->id = query_id(q);
    m->place = take_place(q);
    e->size = m->place.size;
    e->received_ms = query_number(q);
    e->reverse_path = take_text(a, q);
    e->connector = take_text(a, q);
    e->envid = take_text(a, q);
    e->ret = (enum dsn_return)query_number(q);
    e->body = (enum body_type)query_number(q);
    e->smtputf8 = query_number(q) != 0;
    m->message.content_has_8bit = query_number(q) != 0;
    e->client_ip = take_text(a, q);
    e->helo = take_text(a, q);
    e->protocol = take_text(a, q);
    e->tls = take_text(a, q);
    e->header_message_id = take_text(a, q);
    e->subject = take_text(a, q);
}

static struct queued_recipient take_recipient(struct arena *a, struct query *q)
{
    struct queued_recipient r = {0};
    r.number = (uint32_t)query_number(q);
    r.state = (enum recipient_state)query_number(q);
    r.recipient.domain = take_text(a, q);
    r.recipient.address = take_text(a, q);
    r.connector = take_text(a, q);
    r.next_hop = take_text(a, q);
    r.next_attempt_ms = query_number(q);
    r.last_attempt_ms = query_number(q);
    r.attempts = (unsigned)query_number(q);
    r.delay_notified = query_number(q) != 0;
    r.recipient.notify = (unsigned)query_number(q);
    r.recipient.orcpt = take_text(a, q);
    r.last_reply = take_text(a, q);
    return r;
}

static void add_recipient(struct stored_message *m, struct queued_recipient r, size_t *capacity)
{
    struct queued_message *message = &m->message;
    if (message->recipient_count == *capacity) {
        size_t more = *capacity ? *capacity * 2 : 4;
        struct queued_recipient *all = ARENA_ARRAY(&m->arena, struct queued_recipient, more);
        if (*capacity)
            memcpy(all, message->recipients, message->recipient_count * sizeof(*all));
        message->recipients = all;
        *capacity = more;
    }
    message->recipients[message->recipient_count++] = r;
}

static bool is_chosen(const struct recipient_choice *choice, size_t *at, uint32_t number)
{
    if (choice->is_all)
        return true;
    while (*at < choice->count && choice->numbers[*at] < number)
        (*at)++;
    return *at < choice->count && choice->numbers[*at] == number;
}

static enum err get_recipients(struct store *store, struct stored_message *m,
                               const struct recipient_choice *choice)
{
    struct query q = query_open(&store->database, STATEMENT_RECIPIENT_OF_MESSAGE);
    query_set_id(&q, &m->message.envelope.id);
    size_t capacity = 0, at = 0;
    bool row = false;
    enum err err;
    while ((err = query_next(&q, &row)) == OK && row) {
        struct query peek = q;
        if (is_chosen(choice, &at, (uint32_t)query_number(&peek)))
            add_recipient(m, take_recipient(&m->arena, &q), &capacity);
    }
    query_close(&q);
    return err;
}

static void link_envelope(struct stored_message *m)
{
    struct queued_message *message = &m->message;
    struct recipient *all = ARENA_ARRAY(&m->arena, struct recipient, message->recipient_count);
    for (size_t i = 0; i < message->recipient_count; i++)
        all[i] = message->recipients[i].recipient;
    message->envelope.recipients = all;
    message->envelope.recipient_count = message->recipient_count;
}

enum err queue_rows_get(struct store *store, const struct message_id *id,
                        struct recipient_choice choice, struct stored_message **message)
{
    struct query q = query_open(&store->database, STATEMENT_MESSAGE_GET);
    query_set_id(&q, id);
    bool is_found = false;
    enum err err = query_next(&q, &is_found);
    struct stored_message *m = NULL;
    if (err == OK && is_found) {
        m = stored_message_new();
        take_message(&q, m);
    }
    query_close(&q);
    if (err != OK || !is_found)
        return err != OK ? err : ERR_NOT_FOUND;
    err = get_recipients(store, m, &choice);
    if (err == OK && m->message.recipient_count == 0)
        err = ERR_NOT_FOUND;
    if (err != OK) {
        queued_message_free(&m->message);
        return err;
    }
    link_envelope(m);
    *message = m;
    return OK;
}

/* ---- at the start ---- */

static enum err count_recipients(struct store *store)
{
    struct query q = query_open(&store->database, STATEMENT_RECIPIENT_COUNT);
    bool row = false;
    enum err err = query_next(&q, &row);
    if (err == OK && row)
        atomic_store(&store->counts.recipients, (uint64_t)query_number(&q));
    query_close(&q);
    return err;
}

enum err queue_rows_count(struct store *store)
{
    struct query q = query_open(&store->database, STATEMENT_MESSAGE_CONTENTS);
    uint64_t messages = 0, bytes = 0;
    bool row = false;
    enum err err;
    while ((err = query_next(&q, &row)) == OK && row) {
        struct place place = take_place(&q);
        segments_found(&store->segments, &place);
        messages++;
        bytes += place.size;
    }
    query_close(&q);
    if (err != OK)
        return err;
    atomic_store(&store->counts.messages, messages);
    atomic_store(&store->counts.bytes, bytes);
    return count_recipients(store);
}
