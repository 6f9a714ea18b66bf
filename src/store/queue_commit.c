#include <assert.h>
#include <stdlib.h>

#include "store/content.h"
#include "store/queue_rows.h"
#include "store/rows.h"

/* A commit on its way. What arrives is made into messages as they will be kept at once, by the
 * submitting thread. */
struct commit_job {
    struct job job;
    struct queue_commit *commit;
    struct stored_message **messages; /* one for each arrival */
    struct queue_writer **contents;   /* their writers, owned until the commit is durable */
    struct queue_gone gone;
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

static enum err write_large(struct queue_writer *w, struct stored_message *m)
{
    m->place = (struct place){w->number, 0, w->size};
    enum err err = queue_writer_finish(w, m->message.envelope.id);
    if (err == OK)
        queue_writer_sync(w);
    return err;
}

static enum err write_small(struct store *store, struct commit_job *c)
{
    size_t count = c->commit->arrival_count;
    struct segment_piece *pieces = ARENA_ARRAY(&c->commit->arena, struct segment_piece, count);
    for (size_t i = 0; i < count; i++) {
        const struct queue_writer *w = c->contents[i];
        if (queue_writer_is_large(w))
            continue;
        pieces[i].content = buf_span(&w->buf);
        record_header_make(pieces[i].header, w->checksum, w->size,
                           c->messages[i]->message.envelope.id);
        enum err err = segments_append(&store->segments, &pieces[i], &c->messages[i]->place);
        if (err != OK)
            return err;
    }
    return OK;
}

static enum err write_commit(struct store *store, struct job *job)
{
    struct commit_job *c = (struct commit_job *)job;
    if (!job->adds_content)
        return OK;
    if (reserve_is_spent(&store->reserve))
        return ERR_FULL;
    for (size_t i = 0; i < c->commit->arrival_count; i++) {
        enum err err = OK;
        if (queue_writer_is_large(c->contents[i]))
            err = write_large(c->contents[i], c->messages[i]);
        if (err != OK)
            return err;
    }
    return write_small(store, c);
}

/* ---- rows ---- */

static enum err run_commit(struct store *store, struct job *job)
{
    struct commit_job *c = (struct commit_job *)job;
    const struct queue_commit *commit = c->commit;
    enum err err = OK;
    queue_gone_reset(&c->gone);
    for (size_t i = 0; err == OK && i < commit->arrival_count; i++)
        err = queue_rows_insert(store, c->messages[i]);
    for (size_t i = 0; err == OK && i < commit->update_count; i++)
        err = queue_rows_update(store, &commit->updates[i], &c->gone);
    for (size_t i = 0; err == OK && i < commit->track_count; i++)
        err = track_rows_insert(&store->database, &commit->tracks[i]);
    for (size_t i = 0; err == OK && i < commit->event_count; i++)
        err = event_rows_insert(&store->database, &commit->events[i]);
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

static void settle_arrival(struct store *store, struct queue_writer *w, struct stored_message *m)
{
    hand_content_over(w, m);
    queue_writer_free(w);
    segments_born(&store->segments, &m->place);
    atomic_fetch_add(&store->counts.messages, 1);
    atomic_fetch_add(&store->counts.recipients, m->message.recipient_count);
    atomic_fetch_add(&store->counts.bytes, m->place.size);
    fresh_add(&store->fresh, m);
}

static enum job_turn settle_commit(struct store *store, struct job *job)
{
    struct commit_job *c = (struct commit_job *)job;
    const struct queue_commit *commit = c->commit;
    for (size_t i = 0; i < commit->arrival_count; i++) {
        if (job->err == OK) {
            settle_arrival(store, c->contents[i], c->messages[i]);
        } else {
            queue_writer_free(c->contents[i]);
            queued_message_free(&c->messages[i]->message);
        }
    }
    if (job->err != OK)
        return JOB_ANSWER;
    for (size_t i = 0; i < commit->update_count; i++)
        fresh_drop(&store->fresh, commit->updates[i].id);
    queue_gone_settle(store, &c->gone);
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
    queue_gone_done(&c->gone);
    free(c);
    commit->done(commit->context, commit, err);
}

static const struct job_kind commit_kind = {write_commit, run_commit, settle_commit, answer_commit,
                                            true};

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
    for (size_t i = 0; i < commit->arrival_count; i++) {
        struct queue_arrival *arrival = &commit->arrivals[i];
        assert(arrival->content && arrival->content->err == OK);
        assert(arrival->envelope.recipient_count > 0);
        c->messages[i] = make_message(arrival);
        c->contents[i] = arrival->content;
        arrival->content = NULL;
    }
    /* Whoever fetches after this must not see what was before. */
    for (size_t i = 0; i < commit->update_count; i++)
        fresh_drop(&store->fresh, commit->updates[i].id);
    c->job.adds_content = commit->arrival_count > 0;
    c->job.can_wait = commit->can_wait;
    store_do(store, &c->job, &commit_kind, commit->loop);
}
