#include "exchange/moment.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A decided order only ever narrows what an undecided one says. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_make((const char *)data, size);
    struct exchange_time open = {0}, month = {0}, day = {0};
    bool read = moment_read(text, MOMENT_UNDECIDED, &open);
    moment_read(text, MOMENT_MONTH_FIRST, &month);
    moment_read(text, MOMENT_DAY_FIRST, &day);
    moment_proves(text);
    if (!open.printed || open.earliest_ms > open.latest_ms || (!read && open.ambiguous))
        abort();
    if (read && (month.earliest_ms < open.earliest_ms || day.latest_ms > open.latest_ms))
        abort();
    return 0;
}
