/* certificates: certificates themselves among the prints: PEM in a text, or a file of any form. For
 * this folder alone. */
#ifndef EXCHANGE_CERTIFICATES_H
#define EXCHANGE_CERTIFICATES_H

#include "exchange/reader.h"

/* Adds each leaf that is found; false where there is none. `first` (may be NULL) gets the first of
 * them. Chains are completed with what stands beside them. */
bool certificates_read(struct exchange_reader *r, struct span bytes, unsigned line, bool from_wire,
                       const struct certificate **first);

#endif
