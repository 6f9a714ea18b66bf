/* recognise: splits an input into its parts, each of which its own reader takes. For this folder
 * alone. */
#ifndef EXCHANGE_RECOGNISE_H
#define EXCHANGE_RECOGNISE_H

#include "exchange/reader.h"

/* All lines of r->source. */
void recognise_lines(struct exchange_reader *r);

#endif
