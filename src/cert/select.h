/* select: the pure decision which certificate a connector presents, with a verdict for every
 * certificate in the store. Ranking: valid before expired; exact name before wildcard; complete
 * chain to a trusted root before private before incomplete before self-signed; newest notBefore;
 * latest notAfter; thumbprint. Among those that can be presented, one that covers the name always
 * comes before one that does not, even where it has expired; only where none covers the name the
 * best of the others stands in. */
#ifndef CERT_SELECT_H
#define CERT_SELECT_H

#include "cert/certificate.h"

enum chain_state { CHAIN_TRUSTED, CHAIN_PRIVATE, CHAIN_SELF_SIGNED, CHAIN_INCOMPLETE };

enum verdict_reason {
    VERDICT_CHOSEN,
    VERDICT_LESS_PREFERRED, /* eligible, but another ranks higher; `detail` says by which rule */
    VERDICT_NOT_ENABLED,    /* the service is not enabled */
    VERDICT_KEY_MISSING,
    VERDICT_KEY_MISMATCH,
    VERDICT_NOT_V3,
    VERDICT_WRONG_EKU,
    VERDICT_NAME_NOT_COVERED,
    VERDICT_NOT_YET_VALID,
    VERDICT_WEAK_KEY, /* key or signature: OpenSSL would refuse it at the default security level */
};

struct candidate {
    const struct certificate *certificate;
    enum chain_state chain;
};

struct verdict {
    enum verdict_reason reason;
    enum name_match match;
    bool expired;
    bool fallback; /* chosen although the name is not covered */
    struct span detail;
};

struct selection {
    const struct certificate *chosen; /* NULL: none is usable at all */
    bool name_covered;                /* false with a chosen one: event 12014, still served */
    bool expired;                     /* event 12016 */
    struct verdict *verdicts;         /* one per candidate, same order */
};

struct selection_request {
    struct span name; /* the connector's fqdn */
    enum cert_service service;
    int64_t now_ms;
    const struct candidate *candidates;
    size_t count;
};

struct selection certificate_select(struct arena *arena, const struct selection_request *request);
const char *verdict_text(enum verdict_reason reason);

#endif
