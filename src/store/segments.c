#include "store/segments.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/checksum.h"
#include "store/database.h"
#include "store/segment_space.h"

enum {
    PIECES_FEW = 4,          /* contents that are written without company */
    RESERVE_SEEN = 64 << 10, /* blocks beyond the end that are more than the file system's own */
};

static enum err err_of_errno(void)
{
    return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ERR_FULL : ERR_IO;
}

/* Cuts a file off. Where that fails, the bytes beyond are dead weight, nothing more. */
static void cut(int file, uint64_t end)
{
    int result = ftruncate(file, (off_t)end);
    (void)result;
}

/* ---- records ---- */

static void put_number(unsigned char *p, uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (unsigned char)(number >> (8 * i));
}

void record_header_make(unsigned char header[RECORD_HEADER], uint32_t content_checksum,
                        uint64_t size, struct message_id id)
{
    static const unsigned char magic[4] = {'S', 'P', 'M', '1'};
    memcpy(header, magic, sizeof(magic));
    put_number(header + 8, size, 8);
    memcpy(header + 16, id.b, sizeof(id.b));
    put_number(header + 4, checksum_add(content_checksum, span_make((const char *)header + 8, 24)),
               4);
}

bool record_header_matches(const unsigned char header[RECORD_HEADER], uint32_t content_checksum,
                           uint64_t size, struct message_id id)
{
    unsigned char expected[RECORD_HEADER];
    record_header_make(expected, content_checksum, size, id);
    return memcmp(expected, header, RECORD_HEADER) == 0;
}

/* ---- the folder ---- */

void segment_name(uint64_t number, char name[SEGMENT_NAME_TEXT])
{
    snprintf(name, SEGMENT_NAME_TEXT, "%016llx.seg", (unsigned long long)number);
}

static bool number_of(const char *name, uint64_t *number)
{
    char again[SEGMENT_NAME_TEXT];
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(name, &end, 16);
    if (errno || end == name)
        return false;
    segment_name(value, again);
    *number = value;
    return strcmp(again, name) == 0;
}

static struct span key_of(const uint64_t *number)
{
    return span_make((const char *)number, sizeof(*number));
}

static struct segment *find(struct segments *s, uint64_t number)
{
    return map_get(&s->table, key_of(&number));
}

static struct segment *add(struct segments *s, uint64_t number)
{
    struct segment *segment = calloc(1, sizeof(*segment));
    if (!segment)
        abort();
    segment->number = number;
    list_init(&segment->chore);
    map_set(&s->table, key_of(&number), segment);
    return segment;
}

void segments_init(struct segments *s)
{
    *s = (struct segments){.directory = -1, .current_file = -1, .next_number = 1};
    map_init(&s->table);
    list_init(&s->chores);
}

enum err segments_open(struct segments *s, int directory)
{
    if (mkdirat(directory, "segments", 0700) != 0 && errno != EEXIST)
        return err_of_errno();
    int file = openat(directory, "segments", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0)
        return err_of_errno();
    s->directory = file;
    return OK;
}

static void free_segment(struct span key, void *value, void *context)
{
    (void)key;
    (void)context;
    struct segment *segment = value;
    free(segment->dead);
    free(segment);
}

void segments_close(struct segments *s)
{
    uint64_t current_end = s->current ? s->current->end : 0;
    map_each(&s->table, free_segment, NULL);
    map_done(&s->table);
    if (s->current_file >= 0) {
        cut(s->current_file, current_end); /* what is only reserved */
        close(s->current_file);
    }
    if (s->directory >= 0)
        close(s->directory);
}

void segments_found(struct segments *s, const struct place *place)
{
    struct segment *segment = find(s, place->segment);
    if (!segment) {
        segment = add(s, place->segment);
        segment->is_sealed = true;
        if (place->segment >= s->next_number)
            s->next_number = place->segment + 1;
    }
    segment->live_count++;
    segment->live_bytes += place_length(place);
    if (place->offset + place_length(place) > segment->end)
        segment->end = place->offset + place_length(place);
    /* Live ranges are collected here; segments_clean turns them over into what lies between. */
    segment_space_add(segment, place->offset, place_length(place));
}

/* What an interrupted run had appended and not committed, or only reserved. Where it cannot be cut
 * off, nothing but space is lost, until the segment goes. */
static void cut_tail(const struct segments *s, const char *name, const struct segment *segment)
{
    int file = openat(s->directory, name, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return;
    cut(file, segment->end);
    close(file);
}

static void clean_file(struct segments *s, const char *name, uint64_t number)
{
    struct segment *segment = find(s, number);
    struct stat about;
    if (!segment)
        unlinkat(s->directory, name, 0);
    else if (fstatat(s->directory, name, &about, 0) == 0 &&
             ((uint64_t)about.st_size > segment->end ||
              (uint64_t)about.st_blocks * 512 > segment->end + RESERVE_SEEN))
        cut_tail(s, name, segment);
}

static void turn_over(struct span key, void *value, void *context)
{
    (void)key;
    segment_space_invert(value);
    segments_judge(context, value);
}

enum err segments_clean(struct segments *s)
{
    int copy = openat(s->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = copy < 0 ? NULL : fdopendir(copy);
    if (!folder) {
        if (copy >= 0)
            close(copy);
        return err_of_errno();
    }
    map_each(&s->table, turn_over, s);
    uint64_t highest = 0;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        uint64_t number = 0;
        if (!number_of(entry->d_name, &number))
            continue;
        clean_file(s, entry->d_name, number);
        if (number > highest)
            highest = number;
    }
    closedir(folder);
    if (highest >= s->next_number)
        s->next_number = highest + 1;
    return OK;
}

/* ---- writing ---- */

void segments_begin(struct segments *s)
{
    struct segment *current = s->current;
    if (current && current->live_count == 0 && current->end > 0) {
        current->end = 0;
        segment_space_forget(current);
    }
    s->begun = current;
    s->begun_end = current ? current->end : 0;
}

static void flush(int file, const char *what)
{
    if (fdatasync(file) != 0)
        store_fatal(what, strerror(errno));
}

static void flush_current(struct segments *s)
{
    if (s->current_changed)
        flush(s->current_file, "flush of a segment");
    s->current_changed = false;
}

enum err segments_make_file(struct segments *s, uint64_t *number, int *file)
{
    char name[SEGMENT_NAME_TEXT];
    uint64_t next = atomic_fetch_add(&s->next_number, 1);
    segment_name(next, name);
    int made = openat(s->directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (made < 0)
        return err_of_errno();
    atomic_store(&s->directory_changed, true);
    *number = next;
    *file = made;
    return OK;
}

void segments_remove_file(struct segments *s, uint64_t number)
{
    char name[SEGMENT_NAME_TEXT];
    segment_name(number, name);
    unlinkat(s->directory, name, 0);
}

enum err segments_open_file(const struct segments *s, uint64_t number, int *file)
{
    char name[SEGMENT_NAME_TEXT];
    segment_name(number, name);
    int opened = openat(s->directory, name, O_RDONLY | O_CLOEXEC);
    if (opened < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    *file = opened;
    return OK;
}

/* Seals the current segment and starts another. */
static enum err roll(struct segments *s)
{
    uint64_t number = 0;
    int file = -1;
    enum err err = segments_make_file(s, &number, &file);
    if (err != OK)
        return err;
    /* A length and blocks that are there already make each flush cheaper: the file's inode need not
     * be written with it. Without them it works. */
    int reserved = fallocate(file, 0, 0, SEGMENT_SIZE);
    (void)reserved;
    if (s->current) {
        flush_current(s);
        cut(s->current_file, s->current->end); /* a large record may stand alone beyond that size */
        close(s->current_file);
        s->current->is_sealed = true;
        segments_judge(s, s->current);
    }
    s->current = add(s, number);
    s->current_file = file;
    return OK;
}

static enum err write_all(int file, struct iovec *v, int count, uint64_t offset)
{
    while (count > 0) {
        ssize_t n = pwritev(file, v, count, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_of_errno();
        offset += (uint64_t)n;
        for (; count > 0 && (size_t)n >= v->iov_len; v++, count--)
            n -= (ssize_t)v->iov_len;
        if (count > 0) {
            v->iov_base = (char *)v->iov_base + n;
            v->iov_len -= (size_t)n;
        }
    }
    return OK;
}

enum err segments_write(struct segments *s)
{
    int count = s->piece_count;
    s->piece_count = 0;
    if (count == 0)
        return OK;
    s->current_changed = true;
    enum err err = write_all(s->current_file, s->pieces, count, s->pieces_at);
    if (count <= 2 * PIECES_FEW) {
        /* On its way to the disk while the rows are made, which a client waits for that sends
         * alone. Only a hint; a failure of the disk shows in the flush. */
        int started =
            sync_file_range(s->current_file, (off_t)s->pieces_at,
                            (off_t)(s->current->end - s->pieces_at), SYNC_FILE_RANGE_WRITE);
        (void)started;
    }
    return err;
}

/* Makes sure that there is a current segment with room for this much, and a place in the vector. */
static enum err make_room(struct segments *s, uint64_t length)
{
    bool is_full = s->current && s->current->end > 0 && s->current->end + length > SEGMENT_SIZE;
    enum err err = OK;
    if (is_full || s->piece_count == 2 * PIECES_AT_ONCE)
        err = segments_write(s);
    return err == OK && (!s->current || is_full) ? roll(s) : err;
}

enum err segments_append(struct segments *s, const struct segment_piece *piece, struct place *place)
{
    struct place at = {.size = piece->content.n};
    enum err err = make_room(s, place_length(&at));
    if (err != OK)
        return err;
    at.segment = s->current->number;
    at.offset = s->current->end;
    if (s->piece_count == 0)
        s->pieces_at = at.offset;
    s->pieces[s->piece_count++] = (struct iovec){(void *)piece->header, RECORD_HEADER};
    s->pieces[s->piece_count++] = (struct iovec){(void *)piece->content.p, piece->content.n};
    s->current->end += place_length(&at);
    *place = at;
    return OK;
}

void segments_sync(struct segments *s)
{
    flush_current(s);
    if (atomic_exchange(&s->directory_changed, false) && fsync(s->directory) != 0)
        store_fatal("flush of the folder of segments", strerror(errno));
}

void segments_undo(struct segments *s)
{
    s->piece_count = 0;
    if (!s->current)
        return;
    if (s->begun && s->begun != s->current) {
        /* It was sealed on the way; its file is no longer open. */
        char name[SEGMENT_NAME_TEXT];
        segment_name(s->begun->number, name);
        s->begun->end = s->begun_end;
        cut_tail(s, name, s->begun);
    }
    s->current->end = s->begun == s->current ? s->begun_end : 0;
    cut(s->current_file, s->current->end);
}

/* ---- what is needed ---- */

void segments_born(struct segments *s, const struct place *place)
{
    struct segment *segment = find(s, place->segment);
    if (!segment) { /* a large content's own file */
        segment = add(s, place->segment);
        segment->is_sealed = true;
        segment->end = place->offset + place_length(place);
    }
    segment->live_count++;
    segment->live_bytes += place_length(place);
}

void segments_died(struct segments *s, const struct place *place)
{
    struct segment *segment = find(s, place->segment);
    assert(segment && segment->live_count > 0);
    segment->live_count--;
    segment->live_bytes -= place_length(place);
    segment->dead_new += place_length(place);
    segment_space_add(segment, place->offset, place_length(place));
    segments_judge(s, segment);
}
