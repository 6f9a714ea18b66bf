/* reserve: a file that only takes space. When the disk is full, it is given up, so that what was
 * delivered can still leave the queue (a removal writes, before it frees anything); nothing new is
 * accepted until it is whole again. */
#ifndef STORE_RESERVE_H
#define STORE_RESERVE_H

#include <stdatomic.h>
#include <stdbool.h>

enum {
    RESERVE_SIZE = 16 << 20
}; /* some ten thousand removals, and the database's log moved once */

struct reserve {
    int file;
    atomic_bool is_spent; /* any thread may ask */
};

/* Opens or makes DIR/reserve. Where the file system cannot reserve space, there is none, and
 * nothing is spent. */
void reserve_open(struct reserve *r, int directory);
void reserve_close(struct reserve *r);
/* False where there is nothing to give up. */
bool reserve_spend(struct reserve *r);
/* Takes the space again, if there is enough. */
void reserve_refill(struct reserve *r);

static inline bool reserve_is_spent(struct reserve *r)
{
    return atomic_load_explicit(&r->is_spent, memory_order_relaxed);
}

#endif
