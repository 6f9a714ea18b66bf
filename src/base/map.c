#include "base/map.h"

#include <stdlib.h>
#include <sys/random.h>

struct map_entry {
    struct map_entry *next;
    uint64_t hash;
    void *value;
    size_t n;
    char key[];
};

static inline uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 (Aumasson, Bernstein 2012). */
static uint64_t hash_of(const struct map *m, struct span key)
{
    uint64_t v[4] = {m->seed[0] ^ 0x736f6d6570736575, m->seed[1] ^ 0x646f72616e646f6d,
                     m->seed[0] ^ 0x6c7967656e657261, m->seed[1] ^ 0x7465646279746573};
    size_t left = key.n;
    const char *p = key.p;
    for (; left >= 8; left -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)key.n << 56;
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)(unsigned char)p[i] << (8 * i);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void map_init(struct map *m)
{
    *m = (struct map){0};
    if (getrandom(m->seed, sizeof(m->seed), 0) != sizeof(m->seed))
        abort();
}

void map_done(struct map *m)
{
    for (size_t i = 0; i < m->size; i++) {
        struct map_entry *next;
        for (struct map_entry *e = m->slots[i]; e; e = next) {
            next = e->next;
            free(e);
        }
    }
    free(m->slots);
    m->slots = NULL;
    m->count = m->size = 0;
}

static void free_value(struct span key, void *value, void *context)
{
    (void)key;
    (void)context;
    free(value);
}

void map_done_with_values(struct map *m)
{
    map_each(m, free_value, NULL);
    map_done(m);
}

static struct map_entry **find(const struct map *m, struct span key, uint64_t hash)
{
    struct map_entry **at = &m->slots[hash & (m->size - 1)];
    while (*at && ((*at)->hash != hash || !span_eq(span_make((*at)->key, (*at)->n), key)))
        at = &(*at)->next;
    return at;
}

void *map_get(const struct map *m, struct span key)
{
    if (m->size == 0)
        return NULL;
    struct map_entry *e = *find(m, key, hash_of(m, key));
    return e ? e->value : NULL;
}

static void resize(struct map *m, size_t size)
{
    struct map_entry **slots = calloc(size, sizeof(struct map_entry *));
    if (!slots)
        abort();
    for (size_t i = 0; i < m->size; i++) {
        struct map_entry *next;
        for (struct map_entry *e = m->slots[i]; e; e = next) {
            next = e->next;
            e->next = slots[e->hash & (size - 1)];
            slots[e->hash & (size - 1)] = e;
        }
    }
    free(m->slots);
    m->slots = slots;
    m->size = size;
}

void *map_set(struct map *m, struct span key, void *value)
{
    if (m->count >= m->size)
        resize(m, m->size ? m->size * 2 : 8);
    uint64_t hash = hash_of(m, key);
    struct map_entry **at = find(m, key, hash);
    if (*at) {
        void *before = (*at)->value;
        (*at)->value = value;
        return before;
    }
    struct map_entry *e = malloc(sizeof(*e) + key.n);
    if (!e)
        abort();
    *e = (struct map_entry){.hash = hash, .value = value, .n = key.n};
    if (key.n)
        memcpy(e->key, key.p, key.n);
    *at = e;
    m->count++;
    return NULL;
}

void *map_remove(struct map *m, struct span key)
{
    if (m->size == 0)
        return NULL;
    struct map_entry **at = find(m, key, hash_of(m, key));
    struct map_entry *e = *at;
    if (!e)
        return NULL;
    void *value = e->value;
    *at = e->next;
    free(e);
    m->count--;
    return value;
}

void map_each(const struct map *m, void (*visit)(struct span key, void *value, void *context),
              void *context)
{
    for (size_t i = 0; i < m->size; i++)
        for (struct map_entry *e = m->slots[i]; e; e = e->next)
            visit(span_make(e->key, e->n), e->value, context);
}
