/* select: the pure decision which certificate a connector presents, with a verdict for every
 * certificate in the store. The rules are tables, in select.c and select_exchange.c. Ranking: valid
 * before expired; exact name before wildcard; complete chain to a trusted root before private
 * before incomplete before self-signed; newest notBefore; latest notAfter; thumbprint. Among those
 * that can be presented, one that covers the name always comes before one that does not, even where
 * it has expired; only where none covers the name the best of the others stands in.
 *
 * A pin goes before the name: of those that can be presented, only the pinned ones are ranked.
 * Where there is none, a loose pin gives way to the selection by name, and a strict one leaves the
 * connector without. A loose pin also gives way where what it names has expired and a valid
 * certificate covers the name. */
#ifndef CERT_SELECT_H
#define CERT_SELECT_H

#include "cert/certificate.h"
#include "cert/pin.h"

enum chain_state { CHAIN_TRUSTED, CHAIN_PRIVATE, CHAIN_SELF_SIGNED, CHAIN_INCOMPLETE };

enum verdict_reason {
    VERDICT_CHOSEN,
    VERDICT_LESS_PREFERRED, /* eligible, but another ranks higher; `detail` says by which rule */
    VERDICT_OTHER_KEY_TYPE, /* chosen as well, for clients that cannot verify the first one's key
                               type */
    VERDICT_NOT_PINNED,     /* usable, but the connector's pin names another */
    VERDICT_NOT_ENABLED,    /* the service is not enabled */
    VERDICT_KEY_MISSING,
    VERDICT_KEY_MISMATCH,
    VERDICT_NOT_V3,
    VERDICT_WRONG_EKU,
    VERDICT_NAME_NOT_COVERED,
    VERDICT_NOT_YET_VALID,
    VERDICT_WEAK_KEY, /* key or signature: OpenSSL would refuse it at the default security level */
    VERDICT_CHAIN_NOT_VALID, /* Exchange's rules only: neither self-signed nor with a valid chain */
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

/* How a pin fared. */
enum pin_state { PIN_UNUSED, PIN_HELD, PIN_FELL_BACK, PIN_BROKEN /* strict: nothing is chosen */ };

struct selection {
    const struct certificate *chosen; /* NULL: none is usable at all */
    /* The best of another key type (RSA beside ECDSA) that serves a verifying client no worse:
     * covers the name and is valid where the chosen one is, and its chain is trusted as much; or
     * NULL. */
    const struct certificate *other_type;
    bool name_covered; /* false with a chosen one: event 12014, still served */
    bool expired;      /* event 12016 */
    enum pin_state pin;
    struct verdict *verdicts; /* one per candidate, same order */
};

struct selection_request {
    struct span name; /* the connector's fqdn, or the SNI name; empty: any name will do */
    enum cert_service service;
    int64_t now_ms;
    const struct candidate *candidates;
    size_t count;
    const struct pin *pin; /* NULL or PIN_NONE: none */
    bool pin_strict;
};

/* Sealpost's rules. */
struct selection certificate_select(struct arena *arena, const struct selection_request *request);
/* Exchange's documented rules for inbound STARTTLS, traps included, for the diagnosis of Exchange
 * servers: see select_exchange.c. `name` is the connector's Fqdn or, where that is null, the
 * server's; `pin` its TlsCertificateName, which never gives way to the name. Certificates that were
 * read from a print need no leaf and no key: key_matches says that the print has HasPrivateKey.
 * `other_type` stays NULL. */
struct selection certificate_select_exchange(struct arena *arena,
                                             const struct selection_request *request);

/* A certificate for a client that asks for another name than the connector's (SNI): one that covers
 * `sni` exactly or by wildcard, is valid, and has a chain that is trusted no less than that of the
 * connector's own choice; NULL: the connector's own choice stays. A strict pin always stays. */
const struct certificate *certificate_select_sni(struct arena *arena,
                                                 const struct selection_request *request,
                                                 const struct selection *own, struct span sni);

const char *verdict_text(enum verdict_reason reason);

#endif
