#include <stdint.h>

#include "exchange/powershell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    struct powershell_node *script;
    struct span text = span_make((const char *)data, size);
    if (powershell_parse(&arena, text, &script, &why) != OK && !why.n)
        __builtin_trap();
    powershell_is_unfinished(text);
    buf_done(&why);
    arena_done(&arena);
    return 0;
}
