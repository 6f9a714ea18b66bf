/* Whatever was pasted, a diagnosis comes of it, and every finding can be shown. */
#include <stdint.h>

#include "policy/diagnose_exchange.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    struct exchange_case *c = exchange_case_new();
    (void)!exchange_case_read(c, SPAN("fuzz"), span_make((const char *)data, size), &why);
    exchange_case_finish(c);
    struct exchange_diagnosis d = diagnose_exchange(&arena, c, 1803969000000);
    for (size_t i = 0; i < d.count; i++)
        if (!d.findings[i].finding.cause.n || !d.findings[i].step_count)
            __builtin_trap();
    exchange_case_free(c);
    buf_done(&why);
    arena_done(&arena);
    return 0;
}
