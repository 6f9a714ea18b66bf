#include <assert.h>
#include <stdlib.h>

#include "store/content.h"
#include "store/inside.h"
#include "store/journal_record.h"
#include "store/message.h"

enum { USUAL_RECORD = 510 };

/* A commit on its way. What arrives is made into messages as they will be kept at once, and all of
 * it into the journal's record, by the submitting thread. */
struct commit_job {
    struct job job;
    struct queue_commit *commit;
    struct stored_message **messages; /* one for each arrival */
    struct queue_writer **contents;   /* their writers, owned until the commit is durable */
    struct place *places;             /* where they come to stand */
    struct buf record;
    struct place record_place;
};

struct queue_commit *queue_commit_new(void)
{
    struct queue_commit *commit = calloc(1, sizeof(*commit));
    if (!commit)
        abort();
    return commit;
}

void queue_commit_free(struct queue_commit *commit)
{
    if (!commit)
        return;
    arena_done(&commit->arena);
    free(commit);
}

/* ---- contents ---- */

/* Before it has its place among others, if it has no file to itself. */
static struct place content_of(const struct queue_writer *w)
{
    return (struct place){.segment = queue_writer_is_large(w) ? w->number : 0, .size = w->size};
}

/* Its name is durable, too, before anything speaks of it. */
static enum err write_large(struct store *store, const struct commit_job *c, size_t i)
{
    struct queue_writer *w = c->contents[i];
    enum err err = queue_writer_finish(w, c->messages[i]->message.envelope.id);
    if (err != OK)
        return err;
    queue_writer_sync(w);
    segments_sync_names(&store->segments);
    return OK;
}

static enum err write_small(struct store *store, const struct commit_job *c, size_t i,
                            struct segment_piece *piece)
{
    const struct queue_writer *w = c->contents[i];
    struct place place;
    piece->content = buf_span(&w->buf);
    record_header_make(piece->header, RECORD_CONTENT, w->checksum, w->size,
                       c->messages[i]->message.envelope.id);
    return segments_append(&store->segments, piece, &place);
}

static enum err write_contents(struct store *store, const struct commit_job *c,
                               struct segment_piece *pieces)
{
    enum err err = OK;
    for (size_t i = 0; err == OK && i < c->commit->arrival_count; i++) {
        bool is_large = queue_writer_is_large(c->contents[i]);
        c->places[i] = content_of(c->contents[i]);
        err = is_large ? write_large(store, c, i) : write_small(store, c, i, &pieces[i]);
    }
    return err;
}

static enum err write_commit(struct store *store, struct job *job)
{
    struct commit_job *c = (struct commit_job *)job;
    size_t count = c->commit->arrival_count;
    struct segment_piece *pieces = ARENA_ARRAY(&c->commit->arena, struct segment_piece, count + 1);
    if (job->adds_content && reserve_is_spent(&store->reserve))
        return ERR_FULL;
    enum err err = write_contents(store, c, pieces);
    pieces[count].content = buf_span(&c->record);
    if (err == OK)
        err = journal_append(store, &pieces[count], &c->record_place, c->places, count);
    return err;
}

/* ---- after the commit ---- */

/* The content goes from the writer to the message, without a copy. */
static void hand_content_over(struct queue_writer *w, struct stored_message *m)
{
    if (queue_writer_is_large(w)) {
        m->file = w->file;
        w->file = -1;
    } else {
        m->content = buf_take(&w->buf);
    }
}

static void settle_arrival(struct store *store, struct queue_writer *w, struct stored_message *m,
                           const struct place *place)
{
    m->place = *place;
    hand_content_over(w, m);
    queue_writer_free(w);
    segments_born(&store->segments, &m->place);
    atomic_fetch_add(&store->counts.messages, 1);
    atomic_fetch_add(&store->counts.recipients, m->message.recipient_count);
    atomic_fetch_add(&store->counts.bytes, m->place.size);
    fresh_add(&store->fresh, m);
}

static bool is_needed_as_long_as_a_content(const struct commit_job *c)
{
    for (size_t i = 0; i < c->commit->arrival_count; i++)
        if (c->places[i].trailer > 0)
            return true;
    return false;
}

static enum job_turn settle_commit(struct store *store, struct job *job)
{
    struct commit_job *c = (struct commit_job *)job;
    const struct queue_commit *commit = c->commit;
    for (size_t i = 0; i < commit->arrival_count; i++) {
        if (job->err == OK) {
            settle_arrival(store, c->contents[i], c->messages[i], &c->places[i]);
        } else {
            queue_writer_free(c->contents[i]);
            queued_message_free(&c->messages[i]->message);
        }
    }
    if (job->err != OK)
        return JOB_ANSWER;
    for (size_t i = 0; i < commit->update_count; i++)
        fresh_drop(&store->fresh, commit->updates[i].id);
    if (!is_needed_as_long_as_a_content(c))
        segments_wasted(&store->segments, &c->record_place);
    journal_add(store, &c->record, &c->record_place, commit, store_now_ms());
    atomic_fetch_add(&store->counts.commits, 1);
    atomic_fetch_add(&store->counts.arrivals, commit->arrival_count);
    atomic_fetch_add(&store->counts.updates, commit->update_count);
    return JOB_ANSWER;
}

static void answer_commit(struct job *job)
{
    struct commit_job *c = (struct commit_job *)job;
    struct queue_commit *commit = c->commit;
    enum err err = job->err;
    buf_done(&c->record);
    free(c);
    commit->done(commit->context, commit, err);
}

static const struct job_kind commit_kind = {write_commit, NULL, settle_commit, answer_commit, true};

/* ---- submission ---- */

static struct stored_message *make_message(const struct queue_arrival *arrival)
{
    struct stored_message *m = stored_message_new();
    struct queued_message *message = &m->message;
    message->envelope = envelope_copy(&m->arena, &arrival->envelope);
    message->envelope.size = queue_writer_size(arrival->content);
    message->content_has_8bit = arrival->content_has_8bit;
    message->recipient_count = arrival->envelope.recipient_count;
    message->recipients = ARENA_ARRAY(&m->arena, struct queued_recipient, message->recipient_count);
    for (size_t i = 0; i < message->recipient_count; i++)
        message->recipients[i] =
            (struct queued_recipient){.recipient = message->envelope.recipients[i],
                                      .number = (uint32_t)i,
                                      .state = arrival->state,
                                      .next_attempt_ms = arrival->envelope.received_ms};
    return m;
}

void queue_submit(struct store *store, struct queue_commit *commit)
{
    assert(commit->done);
    struct commit_job *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->commit = commit;
    c->messages = ARENA_ARRAY(&commit->arena, struct stored_message *, commit->arrival_count);
    c->contents = ARENA_ARRAY(&commit->arena, struct queue_writer *, commit->arrival_count);
    c->places = ARENA_ARRAY(&commit->arena, struct place, commit->arrival_count);
    buf_init(&c->record, BUF_UNLIMITED);
    (void)buf_room(&c->record, USUAL_RECORD);
    for (size_t i = 0; i < commit->arrival_count; i++) {
        struct queue_arrival *arrival = &commit->arrivals[i];
        assert(arrival->content && arrival->content->err == OK);
        assert(arrival->envelope.recipient_count > 0);
        c->messages[i] = make_message(arrival);
        c->contents[i] = arrival->content;
        c->places[i] = content_of(arrival->content);
        arrival->content = NULL;
    }
    journal_record_encode(&c->record, commit, c->places);
    /* Whoever fetches after this must not see what was before. */
    for (size_t i = 0; i < commit->update_count; i++)
        fresh_drop(&store->fresh, commit->updates[i].id);
    c->job.adds_content = commit->arrival_count > 0;
    c->job.can_wait = commit->can_wait;
    store_do(store, &c->job, &commit_kind, commit->loop);
}
