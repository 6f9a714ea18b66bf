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

static uint64_t get_number(const unsigned char *p, int bytes)
{
    uint64_t number = 0;
    for (int i = 0; i < bytes; i++)
        number |= (uint64_t)p[i] << (8 * i);
    return number;
}

static const unsigned char magics[][4] = {
    [RECORD_CONTENT] = {'S', 'P', 'M', '1'},
    [RECORD_COMMIT] = {'S', 'P', 'C', '1'},
};

void record_header_make(unsigned char header[RECORD_HEADER], enum record_kind kind,
                        uint32_t content_checksum, uint64_t size, struct message_id id)
{
    memcpy(header, magics[kind], sizeof(magics[kind]));
    put_number(header + 8, size, 8);
    memcpy(header + 16, id.b, sizeof(id.b));
    put_number(header + 4, checksum_add(content_checksum, span_make((const char *)header + 8, 24)),
               4);
}

bool record_header_matches(const unsigned char header[RECORD_HEADER], enum record_kind kind,
                           uint32_t content_checksum, uint64_t size, struct message_id id)
{
    unsigned char expected[RECORD_HEADER];
    record_header_make(expected, kind, content_checksum, size, id);
    return memcmp(expected, header, RECORD_HEADER) == 0;
}

bool record_header_read(const unsigned char header[RECORD_HEADER], enum record_kind *kind,
                        uint64_t *size)
{
    bool is_commit = memcmp(header, magics[RECORD_COMMIT], sizeof(magics[0])) == 0;
    if (!is_commit && memcmp(header, magics[RECORD_CONTENT], sizeof(magics[0])) != 0)
        return false;
    *kind = is_commit ? RECORD_COMMIT : RECORD_CONTENT;
    *size = get_number(header + 8, 8);
    return true;
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
    *s = (struct segments){.directory = -1, .current_file = -1, .spare_file = -1, .next_number = 1};
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
    if (s->spare_file >= 0)
        close(s->spare_file);
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

/* ---- files ---- */

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

static enum err open_number(const struct segments *s, uint64_t number, int flags, int *file)
{
    char name[SEGMENT_NAME_TEXT];
    segment_name(number, name);
    int opened = openat(s->directory, name, flags | O_CLOEXEC);
    if (opened < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    *file = opened;
    return OK;
}

enum err segments_open_file(const struct segments *s, uint64_t number, int *file)
{
    return open_number(s, number, O_RDONLY, file);
}

ssize_t segments_read(int file, uint64_t offset, char *p, size_t n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(file, p + done, n - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

/* ---- the current one ---- */

bool segments_is_full(const struct segments *s)
{
    return !s->current || s->current->end >= SEGMENT_SIZE;
}

bool segments_is_nearly_full(const struct segments *s)
{
    return s->current && s->current->end >= SEGMENT_SIZE - SEGMENT_SIZE / 8;
}

static enum err make_spare(struct segments *s)
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
    s->spare = add(s, number);
    s->spare->is_shared = true;
    s->spare_file = file;
    return OK;
}

enum err segments_find_next(struct segments *s, uint64_t *number)
{
    enum err err = OK;
    if (s->current && s->current->live_count == 0) {
        *number = s->current->number;
        return OK;
    }
    if (!s->spare)
        err = make_spare(s);
    else if (s->spare_file < 0)
        err = open_number(s, s->spare->number, O_RDWR, &s->spare_file);
    if (err == OK)
        *number = s->spare->number;
    return err;
}

static void seal_current(struct segments *s)
{
    cut(s->current_file, s->current->end);
    close(s->current_file);
    s->current->is_sealed = true;
    segments_judge(s, s->current);
}

void segments_take_next(struct segments *s, uint64_t number)
{
    assert(!s->current_changed && s->piece_count == 0);
    if (!s->current || s->current->number != number) {
        assert(s->spare && s->spare->number == number && s->spare_file >= 0);
        if (s->current)
            seal_current(s);
        s->current = s->spare;
        s->current_file = s->spare_file;
        s->spare = NULL;
        s->spare_file = -1;
    }
    s->current->end = 0;
    s->current->is_sealed = false;
    segment_space_forget(s->current);
}

void segments_drop_spare(struct segments *s)
{
    if (!s->spare)
        return;
    if (s->spare_file >= 0)
        close(s->spare_file);
    s->spare_file = -1;
    segment_unlink(s, s->spare);
    s->spare = NULL;
}

/* ---- writing ---- */

void segments_begin(struct segments *s)
{
    s->begun_end = s->current->end;
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
    return write_all(s->current_file, s->pieces, count, s->pieces_at);
}

enum err segments_append(struct segments *s, const struct segment_piece *piece, struct place *place)
{
    enum err err = s->piece_count == 2 * PIECES_AT_ONCE ? segments_write(s) : OK;
    if (err != OK)
        return err;
    struct place at = {
        .segment = s->current->number, .offset = s->current->end, .size = piece->content.n};
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
    if (s->current_changed && fdatasync(s->current_file) != 0)
        store_fatal("flush of a segment", strerror(errno));
    s->current_changed = false;
    segments_sync_names(s);
}

void segments_sync_names(struct segments *s)
{
    if (atomic_exchange(&s->directory_changed, false) && fsync(s->directory) != 0)
        store_fatal("flush of the folder of segments", strerror(errno));
}

void segments_undo(struct segments *s)
{
    s->piece_count = 0;
    s->current->end = s->begun_end;
    cut(s->current_file, s->current->end);
    s->current_changed = false;
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

void segments_wasted(struct segments *s, const struct place *place)
{
    segment_space_add(s->current, place->offset, place_length(place));
    s->current->dead_new += place_length(place);
}
