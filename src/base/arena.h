/* arena: memory that lives and dies together (a connection, a transaction, a request, a document).
 * Nothing in it is freed alone. Memory exhaustion aborts. Blocks come from malloc, so the
 * sanitizers see them; an empty arena holds no block. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/err.h"
#include "base/span.h"

struct arena_block;

struct arena {
    struct arena_block *newest;
};

#define ARENA_INIT ((struct arena){0})

/* Frees all that was allocated; the arena can be used again. */
void arena_done(struct arena *a);
/* The same, after overwriting it all: for what may hold passwords. */
void arena_wipe(struct arena *a);
/* Forgets all that was allocated, but keeps a block: for what is used again at once, and often. */
void arena_reset(struct arena *a);

/* Zeroed and aligned for any object. Never NULL. */
void *arena_alloc(struct arena *a, size_t n);
#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc_array((arena), sizeof(type), (count)))
void *arena_alloc_array(struct arena *a, size_t size, size_t count);

/* Copies that end with NUL (not counted in the span). */
struct span arena_copy(struct arena *a, struct span s);
char *arena_text(struct arena *a, struct span s);
struct span arena_printf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
