#include "service/deliver_wake.h"

#include <stdlib.h>

void wake_heap_done(struct wake_heap *heap)
{
    free(heap->items);
    *heap = (struct wake_heap){0};
}

static void put(struct wake_heap *heap, uint32_t place, struct wake *wake)
{
    heap->items[place] = wake;
    wake->place = place;
}

static void sift_up(struct wake_heap *heap, uint32_t place, struct wake *wake)
{
    while (place > 1 && heap->items[place / 2]->at_ms > wake->at_ms) {
        put(heap, place, heap->items[place / 2]);
        place /= 2;
    }
    put(heap, place, wake);
}

static void sift_down(struct wake_heap *heap, uint32_t place, struct wake *wake)
{
    while (2 * place <= heap->count) {
        uint32_t child = 2 * place;
        if (child < heap->count && heap->items[child + 1]->at_ms < heap->items[child]->at_ms)
            child++;
        if (heap->items[child]->at_ms >= wake->at_ms)
            break;
        put(heap, place, heap->items[child]);
        place = child;
    }
    put(heap, place, wake);
}

static void settle(struct wake_heap *heap, uint32_t place, struct wake *wake)
{
    if (place > 1 && heap->items[place / 2]->at_ms > wake->at_ms)
        sift_up(heap, place, wake);
    else
        sift_down(heap, place, wake);
}

void wake_set(struct wake_heap *heap, struct wake *wake, int64_t at_ms)
{
    wake->at_ms = at_ms;
    if (wake->place) {
        settle(heap, wake->place, wake);
        return;
    }
    if (heap->count + 1 >= heap->capacity) {
        uint32_t capacity = heap->capacity ? heap->capacity * 2 : 64;
        struct wake **items = realloc(heap->items, capacity * sizeof(struct wake *));
        if (!items)
            abort();
        heap->items = items;
        heap->capacity = capacity;
    }
    sift_up(heap, ++heap->count, wake);
}

void wake_remove(struct wake_heap *heap, struct wake *wake)
{
    uint32_t place = wake->place;
    if (!place)
        return;
    wake->place = 0;
    struct wake *last = heap->items[heap->count--];
    if (last != wake)
        settle(heap, place, last);
}

struct wake *wake_first(const struct wake_heap *heap)
{
    return heap->count ? heap->items[1] : NULL;
}
