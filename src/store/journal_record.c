#include "store/journal_record.h"

#include <assert.h>

/* Writes to `out` or, where that is NULL, reads from `in`. */
struct codec {
    struct buf *out;
    struct span in;
    struct arena *arena; /* for what is read */
    bool has_failed;     /* what was read since then is zero */
};

/* ---- the parts of all fields ---- */

/* Seven bits in each octet, the lowest first; the last one has its highest bit clear. */
static void put_number(struct buf *out, uint64_t number)
{
    char octets[10];
    size_t n = 0;
    for (; number >= 0x80; number >>= 7)
        octets[n++] = (char)(number | 0x80);
    octets[n++] = (char)number;
    (void)buf_add(out, span_make(octets, n)); /* without a limit */
}

static uint64_t fail(struct codec *c)
{
    c->has_failed = true;
    return 0;
}

static uint64_t get_number(struct codec *c)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64 && c->in.n > 0; shift += 7) {
        uint64_t octet = (unsigned char)c->in.p[0];
        c->in = span_skip(c->in, 1);
        number |= (octet & 0x7f) << shift;
        if (octet < 0x80)
            return number;
    }
    return fail(c);
}

static uint64_t do_number(struct codec *c, uint64_t number)
{
    if (!c->out)
        return c->has_failed ? 0 : get_number(c);
    put_number(c->out, number);
    return number;
}

#define NUMBER(c, field) ((field) = (__typeof__(field))do_number((c), (uint64_t)(field)))

static void do_text(struct codec *c, struct span *text)
{
    assert(text->p || text->n == 0);
    uint64_t n = do_number(c, text->n);
    if (c->out) {
        (void)buf_add(c->out, *text);
        return;
    }
    *text = SPAN("");
    if (n > c->in.n) {
        (void)fail(c);
    } else if (n > 0) {
        *text = span_head(c->in, n);
        c->in = span_skip(c->in, n);
    }
}

static void do_id(struct codec *c, struct message_id *id)
{
    if (c->out)
        (void)buf_add(c->out, span_make((const char *)id->b, sizeof(id->b)));
    else if (c->in.n < sizeof(id->b))
        (void)fail(c);
    else {
        memcpy(id->b, c->in.p, sizeof(id->b));
        c->in = span_skip(c->in, sizeof(id->b));
    }
}

/* A count and, for what is read, the array: each element takes an octet at least, so a record
 * cannot ask for more than a multiple of its own size. */
static void *do_array(struct codec *c, void *array, size_t size, size_t *count)
{
    NUMBER(c, *count);
    if (!c->out) {
        if (*count > c->in.n)
            *count = fail(c);
        array = arena_alloc_array(c->arena, size, *count);
    }
    assert(array || *count == 0);
    return array;
}

/* ---- the fields ---- */

static void do_recipient(struct codec *c, struct recipient *r)
{
    do_text(c, &r->address);
    do_text(c, &r->domain);
    do_text(c, &r->orcpt);
    NUMBER(c, r->notify);
}

static void do_envelope(struct codec *c, struct envelope *e)
{
    do_id(c, &e->id);
    struct span *const texts[] = {
        &e->reverse_path, &e->envid, &e->connector,         &e->client_ip, &e->helo,
        &e->protocol,     &e->tls,   &e->header_message_id, &e->subject};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        do_text(c, texts[i]);
    NUMBER(c, e->ret);
    NUMBER(c, e->body);
    NUMBER(c, e->smtputf8);
    NUMBER(c, e->received_ms);
    e->recipients = do_array(c, e->recipients, sizeof(*e->recipients), &e->recipient_count);
    for (size_t i = 0; i < e->recipient_count; i++)
        do_recipient(c, &e->recipients[i]);
}

static void do_arrival(struct codec *c, struct queue_arrival *arrival, struct place *content)
{
    do_envelope(c, &arrival->envelope);
    NUMBER(c, arrival->state);
    NUMBER(c, arrival->content_has_8bit);
    NUMBER(c, content->size);
    NUMBER(c, content->segment);
    arrival->envelope.size = content->size;
}

static void do_update(struct codec *c, struct queue_update *u)
{
    do_id(c, &u->id);
    NUMBER(c, u->recipient);
    NUMBER(c, u->kind);
    NUMBER(c, u->attempts);
    NUMBER(c, u->next_attempt_ms);
    NUMBER(c, u->last_attempt_ms);
    do_text(c, &u->connector);
    do_text(c, &u->next_hop);
    do_text(c, &u->last_reply);
    NUMBER(c, u->delay_notified);
    if (u->kind > QUEUE_NOTED)
        u->kind = (enum queue_update_kind)fail(c);
}

static void do_track(struct codec *c, struct track_record *r)
{
    NUMBER(c, r->time_ms);
    NUMBER(c, r->event);
    NUMBER(c, r->source);
    do_id(c, &r->id);
    struct span *const texts[] = {
        &r->message_id_header, &r->sender,      &r->recipients, &r->recipient_status, &r->connector,
        &r->client_ip,         &r->client_name, &r->server_ip,  &r->server_name,      &r->tls,
        &r->subject,           &r->reference,   &r->info};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        do_text(c, texts[i]);
    NUMBER(c, r->size);
    NUMBER(c, r->recipient_count);
}

static void do_event(struct codec *c, struct event *e)
{
    NUMBER(c, e->time_ms);
    NUMBER(c, e->id);
    NUMBER(c, e->level);
    do_text(c, &e->name);
    do_text(c, &e->subject);
    do_text(c, &e->text);
    do_text(c, &e->consequence);
    do_text(c, &e->remedy);
}

static void do_commit(struct codec *c, struct queue_commit *commit, struct place **contents)
{
    commit->arrivals =
        do_array(c, commit->arrivals, sizeof(*commit->arrivals), &commit->arrival_count);
    if (!c->out)
        *contents = ARENA_ARRAY(c->arena, struct place, commit->arrival_count);
    for (size_t i = 0; i < commit->arrival_count; i++)
        do_arrival(c, &commit->arrivals[i], &(*contents)[i]);
    commit->updates = do_array(c, commit->updates, sizeof(*commit->updates), &commit->update_count);
    for (size_t i = 0; i < commit->update_count; i++)
        do_update(c, &commit->updates[i]);
    commit->tracks = do_array(c, commit->tracks, sizeof(*commit->tracks), &commit->track_count);
    for (size_t i = 0; i < commit->track_count; i++)
        do_track(c, &commit->tracks[i]);
    commit->events = do_array(c, commit->events, sizeof(*commit->events), &commit->event_count);
    for (size_t i = 0; i < commit->event_count; i++)
        do_event(c, &commit->events[i]);
}

void journal_record_encode(struct buf *out, struct queue_commit *commit, struct place *contents)
{
    struct codec c = {.out = out};
    do_commit(&c, commit, &contents);
}

enum err journal_record_decode(struct span record, struct arena *arena, struct queue_commit *commit,
                               struct place **contents)
{
    struct codec c = {.in = record, .arena = arena};
    struct queue_commit read = {0};
    struct place *places = NULL;
    do_commit(&c, &read, &places);
    if (c.has_failed || c.in.n > 0)
        return ERR_CORRUPT;
    *commit = read;
    *contents = places;
    return OK;
}
