/* export: the document as JSON values, whole or only what differs from the defaults. */
#ifndef CONF_EXPORT_H
#define CONF_EXPORT_H

#include <jansson.h>

#include "conf/schema.h"

enum export_kind {
    EXPORT_WHOLE,   /* every key that has a value */
    EXPORT_ESSENCE, /* what has to be written to get the same document */
};

json_t *export_document(const struct document *d, enum export_kind kind);
json_t *export_receive_connector(const struct document *d, const struct receive_connector *c,
                                 enum export_kind kind);
json_t *export_send_connector(const struct document *d, const struct send_connector *c,
                              enum export_kind kind);

/* Defaults that depend on other keys of the same connector. */
enum deliver_by export_default_deliver_by(const struct send_connector *c);
uint16_t export_default_port(const struct send_connector *c);
/* And on the receive connectors: certificates.acme.names, without repetition; returns how many. */
size_t export_default_acme_names(const struct document *d, struct arena *arena,
                                 struct span **names);

#endif
