#include "service/counters.h"

void counters_each(const struct counters *c,
                   void (*visit)(void *context, const char *name, uint64_t value), void *context)
{
#define COUNTER_VISIT(name)                                                                        \
    visit(context, #name, atomic_load_explicit(&c->name, memory_order_relaxed));
    COUNTERS(COUNTER_VISIT)
#undef COUNTER_VISIT
}
