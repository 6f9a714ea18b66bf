/* Test support: a peer that follows a script, and a caller that sends what a plan says. What both
 * said and what was reported becomes one transcript, which must not depend on how the bytes were
 * cut. */
#ifndef PROTO_SMTP_CLIENT_SCRIPT_H
#define PROTO_SMTP_CLIENT_SCRIPT_H

#include "base/buf.h"
#include "proto/smtp_client.h"

/* The peer waits for `expect`: "" is nothing, "." the end of content, "BDAT ..." a command with its
 * octets, else the beginning of a command line. Then it says `reply`: any number of lines with
 * CRLF; LOST or TIMEOUT end the connection. */
struct exchange {
    const char *expect, *reply;
};
#define LOST "!lost"
#define TIMEOUT "!timeout"
enum { EXCHANGES_MAX = 32, RECIPIENTS_MAX = 8, MESSAGES_MAX = 4 };

struct test_message {
    struct envelope envelope;
    struct recipient recipients[RECIPIENTS_MAX]; /* up to the first without address */
    struct span content;
    bool needs_8bit;
    bool unreadable; /* abort in place of the last piece */
};

struct plan {
    bool lmtp, starttls;
    size_t piece; /* how much content at once, 0: all */
    struct test_message messages[MESSAGES_MAX];
    size_t message_count;
    struct exchange script[EXCHANGES_MAX];
    const char *events; /* expected, a line each, without "need-content" */
    const char *sent;   /* expected, all that the client wrote */
};

/* Words that scripts share. */
#define HELLO(keywords)                                                                            \
    {"", "220 mx ESMTP\r\n"},                                                                      \
    {                                                                                              \
        "EHLO out.example", "250-mx\r\n" keywords "250 HELP\r\n"                                   \
    }
#define HELLO_EVENTS "greeting 220 mx ESMTP\nready\n"
#define EHLO "EHLO out.example\r\n"
#define TO(name)                                                                                   \
    {                                                                                              \
        .address = SPAN(name "@b.example"), .domain = SPAN("b.example")                            \
    }
#define MAIL_FROM_A "MAIL FROM:<a@a.example>\r\n"
#define RCPT_TO(name) "RCPT TO:<" name "@b.example>\r\n"
#define BYE                                                                                        \
    {                                                                                              \
        "QUIT", "221 bye\r\n"                                                                      \
    }
/* One message from a to b, "Hi". */
#define FROM_A .envelope = {.reverse_path = SPAN("a@a.example")}, .content = SPAN("Hi\r\n")
#define A_TO_B .messages = {{FROM_A, .recipients = {TO("b")}}}, .message_count = 1
#define A_TO_BC .messages = {{FROM_A, .recipients = {TO("b"), TO("c")}}}, .message_count = 1
#define OK_OUTCOME(i) "outcome " #i " relayed message remote 250 2.0.0 ok\n"

/* Runs the plan whole, byte by byte and cut at random, with all sizes of content pieces; fails the
 * test where one differs from what is expected. */
void run_plan(const struct plan *plan);

/* One line for an event, as in plan.events. */
void describe_event(struct buf *out, const struct smtp_client_event *event);

#endif
