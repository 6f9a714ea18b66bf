/* value: what a print says of one property, and where it stood. A print is never complete: what it
 * does not show is "cannot tell", which no reader turns into false. */
#ifndef EXCHANGE_VALUE_H
#define EXCHANGE_VALUE_H

#include <stdint.h>

#include "base/span.h"

enum known { CANNOT_TELL, KNOWN_NO, KNOWN_YES };

struct exchange_place {
    struct span file; /* as the caller named it */
    unsigned line;    /* from 1; 0: nowhere */
};

struct exchange_value {
    bool printed;     /* the property stands in the print; its text may still be empty ($null) */
    struct span text; /* blanks trimmed, wrapped lines joined */
    struct exchange_place place;
};

struct exchange_list {
    bool printed;
    bool truncated; /* the print ends in an ellipsis ($FormatEnumerationLimit): more may follow */
    struct span *items;
    size_t count;
    struct exchange_place place;
};

/* Dates are printed in the locale of whoever printed them, in local time: the order of day and
 * month and the offset from UTC are often unknown. Both readings of an ambiguous date are kept;
 * what is certain is only that the instant lies in [earliest_ms, latest_ms]. */
struct exchange_time {
    bool printed;
    bool ambiguous;                 /* day and month can be exchanged and nothing near it decides */
    int64_t earliest_ms, latest_ms; /* since 1970 in UTC; equal where the print names a zone */
    struct span text;
    struct exchange_place place;
};

/* Is the instant certainly before `now_ms`? CANNOT_TELL where the readings disagree or nothing was
 * printed. */
enum known exchange_time_passed(const struct exchange_time *t, int64_t now_ms);

#endif
