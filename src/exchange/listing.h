/* listing: what Format-List prints: "Name : value", a blank line between objects. Any subset of
 * properties in any order and case, wrapped with an indent as PowerShell does it, or cut at the
 * column of a window, in the middle of words. For this folder alone. */
#ifndef EXCHANGE_LISTING_H
#define EXCHANGE_LISTING_H

#include "exchange/reader.h"

/* Does an object begin on this line? */
bool listing_begins(const struct exchange_reader *r, size_t at);
/* One object. */
reader_part listing_part;

#endif
