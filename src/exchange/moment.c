#include "exchange/moment.h"

#include "base/clock.h"
#include "base/text.h"

enum {
    FIELDS_MAX = 12,
    /* Local time is between UTC-12 and UTC+14. */
    ZONE_AHEAD_HOURS = 14,
    ZONE_BEHIND_HOURS = 12,
};

struct reading {
    unsigned field[FIELDS_MAX]; /* numbers in the order they stand */
    size_t digits[FIELDS_MAX];
    char behind[FIELDS_MAX]; /* the character behind each */
    size_t count;
    unsigned month_word; /* 1 to 12: a name of a month stands there */
    size_t month_before; /* how many numbers stood before it */
    bool afternoon, morning;
};

/* Enough of each name to tell it from the others, in English, German, French, Spanish; others are
 * printed as numbers nearly always. */
static const struct {
    const char *head;
    unsigned month;
} months[] = {
    {"jan", 1},  {"ene", 1},  {"feb", 2},  {"fév", 2},  {"fev", 2},  {"mar", 3},  {"mär", 3},
    {"apr", 4},  {"avr", 4},  {"abr", 4},  {"may", 5},  {"mai", 5},  {"juin", 6}, {"jun", 6},
    {"juil", 7}, {"jul", 7},  {"aug", 8},  {"aoû", 8},  {"ago", 8},  {"sep", 9},  {"oct", 10},
    {"okt", 10}, {"nov", 11}, {"dec", 12}, {"dez", 12}, {"déc", 12}, {"dic", 12},
};

static const char *const afternoons[] = {"PM", "P.M", "p. m", "下午", "午後", "오후", "晚上"};
static const char *const mornings[] = {"AM", "A.M", "a. m", "上午", "午前", "오전"};

static bool names_one(struct span s, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct span word = span_of(words[i]);
        if (span_istarts(s, word) && (s.n == word.n || !text_is_alpha(s.p[word.n])))
            return true;
    }
    return false;
}

static size_t word_length(struct span s)
{
    size_t n = 0;
    while (n < s.n && (text_is_alpha(s.p[n]) || (unsigned char)s.p[n] >= 0x80))
        n++;
    return n;
}

static void read_word(struct reading *r, struct span s)
{
    if (names_one(s, afternoons, COUNT_OF(afternoons)))
        r->afternoon = true;
    else if (names_one(s, mornings, COUNT_OF(mornings)))
        r->morning = true;
    /* "Tuesday" begins like "March" in French and Spanish. */
    bool is_day = span_istarts(s, SPAN("mardi")) || span_istarts(s, SPAN("martes"));
    if (is_day || word_length(s) < 3)
        return;
    for (size_t i = 0; i < COUNT_OF(months) && r->month_word == 0; i++) {
        if (span_istarts(s, span_of(months[i].head))) {
            r->month_word = months[i].month;
            r->month_before = r->count;
        }
    }
}

/* False where there are more numbers than a date has. */
static bool read_number(struct reading *r, struct span *s)
{
    unsigned value = 0;
    size_t n = 0;
    while (n < s->n && text_is_digit(s->p[n]) && n < 9)
        value = value * 10 + (unsigned)(s->p[n++] - '0');
    if (r->count == FIELDS_MAX || n == 9)
        return false;
    r->field[r->count] = value;
    r->digits[r->count] = n;
    r->behind[r->count++] = n < s->n ? s->p[n] : '\0';
    *s = span_skip(*s, n);
    return true;
}

static bool read_fields(struct span s, struct reading *r)
{
    while (s.n > 0) {
        if (text_is_digit(s.p[0])) {
            if (!read_number(r, &s))
                return false;
        } else if (word_length(s) > 0) {
            read_word(r, s);
            s = span_skip(s, word_length(s));
        } else {
            s = span_skip(s, 1);
        }
    }
    return true;
}

static unsigned days_of(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Days since 1970-01-01 in the Gregorian calendar. */
static int64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
    int64_t days = 0;
    for (unsigned y = 1970; y < year; y++)
        days += 337 + days_of(y, 2);
    for (unsigned m = 1; m < month; m++)
        days += days_of(year, m);
    return days + day - 1;
}

static bool day_ms(unsigned year, unsigned month, unsigned day, int64_t *ms)
{
    if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 ||
        day > days_of(year, month))
        return false;
    *ms = days_since_1970(year, month, day) * DAY_MS;
    return true;
}

/* The year, and the two other numbers in the order they stand. */
static bool split_date(const struct reading *r, unsigned *year, unsigned pair[2], bool *year_first)
{
    if (r->count < (r->month_word ? 2U : 3U))
        return false;
    *year_first = r->digits[0] == 4;
    if (r->month_word) {
        *year = *year_first ? r->field[0] : r->field[1];
        pair[0] = r->month_word;
        pair[1] = *year_first ? r->field[1] : r->field[0];
    } else {
        *year = *year_first ? r->field[0] : r->field[2];
        pair[0] = *year_first ? r->field[1] : r->field[0];
        pair[1] = *year_first ? r->field[2] : r->field[1];
    }
    if (*year < 100)
        *year += 2000; /* two digits: short patterns of some locales */
    return true;
}

static bool time_of_day(const struct reading *r, int64_t *ms)
{
    size_t at = r->month_word ? 2 : 3;
    *ms = 0;
    if (r->count <= at)
        return true;
    unsigned hour = r->field[at], minute = r->count > at + 1 ? r->field[at + 1] : 0;
    unsigned second = 0;
    if (r->count > at + 2 && r->behind[at + 1] == ':')
        second = r->field[at + 2];
    if (r->afternoon && hour < 12)
        hour += 12;
    if (r->morning && hour == 12)
        hour = 0;
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    *ms = hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS;
    return true;
}

/* The order that the form of the date settles, whatever the numbers: the year stands in front, or
 * the separator is one that only day-first locales use. */
static enum moment_order order_of_form(const struct reading *r, bool year_first)
{
    if (year_first || r->month_word)
        return MOMENT_MONTH_FIRST;
    return r->behind[0] == '/' ? MOMENT_UNDECIDED : MOMENT_DAY_FIRST;
}

static bool exact(struct span text, struct exchange_time *time)
{
    int64_t ms = 0;
    size_t at = span_search(text, SPAN("/Date("));
    if (at < text.n) {
        struct span digits = span_skip(text, at + 6);
        bool negative = span_starts(digits, SPAN("-"));
        digits = span_skip(digits, negative);
        size_t n = 0;
        while (n < digits.n && n < 16 && text_is_digit(digits.p[n]))
            ms = ms * 10 + (digits.p[n++] - '0');
        if (n == 0)
            return false;
        time->earliest_ms = time->latest_ms = negative ? -ms : ms;
        return true;
    }
    return false;
}

/* "Z", "+01:00" or "GMT" behind the time: minutes east of UTC. */
static bool zone_of(struct span text, int *minutes)
{
    text = span_trim(text);
    *minutes = 0;
    if (span_iends(text, SPAN("Z")) || span_iends(text, SPAN("GMT")) ||
        span_iends(text, SPAN("UTC")))
        return true;
    if (text.n < 7)
        return false;
    struct span tail = span_skip(text, text.n - 6);
    bool is_zone = (tail.p[0] == '+' || tail.p[0] == '-') && text_is_digit(tail.p[1]) &&
                   text_is_digit(tail.p[2]) && tail.p[3] == ':' && text_is_digit(tail.p[4]) &&
                   text_is_digit(tail.p[5]);
    if (!is_zone || span_find(text, ':') == text.n - 3)
        return false;
    *minutes = ((tail.p[1] - '0') * 10 + tail.p[2] - '0') * 60 + (tail.p[4] - '0') * 10 +
               (tail.p[5] - '0');
    if (tail.p[0] == '-')
        *minutes = -*minutes;
    return true;
}

static bool set_range(struct exchange_time *time, const int64_t days[2], size_t count,
                      int64_t of_day)
{
    if (count == 0)
        return false;
    int64_t low = days[0], high = days[0];
    if (count == 2) {
        low = days[1] < low ? days[1] : low;
        high = days[1] > high ? days[1] : high;
    }
    int zone = 0;
    bool knows_zone = zone_of(time->text, &zone);
    time->ambiguous = low != high;
    time->earliest_ms = low + of_day - (knows_zone ? zone * MINUTE_MS : ZONE_AHEAD_HOURS * HOUR_MS);
    time->latest_ms =
        high + of_day - (knows_zone ? zone * MINUTE_MS : -ZONE_BEHIND_HOURS * HOUR_MS);
    return true;
}

static bool read_date(struct span text, enum moment_order order, struct exchange_time *time)
{
    struct reading r = {0};
    unsigned year = 0, pair[2] = {0, 0};
    bool year_first = false;
    int64_t of_day = 0, days[2];
    if (!read_fields(text, &r) || !split_date(&r, &year, pair, &year_first) ||
        !time_of_day(&r, &of_day))
        return false;
    enum moment_order form = order_of_form(&r, year_first);
    bool month_first = day_ms(year, pair[0], pair[1], &days[0]);
    size_t count = 0;
    int64_t found[2];
    if (month_first && form != MOMENT_DAY_FIRST)
        found[count++] = days[0];
    if (day_ms(year, pair[1], pair[0], &days[1]) && form != MOMENT_MONTH_FIRST)
        found[count++] = days[1];
    if (count == 2 && order != MOMENT_UNDECIDED) {
        found[0] = order == MOMENT_MONTH_FIRST ? found[0] : found[1];
        count = 1;
    }
    return set_range(time, found, count, of_day);
}

bool moment_read(struct span text, enum moment_order order, struct exchange_time *time)
{
    time->printed = true;
    time->ambiguous = false;
    time->text = span_trim(text);
    time->earliest_ms = INT64_MIN;
    time->latest_ms = INT64_MAX;
    return exact(text, time) || read_date(time->text, order, time);
}

enum moment_order moment_proves(struct span text)
{
    struct reading r = {0};
    unsigned year = 0, pair[2] = {0, 0};
    bool year_first = false;
    if (!read_fields(text, &r) || !split_date(&r, &year, pair, &year_first) ||
        order_of_form(&r, year_first) != MOMENT_UNDECIDED)
        return MOMENT_UNDECIDED;
    if (pair[0] > 12 && pair[1] <= 12)
        return MOMENT_DAY_FIRST;
    return pair[1] > 12 && pair[0] <= 12 ? MOMENT_MONTH_FIRST : MOMENT_UNDECIDED;
}
