#include "store/segments.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/segment_space.h"
#include "store/testing.h"

/* ---- ranges, against a map of single bytes ---- */

enum { SPACE = 300 };

static void check_ranges(const struct segment *s, const bool *dead)
{
    size_t r = 0;
    for (size_t i = 0; i < SPACE; i++) {
        while (r < s->dead_count && s->dead[r].offset + s->dead[r].length <= i)
            r++;
        bool is_dead = r < s->dead_count && s->dead[r].offset <= i;
        assert_int_equal(is_dead, dead[i]);
    }
    for (size_t i = 1; i < s->dead_count; i++)
        assert_true(s->dead[i - 1].offset + s->dead[i - 1].length < s->dead[i].offset);
}

static void test_ranges(void **state)
{
    (void)state;
    uint64_t random = 7;
    for (int round = 0; round < 40; round++) {
        struct segment s = {.end = SPACE};
        bool dead[SPACE] = {false};
        for (int step = 0; step < 30; step++) {
            size_t offset = testing_random(&random) % (SPACE - 20),
                   n = 1 + testing_random(&random) % 20;
            segment_space_add(&s, offset, n);
            memset(dead + offset, true, n);
            check_ranges(&s, dead);
        }
        size_t last = s.dead[s.dead_count - 1].offset + s.dead[s.dead_count - 1].length;
        segment_space_invert(&s);
        for (size_t i = 0; i < SPACE; i++)
            dead[i] = i < last && !dead[i];
        check_ranges(&s, dead);
        segment_space_forget(&s);
    }
}

static void test_header_tells(void **state)
{
    (void)state;
    unsigned char header[RECORD_HEADER];
    struct message_id id = message_id_new(1), other = message_id_new(1);
    record_header_make(header, RECORD_CONTENT, 12345, 678, id);
    assert_true(record_header_matches(header, RECORD_CONTENT, 12345, 678, id));
    assert_false(record_header_matches(header, RECORD_CONTENT, 12344, 678, id));
    assert_false(record_header_matches(header, RECORD_CONTENT, 12345, 679, id));
    assert_false(record_header_matches(header, RECORD_CONTENT, 12345, 678, other));
    assert_false(record_header_matches(header, RECORD_COMMIT, 12345, 678, id));
    enum record_kind kind = RECORD_COMMIT;
    uint64_t size = 0;
    assert_true(record_header_read(header, &kind, &size));
    assert_int_equal(kind, RECORD_CONTENT);
    assert_int_equal(size, 678);
    for (size_t i = 0; i < RECORD_HEADER; i++) {
        header[i] ^= 0x10;
        assert_false(record_header_matches(header, RECORD_CONTENT, 12345, 678, id));
        header[i] ^= 0x10;
    }
}

/* ---- files ---- */

struct fixture {
    char *folder;
    int directory;
    struct segments segments;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->folder = testing_folder();
    f->directory = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    segments_init(&f->segments);
    *state = f;
    return segments_open(&f->segments, f->directory) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    segments_close(&f->segments);
    close(f->directory);
    testing_remove(f->folder);
    free(f);
    return 0;
}

static void take_next(struct fixture *f)
{
    uint64_t number = 0;
    assert_int_equal(segments_find_next(&f->segments, &number), OK);
    segments_take_next(&f->segments, number);
}

static void take_next_if_full(struct fixture *f)
{
    if (segments_is_full(&f->segments))
        take_next(f);
}

static struct place append(struct fixture *f, size_t size)
{
    char *p = testing_content(size, size);
    struct segment_piece piece = {.content = {p, size}};
    struct place place = {0};
    record_header_make(piece.header, RECORD_CONTENT, 0, size, (struct message_id){{1}});
    take_next_if_full(f);
    segments_begin(&f->segments);
    assert_int_equal(segments_append(&f->segments, &piece, &place), OK);
    assert_int_equal(segments_write(&f->segments), OK);
    segments_sync(&f->segments);
    segments_born(&f->segments, &place);
    free(p);
    return place;
}

static void do_chores(struct fixture *f)
{
    while (segments_do_chore(&f->segments))
        continue;
}

static uint64_t megabytes(struct fixture *f)
{
    uint64_t blocks = 0;
    testing_segments(f->folder, &blocks);
    return blocks / 2048;
}

/* One stuck message keeps its own blocks and not those of its neighbours. */
static void test_stuck_message(void **state)
{
    struct fixture *f = *state;
    enum { EACH = 100000, COUNT = SEGMENT_SIZE / EACH + 2 };
    struct place places[COUNT];
    uint64_t blocks = 0;
    for (int i = 0; i < COUNT; i++)
        places[i] = append(f, EACH);
    assert_int_not_equal(places[0].segment, places[COUNT - 1].segment);
    assert_int_equal(testing_segments(f->folder, &blocks), 2);
    assert_true(megabytes(f) >= 64);
    for (int i = 0; i < COUNT; i++)
        if (i != 300 && places[i].segment == places[0].segment)
            segments_died(&f->segments, &places[i]);
    do_chores(f);
    assert_int_equal(testing_segments(f->folder, &blocks), 2);
    struct stat about;
    char path[300], name[SEGMENT_NAME_TEXT];
    segment_name(places[0].segment, name);
    snprintf(path, sizeof(path), "%s/segments/%s", f->folder, name);
    assert_int_equal(stat(path, &about), 0);
    assert_true(about.st_blocks * 512 < 3 << 20);
    segments_died(&f->segments, &places[300]);
    do_chores(f);
    segments_drop_spare(&f->segments);
    assert_int_equal(testing_segments(f->folder, &blocks), 1);
}

/* Where nothing in the current one is needed when it is left, it is its own successor; else one
 * that was emptied before is, so that no file need be made. */
static void test_begins_anew(void **state)
{
    struct fixture *f = *state;
    struct place a = append(f, 5000), b = append(f, 5000);
    assert_int_equal(b.offset, 5000 + RECORD_HEADER);
    segments_died(&f->segments, &a);
    assert_true(append(f, 10).offset > b.offset);
    segments_died(&f->segments, &b);
    segments_died(&f->segments, &(struct place){a.segment, 2 * (5000 + RECORD_HEADER), 10, 0});
    take_next(f);
    struct place c = append(f, 10);
    assert_int_equal(c.segment, a.segment);
    assert_int_equal(c.offset, 0);
    take_next(f);
    struct place d = append(f, 10);
    assert_int_not_equal(d.segment, a.segment);
    segments_died(&f->segments, &c);
    do_chores(f);
    uint64_t blocks = 0;
    assert_int_equal(testing_segments(f->folder, &blocks), 2); /* kept */
    take_next(f);
    assert_int_equal(append(f, 10).segment, a.segment);
    assert_int_equal(testing_segments(f->folder, &blocks), 2);
}

static void test_undo(void **state)
{
    struct fixture *f = *state;
    struct place a = append(f, 5000);
    char *p = testing_content(1, 120000);
    struct segment_piece *pieces = calloc(700, sizeof(*pieces)); /* 84 MB: beyond its size */
    struct place *places = calloc(700, sizeof(*places));
    for (int i = 0; i < 700; i++)
        pieces[i].content = span_make(p, 120000);
    segments_begin(&f->segments);
    for (int i = 0; i < 700; i++)
        assert_int_equal(segments_append(&f->segments, &pieces[i], &places[i]), OK);
    assert_int_equal(segments_write(&f->segments), OK);
    assert_int_equal(places[699].segment, a.segment);
    segments_undo(&f->segments);
    struct place b = append(f, 7);
    assert_int_equal(b.offset, place_length(&a));
    segments_begin(&f->segments);
    assert_int_equal(segments_append(&f->segments, &pieces[0], &places[0]), OK);
    assert_int_equal(segments_write(&f->segments), OK);
    assert_int_equal(segments_append(&f->segments, &pieces[1], &places[1]), OK);
    segments_undo(&f->segments);
    assert_int_equal(append(f, 7).offset, b.offset + place_length(&b));
    assert_true(megabytes(f) <= 1);
    free(pieces);
    free(places);
    free(p);
}

/* What nothing refers to, and what stands behind the last record, goes at the start; other files
 * stay. */
static void test_leftovers(void **state)
{
    struct fixture *f = *state;
    struct place a = append(f, 5000), b = append(f, 90000);
    uint64_t number = 0, blocks = 0;
    int file = -1;
    assert_int_equal(segments_make_file(&f->segments, &number, &file), OK);
    close(file);
    file = openat(f->segments.directory, "note.txt", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    close(file);
    segments_close(&f->segments);
    segments_init(&f->segments);
    assert_int_equal(segments_open(&f->segments, f->directory), OK);
    segments_found(&f->segments, &a);
    assert_int_equal(segments_clean(&f->segments), OK);
    assert_int_equal(testing_segments(f->folder, &blocks), 2);
    assert_true(blocks * 512 <= 8192);
    assert_true(append(f, 1).segment > number); /* never again a name that was used */
    (void)b;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_header_tells),
        cmocka_unit_test_setup_teardown(test_stuck_message, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_begins_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_undo, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_leftovers, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("segments", tests, NULL, NULL);
}
