#include "store/segment_space.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    BLOCK = 4096,          /* holes are made of whole blocks */
    HOLES_WORTH = 1 << 20, /* less is not worth the calls */
    HOLES_AT_ONCE = 16,    /* a call each, some 20 us; mail waits meanwhile */
};

/* ---- ranges ---- */

/* The first range that ends at or behind offset. */
static size_t find_range(const struct segment *segment, uint64_t offset)
{
    size_t low = 0, high = segment->dead_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct dead_range *r = &segment->dead[middle];
        if (r->offset + r->length < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void insert_range(struct segment *segment, size_t at, struct dead_range range)
{
    if (segment->dead_count == segment->dead_capacity) {
        size_t capacity = segment->dead_capacity ? segment->dead_capacity * 2 : 1;
        struct dead_range *more = realloc(segment->dead, capacity * sizeof(*more));
        if (!more)
            abort();
        segment->dead = more;
        segment->dead_capacity = capacity;
    }
    memmove(segment->dead + at + 1, segment->dead + at,
            (segment->dead_count - at) * sizeof(*segment->dead));
    segment->dead[at] = range;
    segment->dead_count++;
}

void segment_space_add(struct segment *segment, uint64_t offset, uint64_t length)
{
    uint64_t end = offset + length;
    size_t first = find_range(segment, offset), last = first;
    for (; last < segment->dead_count && segment->dead[last].offset <= end; last++) {
        const struct dead_range *r = &segment->dead[last];
        if (r->offset < offset)
            offset = r->offset;
        if (r->offset + r->length > end)
            end = r->offset + r->length;
    }
    struct dead_range whole = {offset, end - offset, false};
    if (last == first) {
        insert_range(segment, first, whole);
        return;
    }
    segment->dead[first] = whole;
    memmove(segment->dead + first + 1, segment->dead + last,
            (segment->dead_count - last) * sizeof(*segment->dead));
    segment->dead_count -= last - first - 1;
}

void segment_space_forget(struct segment *segment)
{
    free(segment->dead);
    segment->dead = NULL;
    segment->dead_count = segment->dead_capacity = 0;
    segment->dead_new = 0;
}

void segment_space_invert(struct segment *segment)
{
    struct dead_range *living = segment->dead;
    size_t count = segment->dead_count;
    segment->dead = NULL;
    segment_space_forget(segment);
    uint64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (living[i].offset > at) {
            segment_space_add(segment, at, living[i].offset - at);
            segment->dead_new += living[i].offset - at;
        }
        at = living[i].offset + living[i].length;
    }
    free(living);
}

/* ---- giving back ---- */

static bool wants_removal(const struct segment *segment)
{
    return segment->is_sealed && segment->live_count == 0;
}

/* Each time that what died since the last holes outweighs what lives: a few times in the life of a
 * segment, and a segment never takes much more than twice the space of its living contents. */
static bool wants_holes(const struct segment *segment)
{
    return segment->is_sealed && segment->dead_new >= HOLES_WORTH &&
           segment->dead_new >= segment->live_bytes;
}

void segments_judge(struct segments *s, struct segment *segment)
{
    if (!list_is_linked(&segment->chore) && (wants_removal(segment) || wants_holes(segment)))
        list_append(&s->chores, &segment->chore);
}

void segment_unlink(struct segments *s, struct segment *segment)
{
    uint64_t number = segment->number;
    segments_remove_file(s, number);
    map_remove(&s->table, span_make((const char *)&number, sizeof(number)));
    list_remove(&segment->chore);
    segment_space_forget(segment);
    free(segment);
}

/* One empty segment is kept, to be the next. */
static void put_by(struct segments *s, struct segment *segment)
{
    list_remove(&segment->chore);
    segment_space_forget(segment);
    s->spare = segment;
}

/* A failure (a file system without holes) only leaves the space taken until the segment goes. */
static void make_hole(int file, const struct dead_range *range)
{
    uint64_t first = (range->offset + BLOCK - 1) / BLOCK * BLOCK;
    uint64_t end = (range->offset + range->length) / BLOCK * BLOCK;
    if (end <= first)
        return;
    int result = fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)first,
                           (off_t)(end - first));
    (void)result;
}

/* Makes some holes; true once all are made. */
static bool make_holes(const struct segments *s, struct segment *segment)
{
    char name[SEGMENT_NAME_TEXT];
    segment_name(segment->number, name);
    int file = openat(s->directory, name, O_RDWR | O_CLOEXEC);
    int made = 0;
    for (size_t i = 0; file >= 0 && i < segment->dead_count && made < HOLES_AT_ONCE; i++) {
        if (segment->dead[i].is_hole)
            continue;
        make_hole(file, &segment->dead[i]);
        segment->dead[i].is_hole = true;
        made++;
    }
    if (file >= 0)
        close(file);
    return made < HOLES_AT_ONCE;
}

bool segments_do_chore(struct segments *s)
{
    if (list_is_empty(&s->chores))
        return false;
    struct segment *segment = LIST_OBJECT(s->chores.next, struct segment, chore);
    if (wants_removal(segment) && segment->is_shared && !s->spare) {
        put_by(s, segment);
    } else if (wants_removal(segment)) {
        segment_unlink(s, segment);
    } else if (!wants_holes(segment)) {
        list_remove(&segment->chore);
    } else if (make_holes(s, segment)) {
        segment->dead_new = 0;
        list_remove(&segment->chore);
    }
    return !list_is_empty(&s->chores);
}
