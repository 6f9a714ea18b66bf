#include "store/track.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/inside.h"
#include "store/rows.h"

enum {
    FIND_MAX = 10000,
    ROWS_PER_STEP = 5000,         /* some 10 ms */
    EXPIRES_PER_STEP = 1000,      /* each row is in two trees */
    CLOCK_SLACK_MS = 3600 * 1000, /* how far records may stand out of the order of their times */
};

static const char *const event_names[] = {
    [TRACK_RECEIVE] = "RECEIVE", [TRACK_SEND] = "SEND", [TRACK_DELIVER] = "DELIVER",
    [TRACK_DEFER] = "DEFER",     [TRACK_FAIL] = "FAIL", [TRACK_DSN] = "DSN",
    [TRACK_DROP] = "DROP",       [TRACK_HOLD] = "HOLD", [TRACK_RELEASE] = "RELEASE",
    [TRACK_REMOVE] = "REMOVE",
};
static const char *const source_names[] = {
    [TRACK_SMTP] = "SMTP",      [TRACK_LMTP] = "LMTP",   [TRACK_MAILDIR] = "MAILDIR",
    [TRACK_DSN_SOURCE] = "DSN", [TRACK_ADMIN] = "ADMIN", [TRACK_ROUTING] = "ROUTING",
    [TRACK_DNS] = "DNS",        [TRACK_QUEUE] = "QUEUE",
};

/* A number that a newer version wrote has no name here. */
const char *track_event_name(enum track_event event)
{
    return (size_t)event < COUNT_OF(event_names) ? event_names[event] : "UNKNOWN";
}

const char *track_source_name(enum track_source source)
{
    return (size_t)source < COUNT_OF(source_names) ? source_names[source] : "UNKNOWN";
}

/* ---- rows ---- */

enum err track_rows_insert(struct database *d, const struct track_record *r)
{
    struct query q = query_open(d, STATEMENT_TRACK_INSERT);
    query_set_number(&q, r->time_ms);
    query_set_number(&q, r->event);
    query_set_number(&q, r->source);
    query_set_id(&q, &r->id);
    const struct span texts[] = {
        r->message_id_header, r->sender,      r->recipients, r->recipient_status, r->connector,
        r->client_ip,         r->client_name, r->server_ip,  r->server_name,      r->tls,
        r->subject,           r->reference,   r->info};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        query_set_text(&q, texts[i]);
    query_set_number(&q, (int64_t)r->size);
    query_set_number(&q, (int64_t)r->recipient_count);
    return query_run(&q);
}

enum err track_rows_action(struct database *d, enum track_event event, int64_t now_ms,
                           const struct message_id *id, uint32_t number, struct span info)
{
    struct query q = query_open(d, STATEMENT_TRACK_ACTION);
    query_set_number(&q, now_ms);
    query_set_number(&q, event);
    query_set_number(&q, TRACK_ADMIN);
    query_set_text(&q, info);
    query_set_id(&q, id);
    query_set_number(&q, number);
    return query_run(&q);
}

/* Borrows from the row. */
static struct track_record take_record(struct query *q)
{
    struct track_record r = {0};
    r.time_ms = query_number(q);
    r.event = (enum track_event)query_number(q);
    r.source = (enum track_source)query_number(q);
    r.id = query_id(q);
    struct span *const texts[] = {
        &r.message_id_header, &r.sender,      &r.recipients, &r.recipient_status, &r.connector,
        &r.client_ip,         &r.client_name, &r.server_ip,  &r.server_name,      &r.tls,
        &r.subject,           &r.reference,   &r.info};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        *texts[i] = query_text(q);
    r.size = (uint64_t)query_number(q);
    r.recipient_count = (uint64_t)query_number(q);
    return r;
}

static struct track_record copy_record(struct arena *a, struct track_record r)
{
    struct span *const texts[] = {
        &r.message_id_header, &r.sender,      &r.recipients, &r.recipient_status, &r.connector,
        &r.client_ip,         &r.client_name, &r.server_ip,  &r.server_name,      &r.tls,
        &r.subject,           &r.reference,   &r.info};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        *texts[i] = arena_copy(a, *texts[i]);
    return r;
}

/* ---- finding ---- */

struct find_job {
    struct job job;
    struct arena arena;
    struct track_filter filter;
    size_t limit;
    track_found_fn *fn;
    void *context;
    struct track_record *records; /* newest first until they are told */
    size_t count, capacity, settled_count;
    int64_t at, settled_at; /* the next row is below this number */
    bool is_finished, has_more;
};

static bool fits(struct span pattern, struct span text)
{
    return pattern.n == 0 || text_glob(pattern, text);
}

static bool fits_one_of(struct span pattern, struct span list)
{
    struct span one;
    if (fits(pattern, list))
        return true;
    while (span_cut(&list, ';', &one))
        if (text_glob(pattern, span_trim(one)))
            return true;
    return false;
}

static bool record_fits(const struct track_filter *f, const struct track_record *r)
{
    return (!f->has_id || message_id_eq(f->id, r->id)) &&
           (f->since_ms == 0 || r->time_ms >= f->since_ms) &&
           (f->until_ms == 0 || r->time_ms <= f->until_ms) &&
           (f->event.n == 0 || span_ieq(f->event, span_of(track_event_name(r->event)))) &&
           fits(f->message_id_header, r->message_id_header) && fits(f->sender, r->sender) &&
           fits(f->subject, r->subject) && fits_one_of(f->recipient, r->recipients);
}

static void keep_record(struct find_job *f, const struct track_record *r)
{
    if (f->count == f->capacity) {
        size_t capacity = f->capacity ? f->capacity * 2 : 32;
        struct track_record *more = realloc(f->records, capacity * sizeof(*more));
        if (!more)
            abort();
        f->records = more;
        f->capacity = capacity;
    }
    f->records[f->count++] = copy_record(&f->arena, *r);
}

/* Looks at one row; ends the search where nothing can follow. */
static void look_at(struct find_job *f, const struct track_record *r)
{
    if (f->filter.since_ms > CLOCK_SLACK_MS && r->time_ms < f->filter.since_ms - CLOCK_SLACK_MS) {
        f->is_finished = true;
    } else if (record_fits(&f->filter, r)) {
        if (f->count == f->limit)
            f->is_finished = f->has_more = true;
        else
            keep_record(f, r);
    }
}

static enum err run_find(struct store *store, struct job *job)
{
    struct find_job *f = (struct find_job *)job;
    f->count = f->settled_count;
    f->at = f->settled_at;
    f->is_finished = f->has_more = false;
    struct query q = query_open(&store->database,
                                f->filter.has_id ? STATEMENT_TRACK_BY_ID : STATEMENT_TRACK_SCAN);
    if (f->filter.has_id)
        query_set_id(&q, &f->filter.id);
    query_set_number(&q, f->at);
    enum err err = OK;
    for (int rows = 0; rows < ROWS_PER_STEP && !f->is_finished; rows++) {
        bool row = false;
        if ((err = query_next(&q, &row)) != OK)
            break;
        if (!row) {
            f->is_finished = true;
            break;
        }
        f->at = query_number(&q);
        struct track_record r = take_record(&q);
        look_at(f, &r);
    }
    query_close(&q);
    return err;
}

static enum job_turn settle_find(struct store *store, struct job *job)
{
    struct find_job *f = (struct find_job *)job;
    if (job->err != OK || f->is_finished)
        return JOB_ANSWER;
    f->settled_count = f->count;
    f->settled_at = f->at;
    if (!store_is_stopping(store))
        return JOB_AGAIN;
    job->err = ERR_CLOSED;
    return JOB_ANSWER;
}

static void turn_round(struct track_record *records, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct track_record r = records[i];
        records[i] = records[count - 1 - i];
        records[count - 1 - i] = r;
    }
}

static void answer_find(struct job *job)
{
    struct find_job *f = (struct find_job *)job;
    size_t count = job->err == OK ? f->count : 0;
    turn_round(f->records, count);
    f->fn(f->context, job->err, f->records, count, f->has_more);
    free(f->records);
    arena_done(&f->arena);
    free(f);
}

static const struct job_kind find_kind = {NULL, run_find, settle_find, answer_find, false};

void track_find(struct store *store, const struct track_filter *filter, size_t limit,
                struct loop *loop, track_found_fn *fn, void *context)
{
    struct find_job *f = calloc(1, sizeof(*f));
    if (!f)
        abort();
    f->filter = *filter;
    f->filter.message_id_header = arena_copy(&f->arena, filter->message_id_header);
    f->filter.sender = arena_copy(&f->arena, filter->sender);
    f->filter.recipient = arena_copy(&f->arena, filter->recipient);
    f->filter.subject = arena_copy(&f->arena, filter->subject);
    f->filter.event = arena_copy(&f->arena, filter->event);
    f->limit = limit < FIND_MAX ? limit : FIND_MAX;
    f->settled_at = INT64_MAX;
    f->fn = fn;
    f->context = context;
    store_do(store, &f->job, &find_kind, loop);
}

/* ---- expiry ---- */

struct expire_job {
    struct job job;
    int64_t before_ms;
    int64_t at, settled_at; /* rows up to this number were looked at */
    bool is_finished;
};

/* The next rows by number: where they end, and whether any of them is old enough. */
static enum err look_ahead(struct store *store, struct expire_job *e, int64_t *last, bool *has_old)
{
    struct query q = query_open(&store->database, STATEMENT_TRACK_OLDEST);
    query_set_number(&q, e->at);
    query_set_number(&q, EXPIRES_PER_STEP);
    bool row = false;
    enum err err;
    while ((err = query_next(&q, &row)) == OK && row) {
        *last = query_number(&q);
        *has_old |= query_number(&q) < e->before_ms;
    }
    query_close(&q);
    return err;
}

static enum err run_expire(struct store *store, struct job *job)
{
    struct expire_job *e = (struct expire_job *)job;
    e->at = e->settled_at;
    int64_t last = e->at;
    bool has_old = false;
    enum err err = look_ahead(store, e, &last, &has_old);
    e->is_finished = !has_old;
    if (err != OK || !has_old)
        return err;
    struct query q = query_open(&store->database, STATEMENT_TRACK_DELETE);
    query_set_number(&q, e->at);
    query_set_number(&q, last);
    query_set_number(&q, e->before_ms);
    e->at = last;
    return query_run(&q);
}

static enum job_turn settle_expire(struct store *store, struct job *job)
{
    struct expire_job *e = (struct expire_job *)job;
    e->settled_at = e->at;
    bool is_done = job->err != OK || e->is_finished || store_is_stopping(store);
    return is_done ? JOB_ANSWER : JOB_AGAIN;
}

static void answer_expire(struct job *job)
{
    free(job);
}

static const struct job_kind expire_kind = {NULL, run_expire, settle_expire, answer_expire, true};

void track_expire(struct store *store, int64_t before_ms)
{
    struct expire_job *e = calloc(1, sizeof(*e));
    if (!e)
        abort();
    e->before_ms = before_ms;
    store_do(store, &e->job, &expire_kind, NULL);
}
