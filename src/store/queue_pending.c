#include <assert.h>

#include "store/inside.h"
#include "store/queue.h"

enum err queue_each_pending(struct store *store,
                            void (*visit)(void *context, const struct queue_pending *pending),
                            void *context)
{
    assert(!store->is_running);
    struct query q = query_open(&store->database, STATEMENT_PENDING);
    bool row = false;
    enum err err;
    while ((err = query_next(&q, &row)) == OK && row) {
        struct queue_pending pending;
        pending.id = query_id(&q);
        pending.received_ms = query_number(&q);
        pending.size = (uint64_t)query_number(&q);
        pending.recipient = (uint32_t)query_number(&q);
        pending.state = (enum recipient_state)query_number(&q);
        pending.domain = query_text(&q);
        pending.next_attempt_ms = query_number(&q);
        pending.attempts = (unsigned)query_number(&q);
        visit(context, &pending);
    }
    query_close(&q);
    return err;
}
