#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/checksum.h"
#include "store/journal_inside.h"
#include "store/journal_record.h"

/* The walk from record to record. */
struct replay {
    struct store *store;
    int file;
    uint64_t size;                /* of the file */
    struct journal_position next; /* the record that comes */
    bool is_damaged;              /* a content that the next commit brings */
};

struct record {
    unsigned char header[RECORD_HEADER];
    enum record_kind kind;
    struct buf content;
};

/* ---- records ---- */

/* False where the records end: before what is no header, or goes beyond the file. */
static bool read_record(const struct replay *r, struct record *record)
{
    uint64_t offset = r->next.offset, size = 0;
    if (r->size < offset + RECORD_HEADER ||
        segments_read(r->file, offset, (char *)record->header, RECORD_HEADER) != RECORD_HEADER ||
        !record_header_read(record->header, &record->kind, &size) ||
        size > r->size - offset - RECORD_HEADER)
        return false;
    buf_reset(&record->content);
    char *p = buf_room(&record->content, size + 1);
    if (segments_read(r->file, offset + RECORD_HEADER, p, size) != (ssize_t)size)
        return false;
    buf_grow(&record->content, size);
    return true;
}

static bool is_whole(const struct record *record, struct message_id id)
{
    struct span content = buf_span(&record->content);
    return record_header_matches(record->header, record->kind, checksum_add(0, content), content.n,
                                 id);
}

/* The id that the header has is believed here; it is compared with the row's when it is fetched. */
static bool is_whole_content(const struct record *record)
{
    struct message_id id;
    memcpy(id.b, record->header + RECORD_HEADER - sizeof(id.b), sizeof(id.b));
    return is_whole(record, id);
}

/* A commit whose contents are not whole was never answered: one flush was to make both durable. */
static enum err take_commit(struct replay *r, struct record *record)
{
    struct place place = {r->next.segment, r->next.offset, record->content.n, 0};
    struct arena arena = ARENA_INIT;
    struct queue_commit commit = {0};
    struct place *contents = NULL;
    enum err err = journal_record_decode(buf_span(&record->content), &arena, &commit, &contents);
    if (err == OK && !r->is_damaged)
        journal_add(r->store, &record->content, &place, &commit, 0);
    arena_done(&arena);
    r->is_damaged = false;
    r->next.sequence++;
    return err;
}

static enum err take_records(struct replay *r)
{
    struct record record = {.content = BUF_INIT(BUF_UNLIMITED)};
    enum err err = OK;
    while (err == OK && read_record(r, &record)) {
        uint64_t length = RECORD_HEADER + record.content.n;
        if (record.kind == RECORD_CONTENT)
            r->is_damaged |= !is_whole_content(&record);
        else if (is_whole(&record, journal_key(r->next.epoch, r->next.sequence)))
            err = take_commit(r, &record);
        else
            break;
        r->next.offset += length;
    }
    buf_done(&record.content);
    return err;
}

/* ---- the start ---- */

static enum err read_segment(struct replay *r)
{
    struct stat about;
    enum err err = segments_open_file(&r->store->segments, r->next.segment, &r->file);
    if (err != OK)
        return err == ERR_NOT_FOUND ? OK : err; /* it was to be the next one */
    if (fstat(r->file, &about) != 0)
        err = ERR_IO;
    r->size = err == OK ? (uint64_t)about.st_size : 0;
    if (err == OK)
        err = take_records(r);
    close(r->file);
    return err;
}

/* What goes is not told to the segments: they count what the rows still need, after this. */
static enum err make_rows(struct store *store)
{
    struct queue_gone gone = {0};
    enum err err = journal_make_rows(store, store->journal.count, &gone);
    queue_gone_done(&gone);
    return err;
}

enum err journal_replay(struct store *store)
{
    struct journal *j = &store->journal;
    struct replay replay = {.store = store, .file = -1};
    enum err err = journal_position_read(store, &replay.next);
    if (err != OK)
        return err == ERR_NOT_FOUND ? OK : err;
    j->epoch = replay.next.epoch;
    err = read_segment(&replay);
    if (err != OK)
        return err;
    j->next_sequence = replay.next.sequence;
    if (j->count > 0)
        err = make_rows(store);
    if (err == ERR_FULL && reserve_spend(&store->reserve)) {
        database_checkpoint(&store->database);
        err = make_rows(store);
    }
    if (err != OK)
        return err;
    journal_drop(j, j->count);
    /* Flushes what this run and the last one did not, so the old segment is no longer needed. */
    database_checkpoint(&store->database);
    return OK;
}
