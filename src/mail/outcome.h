/* outcome: what became of an attempt to deliver, as data (the idea of Postfix's DSN structure). */
#ifndef MAIL_OUTCOME_H
#define MAIL_OUTCOME_H

#include "base/arena.h"
#include "mail/reply.h"

enum fate {
    FATE_DELIVERED, /* in its final place: maildir, LMTP */
    FATE_RELAYED,   /* the next hop took it over */
    FATE_LATER,     /* try again */
    FATE_NEVER,     /* failed for good: bounce */
};

/* Whom the outcome concerns: one recipient, the whole message, or the next hop itself (all that
 * waits for it waits longer). */
enum concern { CONCERN_RECIPIENT, CONCERN_MESSAGE, CONCERN_NEXT_HOP };

struct outcome {
    enum fate fate;
    enum concern concern;
    struct reply
        reply;   /* the peer's, or our own words where no peer spoke; enhanced code always set */
    bool remote; /* the reply is the peer's */
    struct span mta;    /* name of the peer that spoke, or empty */
    struct span mta_ip; /* its address, or empty */
    struct span tls;    /* "TLSv1.3 cipher", "none", or "none: reason of the fallback" */
    bool dsn_passed;    /* relayed to a peer that offered DSN, which takes over notification */
};

const char *fate_name(enum fate fate); /* "delivered", "relayed", "later", "never" */

/* Our own outcome without a peer. text is copied into the arena. */
struct outcome outcome_local(struct arena *arena, enum fate fate, enum concern concern, int code,
                             const char *enhanced, const char *format, ...) PRINTF_LIKE(6, 7);
/* The fate that a peer's reply means; sets the enhanced code "4.0.0"/"5.0.0" where the peer gave
 * none (RFC 3463 section 3). Copies text into the arena. */
struct outcome outcome_of_reply(struct arena *arena, const struct reply *reply,
                                enum concern concern, enum fate on_success);

#endif
