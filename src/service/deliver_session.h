/* deliver_session: one outgoing connection, shared by deliver_session.c (jobs and the conversation)
 * and deliver_connect.c (the connection below it). Private to these two. */
#ifndef SERVICE_DELIVER_SESSION_H
#define SERVICE_DELIVER_SESSION_H

#include "io/stream.h"
#include "proto/smtp_client.h"
#include "service/deliver_private.h"

enum session_state {
    SESSION_CONNECTING,
    SESSION_TALKING,  /* greeting, EHLO, TLS */
    SESSION_BUSY,     /* a transaction is under way */
    SESSION_IDLE,     /* between transactions: may take a job, or ends after a while */
    SESSION_FETCHING, /* idle, and its next job is being read */
    SESSION_QUITTING,
};

struct session {
    struct list node; /* hop->sessions */
    struct list idle; /* hop->idle, since it became IDLE until it is looked at */
    struct holder holder;
    struct hop *hop;
    struct snapshot *snapshot;
    const struct send_connector *connector; /* of the snapshot */
    enum session_state state;
    struct arena arena;
    struct lookup *lookup;
    const struct target *targets; /* of the lookup */
    size_t target_count, target;
    struct stream *stream;
    struct smtp_client *machine;
    struct job *job;
    bool job_fetched;
    struct smtp_transaction transaction;
    const struct recipient **recipients;
    uint64_t sent;     /* octets of the content */
    unsigned messages; /* finished on this connection */
    unsigned outcomes; /* of the job */
    struct span tls;   /* how this connection is protected, for the outcomes */
    char ip[IP_TEXT];
    bool tls_failed; /* STARTTLS did not work on an earlier connection to this target */
    struct span tls_failure;
    struct outcome last_failure; /* of the targets so far */
    bool has_failure;
    struct loop_timer *idle_timer;
    bool full_handshake; /* one that resumed a session failed on an earlier connection to this
                            target */
    bool want_tls;       /* 220 to STARTTLS has come */
    bool shaking_hands;  /* TLS is being established */
};

/* ---- deliver_session.c ---- */

/* Moves the conversation as far as it goes. False: the machine is gone, and perhaps the session
 * with it. */
bool session_pump(struct session *s);
bool session_handle(struct session *s, const struct smtp_client_event *event);
/* No target works: the whole next hop is to blame, unless the failure is about the recipients'
 * domain. Ends the session. */
void session_give_up(struct session *s, const struct outcome *why);
/* The server closed a connection that had carried messages before, which says nothing about the
 * next hop: the job goes to a fresh one. Ends the session. */
void session_start_afresh(struct session *s);

/* ---- deliver_connect.c ---- */

/* Connects to the target at hand. */
void session_connect(struct session *s);
/* The target at hand does not work: to the next one, or the end. */
void session_next_target(struct session *s, const struct outcome *why);
void session_disconnect(struct session *s);
/* The target at hand has not answered for so long, and others wait: to the next one, or the end. */
void session_hurry_target(struct session *s, int64_t waited_ms);
/* TLS did not come about: in clear to the same target, if the connector allows it. */
void session_tls_failed(struct session *s, struct span why);
/* Completes an outcome with the peer's name and address and the state of TLS. */
struct outcome session_with_peer(const struct session *s, const struct outcome *outcome);

#endif
