/* view: a document and the certificates it runs with, and what follows from them: everything that
 * lists, explanations and diagnoses are made of. The daemon makes one of its snapshot, the command
 * one of files. */
#ifndef PRESENT_VIEW_H
#define PRESENT_VIEW_H

#include "policy/plan.h"
#include "store/certificates.h"

struct view {
    struct arena *arena;
    struct plan_state state; /* document NULL: it is not known which connectors there are */
    const struct certificate_set *set; /* of which the candidates are made, in the same order */
    int64_t now_ms;
    const struct dns_facts *dns; /* NULL: nothing is known, as without a daemon */
    struct selection *receive;   /* one per receive connector; zero where it presents nothing */
    struct selection *send;      /* one per send connector: its client certificate */
    const struct certificate **superseded;
    size_t superseded_count;
};

/* Borrows all it is given; dns is set by who has it. */
struct view view_make(struct arena *arena, const struct plan_state *state,
                      const struct certificate_set *set, int64_t now_ms);

bool view_presents(const struct receive_connector *connector);

/* What is wrong with a name for a certificate. */
enum view_lookup { VIEW_FOUND, VIEW_UNKNOWN, VIEW_AMBIGUOUS, VIEW_TOO_SHORT };
enum { VIEW_PREFIX_MIN = 4 };
/* By the first digits of the thumbprint, of which four are enough where no other certificate has
 * them. People copy thumbprints from everywhere: blanks and colons do not count, nor does case. */
enum view_lookup view_find(const struct certificate_set *set, struct span thumbprint, size_t *at);
/* In words, with a remedy. */
struct span view_lookup_text(struct arena *arena, enum view_lookup lookup, struct span thumbprint);
const char *view_lookup_remedy(enum view_lookup lookup);

#endif
