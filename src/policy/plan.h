/* plan: what a change of certificates or document would do, computed before it is made. Pure. */
#ifndef POLICY_PLAN_H
#define POLICY_PLAN_H

#include "cert/select.h"
#include "conf/document.h"
#include "policy/finding.h"

/* A world: a document and the certificates it would run with. */
struct plan_state {
    const struct document *document;
    const struct candidate *candidates;
    size_t count;
};

/* What DNS says, as far as it is known. */
struct plan_tlsa {
    struct span host;    /* fqdn of a connector */
    uint8_t usage, selector, matching;
    struct span data;    /* bytes */
};

enum plan_effect { PLAN_SAME, PLAN_BETTER, PLAN_DIFFERENT /* another certificate, as good */, PLAN_WORSE, PLAN_BROKEN };

struct plan_connector {
    const struct receive_connector *connector; /* of `after`, or of `before` where it goes */
    struct selection before, after;            /* zero where the connector is not there */
    enum plan_effect effect;
    struct span text;                          /* "valid, exact -> expires in 3 days" */
    struct span consequence;                   /* why it matters: TLS required, partners, TLSA ... */
};

struct plan {
    struct plan_connector *connectors;
    size_t connector_count;
    const struct certificate **superseded; /* valid for the same names, but a newer one took over */
    size_t superseded_count;
    struct findings findings; /* what would be wrong afterwards */
    bool refused;             /* some connector gets worse, or published records would be contradicted */
    struct span refusal;      /* one sentence: "2 connectors would lose their certificate" */
    struct span remedy;
};

/* Every selection before and after at now_ms. tlsa may be NULL. */
struct plan plan_compute(struct arena *arena, const struct plan_state *before, const struct plan_state *after, int64_t now_ms,
                         const struct plan_tlsa *tlsa, size_t tlsa_count);

/* The selection of one receive connector of a state: the one place that turns a connector into a request. */
struct selection plan_select(struct arena *arena, const struct plan_state *state, const struct receive_connector *connector,
                             int64_t now_ms);

#endif
