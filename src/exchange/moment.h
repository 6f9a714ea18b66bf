/* moment: dates as the world prints them. Which of two small numbers is the day is a question of
 * the locale, so a date is read under an order, and an undecided one keeps both readings. */
#ifndef EXCHANGE_MOMENT_H
#define EXCHANGE_MOMENT_H

#include "exchange/value.h"

enum moment_order {
    MOMENT_UNDECIDED,
    MOMENT_MONTH_FIRST, /* 9/28/2010 */
    MOMENT_DAY_FIRST,   /* 28/09/2010 */
};

/* "9/28/2010 9:35:58 AM", "02.02.2028 4:22:23", "2008/12/13 下午 02:01:11", "2026-03-01 08:00:00",
 * "2026-03-01T08:00:00.123+01:00", "/Date(1234567890123)/", "Thursday, March 4, 2027 1:02:03 AM".
 * False where it is no date; *time then has the text and is printed, with the widest range, so that
 * it decides nothing. The order matters only where the print does not settle it. */
bool moment_read(struct span text, enum moment_order order, struct exchange_time *time);

/* The order that this date proves by itself ("28/09"); UNDECIDED where it proves none. */
enum moment_order moment_proves(struct span text);

#endif
