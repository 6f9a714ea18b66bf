#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct arena_block {
    struct arena_block *older;
    size_t used, cap;
    alignas(max_align_t) char memory[];
};

enum { FIRST_BLOCK = 1000, LARGEST_BLOCK = 65536 };

void arena_done(struct arena *a)
{
    while (a->newest) {
        struct arena_block *older = a->newest->older;
        free(a->newest);
        a->newest = older;
    }
}

void arena_wipe(struct arena *a)
{
    for (struct arena_block *block = a->newest; block; block = block->older)
        explicit_bzero(block->memory, block->cap);
    arena_done(a);
}

void arena_reset(struct arena *a)
{
    if (!a->newest)
        return;
    while (a->newest->older) {
        struct arena_block *older = a->newest->older;
        free(a->newest);
        a->newest = older;
    }
    memset(a->newest->memory, 0, a->newest->used);
    a->newest->used = 0;
}

static struct arena_block *add_block(struct arena *a, size_t n)
{
    size_t cap = a->newest ? a->newest->cap * 2 : FIRST_BLOCK;
    if (cap > LARGEST_BLOCK)
        cap = LARGEST_BLOCK;
    if (cap < n)
        cap = n;
    struct arena_block *block = calloc(1, sizeof(*block) + cap);
    if (!block)
        abort();
    block->cap = cap;
    block->older = a->newest;
    a->newest = block;
    return block;
}

void *arena_alloc(struct arena *a, size_t n)
{
    assert(n < SIZE_MAX / 2);
    n = (n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct arena_block *block = a->newest;
    if (!block || block->cap - block->used < n)
        block = add_block(a, n);
    void *p = block->memory + block->used;
    block->used += n;
    return p;
}

void *arena_alloc_array(struct arena *a, size_t size, size_t count)
{
    assert(count == 0 || size <= SIZE_MAX / 4 / count);
    return arena_alloc(a, size * count);
}

char *arena_text(struct arena *a, struct span s)
{
    char *p = arena_alloc(a, s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return p;
}

struct span arena_copy(struct arena *a, struct span s)
{
    return (struct span){arena_text(a, s), s.n};
}

struct span arena_printf(struct arena *a, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    assert(n >= 0);
    char *p = arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, format, args);
    va_end(args);
    return (struct span){p, (size_t)n};
}
