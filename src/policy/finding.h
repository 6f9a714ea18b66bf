/* finding: one diagnosis as a value. Event, CLI row, API object and console row are the same value.
 */
#ifndef POLICY_FINDING_H
#define POLICY_FINDING_H

#include "base/arena.h"
#include "base/log.h"

enum finding_severity { FINDING_GREEN, FINDING_YELLOW, FINDING_RED };

struct finding {
    unsigned event;    /* Exchange's number or ours from 50000 on */
    struct span fault; /* "F03" of the fault catalogue, or empty */
    struct span name;  /* "pin-stale": stable, for scripts */
    enum finding_severity severity;
    struct span subject; /* "receive connector internet" */
    struct span cause, evidence, consequence;
    struct span remedy; /* a command that can be pasted; several are separated by '\n' */
    bool safe_fix;      /* the remedy may be applied by `doctor --fix` */
    unsigned stage; /* of an end that comes closer, from 1: a higher one is news, the hours in the
                       cause are not; 0: the cause says whether it is news */
};

struct findings {
    struct arena *arena;
    struct finding *items;
    size_t count, capacity;
};

void findings_add(struct findings *findings, const struct finding *finding); /* copies */
bool findings_has_red(const struct findings *findings);
const char *finding_severity_name(enum finding_severity severity);

#endif
