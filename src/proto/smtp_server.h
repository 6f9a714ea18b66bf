/* smtp_server: the receiving side of SMTP (RFC 5321 and the extensions that `doc/rfc.md` lists) as
 * a machine without sockets, clock, log or configuration.
 *
 *   feed(m, span) -> used    stops where a question waits for its answer; the rest is fed again
 *   next(m, &event) -> bool  pull one event at a time, before feeding more
 *   answer(m, reply)         exactly one for each event that is a question
 *   out(m) / sent(m, n)      bytes to write to the peer
 *
 * feed also stops while 64 KiB or more wait in out (the client sends commands without reading
 * replies), until sent made room. Whatever it leaves has to be fed again, with or without more
 * input behind it.
 *
 * Lines end with CRLF only. A bare CR or LF anywhere in commands or content, and with it every
 * smuggling form, is refused: commands with 500 5.5.2; content with 550 5.6.0 after its end was
 * found (<CRLF>.<CRLF> only), and nothing of it is kept. Input that the client pipelined behind
 * STARTTLS is an attack: CLOSE with 554 5.5.1. */
#ifndef PROTO_SMTP_SERVER_H
#define PROTO_SMTP_SERVER_H

#include "base/arena.h"
#include "mail/address.h"
#include "mail/envelope.h"
#include "mail/reply.h"

struct smtp_server;

enum {
    /* RFC 5321 section 4.5.3.1.4: 512; MAIL grows by SIZE 26, BODY 17, SMTPUTF8 10, RET 8 and ENVID
     * 107, RCPT by NOTIFY 28 and ORCPT 500; doubled, as UTF-8 addresses are counted in octets. */
    SMTP_SERVER_COMMAND_LINE = 2048,
};

enum smtp_server_tls { SMTP_SERVER_TLS_OFF, SMTP_SERVER_TLS_OFFERED, SMTP_SERVER_TLS_REQUIRED };

struct smtp_server_options {
    struct span fqdn;          /* greeting, EHLO reply */
    struct span banner;        /* text after "220 "; empty: "<fqdn> ESMTP Sealpost" */
    enum smtp_server_tls tls;  /* REQUIRED: MAIL before TLS is 530 5.7.0 */
    bool tls_active;           /* implicit TLS: the session begins encrypted */
    uint64_t max_message_size; /* SIZE (RFC 1870); 0: unlimited, announced as "SIZE 0" */
    unsigned max_recipients;   /* per message; RFC 5321 section 4.5.3.1.8 wants 100 at least; LIMITS
                                  RCPTMAX; 0: unlimited */
    unsigned max_messages;     /* per connection, 0: unlimited; LIMITS MAILMAX (RFC 9422) */
    unsigned max_protocol_errors; /* then 421 4.7.0 and close; 0: unlimited */
    size_t max_command_line;      /* octets with CRLF, below 64 KiB; 0: SMTP_SERVER_COMMAND_LINE */
};

enum smtp_server_event_kind {
    SMTP_SERVER_HELO, /* question: NULL for the standard reply, or a refusal */
    SMTP_SERVER_MAIL, /* question: NULL for 250 2.1.0 */
    SMTP_SERVER_RCPT, /* question: NULL for 250 2.1.5 */
    SMTP_SERVER_DATA, /* question, before content starts: NULL to go on (354, or BDAT's content), or
                         a refusal, which leaves the transaction open */
    SMTP_SERVER_CONTENT, /* a piece of content: dot-unstuffed, CRLF lines (BDAT: as sent). It points
                            into the input that was fed: consume that only after the event was
                            handled */
    SMTP_SERVER_DATA_END,   /* question: the whole message is there; the answer is its fate */
    SMTP_SERVER_DATA_ABORT, /* content will not be completed (refused form, size, RSET between
                               chunks, or the session ends): the machine answers the client itself,
                               when the end of the content has come; drop what was kept. The
                               transaction is over with it */
    SMTP_SERVER_TOO_LARGE, /* MAIL declared more than max_message_size: the machine has answered 552
                            */
    SMTP_SERVER_RESET, /* transaction ended, before content, by RSET, EHLO, HELO or STARTTLS, or by
                          the last chunk after DATA was refused for BDAT */
    SMTP_SERVER_VRFY,  /* question: NULL for 252 2.5.2 */
    SMTP_SERVER_STARTTLS, /* 220 is written and must be drained; then handshake, then
                             smtp_server_tls_done */
    SMTP_SERVER_CLOSE, /* drain out, then close; nothing follows, and an open transaction is over */
};

enum smtp_server_close {
    SMTP_SERVER_CLOSE_QUIT,
    SMTP_SERVER_CLOSE_ERRORS, /* max_protocol_errors; HTTP; BDAT whose chunk has no known end */
    SMTP_SERVER_CLOSE_PLAINTEXT_AFTER_STARTTLS,
    SMTP_SERVER_CLOSE_REFUSED,  /* smtp_server_refuse */
    SMTP_SERVER_CLOSE_ANSWER,   /* an answer was 421, or smtp_server_terminate */
    SMTP_SERVER_CLOSE_TOO_LONG, /* a command line without end */
};

enum smtp_server_abort {
    SMTP_SERVER_ABORT_GIVEN_UP, /* by the client (RSET, QUIT), or the session ends */
    SMTP_SERVER_ABORT_FORM,     /* bare CR or LF, NUL */
    SMTP_SERVER_ABORT_SIZE,     /* max_message_size */
};

struct smtp_server_event {
    enum smtp_server_event_kind kind;
    union {
        struct {
            struct span domain; /* as the client said it */
            bool extended;      /* EHLO */
        } helo;
        struct {
            struct address reverse_path;
            uint64_t size; /* 0: not declared */
            enum body_type body;
            bool smtputf8;
            enum dsn_return ret;
            struct span envid;
        } mail;
        struct {
            struct address path; /* domain empty for <Postmaster> */
            unsigned notify;
            struct span orcpt;
        } rcpt;
        struct {
            bool chunked; /* BDAT */
        } data;
        struct span content;
        enum smtp_server_abort abort;
        struct span vrfy;
        enum smtp_server_close close;
    };
}; /* spans live until the next feed or answer; those of commands are the machine's own memory */

/* Borrows the options' spans for its whole life. The greeting is in out at once. */
struct smtp_server *smtp_server_new(const struct smtp_server_options *options);
void smtp_server_free(struct smtp_server *m);

size_t smtp_server_feed(struct smtp_server *m, struct span input);
bool smtp_server_next(struct smtp_server *m, struct smtp_server_event *event);
/* reply NULL: the standard positive one. A 421 also closes. The text is copied at once. An answer
 * may bring new events. After smtp_server_terminate it is ignored. */
void smtp_server_answer(struct smtp_server *m, const struct reply *reply);
/* Instead of a session (limits, shutting down): the greeting becomes this reply; only QUIT is
 * served (RFC 5321 section 3.1) if it is 554, and a 421 closes at once. Call before the first feed.
 */
void smtp_server_refuse(struct smtp_server *m, const struct reply *reply);
/* At any time: write this reply (421 of RFC 5321 section 3.8) and close; for idle timeouts and
 * shutdown. Nothing is lost, as nothing was accepted; but while DATA_END waits for its answer, a
 * message that is then kept all the same will come a second time. */
void smtp_server_terminate(struct smtp_server *m, const struct reply *reply);
/* After SMTP_SERVER_STARTTLS and the handshake: the session starts anew (RFC 3207 section 4.2). */
void smtp_server_tls_done(struct smtp_server *m);

struct span smtp_server_out(const struct smtp_server *m);
void smtp_server_sent(struct smtp_server *m, size_t n);

/* "start", "greeted", "mail", ...: for status and tests. */
const char *smtp_server_state_name(const struct smtp_server *m);
unsigned smtp_server_protocol_errors(const struct smtp_server *m);
/* The session is between transactions: safe to close with 421 when shutting down. */
bool smtp_server_is_idle(const struct smtp_server *m);

#endif
