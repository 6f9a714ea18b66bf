/* import_exchange: the connectors, accepted domains and certificates' services of an Exchange dump
 * as a document of Sealpost, for one server. Pure. What a print does not show is never guessed: a
 * connector whose bindings or ranges are missing or cut is left out, with the reason. */
#ifndef POLICY_IMPORT_EXCHANGE_H
#define POLICY_IMPORT_EXCHANGE_H

#include "exchange/case.h"
#include "policy/import.h"

struct import_exchange_wishes {
    struct span server;    /* whose receive connectors; empty: there is only one */
    struct span hostname;  /* empty: the server's Fqdn in the dump */
    struct span mailboxes; /* host:port that takes mail for authoritative domains; empty: none */
};

/* ERR_REFUSED with `why` and `remedy` where it cannot be begun: nothing to import, several servers
 * and none chosen, no host name. The case must be finished. */
enum err import_exchange(struct import *im, const struct exchange_case *c,
                         const struct import_exchange_wishes *wishes, struct buf *why,
                         struct span *remedy) MUST_USE;

#endif
