#include "exchange/value.h"

enum known exchange_time_passed(const struct exchange_time *t, int64_t now_ms)
{
    if (!t->printed)
        return CANNOT_TELL;
    if (t->latest_ms < now_ms)
        return KNOWN_YES;
    return t->earliest_ms >= now_ms ? KNOWN_NO : CANNOT_TELL;
}
