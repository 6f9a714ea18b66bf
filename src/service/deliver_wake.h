/* deliver_wake: a binary heap of wall times; what is due first is on top. The entries stand inside
 * their objects. */
#ifndef SERVICE_DELIVER_WAKE_H
#define SERVICE_DELIVER_WAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wake {
    int64_t at_ms;
    uint32_t place; /* 1-based within the heap; 0: not in it */
    uint32_t note;  /* the object's own, where padding would be */
};

struct wake_heap {
    struct wake **items; /* items[1] is the first */
    uint32_t count, capacity;
};

void wake_heap_done(struct wake_heap *heap);
/* Inserts, or moves to another time. */
void wake_set(struct wake_heap *heap, struct wake *wake, int64_t at_ms);
/* Harmless where it is not in the heap. */
void wake_remove(struct wake_heap *heap, struct wake *wake);
/* The first; NULL where the heap is empty. */
struct wake *wake_first(const struct wake_heap *heap);

#endif
