/* accept: which receive connector takes a connection, and what it takes. Pure. */
#ifndef POLICY_ACCEPT_H
#define POLICY_ACCEPT_H

#include "conf/document.h"
#include "mail/address.h"
#include "mail/reply.h"

/* Exchange's rule: among enabled connectors bound to the local endpoint (a binding to 0.0.0.0 or
 * [::] matches every address of its family, one to port 0 every port), the one whose range that
 * holds the peer is the most specific. NULL: none takes it. */
const struct receive_connector *
accept_connector(const struct document *d, const struct endpoint *local, const struct ip *peer);

/* Whether a domain key is ours, and the entry: exact before "*." entries, longest first. NULL: not
 * accepted. */
const struct accepted_domain *accept_domain(const struct document *d, struct span domain_key);

enum accept_reason {
    ACCEPT_OK,
    ACCEPT_POSTMASTER, /* RFC 5321 section 4.5.1: always taken */
    ACCEPT_RELAY,      /* the connector may relay */
    REFUSE_RELAY,      /* 550 5.7.1 */
    REFUSE_NO_ROUTE,   /* 550 5.4.4: no send connector takes it: said at once */
    REFUSE_BAD_DOMAIN, /* 553 5.1.3 */
};

struct accept_verdict {
    enum accept_reason reason;
    bool accepted;
    struct reply reply; /* for a refusal; text lives in the arena */
};

/* path.domain empty: <Postmaster>, delivered as postmaster@hostname. Literals ([ip]) are taken only
 * from relays. */
struct accept_verdict accept_recipient(struct arena *arena, const struct document *d,
                                       const struct receive_connector *connector,
                                       const struct address *path, struct span domain_key);

#endif
