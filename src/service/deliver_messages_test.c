#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "service/deliver_messages.h"

enum { COUNT = 3000, STEPS = 30000 };

static struct message_link links[COUNT];
static bool is_in[COUNT];

static void count_in_model(struct message_link *link, void *context)
{
    size_t *seen = context;
    assert_true(link >= links && link < links + COUNT);
    assert_true(is_in[link - links]);
    ++*seen;
}

static void look_at_all(const struct message_table *table)
{
    size_t count = 0, seen = 0;
    for (size_t i = 0; i < COUNT; i++) {
        assert_ptr_equal(message_table_get(table, links[i].id), is_in[i] ? &links[i] : NULL);
        count += is_in[i];
    }
    message_table_each(table, count_in_model, &seen);
    assert_int_equal(table->count, count);
    assert_int_equal(seen, count);
}

/* Against the simplest model there is: whether each of them is in. */
static void test_finds_what_is_in(void **state)
{
    (void)state;
    struct message_table table = {0};
    for (size_t i = 0; i < COUNT; i++)
        links[i].id = message_id_new(1795000000000);
    look_at_all(&table);
    srandom(5);
    for (int step = 0; step < STEPS; step++) {
        size_t i = (size_t)random() % COUNT;
        if (is_in[i])
            message_table_remove(&table, &links[i]);
        else
            message_table_add(&table, &links[i]);
        is_in[i] = !is_in[i];
        if (step % 1000 == 0)
            look_at_all(&table);
    }
    look_at_all(&table);
    message_table_done(&table);
}

static void free_one(struct message_link *link, void *context)
{
    (void)context;
    free(link);
}

/* Ids of one moment differ in their random octets only, which is what they are told apart by. */
static void test_ids_of_one_moment_are_spread(void **state)
{
    (void)state;
    struct message_table table = {0};
    for (size_t i = 0; i < COUNT; i++) {
        struct message_link *link = malloc(sizeof(*link));
        assert_non_null(link);
        link->id = message_id_new(1795000000000);
        message_table_add(&table, link);
    }
    size_t longest = 0;
    for (size_t i = 0; i < table.size; i++) {
        size_t length = 0;
        for (struct message_link *link = table.slots[i]; link; link = link->next)
            length++;
        longest = length > longest ? length : longest;
    }
    assert_in_range(longest, 1, 16);
    message_table_each(&table, free_one, NULL);
    message_table_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_what_is_in),
        cmocka_unit_test(test_ids_of_one_moment_are_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
