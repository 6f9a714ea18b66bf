/* queue: what was accepted and is not yet done. This is an interface that several stores can
 * implement; no SQL shows.
 *
 * - All changes travel in a commit: arrivals, updates of recipients, tracking and events, all or
 * nothing, durable before `done` is called. Commits are applied in the order of submission.
 * - A recipient is born owned by the node that accepted it. It ends by an update with QUEUE_DONE; a
 * message whose last recipient ended is removed with its content.
 * - Nothing here judges: retry times, bounces and routes are decided outside. */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include <sys/types.h>

#include "mail/envelope.h"
#include "store/events.h"
#include "store/store.h"
#include "store/track.h"

/* ---- content ---- */

/* Collects the content of one message on one thread. Small ones stay in memory until they are
 * committed; larger ones go to a segment file of their own as they arrive, so memory does not grow
 * with the message. */
struct queue_writer;
struct queue_writer *queue_writer_new(struct store *store);
/* How large it will be, about, or 0 where nobody knows: so much memory is asked for once, within
 * reason. Before the first octet. */
void queue_writer_expect(struct queue_writer *w, uint64_t size);
/* ERR_IO or ERR_FULL: nothing more can be added; free it. */
enum err queue_writer_add(struct queue_writer *w, struct span bytes) MUST_USE;
uint64_t queue_writer_size(const struct queue_writer *w);
/* Drops the content, unless it was handed over in a commit. */
void queue_writer_free(struct queue_writer *w);

/* ---- messages as they are kept ---- */

enum recipient_state { RECIPIENT_QUEUED, RECIPIENT_HELD };

struct queued_recipient {
    struct recipient recipient;
    uint32_t number; /* within the message; never changes */
    enum recipient_state state;
    unsigned attempts;
    bool delay_notified;
    int64_t next_attempt_ms, last_attempt_ms;    /* last: 0 before the first */
    struct span connector, next_hop, last_reply; /* of the last attempt; empty before */
};

struct queued_message {
    struct envelope envelope; /* recipients: those that are left, in the order of `recipients` */
    struct queued_recipient *recipients;
    size_t recipient_count;
    bool content_has_8bit;
};

/* Shared, immutable; counted. One that was fetched holds a content of up to 128 KiB in memory, and
 * of a larger one an open file: how many are held at once is the holder's to limit. */
void queued_message_keep(struct queued_message *m);
void queued_message_free(struct queued_message *m);
/* Reads content at an offset; returns bytes read (0 at the end) or -1 with errno. From any thread.
 */
ssize_t queued_message_read(struct queued_message *m, uint64_t offset, char *p, size_t n);

/* ---- changes ---- */

struct queue_arrival {
    struct envelope envelope; /* copied on submission; its id is one of message_id_new, so there is
                                 no other; recipients are numbered 0, 1, ... */
    struct queue_writer *content; /* handed over on submission */
    enum recipient_state state;
    bool content_has_8bit;
};

enum queue_update_kind {
    QUEUE_DONE,  /* delivered, bounced, expired or removed: the row goes */
    QUEUE_LATER, /* all fields below are written */
    QUEUE_NOTED, /* only delay_notified is written */
};

struct queue_update {
    struct message_id id;
    uint32_t recipient;
    enum queue_update_kind kind;
    unsigned attempts;
    int64_t next_attempt_ms, last_attempt_ms;
    struct span connector, next_hop, last_reply;
    bool delay_notified;
};

struct queue_commit {
    struct arena arena; /* for the submitter's own spans; done by queue_commit_free */
    struct queue_arrival *arrivals;
    size_t arrival_count;
    struct queue_update *updates;
    size_t update_count;
    struct track_record *tracks;
    size_t track_count;
    struct event *events;
    size_t event_count;
    /* On `loop` (NULL: on the store's thread): err is OK once it is durable. ERR_FULL or ERR_IO
     * before anything was written: nothing of it was kept. The callee frees the commit. */
    void (*done)(void *context, struct queue_commit *commit, enum err err);
    void *context;
    struct loop *loop;
    bool can_wait; /* a few milliseconds for others, so that one flush serves them all */
};

struct queue_commit *queue_commit_new(void);
/* A writer that was not submitted stays the caller's. */
void queue_commit_free(struct queue_commit *commit);
void queue_submit(struct store *store, struct queue_commit *commit);

/* ---- reading ---- */

typedef void queue_fetched_fn(void *context, enum err err, struct queued_message *message);
/* Hands a counted reference to fn on the loop; ERR_NOT_FOUND where the message has gone,
 * ERR_CORRUPT where its content is damaged. */
void queue_fetch(struct store *store, struct message_id id, struct loop *loop, queue_fetched_fn *fn,
                 void *context);

/* No attempt comes soon: what is kept in memory of a message just accepted may go. */
void queue_cool(struct store *store, struct message_id id);

/* Everything that waits, oldest first; for filling the scheduler. Only before store_start. */
struct queue_pending {
    struct message_id id;
    uint32_t recipient;
    enum recipient_state state;
    unsigned attempts;
    int64_t next_attempt_ms, received_ms;
    uint64_t size;
    struct span domain;
};
enum err queue_each_pending(struct store *store,
                            void (*visit)(void *context, const struct queue_pending *pending),
                            void *context) MUST_USE;

/* What decides where a recipient goes. */
struct queue_place {
    struct span domain;
    uint64_t size;                             /* of the message */
    struct span last_connector, last_next_hop; /* of the last attempt; empty: there was none */
};
typedef bool queue_goes_fn(void *context, const struct queue_place *place);
/* "out/smart-hosts", as routing writes it; empty without a connector. */
struct span queue_next_hop_text(struct arena *arena, struct span connector, struct span next_hop);

/* Each field narrows; zero or empty means "any". Patterns are globs (text_glob). */
struct queue_filter {
    struct message_id id;
    bool has_id;
    struct span sender, recipient, domain;
    /* Routing is not the store's: this is asked on the store's thread, of what all else lets
     * through, and has to live until the answer. NULL: wherever it goes. */
    queue_goes_fn *goes;
    void *goes_context;
    struct span receive_connector;
    bool has_state;
    enum recipient_state state;
    int64_t older_than_ms, newer_than_ms; /* wall times of acceptance */
};

/* One page of messages (each with those of its recipients that match), oldest first, behind `after`
 * (all zero: from the start). The array and messages live until fn returns (or are kept);
 * they have no content to read. *more: there are further ones. At most 10000 at once. */
typedef void queue_listed_fn(void *context, enum err err, struct queued_message *const *messages,
                             size_t count, bool more);
void queue_list(struct store *store, const struct queue_filter *filter, struct message_id after,
                size_t limit, struct loop *loop, queue_listed_fn *fn, void *context);

enum queue_action {
    QUEUE_ACTION_HOLD,
    QUEUE_ACTION_RELEASE,
    QUEUE_ACTION_RETRY,
    QUEUE_ACTION_REMOVE
};

/* Applies the action to every recipient that matches, durably, with a track record (source ADMIN)
 * each, and tells which. RETRY sets next_attempt_ms to now_ms (tracked as RELEASE, "retry now");
 * RELEASE also. HOLD passes by those that are held, RELEASE those that are not. REMOVE drops
 * without notification. Many are done in steps, with other commits between them; on failure fn gets
 * those that were done. */
struct queue_acted {
    struct message_id id;
    uint32_t recipient;
};
typedef void queue_acted_fn(void *context, enum err err, const struct queue_acted *acted,
                            size_t count);
void queue_act(struct store *store, enum queue_action action, const struct queue_filter *filter,
               int64_t now_ms, struct span author, struct loop *loop, queue_acted_fn *fn,
               void *context);

#endif
