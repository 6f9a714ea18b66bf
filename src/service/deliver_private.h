/* deliver_private: the values that the files of the journey out share: deliver.c (messages and
 * recipients), deliver_hop.c (next hops), deliver_share.c (their shares of a connector's
 * connections), deliver_job.c (one message for one next hop),
 * deliver_lookup.c (DNS), deliver_session.c (SMTP and LMTP), deliver_maildir.c, report.c (outcomes
 * into the queue). All run on the delivery loop. */
#ifndef SERVICE_DELIVER_PRIVATE_H
#define SERVICE_DELIVER_PRIVATE_H

#include <assert.h>

#include "base/list.h"
#include "base/map.h"
#include "io/resolver.h"
#include "io/worker.h"
#include "mail/outcome.h"
#include "policy/concurrency.h"
#include "policy/route.h"
#include "service/deliver.h"
#include "service/deliver_messages.h"
#include "service/deliver_wake.h"
#include "service/world.h"

struct hop;
struct job;
struct session;

enum pending_state {
    PENDING_WAITING, /* until wake_ms */
    PENDING_READY,   /* in its next hop's list; wake_ms: when a delay notice or the expiry is due */
    PENDING_BUSY,    /* in a job */
    PENDING_HELD,
    PENDING_ENDED, /* forgotten; its place goes with its message */
};

/* One recipient that waits. Kept small: there may be a million. */
struct pending {
    struct wake wake; /* in the heap while WAITING or READY; its note: the number in the store */
    struct list node; /* hop->ready while READY */
    struct hop *hop;
    const char *domain; /* interned in deliver->domains */
    uint32_t index;     /* in its message's recipients */
    uint16_t attempts;
    uint8_t state;
    bool delay_notified : 1;
    bool held_meanwhile : 1, released_meanwhile : 1; /* since it is BUSY; a fetch may show it as it
                                                        was before */
};

struct pending_message {
    struct message_link link; /* in deliver->messages */
    int64_t received_ms;
    uint64_t size;
    uint32_t count, left;
    struct pending recipients[];
};

/* What a message with one recipient takes, with 8 octets of the allocator's: 112. */
static_assert(sizeof(struct pending_message) + sizeof(struct pending) == 104,
              "a queue of a million is kept in memory");

static inline struct pending_message *pending_message_of(const struct pending *p)
{
    return LIST_OBJECT(p - p->index, struct pending_message, recipients);
}

/* One next hop: a queue of its own. */
struct hop {
    struct deliver *deliver;
    struct span key, connector_name, destination;
    const struct send_connector *connector; /* of deliver->snapshot; NULL: unreachable */
    struct list ready;                      /* pending */
    struct list sessions;                   /* open ones */
    struct list idle;                       /* of these, where one that may take a job is found */
    struct list starving;        /* in its connector's list: has work and may not connect */
    struct connector_load *load; /* of its connector; NULL until it is needed */
    enum hop_health health;
    struct loop_timer *retry_timer;
    uint64_t pending_count;     /* recipients that belong to it, in any state */
    uint64_t not_waiting_count; /* of these, the held ones and those that are being sent */
    uint64_t in_flight;
    unsigned connections; /* sessions, or maildir jobs at work */
    unsigned window;      /* connections that success has earned so far */
    unsigned failures;    /* in a row */
    int64_t retry_at_ms, last_attempt_ms;
    struct buf last_error;
    char text[]; /* key, connector name, destination */
};

/* The connections of a send connector. */
struct connector_load {
    uint64_t in_use[HOP_HEALTHS];      /* by hops of each health */
    struct list starving[HOP_HEALTHS]; /* hops that have work and find no place */
    enum hop_health served_last;
    struct list opening, idle; /* holders, oldest first */
};

/* A connection that holds a place without carrying mail: not answered yet, or idle. */
struct holder {
    struct list node; /* in its connector's list; in none while it carries mail */
    struct hop *hop;
    int64_t since_ms; /* monotonic */
};

struct deliver {
    struct world *world;
    struct loop *loop;
    struct resolver *resolver;
    struct retired_resolver *retired; /* of earlier documents: their questions may still be open */
    struct workers *workers;
    struct snapshot *snapshot;
    struct message_table messages;
    struct map hops;      /* key -> hop */
    struct map domains;   /* text -> itself; kept until the end, as domains come back */
    struct map loads;     /* connector name -> connector_load */
    struct arena routing; /* while a next hop is looked for */
    struct wake_heap wakes;
    struct loop_timer *wake_timer, *stop_timer, *patience_timer;
    struct list jobs; /* under way */
    bool patience_is_watched;
    bool stopping, started;
    _Atomic bool stopped;
};

/* ---- deliver_pending.c ---- */

/* Makes a recipient READY in the next hop that the document in force gives it. */
void pending_make_ready(struct deliver *d, struct pending *p);
void pending_make_waiting(struct deliver *d, struct pending *p, int64_t until_ms);
void pending_make_held(struct deliver *d, struct pending *p);
/* Out of its hop's ready list and the heap, into a job. */
void pending_make_busy(struct deliver *d, struct pending *p);
/* Back from a job: held where the administrator said so meanwhile, else ready or waiting. */
void pending_come_back_ready(struct deliver *d, struct pending *p);
void pending_come_back_waiting(struct deliver *d, struct pending *p, int64_t until_ms);
/* Forgets it: done, or gone from the store. */
void pending_end(struct deliver *d, struct pending *p);
const struct retry_conf *deliver_retry_conf(const struct hop *hop);
/* For the first of the heap. */
void deliver_arm_wake_timer(struct deliver *d);

/* ---- deliver.c ---- */

/* Adds a durable message; for our own notifications. */
void deliver_add(struct deliver *d, const struct envelope *envelope);

/* ---- deliver_hop.c ---- */

struct hop *hop_find(struct deliver *d, const struct next_hop *next_hop);
struct hop *hop_find_unreachable(struct deliver *d);
/* Starts as much as the limits allow. */
void hop_run(struct hop *hop);
/* A connection was made and speaks: there may be more of them. */
void hop_answered(struct hop *hop);
void hop_succeeded(struct hop *hop);
/* Waits longer before the next attempt; all its recipients wait with it. */
void hop_failed(struct hop *hop, const struct outcome *why);
/* A connection (or maildir job) has ended. */
void hop_connection_ended(struct hop *hop);
/* Frees it if nothing needs it. */
void hop_settle(struct hop *hop);
void hop_retry_now(struct hop *hop);
/* After a change of the document. */
void hop_rebind(struct hop *hop);
void hop_free(struct hop *hop);
bool hop_is_waiting(const struct hop *hop, int64_t now_ms);
/* Whether what is ready now goes as soon as there is a connection. */
bool hop_is_open(const struct hop *hop);

/* ---- deliver_share.c ---- */

/* A place for one more connection of the hop. False: there is none for hops of its health; it is
 * run again when one is free. */
bool share_take(struct hop *hop);
void share_give_back(struct hop *hop);
void share_set_health(struct hop *hop, enum hop_health health);
/* The connection begins to wait for its peer's first answer, or does so again with another peer. */
void share_opening(struct hop *hop, struct holder *h);
/* It has nothing to do. False: others wait for its place and it has to end. */
bool share_idle(struct hop *hop, struct holder *h);
/* It carries mail, or has ended. */
void share_busy(struct holder *h);
/* The patience timer's: hurries those on that keep others waiting. */
void share_on_patience(void *context);

/* ---- deliver_job.c ---- */

struct job_recipient {
    struct pending *pending;
    const struct queued_recipient *queued; /* of job->message; NULL: gone from the store */
    struct outcome outcome;
    bool has_outcome;
};

/* One message for some recipients of one next hop, once. */
struct job {
    struct list node; /* deliver->jobs */
    struct deliver *deliver;
    struct hop *hop;
    struct arena arena;
    struct queued_message *message; /* NULL until fetched */
    struct message_id id;
    struct job_recipient *recipients;
    size_t count;
    bool judge_only;     /* no attempt: only a delay notice or the expiry is due */
    struct job_dsn *dsn; /* report.c: what is being committed besides the updates */
    struct loop_timer *again;
    void (*fetched)(void *context, struct job *job); /* with at least one recipient left */
    void (*empty)(
        void *context,
        struct job *job); /* nothing is left to deliver: the job was freed behind this call */
    void *context;
};

/* Takes the next message off the hop's ready list, with up to `most` of its recipients there, and
 * fetches it. */
struct job *job_take(struct hop *hop, size_t most, void (*fetched)(void *, struct job *),
                     void (*empty)(void *, struct job *), void *context);
/* A delay notice or the expiry of this recipient is due, without an attempt. */
void job_judge(struct pending *p);
/* Copies the outcome and completes it with what the session knows. */
void job_set_outcome(struct job *job, size_t recipient, const struct outcome *outcome);
/* The same for all that have none yet. */
void job_set_outcomes(struct job *job, const struct outcome *outcome);
/* Those marked were not really tried: they are ready again at once and leave the job, which keeps
 * at least one recipient. */
void job_leave_behind(struct job *job, const bool *marked);
/* Nothing was tried: the recipients are ready again at once. Frees the job. */
void job_give_back(struct job *job);
/* Every recipient has its outcome: into the queue it goes (report.c), then the job is freed. */
void job_report(struct job *job);
void job_free(struct job *job);

/* ---- deliver_lookup.c ---- */

struct target {
    struct span host; /* its name, or the address literal; for LMTP also a socket's path */
    struct endpoint to;
    bool is_path;
};

enum {
    TARGETS_MAX = 20
}; /* hosts times addresses that one attempt goes through, as some zones list hundreds */

struct lookup;
/* Finds where to connect to, in order: smart hosts, MX hosts or the domain itself. fn is called
 * once, never before this returns: with the first targets, or with count 0 and the outcome that
 * follows for all recipients. Everything lives until lookup_free. */
typedef void lookup_fn(void *context, const struct target *targets, size_t count,
                       const struct outcome *failure);
struct lookup *lookup_new(struct hop *hop, const struct send_connector *connector, lookup_fn *fn,
                          void *context);
/* None of the targets so far works: fn is called again, never before this returns, with these and
 * what else there is, which may be nothing. False: there is nothing left to ask for. */
bool lookup_more(struct lookup *lookup);
void lookup_free(struct lookup *lookup);

/* ---- deliver_session.c, deliver_maildir.c ---- */

/* A new connection to the hop; it takes jobs by itself. */
void session_start(struct hop *hop);
/* An open session that has nothing to do takes the next job. False: there is none. */
bool session_wake_idle(struct hop *hop);
void session_close_idle(struct hop *hop);
/* Others wait for its place: the target at hand, which has not answered for so long, is given up.
 */
void session_hurry(struct holder *h, int64_t waited_ms);
/* Others wait for its place: it has been idle for long enough. */
void session_end_idle(struct holder *h);
/* At the very end: all of the hop's sessions, whatever they do. */
void session_free_all(struct hop *hop);
void maildir_start(struct hop *hop);

#endif
