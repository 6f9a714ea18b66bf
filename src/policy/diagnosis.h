/* diagnosis: what the rules of diagnose share. Private to this folder. */
#ifndef POLICY_DIAGNOSIS_H
#define POLICY_DIAGNOSIS_H

#include "policy/diagnose.h"
#include "policy/standing.h"

struct diagnosis {
    struct findings *findings;
    const struct diagnose_facts *facts;
    struct arena *arena;
    struct standing *standings; /* one per receive connector of the document, in its order */
    size_t standing_count;
    const struct certificate **superseded;
    size_t superseded_count;
    bool *told; /* one per candidate: a finding names it already as the one to mend */
};

/* A row of a table: what the finding is called. The judge completes it; it is reported where the
 * judge says so. A judge may refine the fault. */
struct connector_rule {
    const char *fault, *name;
    unsigned event;
    bool (*judge)(struct diagnosis *d, const struct standing *s, struct finding *f);
};

struct candidate_rule {
    const char *fault, *name;
    unsigned event;
    bool (*judge)(struct diagnosis *d, size_t candidate, struct finding *f);
};

struct send_rule {
    const char *fault, *name;
    unsigned event;
    bool (*judge)(struct diagnosis *d, const struct send_connector *c, const struct selection *s,
                  struct finding *f);
};

struct wire_rule {
    const char *fault, *name;
    unsigned event;
    bool (*judge)(struct diagnosis *d, const struct wire_fact *fact, const struct standing *s,
                  struct finding *f);
};

extern const struct connector_rule
    diagnose_connector_rules[]; /* the tables end with a NULL judge */
/* Over what DNS publishes; also where a connector presents nothing. */
extern const struct connector_rule diagnose_published_rules[];
extern const struct candidate_rule diagnose_candidate_rules[];
extern const struct send_rule diagnose_send_rules[];
extern const struct wire_rule diagnose_wire_rules[];

/* Files, DNS and the clock: each adds its findings itself. */
void diagnose_files(struct diagnosis *d);
void diagnose_dns(struct diagnosis *d);
void diagnose_clock(struct diagnosis *d);

/* "9c410aa2... (CN=mail.example.com, valid until 2026-12-24T00:00:00.000Z)" */
struct span diagnosis_certificate(struct diagnosis *d, const struct certificate *c);
/* "internet, cloud": the connectors that present the certificate; empty: none. */
struct span diagnosis_users(struct diagnosis *d, const struct certificate *c);
/* The standing of a connector by its name, or NULL. */
const struct standing *diagnosis_standing(struct diagnosis *d, struct span connector);
bool diagnosis_presents(const struct standing *s, const struct certificate *c);

#endif
