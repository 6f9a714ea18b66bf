#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

#include "base/num.h"

static _Atomic int64_t fixed_ms;

static int64_t read_clock(clockid_t id)
{
    int64_t fixed = atomic_load_explicit(&fixed_ms, memory_order_relaxed);
    if (fixed)
        return fixed;
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * SECOND_MS + t.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_monotonic_ms(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void clock_set_ms(int64_t now_ms)
{
    atomic_store(&fixed_ms, now_ms);
}

void clock_release(void)
{
    atomic_store(&fixed_ms, 0);
}

/* Splits into whole seconds and 0 to 999 ms, before 1970 as well. */
static struct tm broken_down(int64_t ms, int *millis)
{
    *millis = (int)(ms % SECOND_MS);
    time_t seconds = (time_t)(ms / SECOND_MS);
    if (*millis < 0) {
        *millis += (int)SECOND_MS;
        seconds--;
    }
    /* Most of what is told happened in the second that was told last. */
    static _Thread_local bool has_last;
    static _Thread_local time_t last;
    static _Thread_local struct tm tm;
    if (!has_last || seconds != last)
        gmtime_r(&seconds, &tm);
    has_last = true;
    last = seconds;
    return tm;
}

/* Exactly so many digits. */
static void add_digits(struct buf *out, int value, int digits)
{
    char *at = buf_room(out, (size_t)digits);
    if (!at)
        return;
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    buf_grow(out, (size_t)digits);
}

static void add_year(struct buf *out, int year)
{
    if (year >= 0 && year <= 9999)
        add_digits(out, year, 4);
    else
        num_add(out, year);
}

static void add_time_of_day(struct buf *out, const struct tm *tm)
{
    add_digits(out, tm->tm_hour, 2);
    buf_add_char(out, ':');
    add_digits(out, tm->tm_min, 2);
    buf_add_char(out, ':');
    add_digits(out, tm->tm_sec, 2);
}

void clock_add_iso(struct buf *out, int64_t ms)
{
    int millis;
    struct tm tm = broken_down(ms, &millis);
    add_year(out, tm.tm_year + 1900);
    buf_add_char(out, '-');
    add_digits(out, tm.tm_mon + 1, 2);
    buf_add_char(out, '-');
    add_digits(out, tm.tm_mday, 2);
    buf_add_char(out, 'T');
    add_time_of_day(out, &tm);
    buf_add_char(out, '.');
    add_digits(out, millis, 3);
    buf_add_char(out, 'Z');
}

void clock_add_rfc5322(struct buf *out, int64_t ms)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int millis;
    struct tm tm = broken_down(ms, &millis);
    buf_add_text(out, days[tm.tm_wday]);
    buf_add_text(out, ", ");
    add_digits(out, tm.tm_mday, 2);
    buf_add_char(out, ' ');
    buf_add_text(out, months[tm.tm_mon]);
    buf_add_char(out, ' ');
    add_year(out, tm.tm_year + 1900);
    buf_add_char(out, ' ');
    add_time_of_day(out, &tm);
    buf_add_text(out, " +0000");
}

/* Reads `width` digits and the character behind them (NUL: none), and takes them off. */
static bool field(struct span *s, size_t width, char after, uint64_t max, int *value)
{
    uint64_t number;
    if (s->n < width || num_parse(span_head(*s, width), max, &number) != OK)
        return false;
    *s = span_skip(*s, width);
    *value = (int)number;
    if (after == '\0')
        return true;
    if (s->n == 0 || s->p[0] != after)
        return false;
    *s = span_skip(*s, 1);
    return true;
}

/* Whether timegm took the date as it stands: 31 February becomes a day of March. */
static bool is_calendar_day(const struct tm *before, const struct tm *after)
{
    return before->tm_mday == after->tm_mday && before->tm_mon == after->tm_mon;
}

static bool parse_time(struct span s, struct tm *tm, int *millis)
{
    if (s.p[0] != 'T' && s.p[0] != ' ')
        return false;
    s = span_skip(s, 1);
    if (!field(&s, 2, ':', 23, &tm->tm_hour) || !field(&s, 2, ':', 59, &tm->tm_min) ||
        !field(&s, 2, '\0', 60, &tm->tm_sec))
        return false;
    if (s.n && s.p[0] == '.') {
        s = span_skip(s, 1);
        if (!field(&s, 3, '\0', 999, millis))
            return false;
    }
    return span_eq(s, SPAN("Z"));
}

enum err clock_parse_iso(struct span s, int64_t *ms)
{
    struct tm tm = {0};
    int millis = 0;
    if (!field(&s, 4, '-', 9999, &tm.tm_year) || !field(&s, 2, '-', 12, &tm.tm_mon) ||
        !field(&s, 2, '\0', 31, &tm.tm_mday) || tm.tm_mon == 0 || tm.tm_mday == 0)
        return ERR_SYNTAX;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    struct tm day = tm;
    timegm(&day);
    if (!is_calendar_day(&tm, &day) || (s.n && !parse_time(s, &tm, &millis)))
        return ERR_SYNTAX;
    *ms = (int64_t)timegm(&tm) * SECOND_MS + millis;
    return OK;
}
