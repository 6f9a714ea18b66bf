/* finish: what can be said only when every input has been read: the order of dates, thumbprints
 * with a slip of the pen, and what is one and the same. For this folder alone. */
#ifndef EXCHANGE_FINISH_H
#define EXCHANGE_FINISH_H

#include "exchange/reader.h"

/* A print is of one locale: one date that proves the order of day and month decides all of its
 * file, unless another proves the opposite. */
void finish_dates(struct exchange_case *c);
/* A thumbprint that is no whole one, but is one letter from exactly one that is listed, is meant to
 * be that one; it is then filled in where it was asked for, never in a listing. */
void finish_thumbprints(struct exchange_case *c);
void finish_merge(struct exchange_case *c);

#endif
