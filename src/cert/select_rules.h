/* select_rules: the form of a rule, for the tables of select.c and select_exchange.c, and what
 * applies them. For this folder alone. */
#ifndef CERT_SELECT_RULES_H
#define CERT_SELECT_RULES_H

#include "cert/select.h"

/* A candidate cannot be chosen where a rule does not hold; the first such rule gives the verdict.
 */
struct eligibility_rule {
    const char *rule;
    const char *explanation; /* of a candidate for which it does not hold */
    enum verdict_reason reason;
    bool (*holds)(const struct candidate *candidate, const struct selection_request *request);
    /* What is appended to the explanation; NULL: nothing. */
    struct span (*evidence)(struct arena *arena, const struct certificate *c,
                            const struct selection_request *request);
};

struct judged {
    const struct candidate *candidate;
    const struct verdict *verdict;
};

/* Of two candidates the one that comes first is better; the first rule that knows a difference
 * decides. */
struct preference_rule {
    const char *rule;
    const char *explanation; /* of the one that comes second */
    int (*compare)(const struct judged *a, const struct judged *b); /* <0: a comes first */
};

struct rule_set {
    const struct eligibility_rule *eligibility;
    size_t eligibility_count;
    const struct preference_rule *preference;
    size_t preference_count;
};

/* One verdict per candidate: VERDICT_LESS_PREFERRED where every rule of eligibility holds. */
struct verdict *rules_judge(struct arena *arena, const struct rule_set *rules,
                            const struct selection_request *request);

/* The best candidate among those that `eligible` marks; request->count where it marks none. */
size_t rules_best(const struct rule_set *rules, const struct selection_request *request,
                  const struct verdict *verdicts, const bool *eligible);

/* Each candidate with VERDICT_LESS_PREFERRED learns by which rule `best` comes before it. */
void rules_explain(const struct rule_set *rules, const struct selection_request *request,
                   struct verdict *verdicts, size_t best);

/* <0, 0, >0 */
int rules_order(int64_t a, int64_t b);

/* "its names a, b and 3 more do not cover x" */
struct span rules_names(struct arena *arena, const struct certificate *c,
                        const struct selection_request *request);
/* "valid from 2027-01-15T08:00:00.000Z" */
struct span rules_valid_from(struct arena *arena, const struct certificate *c,
                             const struct selection_request *request);

#endif
