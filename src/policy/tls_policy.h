/* tls_policy: what to do about TLS on an outgoing connection. Pure. */
#ifndef POLICY_TLS_POLICY_H
#define POLICY_TLS_POLICY_H

#include "conf/document.h"
#include "mail/outcome.h"

struct tls_facts {
    bool offered;        /* the peer's EHLO has STARTTLS */
    bool active;         /* already encrypted */
    bool failed_before;  /* STARTTLS was refused or the handshake failed on an earlier connection of
                            this attempt */
    struct span failure; /* the reason of that failure */
};

enum tls_action { TLS_START, TLS_SEND_NOW, TLS_SEND_IN_CLEAR, TLS_GIVE_UP };

struct tls_verdict {
    enum tls_action action;
    struct span reason; /* for SEND_IN_CLEAR and GIVE_UP: recorded with the outcome and counted */
    struct outcome failure; /* GIVE_UP: later, concerns the next hop, 4.7.4 or 4.7.5 */
};

struct tls_verdict tls_policy(struct arena *arena, const struct send_connector *connector,
                              const struct tls_facts *facts);

#endif
