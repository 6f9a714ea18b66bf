/* diagnose_exchange: what is wrong with an Exchange server, judged from whatever its administrator
 * could print (exchange/case). Pure. Runs Exchange's own rules of selection (cert/select_exchange)
 * for each connector and the fault catalogue F01 to F38; what a print does not show is asked for,
 * never assumed. */
#ifndef POLICY_DIAGNOSE_EXCHANGE_H
#define POLICY_DIAGNOSE_EXCHANGE_H

#include "exchange/case.h"
#include "policy/finding.h"

/* How sure: proven by what was printed; the most probable of several causes; worth a look. */
enum exchange_certainty { EXCHANGE_POSSIBLE, EXCHANGE_PROBABLE, EXCHANGE_CERTAIN };

struct exchange_evidence {
    struct span quote; /* the line as printed, cut to 200 bytes at a character's end */
    struct exchange_place place;
    struct span says; /* why it counts; may be empty */
};

/* One thing to paste, in an order in which no connector that works stops working. */
struct exchange_step {
    struct span command; /* PowerShell for the Exchange Management Shell; may have several lines */
    struct span why;
    struct span answer; /* what to answer where the shell asks, and why; empty: it does not ask */
};

struct exchange_finding {
    struct finding finding; /* evidence and remedy: the lists below, joined */
    enum exchange_certainty certainty;
    struct exchange_evidence *evidence;
    size_t evidence_count;
    struct exchange_step *steps;
    size_t step_count;
    struct exchange_step
        *verify; /* commands that show that it is mended, and what they print then */
    size_t verify_count;
};

/* What is still unknown, and the command that would tell. */
struct exchange_question {
    struct span unknown, command;
};

/* What Exchange would present on a connector. */
struct exchange_choice {
    const struct exchange_connector *connector;
    struct span name;                          /* looked for: a pair, the Fqdn, or the server's */
    const struct exchange_certificate *chosen; /* NULL: none, STARTTLS is not offered */
    enum known certain;                        /* CANNOT_TELL: a missing property could change it */
    const struct exchange_certificate **candidates;
    struct span *verdicts; /* a sentence for each candidate */
    size_t count;
};

struct exchange_diagnosis {
    struct exchange_finding *findings; /* most probable and most severe first */
    size_t count;
    struct exchange_question *questions;
    size_t question_count;
    struct exchange_choice *choices;
    size_t choice_count;
};

/* Everything is allocated in `arena` or belongs to the case, which must outlive the result. */
struct exchange_diagnosis diagnose_exchange(struct arena *arena, const struct exchange_case *c,
                                            int64_t now_ms);

#endif
