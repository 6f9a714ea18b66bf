/* What the parts of smtp_client share: the list of steps with its two cursors, the outcomes that
 * wait to be told, and the states. smtp_client.c holds the session and its events,
 * smtp_client_transaction.c what a message asks of the peer, smtp_client_send.c the sender's cursor
 * (what is written), smtp_client_answer.c the receiver's (what a reply means), smtp_client_peer.c
 * what EHLO announced. */
#ifndef PROTO_SMTP_CLIENT_PRIVATE_H
#define PROTO_SMTP_CLIENT_PRIVATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "proto/smtp_client.h"

enum client_state {
    CLIENT_GREETING,
    CLIENT_EHLO,
    CLIENT_READY, /* between transactions */
    CLIENT_STARTTLS,
    CLIENT_HANDSHAKE,
    CLIENT_ENVELOPE, /* RSET, MAIL, RCPT, DATA: sent or awaited */
    CLIENT_CONTENT,
    CLIENT_FINAL, /* nothing more to send for this transaction, replies are awaited */
    CLIENT_QUIT,
    CLIENT_CLOSED,
    CLIENT_FAILED,
    CLIENT_STATES
};

/* One step is one reply. */
enum step_kind {
    STEP_GREETING,
    STEP_EHLO, /* or LHLO */
    STEP_HELO,
    STEP_STARTTLS,
    STEP_RSET,
    STEP_MAIL,
    STEP_RCPT,
    STEP_DATA,
    STEP_CHUNK,    /* BDAT that is not the last */
    STEP_FINAL,    /* the content as a whole; with LMTP one for each accepted recipient */
    STEP_LONE_DOT, /* ends a pipelined DATA that no recipient was accepted for */
    STEP_QUIT,
    STEP_KINDS
};

struct step {
    enum step_kind kind;
    size_t recipient; /* STEP_RCPT, STEP_FINAL with LMTP */
    uint64_t end; /* how much output there was once it was written; a reply that comes before all of
                     it was sent was not made for it */
};

/* at[0 .. answered) is over, at[answered .. sent) awaits replies, at[sent .. count) waits to be
 * written. */
struct step_list {
    struct step *at;
    size_t count, cap, sent, answered;
};

/* Where a recipient stands; bits, so that a set of them can be named. */
enum progress {
    PROGRESS_WAITING = 1,
    PROGRESS_MALFORMED = 2, /* cannot be written in a command */
    PROGRESS_EXCESS = 4,    /* beyond the peer's RCPTMAX */
    PROGRESS_ACCEPTED = 8,  /* RCPT was answered with 2xx */
    PROGRESS_DONE = 16,     /* has its outcome */
    PROGRESS_OPEN = PROGRESS_DONE - 1,
};

/* An outcome on its way to all recipients in [at, end) whose progress is in the set. */
struct spread {
    const struct outcome *outcome;
    size_t at, end;
    unsigned whom;
};

/* Malformed, excess, one reply, and failure. */
enum { SPREADS_MAX = 4 };

/* What next() tells after the outcomes. */
enum announcement {
    ANNOUNCE_NOTHING,
    ANNOUNCE_GREETING,
    ANNOUNCE_READY,
    ANNOUNCE_START_TLS,
    ANNOUNCE_MESSAGE_DONE,
    ANNOUNCE_FAILED,
    ANNOUNCE_CLOSE,
};

/* Where the last piece of content ended. */
enum line_place { LINE_START, LINE_INSIDE, LINE_AFTER_CR };

enum {
    /* Above this nothing more is written, neither commands nor content. */
    OUT_ENOUGH = 64 * 1024,
    /* BDAT chunks without reply, if the peer pipelines. */
    CHUNKS_AHEAD = 8,
};

struct smtp_client {
    bool lmtp, tls_active;
    enum client_state state;
    struct buf helo;
    struct smtp_peer peer;
    struct reply_parser parser;
    struct step_list steps;

    struct buf out;
    size_t out_at;             /* sent already */
    uint64_t written, drained; /* octets of output since the beginning */

    const struct smtp_transaction *transaction; /* NULL between transactions */
    unsigned char *progress;                    /* of each recipient */
    size_t recipient_count, progress_cap;
    size_t accepted; /* RCPT answered with 2xx */
    bool mail_refused, content_refused;
    bool utf8;        /* the transaction needs SMTPUTF8 */
    bool needs_reset; /* the last transaction did not end with its content */
    bool chunking;    /* BDAT instead of DATA */
    bool content_asked;
    enum line_place place;

    struct arena arena; /* outcomes until the next feed */
    struct spread spreads[SPREADS_MAX];
    size_t spread_count;
    enum announcement announce;
    struct reply greeting;
    struct reply refusal; /* of STARTTLS */
    struct buf refusal_text;
    enum smtp_client_stage failed_stage;
    struct outcome failure;
    struct arena failure_arena;
};

void client_set_state(struct smtp_client *m, enum client_state to);
/* Events wait to be pulled. */
bool client_has_news(const struct smtp_client *m);
enum smtp_client_stage client_stage(const struct smtp_client *m);
/* Ends the session, once: what is told from now on are outcomes and FAILED. The outcome's memory
 * must be that of failure_arena. */
void client_fail(struct smtp_client *m, enum smtp_client_stage stage, struct outcome outcome);
/* The peer said something that SMTP does not have. */
void client_fail_protocol(struct smtp_client *m, const char *what);
void client_spread(struct smtp_client *m, const struct outcome *outcome, size_t at, size_t end,
                   unsigned whom);
/* The transaction is over, all its recipients have outcomes or get them from spreads. */
void client_finish(struct smtp_client *m, bool content_was_answered);

/* smtp_client_send.c */
void client_add_step(struct smtp_client *m, enum step_kind kind, size_t recipient);
/* Forgets what was not written yet. */
void client_drop_unsent(struct smtp_client *m);
/* Writes as many steps as may be written now. */
void client_pump(struct smtp_client *m);
size_t client_out_pending(const struct smtp_client *m);
void client_drop_out(struct smtp_client *m);
void client_write_content(struct smtp_client *m, struct span piece, bool last);
/* No control characters, which would end the command. */
bool client_path_is_safe(struct span path);

/* smtp_client_answer.c */
/* The parser holds a whole reply. */
void client_take_reply(struct smtp_client *m);

/* smtp_client_peer.c */
struct smtp_peer client_parse_ehlo(struct span text);

#endif
