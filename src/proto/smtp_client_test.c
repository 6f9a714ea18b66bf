/* What happens between the client and honest peers. smtp_client_extensions_test.c has
 * what depends on the peer's offer, smtp_client_hostile_test.c the peers that break the rules. */
#include "proto/smtp_client.h"

#include "proto/smtp_client_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void relays_one_command_at_a_time(void **state)
{
    (void)state;
    struct plan plan = {
        A_TO_BC,
        .script = {{"", "220-mx.b.example\r\n220 ESMTP\r\n"},
                   {"EHLO out.example", "250 mx\r\n"},
                   {"MAIL", "250 2.1.0 ok\r\n"},
                   {"RCPT TO:<b", "250 2.1.5 ok\r\n"},
                   {"RCPT TO:<c", "251 ok\r\n"},
                   {"DATA", "354 go\r\n"},
                   {".", "250 2.0.0 ok\r\n"},
                   BYE},
        .events =
            "greeting 220 mx.b.example ESMTP\nready\n" OK_OUTCOME(0) OK_OUTCOME(1) "done\nclose\n",
        .sent = EHLO MAIL_FROM_A RCPT_TO("b") RCPT_TO("c") "DATA\r\nHi\r\n.\r\nQUIT\r\n",
    };
    run_plan(&plan);
}

static void falls_back_to_helo(void **state)
{
    (void)state;
    struct plan plan = {
        A_TO_B,
        .script = {{"", "220 old\r\n"},
                   {"EHLO ", "502 what\r\n"},
                   {"HELO out.example", "250 hello\r\n"},
                   {"MAIL", "250 ok\r\n"},
                   {"RCPT", "250 ok\r\n"},
                   {"DATA", "354 go\r\n"},
                   {".", "250 ok\r\n"},
                   BYE},
        .events = "greeting 220 old\nready\n" OK_OUTCOME(0) "done\nclose\n",
        .sent = EHLO "HELO out.example\r\n" MAIL_FROM_A RCPT_TO("b") "DATA\r\nHi\r\n.\r\nQUIT\r\n",
    };
    run_plan(&plan);
}

static void refused_sessions_fail_for_the_next_hop(void **state)
{
    (void)state;
    const struct {
        struct exchange script[4];
        const char *events;
        bool lmtp;
    } cases[] = {
        {{{"", "554 5.7.1 go away\r\n"}},
         "failed connect later next-hop remote 554 5.7.1 go away\n",
         false},
        {{{"", "421 busy\r\n"}}, "failed connect later next-hop remote 421 4.0.0 busy\n", false},
        {{{"", "220 a\r\n"}, {"EHLO", "450 later\r\n"}},
         "greeting 220 a\nfailed ehlo later next-hop remote 450 4.0.0 later\n",
         false},
        {{{"", "220 a\r\n"}, {"EHLO", "500 a\r\n"}, {"HELO", "550 no\r\n"}},
         "greeting 220 a\nfailed ehlo later next-hop remote 550 5.0.0 no\n",
         false},
        {{{"", "220 a\r\n"}, {"LHLO", "500 no\r\n"}},
         "greeting 220 a\nfailed ehlo later next-hop remote 500 5.0.0 no\n",
         true},
        {{{"", LOST}},
         "failed connect later next-hop local 421 4.4.2 the connection was lost while waiting for "
         "the greeting\n",
         false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct plan plan = {A_TO_B, .events = cases[i].events, .lmtp = cases[i].lmtp};
        memcpy(plan.script, cases[i].script, sizeof(cases[i].script));
        run_plan(&plan);
    }
}

static void pipelines_the_envelope(void **state)
{
    (void)state;
    struct plan plan = {
        A_TO_BC,
        .script = {HELLO("250-PIPELINING\r\n"),
                   {"MAIL", ""},
                   {"RCPT", ""},
                   {"RCPT", ""},
                   {"DATA", "250 ok\r\n550 5.1.1 who\r\n250 ok\r\n354 go\r\n"},
                   {".", "250 ok\r\n"},
                   BYE},
        .events = HELLO_EVENTS
        "outcome 0 never recipient remote 550 5.1.1 who\n" OK_OUTCOME(1) "done\nclose\n",
        .sent = EHLO MAIL_FROM_A RCPT_TO("b") RCPT_TO("c") "DATA\r\nHi\r\n.\r\nQUIT\r\n",
    };
    run_plan(&plan);
}

static void a_lone_dot_ends_data_for_nobody(void **state)
{
    (void)state;
    struct plan plan = {
        .messages = {{FROM_A, .recipients = {TO("b")}}, {FROM_A, .recipients = {TO("c")}}},
        .message_count = 2,
        .script = {HELLO("250-pipelining\r\n"),
                   {"MAIL", ""},
                   {"RCPT", ""},
                   {"DATA", "250 ok\r\n450 4.7.1 greylisted\r\n354 go\r\n"},
                   {".", "554 no recipients\r\n"},
                   {"MAIL", ""},
                   {"RCPT", ""},
                   {"DATA", "250 ok\r\n550 5.1.1 who\r\n554 no recipients\r\n"},
                   BYE},
        .events = HELLO_EVENTS "outcome 0 later recipient remote 450 4.7.1 greylisted\ndone\n"
                               "outcome 0 never recipient remote 550 5.1.1 who\ndone\nclose\n",
        .sent = EHLO MAIL_FROM_A RCPT_TO("b") "DATA\r\n.\r\n" MAIL_FROM_A RCPT_TO(
            "c") "DATA\r\nQUIT\r\n",
    };
    run_plan(&plan);
}

static void resets_after_a_transaction_without_content(void **state)
{
    (void)state;
    struct plan plan = {
        .messages = {{FROM_A, .recipients = {TO("b"), TO("c")}},
                     {FROM_A, .recipients = {TO("d")}},
                     {FROM_A, .recipients = {TO("e")}}},
        .message_count = 3,
        .script = {HELLO(""),
                   {"MAIL", "550 5.7.1 not you\r\n"},
                   {"RSET", "250 ok\r\n"},
                   {"MAIL", "250 ok\r\n"},
                   {"RCPT", "451 4.2.0 later\r\n"},
                   {"RSET", "250 ok\r\n"},
                   {"MAIL", "250 ok\r\n"},
                   {"RCPT", "250 ok\r\n"},
                   {"DATA", "451 4.3.0 disk\r\n"},
                   BYE},
        .events = HELLO_EVENTS "outcome 0 never message remote 550 5.7.1 not you\n"
                               "outcome 1 never message remote 550 5.7.1 not you\ndone\n"
                               "outcome 0 later recipient remote 451 4.2.0 later\ndone\n"
                               "outcome 0 later message remote 451 4.3.0 disk\ndone\nclose\n",
        .sent = EHLO MAIL_FROM_A
        "RSET\r\n" MAIL_FROM_A RCPT_TO("d") "RSET\r\n" MAIL_FROM_A RCPT_TO("e") "DATA\r\nQUIT\r\n",
    };
    run_plan(&plan);
}

static void a_pipelined_reset_goes_with_the_next_mail(void **state)
{
    (void)state;
    struct plan plan = {
        .messages = {{FROM_A, .recipients = {TO("b")}}, {FROM_A, .recipients = {TO("c")}}},
        .message_count = 2,
        .script = {HELLO("250-PIPELINING\r\n"),
                   {"MAIL", ""},
                   {"RCPT", ""},
                   {"DATA", "452 4.3.1 full\r\n503 mail first\r\n503 mail first\r\n"},
                   {"RSET", ""},
                   {"MAIL", ""},
                   {"RCPT", ""},
                   {"DATA", "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"},
                   {".", "552 5.3.4 too big\r\n"},
                   BYE},
        .events = HELLO_EVENTS "outcome 0 later message remote 452 4.3.1 full\ndone\n"
                               "outcome 0 never message remote 552 5.3.4 too big\ndone\nclose\n",
        .sent = EHLO MAIL_FROM_A RCPT_TO("b") "DATA\r\nRSET\r\n" MAIL_FROM_A RCPT_TO(
            "c") "DATA\r\nHi\r\n.\r\nQUIT\r\n",
    };
    run_plan(&plan);
}

static void stuffs_dots_and_ends_lines(void **state)
{
    (void)state;
    const struct {
        struct span content;
        const char *wire;
    } cases[] = {
        {SPAN(""), ".\r\n"},
        {SPAN("a"), "a\r\n.\r\n"},
        {SPAN("a\r\n"), "a\r\n.\r\n"},
        {SPAN("a\r"), "a\r\r\n.\r\n"},
        {SPAN("."), "..\r\n.\r\n"},
        {SPAN(".\r\n.\r\n..\r\n"), "..\r\n..\r\n...\r\n.\r\n"},
        {SPAN("a.b\r\n.c.\r\n\r\n.d"), "a.b\r\n..c.\r\n\r\n..d\r\n.\r\n"},
        {SPAN("a\n.b\r.c\r\r\n.d\r\n"), "a\n.b\r.c\r\r\n..d\r\n.\r\n"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char sent[256];
        snprintf(sent, sizeof(sent), "%sDATA\r\n%sQUIT\r\n", EHLO MAIL_FROM_A RCPT_TO("b"),
                 cases[i].wire);
        struct plan plan = {A_TO_B,
                            .script = {HELLO(""),
                                       {"MAIL", "250 ok\r\n"},
                                       {"RCPT", "250 ok\r\n"},
                                       {"DATA", "354 go\r\n"},
                                       {".", "250 ok\r\n"},
                                       BYE},
                            .events = HELLO_EVENTS OK_OUTCOME(0) "done\nclose\n", .sent = sent};
        plan.messages[0].content = cases[i].content;
        run_plan(&plan);
    }
}

static void lmtp_has_a_reply_for_each_recipient(void **state)
{
    (void)state;
    struct plan plan = {
        .lmtp = true,
        .messages = {{FROM_A, .recipients = {TO("b"), TO("c"), TO("d"), TO("e")}},
                     {FROM_A, .recipients = {TO("f")}}},
        .message_count = 2,
        .script = {{"", "220 mx ESMTP\r\n"},
                   {"LHLO out.example", "250-mx\r\n250 PIPELINING\r\n"},
                   {"MAIL", ""},
                   {"RCPT", ""},
                   {"RCPT", ""},
                   {"RCPT", ""},
                   {"RCPT", ""},
                   {"DATA", "250 ok\r\n250 ok\r\n550 5.1.1 who\r\n250 ok\r\n250 ok\r\n354 go\r\n"},
                   {".", "250 2.0.0 b\r\n452 4.2.2 d full\r\n550 5.2.0 e no\r\n"},
                   {"MAIL", ""},
                   {"RCPT", ""},
                   {"DATA", "250 ok\r\n250 ok\r\n354 go\r\n"},
                   {".", "250 2.0.0 f\r\n"},
                   BYE},
        .events = HELLO_EVENTS "outcome 1 never recipient remote 550 5.1.1 who\n"
                               "outcome 0 delivered recipient remote 250 2.0.0 b\n"
                               "outcome 2 later recipient remote 452 4.2.2 d full\n"
                               "outcome 3 never recipient remote 550 5.2.0 e no\ndone\n"
                               "outcome 0 delivered recipient remote 250 2.0.0 f\ndone\nclose\n",
    };
    run_plan(&plan);
    /* Cut off between the replies: those who have theirs keep it. */
    plan.script[8].reply = "250 2.0.0 b\r\n";
    plan.script[9] = (struct exchange){"", LOST};
    plan.events = HELLO_EVENTS "outcome 1 never recipient remote 550 5.1.1 who\n"
                               "outcome 0 delivered recipient remote 250 2.0.0 b\n"
                               "outcome 2 later next-hop local 421 4.4.2 the connection was lost "
                               "while waiting for the reply to the end of the content\n"
                               "outcome 3 later next-hop local 421 4.4.2 the connection was lost "
                               "while waiting for the reply to the end of the content\n"
                               "failed content later next-hop local 421 4.4.2 the connection was "
                               "lost while waiting for the reply to the end of the content\n";
    run_plan(&plan);
}

static void starts_tls_and_asks_again(void **state)
{
    (void)state;
    struct plan plan = {
        A_TO_B,
        .starttls = true,
        .script = {HELLO("250-STARTTLS\r\n250-SIZE 1\r\n"),
                   {"STARTTLS", "220 go\r\n"},
                   {"EHLO out.example", "250-mx\r\n250 STARTTLS\r\n"},
                   {"MAIL", "250 ok\r\n"},
                   {"RCPT", "250 ok\r\n"},
                   {"DATA", "354 go\r\n"},
                   {".", "250 ok\r\n"},
                   BYE},
        .events = HELLO_EVENTS "start-tls\nready\n" OK_OUTCOME(0) "done\nclose\n",
        .sent = EHLO "STARTTLS\r\n" EHLO
                     "MAIL FROM:<a@a.example>\r\n" RCPT_TO("b") "DATA\r\nHi\r\n.\r\nQUIT\r\n",
    };
    plan.messages[0].envelope.size = 100;
    run_plan(&plan);
}

static void refused_tls_is_the_callers_decision(void **state)
{
    (void)state;
    struct plan plan = {
        A_TO_B,
        .starttls = true,
        .script = {HELLO("250-STARTTLS\r\n"),
                   {"STARTTLS", "454 4.7.0 not now\r\n"},
                   {"MAIL", "250 ok\r\n"},
                   {"RCPT", "250 ok\r\n"},
                   {"DATA", "354 go\r\n"},
                   {".", "250 ok\r\n"},
                   BYE},
        .events = HELLO_EVENTS "ready\n" OK_OUTCOME(0) "done\nclose\n",
    };
    run_plan(&plan);
    plan.script[2].reply = "421 4.7.0 not now\r\n";
    plan.script[3] = (struct exchange){0};
    plan.events = HELLO_EVENTS "failed starttls later next-hop remote 421 4.7.0 not now\n";
    run_plan(&plan);
    plan.script[2].reply = "250 go\r\n";
    plan.events = HELLO_EVENTS "failed starttls later next-hop local 451 4.5.0 protocol error: the "
                               "peer answered STARTTLS with neither 220 nor a refusal\n";
    run_plan(&plan);
    plan.script[2].reply = LOST;
    plan.events = HELLO_EVENTS "failed starttls later next-hop local 421 4.4.2 the connection was "
                               "lost while waiting for the reply to STARTTLS\n";
    run_plan(&plan);
}

/* The connection ends behind each command in turn. */
static void every_loss_leaves_outcomes(void **state)
{
    (void)state;
    static const struct exchange script[] = {HELLO(""),
                                             {"MAIL", "250 ok\r\n"},
                                             {"RCPT", "250 ok\r\n"},
                                             {"DATA", "354 go\r\n"},
                                             {".", "250 ok\r\n"}};
    static const struct {
        const char *stage, *doing;
    } places[] = {{"mail", "MAIL"},
                  {"rcpt", "RCPT"},
                  {"data", "DATA"},
                  {"content", "the end of the content"}};
    static const char *const ends[] = {LOST, TIMEOUT, "421 4.3.2 closing\r\n"};
    for (size_t place = 0; place < COUNT_OF(places); place++) {
        for (size_t end = 0; end < COUNT_OF(ends); end++) {
            char why[160], events[512];
            if (end == 2)
                snprintf(why, sizeof(why), "remote 421 4.3.2 closing");
            else
                snprintf(why, sizeof(why),
                         "local 421 4.4.2 the connection %s while waiting for the reply to %s",
                         end == 0 ? "was lost" : "timed out", places[place].doing);
            snprintf(events, sizeof(events),
                     HELLO_EVENTS "outcome 0 later next-hop %s\nfailed %s later next-hop %s\n", why,
                     places[place].stage, why);
            struct plan plan = {A_TO_B, .events = events};
            memcpy(plan.script, script, (3 + place) * sizeof(*script));
            plan.script[2 + place].reply = ends[end];
            run_plan(&plan);
        }
    }
}

static void the_end_of_quit_is_no_failure(void **state)
{
    (void)state;
    static const char *const ends[] = {"221 bye\r\n", "421 bye\r\n", "500 what\r\n",
                                       "garbage\r\n", LOST,          TIMEOUT};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        struct plan plan = {.script = {HELLO(""), {"QUIT", ends[i]}},
                            .events = HELLO_EVENTS "close\n",
                            .sent = EHLO "QUIT\r\n"};
        run_plan(&plan);
    }
}

static void unreadable_content_is_never_finished(void **state)
{
    (void)state;
    struct plan plan = {
        A_TO_B,
        .piece = 4,
        .script = {HELLO(""),
                   {"MAIL", "250 ok\r\n"},
                   {"RCPT", "250 ok\r\n"},
                   {"DATA", "354 go\r\n"}},
        .events = HELLO_EVENTS
        "outcome 0 later message local 451 4.3.0 the content of the message cannot be read\n"
        "failed content later message local 451 4.3.0 the content of the message cannot be read\n",
    };
    plan.messages[0].content = SPAN("one\r\ntwo\r\n");
    plan.messages[0].unreadable = true;
    run_plan(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relays_one_command_at_a_time),
        cmocka_unit_test(falls_back_to_helo),
        cmocka_unit_test(refused_sessions_fail_for_the_next_hop),
        cmocka_unit_test(pipelines_the_envelope),
        cmocka_unit_test(a_lone_dot_ends_data_for_nobody),
        cmocka_unit_test(resets_after_a_transaction_without_content),
        cmocka_unit_test(a_pipelined_reset_goes_with_the_next_mail),
        cmocka_unit_test(stuffs_dots_and_ends_lines),
        cmocka_unit_test(lmtp_has_a_reply_for_each_recipient),
        cmocka_unit_test(starts_tls_and_asks_again),
        cmocka_unit_test(refused_tls_is_the_callers_decision),
        cmocka_unit_test(every_loss_leaves_outcomes),
        cmocka_unit_test(the_end_of_quit_is_no_failure),
        cmocka_unit_test(unreadable_content_is_never_finished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
