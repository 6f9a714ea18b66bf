/* One connector of an Exchange dump, property by property. Private to policy/import_exchange*. */
#ifndef POLICY_IMPORT_EXCHANGE_CONNECTOR_H
#define POLICY_IMPORT_EXCHANGE_CONNECTOR_H

#include "policy/import_exchange.h"

struct connector_import {
    struct import *im;
    const struct exchange_case *exchange;
    const struct exchange_connector *c;
    struct span server;            /* the chosen one; may be empty */
    const char *section;           /* "receive-connectors" */
    const struct schema_map *keys; /* of the section */
    struct span name;              /* in the document */
    struct span quiet[64];         /* properties that say nothing about mail */
    size_t quiet_count;
    const struct exchange_property *p; /* the one at hand */
};

typedef void property_fn(struct connector_import *ci, const char *key);

struct property_rule {
    const char *property;
    property_fn *take; /* NULL: it has no counterpart, as `why` says */
    const char *key;
    const char *neutral; /* values that ask for nothing, one or several between "|" */
    const char *why;
};

/* The import of the connector, which is known to be wanted. */
void import_receive_connector(struct connector_import *ci);
void import_send_connector(struct connector_import *ci);
/* Why the connector is left out; empty: it is not. */
struct span receive_left_out(const struct connector_import *ci);
struct span send_left_out(const struct connector_import *ci);

/* Walks the properties of the connector; each is accounted for by its rule. */
void import_properties(struct connector_import *ci, const struct property_rule *rules,
                       size_t count);

/* Notes about the property at hand. why NULL: translated, else approximated. */
void property_became(struct connector_import *ci, const char *key, const char *why);
void property_left(struct connector_import *ci, const char *why);
/* Sets a key of the connector to one text. */
void connector_set(struct connector_import *ci, const char *key, struct span text);
/* A number, size or time; what the document has by itself is not written. */
property_fn take_number, take_text, take_enabled;
/* "36 MB (37,748,736 bytes)", "00:10:00", "Unlimited", "5,000". False: none of these. */
bool exchange_number(struct span text, enum value_type type, uint64_t *value);
bool list_has(const struct exchange_list *list, const char *word);

#endif
