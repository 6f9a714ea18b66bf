/* Why a recipient waits, what happens next and when: the answer of queue listings. Pure. */
#ifndef SERVICE_ADMIN_WAITING_H
#define SERVICE_ADMIN_WAITING_H

#include "conf/document.h"
#include "service/deliver.h"

struct waiting {
    struct span why, next;      /* one sentence each */
    struct span connector, hop; /* where it goes now; empty: nowhere */
    int64_t next_attempt_ms;    /* 0: none before somebody acts */
    int64_t expires_ms;         /* 0: unknown */
};

struct waiting_facts {
    const struct document *document;
    const struct deliver_next_hop *hops; /* as delivery sees them now */
    size_t hop_count;
    int64_t now_ms;
};

struct waiting waiting_explain(struct arena *arena, const struct waiting_facts *facts,
                               const struct queued_message *message,
                               const struct queued_recipient *recipient);

#endif
