/* Routes and next hops of Postfix. Private to policy/import_postfix*. */
#ifndef POLICY_IMPORT_POSTFIX_ROUTE_H
#define POLICY_IMPORT_POSTFIX_ROUTE_H

#include "policy/import_postfix_parts.h"

enum { ROUTES_MAX = 20000 };

/* What "transport:nexthop" comes to. */
struct hop {
    const char *deliver_by;                /* as the document writes it */
    const struct postfix_service *service; /* of master.cf, with its -o; NULL: none is written */
    struct span hosts;                     /* as Postfix writes them: "[a]:587, b" */
    struct span policy;                    /* of smtp_tls_policy_maps; empty: the general one */
    struct span maildir;
    bool refuses;    /* Postfix refuses this mail */
    const char *why; /* why it is left out, or not quite the same; NULL: it is the same */
};

struct route {
    struct span space, spec;
    struct postfix_item item;
    struct hop hop;
    bool done;
};

struct routes {
    struct postfix_import *pi;
    struct postfix_items policies; /* smtp_tls_policy_maps */
    struct span fallback;          /* "smtp:[relay]:587" of everything else */
    struct route *items;
    size_t count, room, more; /* more: beyond ROUTES_MAX */
};

/* Works out route->hop; false where the route cannot be taken over, as its `why` says. */
bool hop_of(struct routes *r, struct route *route);
struct span hop_name(const struct route *route);
/* Writes the keys of the connector but address-spaces. */
void hop_emit(struct routes *r, const struct hop *hop, struct import_path at);
/* The notes of the parameters that hop_emit looks at. */
void hop_notes(struct routes *r);

#endif
