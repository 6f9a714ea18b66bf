/* check: what no single value shows: how keys, connectors and routes fit together. */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include "conf/problem.h"

struct checking {
    const struct document *d;
    struct problems *problems;
    /* The node of each connector, in the document's order. A broken one is not judged further: what
     * follows from its errors would only hide them. */
    const struct node **receive_nodes, **send_nodes;
    const struct node *root;
};

/* Everything; problems are added. */
void check_document(const struct checking *c);

/* The parts. */
void check_receive_connectors(const struct checking *c);
void check_shared_bindings(const struct checking *c);
void check_send_connectors(const struct checking *c);
void check_routes(const struct checking *c);
void check_certificates(const struct checking *c);

/* The node of a connector's key, or the connector's where the key was not written. */
const struct node *check_place(const struct node *connector, const char *key);

#endif
