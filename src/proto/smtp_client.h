/* smtp_client: the sending side of SMTP and LMTP (RFC 5321, RFC 2033) as a machine without sockets.
 * It holds a list of steps with two cursors, one for what was sent and one for what was answered,
 * so pipelining (RFC 2920) is natural. One client serves relaying, probing and diagnosis.
 *
 * A session: greeting -> EHLO (HELO after a 5xx, unless LMTP) -> [STARTTLS -> EHLO] -> READY ->
 * transactions -> QUIT. The caller decides at READY (and after each MESSAGE_DONE) what is next:
 * smtp_client_start_tls, smtp_client_send, or smtp_client_quit.
 *
 * After each call that changes anything (feed, sent, send, content, lost, ...) pull events until
 * next says false, then write what is in out. Memory is bounded: replies by mail/reply's limits,
 * output by 64 KiB and one piece of content beyond; so say `sent` only when the connection has
 * really taken the bytes. What a session holds does not grow with the number of its messages. A
 * reply to a command that was not sent yet ends the session, except that a refusal in the middle of
 * content still decides the message's fate before the session ends. */
#ifndef PROTO_SMTP_CLIENT_H
#define PROTO_SMTP_CLIENT_H

#include "mail/envelope.h"
#include "mail/outcome.h"
#include "mail/reply.h"

struct smtp_client;

struct smtp_client_options {
    struct span helo; /* our fqdn; copied */
    bool lmtp;        /* LHLO; one reply per accepted recipient after the content */
    bool tls_active;  /* implicit TLS */
};

/* What the peer announced in its last EHLO reply. */
struct smtp_peer {
    bool extended; /* EHLO was accepted */
    bool starttls, pipelining, eightbitmime, chunking, binarymime, smtputf8, dsn,
        enhancedstatuscodes, size;
    uint64_t max_size;       /* 0: none stated */
    unsigned max_recipients; /* LIMITS RCPTMAX (RFC 9422), 0: none stated */
    unsigned max_messages; /* LIMITS MAILMAX, 0: none stated; the caller counts and quits in time */
};

/* One transaction: the caller keeps it alive until MESSAGE_DONE or FAILED. */
struct smtp_transaction {
    const struct envelope *envelope;           /* reverse-path, body, smtputf8, ret, envid, size */
    const struct recipient *const *recipients; /* those of this transaction */
    size_t recipient_count;
    bool content_needs_8bit; /* the content has bytes above 127 (then 8BITMIME is needed) */
};

enum smtp_client_event_kind {
    SMTP_CLIENT_GREETING,     /* the peer's 220; goes on with EHLO by itself */
    SMTP_CLIENT_READY,        /* question: EHLO was answered, see smtp_client_peer */
    SMTP_CLIENT_START_TLS,    /* 220 to STARTTLS came: handshake now, then smtp_client_tls_done */
    SMTP_CLIENT_NEED_CONTENT, /* question: give the next piece with smtp_client_content */
    SMTP_CLIENT_OUTCOME,      /* the fate of one recipient of the transaction */
    SMTP_CLIENT_MESSAGE_DONE, /* question: every recipient has its outcome; send, quit, or wait */
    SMTP_CLIENT_FAILED, /* the session is of no use any more: see failure; close the connection.
                           Recipients without outcome so far had this one just before */
    SMTP_CLIENT_CLOSE,  /* QUIT was answered (or needs no answer): close */
};

struct smtp_client_event {
    enum smtp_client_event_kind kind;
    union {
        struct reply greeting; /* its text lives until the next feed */
        struct {
            size_t recipient;              /* index within the transaction */
            const struct outcome *outcome; /* lives until the next feed */
        } outcome;
        struct {
            enum smtp_client_stage {
                SMTP_STAGE_CONNECT, /* greeting refused or malformed */
                SMTP_STAGE_EHLO,
                SMTP_STAGE_STARTTLS, /* STARTTLS refused, or input behind its 220 (RFC 3207 section
                                        6 attack) */
                SMTP_STAGE_MAIL,
                SMTP_STAGE_RCPT,
                SMTP_STAGE_DATA,
                SMTP_STAGE_CONTENT,
                SMTP_STAGE_QUIT,
            } stage;
            struct outcome outcome; /* why: FATE_LATER, CONCERN_NEXT_HOP (after smtp_client_abort:
                                       CONCERN_MESSAGE); lives as long as the machine */
        } failure;
    };
};

/* helo must be a domain or an address literal. The greeting is awaited at once. */
struct smtp_client *smtp_client_new(const struct smtp_client_options *options);
void smtp_client_free(struct smtp_client *m);

/* Returns the bytes used: it stops behind a reply that makes events, and uses nothing while events
 * wait. Input that follows the 220 to STARTTLS before smtp_client_tls_done is an attack: FAILED,
 * also in place of START_TLS where both came together. After FAILED and CLOSE input is swallowed.
 */
size_t smtp_client_feed(struct smtp_client *m, struct span input);
bool smtp_client_next(struct smtp_client *m, struct smtp_client_event *event);

/* At READY: issue STARTTLS. A refusal is FAILED with SMTP_STAGE_STARTTLS only if the peer closed;
 * otherwise READY is reported again with peer->starttls false, and smtp_client_tls_refusal tells
 * the reply. */
void smtp_client_start_tls(struct smtp_client *m);
const struct reply *smtp_client_tls_refusal(const struct smtp_client *m);
/* The handshake succeeded: forgets what the peer said in clear and sends EHLO again. */
void smtp_client_tls_done(struct smtp_client *m);

/* At READY or MESSAGE_DONE. What the peer cannot take (size, 8-bit, SMTPUTF8, BINARYMIME without
 * CHUNKING) fails its recipients at once with the code of the extension's RFC, without bothering
 * the peer. Recipients beyond the peer's limit (RCPTMAX, 452, or 552 without X.2.X, which is read
 * as 452: RFC 5321 section 4.5.3.1.10) are FATE_LATER, CONCERN_RECIPIENT. A message needs SMTPUTF8
 * where its envelope says so or an address has bytes above 127. BDAT is used for BINARYMIME only:
 * DATA is what every peer gets right. Outcomes have no mta, mta_ip and tls: the caller knows them.
 */
void smtp_client_send(struct smtp_client *m, const struct smtp_transaction *transaction);
/* The next piece of content and whether it is the last. The piece is dot-stuffed into out (DATA) or
 * framed (BDAT) at once and need not live longer. Content not ending in CRLF gets one with DATA
 * (RFC 5321 section 4.1.1.4). Exactly once for each NEED_CONTENT, before the next smtp_client_send:
 * a piece for which the peer's refusal or FAILED came first is dropped. Lines in content for DATA
 * must end with CRLF; bare CR and LF are sent as they are. */
void smtp_client_content(struct smtp_client *m, struct span piece, bool last);
/* The content cannot be read: never finish it. Output is dropped; FAILED follows; close the
 * connection without QUIT. */
void smtp_client_abort(struct smtp_client *m);
/* At READY or MESSAGE_DONE. */
void smtp_client_quit(struct smtp_client *m);
/* The connection ended (closed, timed out, handshake failed): ERR_CLOSED or ERR_TIMEOUT. FAILED
 * follows, or CLOSE where only the reply to QUIT was missing. */
void smtp_client_lost(struct smtp_client *m, enum err why);

/* What is to be written, borrowed until the next call that changes anything. */
struct span smtp_client_out(const struct smtp_client *m);
void smtp_client_sent(struct smtp_client *m,
                      size_t n); /* may make room for NEED_CONTENT: call next */

const struct smtp_peer *smtp_client_peer(const struct smtp_client *m);
/* How long to wait for what is awaited now, RFC 5321 section 4.5.3.2, in ms. */
int64_t smtp_client_timeout_ms(const struct smtp_client *m);
const char *smtp_client_state_name(const struct smtp_client *m);

#endif
