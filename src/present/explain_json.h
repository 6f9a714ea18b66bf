/* explain_json: why connectors present the certificates they present, as JSON. */
#ifndef PRESENT_EXPLAIN_JSON_H
#define PRESENT_EXPLAIN_JSON_H

#include <jansson.h>

#include "present/view.h"

enum explain_kind { EXPLAIN_ANY, EXPLAIN_RECEIVE, EXPLAIN_SEND };
/* "receive", "send"; empty: any. ERR_RANGE: something else. */
enum err explain_kind_parse(struct span text, enum explain_kind *kind) MUST_USE;

struct explain {
    struct span connector; /* empty: all of them */
    enum explain_kind kind;
    struct span sni;                       /* receive connectors: empty: the connector's own name */
    struct span if_removed;                /* thumbprint; empty: none */
    const struct certificate *if_imported; /* NULL: none */
    enum chain_state imported_chain;
};
/* Why the connector presents what it presents at view->now_ms: {"at", "kind", "connector", "fqdn",
 * "enabled", "tls", "pin", "pin-state", "presents", "other-key-type", "verdicts", "findings"}, of a
 * send connector about its client certificate; with a change that is asked for also "change". Of
 * several connectors {"at", "connectors": [...]}: of all, or where one of each kind has the name.
 * ERR_NOT_FOUND, ERR_RANGE with `why`: no such connector, no such certificate; several
 * certificates. */
enum err explain_to_json(const struct view *view, const struct explain *explain, json_t **value,
                         struct buf *why) MUST_USE;

#endif
