/* The first line names a table ("inline:{...}"), the rest is one as a file. */
#include "postfix/table.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct postfix_table table = {0};
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    struct span text = span_make((const char *)data, size), first, name;
    if (span_cut(&text, '\n', &first)) {
        if (postfix_table_source(first, &name) == POSTFIX_INLINE)
            (void)!postfix_inline_read(&arena, name, &table, &why);
        for (size_t i = 0; i < table.count; i++)
            assert(table.entries[i].key.n <= size);
        (void)!postfix_table_read(&arena, text, &table, &why);
        for (size_t i = 0; i < table.count; i++)
            assert(table.entries[i].key.n > 0 && table.entries[i].line > 0);
    }
    buf_done(&why);
    arena_done(&arena);
    return 0;
}
