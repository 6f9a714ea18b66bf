#include <string.h>

#include "store/certificates.h"

static bool has_thumbprint(const struct certificate_set *set, const struct certificate *c)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->items[i]->thumbprint, c->thumbprint) == 0)
            return true;
    return false;
}

/* The file is still there, but what it holds now cannot be used. */
static bool is_broken(const struct certificate_set *set, struct span path)
{
    for (size_t i = 0; i < set->fault_count; i++)
        if (!set->faults[i].mode && span_eq(set->faults[i].path, path))
            return true;
    for (size_t i = 0; i < set->count; i++)
        if (!set->items[i]->key_matches && span_eq(set->paths[i], path))
            return true;
    return false;
}

/* A life of its own for a certificate of another set. NULL where it cannot be written and read. */
static struct certificate *duplicate(const struct certificate *c)
{
    struct buf pem = BUF_INIT(CERT_PEM_MAX), why = BUF_INIT(1024);
    struct certificate *copy = NULL;
    if (certificate_write_pem(c, true, &pem) != OK ||
        certificate_parse_pem(buf_span(&pem), SPAN_NONE, &copy, &why) != OK)
        copy = NULL;
    if (pem.p)
        explicit_bzero(pem.p, pem.cap);
    buf_done(&pem);
    buf_done(&why);
    return copy;
}

static void append(struct certificate_set *set, struct certificate *c,
                   const struct certificate_meta *meta, struct span path)
{
    struct arena *arena = &set->arena;
    size_t n = set->count;
    struct certificate **items = ARENA_ARRAY(arena, struct certificate *, n + 1);
    struct certificate_meta *metas = ARENA_ARRAY(arena, struct certificate_meta, n + 1);
    struct span *paths = ARENA_ARRAY(arena, struct span, n + 1);
    if (n) {
        memcpy((void *)items, (void *)set->items, n * sizeof(struct certificate *));
        memcpy(metas, set->meta, n * sizeof(*metas));
        memcpy(paths, set->paths, n * sizeof(*paths));
    }
    items[n] = c;
    metas[n] = *meta;
    metas[n].friendly_name = arena_copy(arena, meta->friendly_name);
    metas[n].notes = arena_copy(arena, meta->notes);
    metas[n].source = arena_copy(arena, meta->source);
    metas[n].author = arena_copy(arena, meta->author);
    paths[n] = arena_copy(arena, path);
    c->services = meta->services;
    set->items = items;
    set->meta = metas;
    set->paths = paths;
    set->count = n + 1;
}

size_t certificates_carry_over(struct certificate_set *set, const struct certificate_set *before)
{
    size_t first = set->count;
    for (size_t i = 0; i < before->count; i++) {
        const struct certificate *old = before->items[i];
        if (!old->key_matches || has_thumbprint(set, old) || !is_broken(set, before->paths[i]))
            continue;
        struct certificate *copy = duplicate(old);
        if (copy)
            append(set, copy, &before->meta[i], before->paths[i]);
    }
    return set->count - first;
}
