#include "service/deliver_messages.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 64 };

/* Ids are this server's own and end in random octets (mail/ids), so nobody can choose collisions
 * and nothing has to be hashed. */
static size_t slot_of(struct message_id id, size_t size)
{
    uint64_t random;
    memcpy(&random, id.b + sizeof(id.b) - sizeof(random), sizeof(random));
    return (size_t)(random >> 8) & (size - 1); /* octet 8 has the variant in it, which is fixed */
}

void message_table_done(struct message_table *table)
{
    free((void *)table->slots);
    *table = (struct message_table){0};
}

static void insert(struct message_link **slots, size_t size, struct message_link *link)
{
    size_t slot = slot_of(link->id, size);
    link->next = slots[slot];
    slots[slot] = link;
}

static void grow(struct message_table *table)
{
    size_t size = table->size ? table->size * 2 : FIRST_SIZE;
    struct message_link **slots = calloc(size, sizeof(struct message_link *));
    if (!slots)
        abort();
    for (size_t i = 0; i < table->size; i++) {
        struct message_link *next;
        for (struct message_link *link = table->slots[i]; link; link = next) {
            next = link->next;
            insert(slots, size, link);
        }
    }
    free((void *)table->slots);
    table->slots = slots;
    table->size = size;
}

void message_table_add(struct message_table *table, struct message_link *link)
{
    if (table->count >= table->size)
        grow(table);
    insert(table->slots, table->size, link);
    table->count++;
}

struct message_link *message_table_get(const struct message_table *table, struct message_id id)
{
    if (table->count == 0)
        return NULL;
    struct message_link *link = table->slots[slot_of(id, table->size)];
    while (link && !message_id_eq(link->id, id))
        link = link->next;
    return link;
}

void message_table_remove(struct message_table *table, struct message_link *link)
{
    assert(table->count > 0);
    struct message_link **at = &table->slots[slot_of(link->id, table->size)];
    while (*at != link) {
        assert(*at);
        at = &(*at)->next;
    }
    *at = link->next;
    table->count--;
}

void message_table_each(const struct message_table *table,
                        void (*visit)(struct message_link *link, void *context), void *context)
{
    for (size_t i = 0; i < table->size; i++) {
        struct message_link *next;
        for (struct message_link *link = table->slots[i]; link; link = next) {
            next = link->next;
            visit(link, context);
        }
    }
}
