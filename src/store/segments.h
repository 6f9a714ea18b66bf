/* segments: the files that hold message contents, and the journal's records of commits.
 *
 * Either is a record (header, then the bytes). Small contents stand one behind another in a shared
 * segment, the current one, each commit's record behind its contents, so that one flush makes both
 * durable. The current one is sealed when it is full, and at each start. A large content has a file
 * to itself. A number names a file and is not used again while a row refers to it.
 *
 * Space comes back in three ways: a sealed segment without contents that are needed is unlinked;
 * within one that still has some, ranges that are dead become holes, so one stuck message does not
 * pin its neighbours; a shared one that is empty when the current one is full becomes the next,
 * which spares the file system its own journal. Which one is current is the journal's to say: what
 * it still needs of the old one has to be elsewhere first.
 *
 * All runs on the store's thread, except where it says otherwise. */
#ifndef STORE_SEGMENTS_H
#define STORE_SEGMENTS_H

#include <stdatomic.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/list.h"
#include "base/map.h"
#include "mail/ids.h"

enum {
    SEGMENT_SIZE = 64 << 20,   /* where the current segment is full */
    CONTENT_SMALL = 128 << 10, /* up to here contents share a segment */
    RECORD_HEADER = 32,
};

/* Where a record stands. */
struct place {
    uint64_t segment, offset; /* of its header */
    uint64_t size;            /* of the content */
    uint64_t trailer;         /* octets of the commit's record that is needed as long as this */
};

static inline uint64_t place_length(const struct place *place)
{
    return RECORD_HEADER + place->size + place->trailer;
}

/* ---- records ---- */

enum record_kind { RECORD_CONTENT, RECORD_COMMIT };

/* "SPM1" or "SPC1", CRC-32C over content, size and id, size, id; numbers little-endian. */
void record_header_make(unsigned char header[RECORD_HEADER], enum record_kind kind,
                        uint32_t content_checksum, uint64_t size, struct message_id id);
/* Whether the header belongs to this message and a content with this checksum and size. */
bool record_header_matches(const unsigned char header[RECORD_HEADER], enum record_kind kind,
                           uint32_t content_checksum, uint64_t size, struct message_id id);
/* What a header says of itself, unchecked. False: it is none. */
bool record_header_read(const unsigned char header[RECORD_HEADER], enum record_kind *kind,
                        uint64_t *size);

/* ---- the folder ---- */

struct dead_range {
    uint64_t offset, length;
    bool is_hole; /* its whole blocks were given back already */
};

struct segment {
    uint64_t number;
    uint64_t end; /* where the last record ends */
    uint64_t live_bytes, live_count;
    bool is_shared; /* made to be the current one; a large content's own file is not */
    bool is_sealed;
    struct list chore;       /* in segments.chores while something is to be done */
    struct dead_range *dead; /* sorted, never touching */
    size_t dead_count, dead_capacity;
    uint64_t dead_new; /* bytes that died since holes were last made */
};

enum { PIECES_AT_ONCE = 256 }; /* two vectors each: below IOV_MAX */

struct segments {
    int directory;
    struct map table; /* number (its eight bytes) to struct segment */
    _Atomic uint64_t next_number;
    atomic_bool directory_changed; /* a new name is not yet durable */
    struct segment *current;       /* NULL until the first commit */
    int current_file;
    bool current_changed;                    /* since it was last flushed */
    struct segment *spare;                   /* empty, to be the next one; or NULL */
    int spare_file;                          /* -1 until it is wanted */
    struct iovec pieces[2 * PIECES_AT_ONCE]; /* appended to the current one, not yet written */
    int piece_count;
    uint64_t pieces_at; /* where they begin */
    uint64_t begun_end; /* at segments_begin, for segments_undo */
    struct list chores;
};

void segments_init(struct segments *s);
/* Opens or makes DIR/segments. */
enum err segments_open(struct segments *s, int directory) MUST_USE;
void segments_close(struct segments *s);
/* While the store opens: tells of a content that is needed; then removes all that nothing refers
 * to. */
void segments_found(struct segments *s, const struct place *place);
enum err segments_clean(struct segments *s) MUST_USE;

/* ---- the current one ---- */

/* Whether there is none yet, or it is full. */
bool segments_is_full(const struct segments *s);
bool segments_is_nearly_full(const struct segments *s);
/* Which one is to be the next: the current one itself where nothing in it is needed, an empty one,
 * or a new file. Nothing changes yet. ERR_FULL, ERR_IO. */
enum err segments_find_next(struct segments *s, uint64_t *number) MUST_USE;
/* Has that one be current, empty. Whatever of the last one was not a needed content is lost. */
void segments_take_next(struct segments *s, uint64_t number);
/* Gives the space of an empty one back. */
void segments_drop_spare(struct segments *s);

/* ---- writing ---- */

struct segment_piece {
    unsigned char header[RECORD_HEADER];
    struct span content;
};

/* Between begin and sync, records are appended to the current one, which may grow beyond its size;
 * undo cuts them off again. */
void segments_begin(struct segments *s);
/* Appends a record and sets its place. It is written together with others, so the piece must stay
 * as it is until segments_write. ERR_FULL, ERR_IO: undo must follow. */
enum err segments_append(struct segments *s, const struct segment_piece *piece,
                         struct place *place) MUST_USE;
/* Writes all that was appended. ERR_FULL, ERR_IO: undo must follow. */
enum err segments_write(struct segments *s) MUST_USE;
/* Makes all that was written, and all names, durable, or ends the process. */
void segments_sync(struct segments *s);
void segments_sync_names(struct segments *s);
void segments_undo(struct segments *s);

/* A new file for a large content, from any thread. */
enum err segments_make_file(struct segments *s, uint64_t *number, int *file) MUST_USE;
void segments_remove_file(struct segments *s, uint64_t number);
/* Any thread. ERR_NOT_FOUND, ERR_IO. */
enum err segments_open_file(const struct segments *s, uint64_t number, int *file) MUST_USE;
/* Reads from such a file: n octets, fewer only at its end, -1 with errno. Any thread. */
ssize_t segments_read(int file, uint64_t offset, char *p, size_t n);

/* ---- what is needed ---- */

void segments_born(struct segments *s, const struct place *place);
void segments_died(struct segments *s, const struct place *place);
/* A commit's record in the current one that no content answers for. */
void segments_wasted(struct segments *s, const struct place *place);
/* Gives space back, a limited piece of work at a time; false once nothing is left to do. */
bool segments_do_chore(struct segments *s);

#endif
