/* property: the text of a property as what it means. Empty is not "False": whatever a print does
 * not say stays "cannot tell". For this folder alone. */
#ifndef EXCHANGE_PROPERTY_H
#define EXCHANGE_PROPERTY_H

#include "exchange/moment.h"
#include "exchange/object.h"

enum { LIST_ITEMS_MAX = 20000 }; /* RemoteIPRanges has 1300 in practice */

/* NULL is "not printed" in all of these. A cell that was cut off is not printed either. */

/* Free text: wrapped between words. */
struct exchange_value property_value(struct exchange_reader *r, const struct object_property *p);
/* Text that never holds a blank (a host name, hexadecimal): where it was wrapped does not matter.
 */
struct exchange_value property_word(struct exchange_reader *r, const struct object_property *p);
/* "{a, b}", "a, b", or CLIXML's and JSON's own lists. `words`: items hold no blanks. */
struct exchange_list property_list(struct exchange_reader *r, const struct object_property *p,
                                   bool words);
enum known property_known(const struct object_property *p);
struct exchange_time property_time(struct exchange_reader *r, const struct object_property *p);
struct exchange_time property_time_of(struct exchange_reader *r, struct span text, unsigned line);

/* The marks of wrapping as text: nothing within a word, a blank between words. */
struct span property_unwrap(struct arena *arena, struct span text);
/* Without the marks and without any blank. */
struct span property_squeeze(struct arena *arena, struct span text);

/* Upper-case hexadecimal where it is that, whatever blanks stand in it; else as printed. */
struct span property_hex(struct arena *arena, struct span text);
/* 40 hexadecimal digits. */
bool property_is_thumbprint(struct span s);

/* "IP.WS": the form of a table, whose dots are no ellipsis. */
bool property_is_letters(struct span text);
/* Words, "IP.WS" or a number as bits of enum exchange_service. */
enum known property_services(struct span text, unsigned *services);

#endif
