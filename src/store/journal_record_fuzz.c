/* What a segment may hold in a record's place: whatever is read is written and read the same. */
#include <assert.h>

#include "store/journal_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct buf again(struct span record)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    struct arena arena = ARENA_INIT;
    struct queue_commit commit = {0};
    struct place *contents = NULL;
    if (journal_record_decode(record, &arena, &commit, &contents) == OK)
        journal_record_encode(&out, &commit, contents);
    arena_done(&arena);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf once = again(span_make((const char *)data, size));
    if (once.n > 0) {
        struct buf twice = again(buf_span(&once));
        assert(span_eq(buf_span(&once), buf_span(&twice)));
        buf_done(&twice);
    }
    buf_done(&once);
    return 0;
}
