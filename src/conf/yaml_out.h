/* yaml_out: JSON values as YAML text, the way people write it: maps as blocks, short lists on one
 * line. */
#ifndef CONF_YAML_OUT_H
#define CONF_YAML_OUT_H

#include <jansson.h>

#include "base/buf.h"

/* An object becomes lines of keys; what the text says is the same for tree_parse. */
void yaml_write(struct buf *out, const json_t *value);

#endif
