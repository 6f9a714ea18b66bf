/* What the peer offers in EHLO, and what of it is used. */
#include "proto/smtp_client_private.h"
#include "proto/smtp_client_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void the_offer_is_read_kindly(void **state)
{
    (void)state;
    struct smtp_peer peer = client_parse_ehlo(
        SPAN("mx\nSIZE 10240000\nLIMITS RCPTMAX=20 MAILMAX=5\nENHANCEDSTATUSCODES\nCHUNKING\n"
             "BINARYMIME\nSMTPUTF8\n8bitmime\nPipelining"));
    assert_true(peer.extended && peer.size && peer.enhancedstatuscodes && peer.chunking &&
                peer.binarymime && peer.smtputf8 && peer.eightbitmime && peer.pipelining);
    assert_false(peer.starttls || peer.dsn);
    assert_int_equal(peer.max_size, 10240000);
    assert_int_equal(peer.max_recipients, 20);
    assert_int_equal(peer.max_messages, 5);
    /* The first line is a name; what cannot be read sets no limit. */
    peer = client_parse_ehlo(SPAN("PIPELINING hello\nsize 18446744073709551616\n"
                                  "Limits  rcptmax=10 MAILMAX=1000000 RCPTMAX\nStartTLS \n"
                                  "8BITMIMES\n\nDSN x"));
    assert_true(peer.extended && peer.size && peer.starttls && peer.dsn);
    assert_false(peer.pipelining || peer.eightbitmime || peer.chunking);
    assert_int_equal(peer.max_size, 0);
    assert_int_equal(peer.max_recipients, 0);
    assert_int_equal(peer.max_messages, 0);
    peer = client_parse_ehlo(SPAN(""));
    assert_true(peer.extended && !peer.size);
}

static void says_what_the_peer_offers(void **state)
{
    (void)state;
    struct plan plan = {
        .messages = {{.envelope = {.reverse_path = SPAN("\xC3\xA4@a.example"),
                                   .envid = SPAN("id+2B1"),
                                   .ret = RET_HDRS,
                                   .body = BODY_8BITMIME,
                                   .smtputf8 = true,
                                   .size = 1234},
                      .recipients = {{.address = SPAN("b@b.example"),
                                      .notify = NOTIFY_SUCCESS | NOTIFY_DELAY,
                                      .orcpt = SPAN("rfc822;x@y")}},
                      .content = SPAN("\xC3\xA4"),
                      .needs_8bit = true}},
        .message_count = 1,
        .script = {HELLO("250-SIZE 2000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n"),
                   {"MAIL", "250 ok\r\n"},
                   {"RCPT", "250 ok\r\n"},
                   {"DATA", "354 go\r\n"},
                   {".", "250 2.6.0 ok\r\n"},
                   BYE},
        .events = HELLO_EVENTS "outcome 0 relayed message remote 250 2.6.0 ok [dsn]\ndone\nclose\n",
        .sent = EHLO
        "MAIL FROM:<\xC3\xA4@a.example> SIZE=1234 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=id+2B1\r\n"
        "RCPT TO:<b@b.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x@y\r\n"
        "DATA\r\n\xC3\xA4\r\n.\r\nQUIT\r\n",
    };
    run_plan(&plan);
    plan.messages[0].envelope.smtputf8 = plan.messages[0].needs_8bit = false;
    plan.messages[0].envelope.reverse_path = SPAN("");
    plan.script[1].reply = "250 mx\r\n";
    plan.events = HELLO_EVENTS "outcome 0 relayed message remote 250 2.6.0 ok\ndone\nclose\n";
    plan.sent = EHLO "MAIL FROM:<>\r\n" RCPT_TO("b") "DATA\r\n\xC3\xA4\r\n.\r\nQUIT\r\n";
    run_plan(&plan);
}

/* The peer's offer, the message, and what becomes of it without a word to the peer. */
static void what_the_peer_cannot_take_fails_here(void **state)
{
    (void)state;
    const struct {
        const char *ehlo;
        struct envelope envelope;
        bool needs_8bit;
        const char *events;
    } cases[] = {
        {"250-mx\r\n250 SIZE 99\r\n",
         {.reverse_path = SPAN("a@a"), .size = 100},
         false,
         "552 5.3.4 the message of 100 octets is larger than the 99 that the next hop takes"},
        {"250-mx\r\n250 SIZE 999\r\n",
         {.reverse_path = SPAN("a@a")},
         true,
         "554 5.6.3 the message has 8-bit content and the next hop does not offer 8BITMIME"},
        {"250-mx\r\n250 8BITMIME\r\n",
         {.smtputf8 = true},
         true,
         "550 5.6.7 the message needs SMTPUTF8, which the next hop does not offer"},
        {"250-mx\r\n250 8BITMIME\r\n",
         {.reverse_path = SPAN("\xC3\xA4@a")},
         false,
         "550 5.6.7 the message needs SMTPUTF8, which the next hop does not offer"},
        {"250-mx\r\n250 CHUNKING\r\n",
         {.body = BODY_BINARYMIME},
         false,
         "554 5.6.3 the message is BINARYMIME, which the next hop does not offer"},
        {"250-mx\r\n250 BINARYMIME\r\n",
         {.body = BODY_BINARYMIME},
         true,
         "554 5.6.3 the message is BINARYMIME, which the next hop does not offer"},
        {"250 mx\r\n",
         {.reverse_path = SPAN("a@a>\r\nRSET")},
         false,
         "553 5.1.7 the sender's address has control characters"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char events[512];
        snprintf(events, sizeof(events),
                 HELLO_EVENTS "outcome 0 never message local %s\n"
                              "outcome 1 never message local %s\ndone\nclose\n",
                 cases[i].events, cases[i].events);
        struct plan plan = {A_TO_BC, .script = {HELLO(""), BYE}, .events = events,
                            .sent = EHLO "QUIT\r\n"};
        plan.script[1].reply = cases[i].ehlo;
        plan.messages[0].envelope = cases[i].envelope;
        plan.messages[0].needs_8bit = cases[i].needs_8bit;
        run_plan(&plan);
    }
}

static void recipients_that_are_too_many_wait(void **state)
{
    (void)state;
    struct plan plan = {
        .messages = {{FROM_A, .recipients = {TO("x\r\nRSET"),
                                             TO("b"),
                                             TO("c"),
                                             TO("d"),
                                             TO("e"),
                                             {.address = SPAN("")}}}},
        .message_count = 1,
        .script = {HELLO("250-LIMITS MAILMAX=7 RCPTMAX=3 X=1\r\n"),
                   {"MAIL", "250 ok\r\n"},
                   {"RCPT TO:<b", "250 ok\r\n"},
                   {"RCPT TO:<c", "552 5.5.3 too many\r\n"},
                   {"RCPT TO:<d", "552 5.2.2 mailbox full\r\n"},
                   {"DATA", "354 go\r\n"},
                   {".", "250 ok\r\n"},
                   BYE},
        .events = HELLO_EVENTS
        "outcome 0 never recipient local 553 5.1.3 the address is empty or has control characters\n"
        "outcome 5 never recipient local 553 5.1.3 the address is empty or has control characters\n"
        "outcome 4 later recipient local 452 4.5.3 the next hop takes no more than 3 recipients at "
        "once\n"
        "outcome 2 later recipient remote 452 4.5.3 too many\n"
        "outcome 3 never recipient remote 552 5.2.2 mailbox full\n"
        "outcome 1 relayed message remote 250 2.0.0 ok\ndone\nclose\n",
    };
    run_plan(&plan);
}

static void binarymime_goes_in_chunks(void **state)
{
    (void)state;
    struct plan plan = {
        A_TO_B,
        .piece = 3,
        .script = {HELLO("250-CHUNKING\r\n250-BINARYMIME\r\n"),
                   {"MAIL", "250 ok\r\n"},
                   {"RCPT", "250 ok\r\n"},
                   {"BDAT 3\r\n", "250 ok\r\n"},
                   {"BDAT 3\r\n", "250 ok\r\n"},
                   {"BDAT 1 LAST\r\n", "250 ok\r\n"},
                   BYE},
        .events = HELLO_EVENTS OK_OUTCOME(0) "done\nclose\n",
        .sent = EHLO "MAIL FROM:<a@a.example> BODY=BINARYMIME\r\n" RCPT_TO(
            "b") "BDAT 3\r\n.\r\nBDAT 3\r\n.\n\rBDAT 1 LAST\r\n.QUIT\r\n",
    };
    plan.messages[0].envelope.body = BODY_BINARYMIME;
    plan.messages[0].content = SPAN(".\r\n.\n\r.");
    run_plan(&plan);
    plan.script[1].reply = "250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 BINARYMIME\r\n";
    plan.script[4] = (struct exchange){"BDAT 3\r\n", ""};
    plan.script[5] = (struct exchange){"BDAT 3\r\n", ""};
    plan.script[6] = (struct exchange){"BDAT 1 LAST\r\n", "250 ok\r\n250 ok\r\n250 ok\r\n"};
    run_plan(&plan);
}

static void a_refused_chunk_ends_the_content(void **state)
{
    (void)state;
    struct plan plan = {
        .messages = {{FROM_A, .recipients = {TO("b")}}, {FROM_A, .recipients = {TO("c")}}},
        .message_count = 2,
        .piece = 3,
        .script = {HELLO("250-CHUNKING\r\n250-BINARYMIME\r\n"),
                   {"MAIL", "250 ok\r\n"},
                   {"RCPT", "250 ok\r\n"},
                   {"BDAT 3\r\n", "452 4.3.1 full\r\n"},
                   {"RSET", "250 ok\r\n"},
                   {"MAIL", "250 ok\r\n"},
                   {"RCPT", "250 ok\r\n"},
                   {"BDAT 3\r\n", "250 ok\r\n"},
                   {"BDAT 1 LAST\r\n", "550 5.6.0 bad\r\n"},
                   BYE},
        .events = HELLO_EVENTS "outcome 0 later message remote 452 4.3.1 full\ndone\n"
                               "outcome 0 never message remote 550 5.6.0 bad\ndone\nclose\n",
    };
    plan.messages[0].envelope.body = plan.messages[1].envelope.body = BODY_BINARYMIME;
    plan.messages[0].content = plan.messages[1].content = SPAN("abcd");
    run_plan(&plan);
    /* Pipelined, the last chunk is on its way already. What a strange peer says to it changes
     * nothing. */
    plan.script[1].reply = "250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 BINARYMIME\r\n";
    plan.script[4] = (struct exchange){"BDAT 3\r\n", ""};
    plan.script[5] = (struct exchange){"BDAT 1 LAST\r\n", "452 4.3.1 full\r\n250 2.0.0 ok\r\n"};
    plan.script[6] = (struct exchange){"RSET", ""};
    plan.script[7] = (struct exchange){"MAIL", ""};
    plan.script[8] = (struct exchange){"RCPT", "250 ok\r\n250 ok\r\n250 ok\r\n"};
    plan.script[9] = (struct exchange){"BDAT 3\r\n", ""};
    plan.script[10] = (struct exchange){"BDAT 1 LAST\r\n", "250 ok\r\n550 5.6.0 bad\r\n"};
    plan.script[11] = (struct exchange)BYE;
    run_plan(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_offer_is_read_kindly),
        cmocka_unit_test(says_what_the_peer_offers),
        cmocka_unit_test(what_the_peer_cannot_take_fails_here),
        cmocka_unit_test(recipients_that_are_too_many_wait),
        cmocka_unit_test(binarymime_goes_in_chunks),
        cmocka_unit_test(a_refused_chunk_ends_the_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
