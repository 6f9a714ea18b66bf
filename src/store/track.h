/* track: what became of each message, with the fields of Exchange's message tracking log. Written
 * with queue commits. */
#ifndef STORE_TRACK_H
#define STORE_TRACK_H

#include "mail/ids.h"
#include "store/store.h"

/* Exchange's names: RECEIVE, SEND, DELIVER, DEFER, FAIL, DSN, EXPIRE is FAIL, DROP, SUSPEND,
 * RESUME. */
enum track_event {
    TRACK_RECEIVE,
    TRACK_SEND,
    TRACK_DELIVER,
    TRACK_DEFER,
    TRACK_FAIL,
    TRACK_DSN,
    TRACK_DROP,
    TRACK_HOLD,
    TRACK_RELEASE,
    TRACK_REMOVE
};
enum track_source {
    TRACK_SMTP,
    TRACK_LMTP,
    TRACK_MAILDIR,
    TRACK_DSN_SOURCE,
    TRACK_ADMIN,
    TRACK_ROUTING,
    TRACK_DNS,
    TRACK_QUEUE
};

struct track_record {
    int64_t time_ms;
    enum track_event event;
    enum track_source source;
    struct message_id id;
    struct span message_id_header; /* Message-ID */
    struct span sender;
    struct span recipients;       /* one address, or several separated by ';' */
    struct span recipient_status; /* reply line, same order */
    struct span connector;        /* receive connector for RECEIVE, else send connector */
    struct span client_ip, client_name, server_ip, server_name;
    struct span tls;
    struct span subject;
    struct span reference; /* for DSN: the id of the message it is about */
    struct span info;      /* why: fallback reason, refusal, who acted */
    uint64_t size;
    uint64_t recipient_count;
};

const char *track_event_name(enum track_event event);
const char *track_source_name(enum track_source source);

struct track_filter {
    struct message_id id;
    bool has_id;
    struct span message_id_header, sender, recipient,
        subject;                /* globs; recipient also matches within a list */
    struct span event;          /* name; empty: any */
    int64_t since_ms, until_ms; /* 0: open */
};

typedef void track_found_fn(void *context, enum err err, const struct track_record *records,
                            size_t count, bool more);
/* Oldest first within the newest `limit` matches. fn is called on the loop; records live until it
 * returns. */
void track_find(struct store *store, const struct track_filter *filter, size_t limit,
                struct loop *loop, track_found_fn *fn, void *context);
/* Deletes records older than this; in small steps, so mail is not held up. */
void track_expire(struct store *store, int64_t before_ms);

#endif
