#include "store/journal.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

#include "store/checksum.h"
#include "store/journal_inside.h"
#include "store/journal_record.h"
#include "store/rows.h"

enum {
    FOLLOW_MS = 20,        /* many messages are delivered by then, and need no row */
    FOLLOW_BUSY_MS = 200,  /* the same while others wait */
    STEP_COUNT = 64,       /* about a millisecond of work */
    STEP_MORE = 1024,      /* and so much more where it falls behind */
    RETRY_MS = 1000,       /* after there was no space */
    LONG_COUNT = 2048,     /* some 30 ms of work, for which a reader of the queue may wait */
    LONG_OCTETS = 4 << 20, /* of records: the reserve has room for what becomes of them */
};

static struct span key_of(const struct message_id *id)
{
    return span_make((const char *)id->b, sizeof(id->b));
}

void journal_init(struct journal *j)
{
    *j = (struct journal){.next_sequence = 1};
    j->last = &j->first;
    map_init(&j->arrivals);
}

void journal_done(struct journal *j)
{
    journal_drop(j, j->count);
    map_done(&j->arrivals);
}

struct message_id journal_key(uint64_t epoch, uint64_t sequence)
{
    struct message_id key;
    for (int i = 0; i < 8; i++) {
        key.b[i] = (uint8_t)(epoch >> (8 * i));
        key.b[8 + i] = (uint8_t)(sequence >> (8 * i));
    }
    return key;
}

/* ---- the position ---- */

enum err journal_position_read(struct store *store, struct journal_position *position)
{
    struct query q = query_open(&store->database, STATEMENT_JOURNAL_GET);
    bool row = false;
    enum err err = query_next(&q, &row);
    if (err == OK && !row)
        err = ERR_NOT_FOUND;
    if (err == OK) {
        position->segment = (uint64_t)query_number(&q);
        position->offset = (uint64_t)query_number(&q);
        position->epoch = (uint64_t)query_number(&q);
        position->sequence = (uint64_t)query_number(&q);
    }
    query_close(&q);
    return err;
}

enum err journal_position_write(struct store *store, const struct journal_position *position)
{
    struct query q = query_open(&store->database, STATEMENT_JOURNAL_SET);
    query_set_number(&q, (int64_t)position->segment);
    query_set_number(&q, (int64_t)position->offset);
    query_set_number(&q, (int64_t)position->epoch);
    query_set_number(&q, (int64_t)position->sequence);
    return query_run(&q);
}

/* ---- segments ---- */

static uint64_t new_epoch(void)
{
    uint64_t epoch = 0;
    if (getrandom(&epoch, sizeof(epoch), 0) != sizeof(epoch))
        abort(); /* it cannot fail for so few octets */
    return epoch;
}

/* The flush covers all that was not flushed before, so nothing in the last segment is needed. */
static enum err move_to(struct store *store, uint64_t segment)
{
    struct journal *j = &store->journal;
    struct journal_position position = {segment, 0, new_epoch(), j->next_sequence};
    enum err err = database_begin(&store->database);
    if (err != OK)
        return err;
    err = journal_position_write(store, &position);
    if (err != OK) {
        database_rollback(&store->database);
        return err;
    }
    err = database_commit(&store->database);
    if (err != OK)
        return err;
    segments_take_next(&store->segments, segment);
    j->epoch = position.epoch;
    return OK;
}

static enum err move_on(struct store *store)
{
    uint64_t segment = 0;
    enum err err = journal_apply(store, JOURNAL_ALL);
    if (err == OK)
        err = segments_find_next(&store->segments, &segment);
    return err == OK ? move_to(store, segment) : err;
}

enum err journal_make_room(struct store *store)
{
    return segments_is_full(&store->segments) ? move_on(store) : OK;
}

enum err journal_make_empty(struct store *store)
{
    enum err err = journal_apply(store, JOURNAL_ALL);
    segments_drop_spare(&store->segments);
    const struct segment *current = store->segments.current;
    if (err != OK || !current || current->live_count > 0)
        return err;
    return move_to(store, current->number);
}

/* ---- records ---- */

/* The contents stand before the record, in order. It is needed as long as the last of them. */
static void set_places(const struct place *record, struct place *contents, size_t count)
{
    uint64_t end = record->offset, trailer = place_length(record);
    for (size_t i = count; i-- > 0;) {
        struct place *content = &contents[i];
        if (content->segment)
            continue;
        content->segment = record->segment;
        content->offset = end - place_length(content);
        end = content->offset;
        content->trailer = trailer;
        trailer = 0;
    }
}

enum err journal_append(struct store *store, struct segment_piece *record, struct place *place,
                        struct place *contents, size_t count)
{
    struct journal *j = &store->journal;
    record_header_make(record->header, RECORD_COMMIT, checksum_add(0, record->content),
                       record->content.n, journal_key(j->epoch, j->next_sequence));
    enum err err = segments_append(&store->segments, record, place);
    if (err != OK)
        return err;
    j->next_sequence++;
    set_places(place, contents, count);
    return OK;
}

/* One block of memory: the entry, its arrivals, and a flag for each of their recipients. */
static struct journal_entry *make_entry(const struct queue_commit *commit)
{
    size_t recipients = 0;
    for (size_t i = 0; i < commit->arrival_count; i++)
        recipients += commit->arrivals[i].envelope.recipient_count;
    struct journal_entry *entry = NULL;
    entry = calloc(1, sizeof(*entry) + commit->arrival_count * sizeof(entry->arrivals[0]) +
                          recipients * sizeof(bool));
    if (!entry)
        abort();
    entry->arrival_count = commit->arrival_count;
    bool *flags = (bool *)(entry->arrivals + commit->arrival_count);
    for (size_t i = 0; i < commit->arrival_count; i++) {
        const struct envelope *e = &commit->arrivals[i].envelope;
        entry->arrivals[i] =
            (struct journal_arrival){e->id, e->recipient_count, e->recipient_count, flags};
        flags += e->recipient_count;
    }
    return entry;
}

static void note_done(struct journal *j, const struct queue_update *update)
{
    struct journal_arrival *arrival = map_get(&j->arrivals, key_of(&update->id));
    if (!arrival || update->recipient >= arrival->count || arrival->is_done[update->recipient])
        return;
    arrival->is_done[update->recipient] = true;
    arrival->left--;
}

void journal_add(struct store *store, struct buf *record, const struct place *place,
                 const struct queue_commit *commit, int64_t now_ms)
{
    struct journal *j = &store->journal;
    struct journal_entry *entry = make_entry(commit);
    entry->place = *place;
    entry->octets = buf_take(record);
    entry->came_ms = now_ms;
    for (size_t i = 0; i < entry->arrival_count; i++)
        (void)map_set(&j->arrivals, key_of(&entry->arrivals[i].id), &entry->arrivals[i]);
    for (size_t i = 0; i < commit->update_count; i++)
        if (commit->updates[i].kind == QUEUE_DONE)
            note_done(j, &commit->updates[i]);
    if (!j->first)
        j->due_ms = now_ms + FOLLOW_MS;
    *j->last = entry;
    j->last = &entry->next;
    j->count++;
    j->octets += place->size;
}

void journal_drop(struct journal *j, size_t count)
{
    for (; count > 0; count--) {
        struct journal_entry *entry = j->first;
        j->first = entry->next;
        j->count--;
        j->octets -= entry->place.size;
        for (size_t i = 0; i < entry->arrival_count; i++)
            (void)map_remove(&j->arrivals, key_of(&entry->arrivals[i].id));
        free(entry->octets);
        free(entry);
    }
    if (j->first)
        j->due_ms = j->first->came_ms + FOLLOW_MS;
    else
        j->last = &j->first;
}

/* ---- rows ---- */

static enum err arrive(struct store *store, const struct journal_arrival *state,
                       const struct queue_arrival *arrival, const struct place *content,
                       struct queue_gone *gone)
{
    if (state->left > 0)
        return queue_rows_insert(store, arrival, content);
    queue_gone_add(gone, content, arrival->envelope.recipient_count);
    return OK;
}

/* A message that never became a row, as its recipients were done in time. */
static bool is_over(const struct journal *j, const struct queue_update *update)
{
    const struct journal_arrival *arrival = map_get(&j->arrivals, key_of(&update->id));
    return arrival && arrival->left == 0;
}

static enum err make_rows_of(struct store *store, const struct journal_entry *entry,
                             struct arena *arena, struct queue_gone *gone)
{
    struct queue_commit commit = {0};
    struct place *contents = NULL;
    enum err err = journal_record_decode(span_make(entry->octets, entry->place.size), arena,
                                         &commit, &contents);
    assert(err == OK); /* it was when it was added */
    set_places(&entry->place, contents, commit.arrival_count);
    for (size_t i = 0; err == OK && i < commit.arrival_count; i++)
        err = arrive(store, &entry->arrivals[i], &commit.arrivals[i], &contents[i], gone);
    for (size_t i = 0; err == OK && i < commit.update_count; i++)
        if (!is_over(&store->journal, &commit.updates[i]))
            err = queue_rows_update(store, &commit.updates[i], gone);
    for (size_t i = 0; err == OK && i < commit.track_count; i++)
        err = track_rows_insert(&store->database, &commit.tracks[i]);
    for (size_t i = 0; err == OK && i < commit.event_count; i++)
        err = event_rows_insert(&store->database, &commit.events[i]);
    arena_reset(arena);
    return err;
}

enum err journal_make_rows(struct store *store, size_t most, struct queue_gone *gone)
{
    struct journal *j = &store->journal;
    size_t count = 0;
    struct arena arena = ARENA_INIT;
    struct journal_position position = {.epoch = j->epoch};
    enum err err = database_begin(&store->database);
    if (err != OK)
        return err;
    for (const struct journal_entry *e = j->first; err == OK && e && count < most; e = e->next) {
        err = make_rows_of(store, e, &arena, gone);
        count++;
        position.segment = e->place.segment;
        position.offset = e->place.offset + place_length(&e->place);
    }
    arena_done(&arena);
    position.sequence = j->next_sequence - (j->count - count);
    if (err == OK)
        err = journal_position_write(store, &position);
    if (err == OK)
        return database_commit_unflushed(&store->database);
    database_rollback(&store->database);
    return err;
}

static enum err apply(struct store *store, size_t most)
{
    struct queue_gone gone = {0};
    enum err err = journal_make_rows(store, most, &gone);
    if (err == OK) {
        queue_gone_settle(store, &gone);
        journal_drop(&store->journal, most);
    }
    queue_gone_done(&gone);
    return err;
}

enum err journal_apply(struct store *store, size_t most)
{
    struct journal *j = &store->journal;
    if (j->count == 0)
        return OK;
    size_t count = j->count < most ? j->count : most;
    enum err err = apply(store, count);
    if (err == ERR_FULL && reserve_spend(&store->reserve)) {
        database_checkpoint(&store->database);
        err = apply(store, count);
    }
    if (err != OK && err != ERR_FULL)
        store_fatal("entry of accepted mail into the database", err_text(err));
    return err;
}

void journal_follow(struct store *store, size_t most)
{
    if (journal_apply(store, most) != OK)
        store->journal.due_ms = store_now_ms() + RETRY_MS;
}

int64_t journal_due_ms(const struct journal *j)
{
    return j->first ? j->due_ms : 0;
}

/* Before another segment becomes current it has to follow altogether, for which mail waits. */
static size_t long_count(const struct store *store)
{
    return segments_is_nearly_full(&store->segments) ? STEP_COUNT : LONG_COUNT;
}

bool journal_is_long(const struct store *store, int64_t now_ms)
{
    const struct journal *j = &store->journal;
    return j->count >= long_count(store) || j->octets >= LONG_OCTETS ||
           (j->first && now_ms >= j->first->came_ms + FOLLOW_BUSY_MS);
}

size_t journal_step(const struct store *store)
{
    size_t most = long_count(store), count = store->journal.count;
    size_t beyond = count > most ? count - most : 0;
    return STEP_COUNT + (beyond < STEP_MORE ? beyond : STEP_MORE);
}
