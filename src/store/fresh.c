#include "store/fresh.h"

enum {
    FRESH_LIMIT = 32 << 20,
    FILE_COST = 512 << 10, /* an open file is dearer than its memory: at most 64 of them are kept */
    MESSAGE_COST = 2048,   /* envelope and bookkeeping, about */
};

static struct span key_of(const struct message_id *id)
{
    return span_make((const char *)id->b, sizeof(id->b));
}

void fresh_init(struct fresh *f)
{
    pthread_mutex_init(&f->lock, NULL);
    map_init(&f->table);
    list_init(&f->oldest);
    f->cost = 0;
}

/* Under the lock. The caller lets the reference go. */
static struct stored_message *take(struct fresh *f, struct span key)
{
    struct stored_message *m = map_remove(&f->table, key);
    if (m) {
        list_remove(&m->fresh);
        f->cost -= m->fresh_cost;
    }
    return m;
}

/* Under the lock. */
static void take_oldest(struct fresh *f)
{
    struct stored_message *m = LIST_OBJECT(f->oldest.next, struct stored_message, fresh);
    queued_message_free(&take(f, key_of(&m->message.envelope.id))->message);
}

void fresh_done(struct fresh *f)
{
    while (!list_is_empty(&f->oldest))
        take_oldest(f);
    map_done(&f->table);
    pthread_mutex_destroy(&f->lock);
}

void fresh_add(struct fresh *f, struct stored_message *m)
{
    struct span key = key_of(&m->message.envelope.id);
    m->fresh_cost = MESSAGE_COST * (1 + m->message.recipient_count / 4) +
                    (m->content ? (size_t)m->place.size : FILE_COST);
    pthread_mutex_lock(&f->lock);
    map_set(&f->table, key, m);
    list_append(&f->oldest, &m->fresh);
    f->cost += m->fresh_cost;
    while (f->cost > FRESH_LIMIT && !list_is_empty(&f->oldest))
        take_oldest(f);
    pthread_mutex_unlock(&f->lock);
}

struct stored_message *fresh_get(struct fresh *f, struct message_id id)
{
    pthread_mutex_lock(&f->lock);
    struct stored_message *m = map_get(&f->table, key_of(&id));
    if (m)
        queued_message_keep(&m->message);
    pthread_mutex_unlock(&f->lock);
    return m;
}

void fresh_drop(struct fresh *f, struct message_id id)
{
    pthread_mutex_lock(&f->lock);
    struct stored_message *m = take(f, key_of(&id));
    pthread_mutex_unlock(&f->lock);
    if (m)
        queued_message_free(&m->message);
}
