#include "cli/human.h"

#include <time.h>

#include "base/num.h"

void human_add_span(struct buf *out, int64_t ms)
{
    ms = ms < 0 ? -ms : ms;
    if (ms >= 730 * DAY_MS)
        buf_addf(out, "%lld years", (long long)((ms + 182 * DAY_MS) / (365 * DAY_MS)));
    else if (ms >= 2 * DAY_MS)
        buf_addf(out, "%lld days", (long long)(ms / DAY_MS));
    else if (ms >= HOUR_MS)
        buf_addf(out, "%lld h", (long long)(ms / HOUR_MS));
    else if (ms >= MINUTE_MS)
        buf_addf(out, "%lld min", (long long)(ms / MINUTE_MS));
    else
        buf_addf(out, "%lld s", (long long)(ms / SECOND_MS));
}

void human_add_when(struct buf *out, int64_t ms, int64_t now_ms)
{
    int64_t ahead = ms - now_ms;
    if (ahead > -SECOND_MS && ahead < SECOND_MS) {
        buf_add_text(out, "now");
        return;
    }
    if (ahead > 0)
        buf_add_text(out, "in ");
    human_add_span(out, ahead);
    if (ahead < 0)
        buf_add_text(out, " ago");
}

void human_add_size(struct buf *out, uint64_t bytes)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
    size_t unit = 0;
    double value = (double)bytes;
    while (value >= 1023.95 &&
           unit + 1 < COUNT_OF(units)) { /* 1023.95 would be rounded to 1024.0 */
        value /= 1024;
        unit++;
    }
    uint64_t tenths = (uint64_t)(value * 10 + 0.5);
    if (value >= 99.95 || tenths % 10 == 0)
        buf_addf(out, "%.0f %s", value, units[unit]);
    else
        buf_addf(out, "%.1f %s", value, units[unit]);
}

void human_add_time(struct buf *out, int64_t ms)
{
    time_t seconds = (time_t)(ms / SECOND_MS);
    struct tm tm;
    char text[sizeof("-2147483648-01-01 00:00:00")];
    if (!localtime_r(&seconds, &tm) || strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) == 0)
        buf_add_text(out, "?");
    else
        buf_add_text(out, text);
}

enum err human_parse_moment(struct span s, int64_t now_ms, int64_t *ms)
{
    uint64_t back;
    if (num_parse_duration(s, &back) == OK) {
        if (back > (uint64_t)now_ms)
            return ERR_RANGE;
        *ms = now_ms - (int64_t)back;
        return OK;
    }
    return clock_parse_iso(s, ms);
}
