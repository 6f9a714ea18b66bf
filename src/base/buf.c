#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t limit)
{
    *b = BUF_INIT(limit);
}

void buf_done(struct buf *b)
{
    free(b->p);
    *b = BUF_INIT(b->limit);
}

void buf_reset(struct buf *b)
{
    b->n = 0;
}

char *buf_room(struct buf *b, size_t n)
{
    if (n > b->limit || b->n > b->limit - n)
        return NULL;
    assert(b->n < SIZE_MAX - n);
    size_t need = b->n + n + 1; /* one more for the NUL of buf_text */
    if (need > b->cap) {
        size_t cap = b->cap ? b->cap : 64;
        while (cap < need)
            cap = cap > SIZE_MAX / 2 ? need : cap * 2;
        char *p = realloc(b->p, cap);
        if (!p)
            abort();
        b->p = p;
        b->cap = cap;
    }
    return b->p + b->n;
}

void buf_grow(struct buf *b, size_t n)
{
    assert(b->n + n < b->cap);
    b->n += n;
}

enum err buf_add_more(struct buf *b, struct span s)
{
    char *at = buf_room(b, s.n);
    if (!at)
        return ERR_LIMIT;
    if (s.n)
        memcpy(at, s.p, s.n);
    b->n += s.n;
    return OK;
}

enum err buf_vaddf(struct buf *b, const char *format, va_list args)
{
    /* Mostly it fits into what is there, and is formatted once. */
    size_t room = b->cap - b->n;
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(room ? b->p + b->n : NULL, room, format, again);
    va_end(again);
    assert(n >= 0);
    if ((size_t)n < room && (size_t)n <= b->limit - b->n) {
        b->n += (size_t)n;
        return OK;
    }
    char *at = buf_room(b, (size_t)n);
    if (!at)
        return ERR_LIMIT;
    vsnprintf(at, (size_t)n + 1, format, args);
    b->n += (size_t)n;
    return OK;
}

enum err buf_addf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum err err = buf_vaddf(b, format, args);
    va_end(args);
    return err;
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= b->n);
    if (n && b->n > n)
        memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

const char *buf_text(struct buf *b)
{
    if (b->cap == b->n) /* only an empty buf without memory, as room keeps a byte */
        buf_room(b, 0);
    if (!b->p)
        return "";
    b->p[b->n] = '\0';
    return b->p;
}

char *buf_take(struct buf *b)
{
    /* Whoever keeps it pays for what is in it. */
    bool is_loose = !b->p || b->cap / 2 > b->n;
    char *p = is_loose ? realloc(b->p, b->n + 1) : b->p;
    if (!p)
        abort();
    p[b->n] = '\0';
    *b = BUF_INIT(b->limit);
    return p;
}
