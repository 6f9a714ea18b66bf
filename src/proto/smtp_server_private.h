/* What the parts of smtp_server share. smtp_server.c holds the session: lines, events, answers, and
 * the one writer of the state; smtp_server_command.c the table of commands and what each does;
 * smtp_server_transfer.c the content, by DATA and by BDAT. Pure parts with headers of their own:
 * smtp_server_parse, smtp_server_content, smtp_server_words. */
#ifndef PROTO_SMTP_SERVER_PRIVATE_H
#define PROTO_SMTP_SERVER_PRIVATE_H

#include "base/buf.h"
#include "proto/smtp_server.h"
#include "proto/smtp_server_content.h"
#include "proto/smtp_server_parse.h"
#include "proto/smtp_server_words.h"

enum server_state {
    SERVER_START,   /* EHLO or HELO is needed */
    SERVER_GREETED, /* between transactions */
    SERVER_MAIL,    /* a reverse-path was accepted */
    SERVER_RCPT,    /* and a recipient */
    SERVER_DATA,    /* content of DATA arrives, or was complete and waits for its answer */
    SERVER_CHUNK,   /* octets of a BDAT chunk arrive, or the last was complete and waits for its
                       answer */
    SERVER_BDAT,    /* between chunks */
    SERVER_FAILED, /* a chunk was refused: only the end of the transaction is left (RFC 3030 section
                      2) */
    SERVER_TLS,    /* 220 was written, the handshake is to come */
    SERVER_REFUSED, /* smtp_server_refuse: QUIT is all that is served */
    SERVER_CLOSED,
    SERVER_STATES
};

#define SERVER_IN(state) (1U << (state))

enum {
    EVENTS_MAX =
        2, /* the end of something (RESET, ABORT) or CONTENT, and what follows it at once */
    OUT_ENOUGH = 64 * 1024, /* the client does not read its replies: nothing more is read from it */
    LINE_KEPT = 512,        /* a larger line buffer is given back when the line is over */
    OUT_KEPT = 1024,
    LINE_ENDLESS = 64 * 1024, /* no CRLF within this: not SMTP */
};

struct smtp_server {
    struct smtp_server_options options;
    enum server_state state;
    bool tls_active;
    unsigned errors;

    struct smtp_server_event events[EVENTS_MAX];
    unsigned event_count;
    bool asked; /* an answer is awaited to ... */
    enum smtp_server_event_kind question;

    struct buf out;
    struct buf line;  /* up to max_command_line octets of the line at hand */
    size_t line_seen; /* octets of it so far */
    bool line_bare, line_after_cr, line_ended;
    bool input_follows; /* behind this line, in the same feed */

    bool extended;     /* the HELO at hand is EHLO */
    bool mail_refused; /* so the RCPT and DATA that were pipelined behind it are no errors */
    bool transaction;  /* the caller knows of one that has no content yet */
    bool has_content;  /* DATA was agreed to: END or ABORT will follow */
    enum body_type body;
    bool smtputf8;
    unsigned messages, recipients;

    struct smtp_content content;
    uint64_t content_size;
    uint64_t chunk_left;
    bool chunked, chunk_last;
    struct buf refusal; /* what will be said at the end of content that is not wanted; empty: it is
                           wanted */
    bool refusal_is_error;
    enum smtp_server_abort abort; /* why the content at hand is not wanted */
    enum server_state after_refused_chunk;
};

/* smtp_server.c */
void server_set_state(struct smtp_server *m, enum server_state to);
void server_push(struct smtp_server *m, const struct smtp_server_event *event);
void server_push_kind(struct smtp_server *m, enum smtp_server_event_kind kind);
/* The event is a question. */
void server_ask(struct smtp_server *m, const struct smtp_server_event *event);
void server_reply(struct smtp_server *m, const struct reply *reply);
void server_say(struct smtp_server *m, enum smtp_words words);
/* "421 4.7.0 mail.example.com words": a reply that names us, as sections 3.8 and 4.2.3 want it. */
void server_say_named(struct smtp_server *m, int code, const char *enhanced, const char *words);
/* Says it, and ends the session where it is one error too many. */
void server_complain(struct smtp_server *m, enum smtp_words words);
void server_count_error(struct smtp_server *m);
/* Tells the caller that the transaction is over, if it knows of one. */
void server_end_transaction(struct smtp_server *m);
void server_close(struct smtp_server *m, enum smtp_server_close why);

/* smtp_server_command.c: one whole line, without CRLF */
void server_command(struct smtp_server *m, struct span line);
/* One that is no command: bare line ends, NUL, too long. */
void server_bad_line(struct smtp_server *m, struct span head, enum smtp_words why);

/* smtp_server_transfer.c */
void server_begin_data(struct smtp_server *m);
void server_begin_chunk(struct smtp_server *m, const struct smtp_command *command);
/* The chunk cannot stand here: says why once it was consumed. */
void server_skip_chunk(struct smtp_server *m, const struct smtp_command *command,
                       enum smtp_words why, bool is_error);
void server_answer_data(struct smtp_server *m, const struct reply *reply);
void server_answer_end(struct smtp_server *m, const struct reply *reply);
size_t server_take_data(struct smtp_server *m, struct span input);
size_t server_take_chunk(struct smtp_server *m, struct span input);

#endif
