/* buf: owned bytes that grow up to a hard limit. Memory exhaustion aborts; the limit never does. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct buf {
    char *p;
    size_t n, cap, limit;
};

#define BUF_INIT(hard_limit) ((struct buf){.limit = (hard_limit)})
#define BUF_UNLIMITED SIZE_MAX

void buf_init(struct buf *b, size_t limit);
/* Frees the memory; the buf is empty and can be used again. */
void buf_done(struct buf *b);
/* Forgets the content, keeps the memory. */
void buf_reset(struct buf *b);

static inline struct span buf_span(const struct buf *b)
{
    return (struct span){b->p, b->n};
}

/* For the functions below alone: adds where the memory has to grow, or there is no room. */
enum err buf_add_more(struct buf *b, struct span s);

/* Each adds all or nothing; ERR_LIMIT where the hard limit would be passed. */
static inline enum err buf_add(struct buf *b, struct span s)
{
    if (s.n == 0 || s.n >= b->cap - b->n || s.n > b->limit - b->n)
        return buf_add_more(b, s);
    memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
    return OK;
}

static inline enum err buf_add_char(struct buf *b, char c)
{
    return buf_add(b, (struct span){&c, 1});
}

static inline enum err buf_add_text(struct buf *b, const char *text)
{
    return buf_add(b, span_of(text));
}

enum err buf_addf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
enum err buf_vaddf(struct buf *b, const char *format, va_list args);

/* Makes room for n more bytes and returns where they go; NULL past the limit. buf_grow counts them
 * as content once they were written. */
char *buf_room(struct buf *b, size_t n);
void buf_grow(struct buf *b, size_t n);
/* Drops the first n bytes. */
void buf_consume(struct buf *b, size_t n);
/* The content with a NUL behind it (not counted); valid until the next change. */
const char *buf_text(struct buf *b);
/* Hands the memory over: the caller frees it; the buf is empty. NUL-terminated. */
char *buf_take(struct buf *b);

#endif
