/* plan: what a change of certificates or document would do, computed before it is made. Pure. */
#ifndef POLICY_PLAN_H
#define POLICY_PLAN_H

#include "cert/select.h"
#include "conf/document.h"
#include "policy/dns_facts.h"
#include "policy/finding.h"

/* A world: a document and the certificates it would run with. */
struct plan_state {
    const struct document *document;
    const struct candidate *candidates;
    size_t count;
};

enum plan_effect {
    PLAN_SAME,
    PLAN_BETTER,
    PLAN_DIFFERENT, /* another certificate, as good; or the connector comes or goes */
    PLAN_WORSE,  /* ok -> mismatch, valid -> expired or much sooner so, trusted -> less, pin held ->
                    fell back, a key type lost, published TLSA records or an MTA-STS policy
                    contradicted */
    PLAN_BROKEN, /* nothing usable any more, or a strict pin that names nothing */
};

struct plan_connector {
    const struct receive_connector *connector; /* of `after`, or of `before` where it goes */
    struct selection before, after; /* zero where the connector is not there, or has no TLS */
    enum plan_effect effect;
    struct span text; /* "valid, exact -> expires in 3 days, exact" */
    struct span
        consequence; /* why it matters: TLS required, partners, TLSA ...; empty: it does not.
                        DIFFERENT has one as well, where what was asked for costs something */
};

/* A send connector that presents a client certificate (tls-certificate), or whose TLS gets weaker.
 */
struct plan_send_connector {
    const struct send_connector *connector; /* as above */
    struct selection before, after;
    enum plan_effect effect; /* SAME, BETTER, DIFFERENT (weaker TLS is asked for) or BROKEN */
    struct span text, consequence;
};

struct plan {
    struct plan_connector *connectors;
    size_t connector_count;
    struct plan_send_connector *send_connectors; /* those with tls-certificate before or after, and
                                                    those with weaker TLS */
    size_t send_connector_count;
    const struct certificate **superseded; /* valid for the same names, but a newer one took over */
    size_t superseded_count;
    struct findings findings; /* what would be wrong afterwards */
    bool refused;        /* some connector gets worse, or published records would be contradicted */
    struct span refusal; /* one sentence: "2 connectors would lose their certificate: a, b" */
    struct span remedy;  /* commands, separated by '\n' */
};

/* Every selection before and after at now_ms. dns may be NULL: nothing is known. A connector that
 * comes, goes or gives up TLS is refused nothing, unless partners send by TLS only and no other is
 * for them, or published TLSA records ask for TLS. */
struct plan plan_compute(struct arena *arena, const struct plan_state *before,
                         const struct plan_state *after, int64_t now_ms,
                         const struct dns_facts *dns);

/* The selection of one receive connector of a state: the one place that turns a connector into a
 * request. */
struct selection plan_select(struct arena *arena, const struct plan_state *state,
                             const struct receive_connector *connector, int64_t now_ms);
/* The request itself, for certificate_select_sni. */
struct selection_request plan_request(struct arena *arena, const struct plan_state *state,
                                      const struct receive_connector *connector, int64_t now_ms);
/* The client certificate of a send connector; nothing is chosen where it has no tls-certificate. */
struct selection plan_select_client(struct arena *arena, const struct plan_state *state,
                                    const struct send_connector *connector, int64_t now_ms);

/* The certificates of a state that a newer one with the same names, services and kind of key has
 * taken over from, and that no connector presents or pins; returns how many. */
size_t plan_superseded(struct arena *arena, const struct plan_state *state, int64_t now_ms,
                       const struct certificate ***superseded);

#endif
