#include "base/num.h"

#include "base/text.h"

enum err num_parse(struct span s, uint64_t max, uint64_t *value)
{
    if (s.n == 0)
        return ERR_SYNTAX;
    uint64_t sum = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!text_is_digit(s.p[i]))
            return ERR_SYNTAX;
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        if (sum > (UINT64_MAX - digit) / 10)
            return ERR_RANGE;
        sum = sum * 10 + digit;
    }
    if (sum > max)
        return ERR_RANGE;
    *value = sum;
    return OK;
}

void num_add(struct buf *out, int64_t value)
{
    char digits[24], *p = digits + sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--p = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        *--p = '-';
    buf_add(out, span_make(p, (size_t)(digits + sizeof(digits) - p)));
}

struct unit {
    const char *name;
    uint64_t factor;
};

/* Largest first, so that printing finds the shortest form. */
static const struct unit size_units[] = {
    {"TB", 1ULL << 40}, {"GB", 1ULL << 30}, {"MB", 1ULL << 20}, {"KB", 1ULL << 10}, {"B", 1},
};
static const struct unit time_units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};

static size_t digits(struct span s)
{
    size_t n = 0;
    while (n < s.n && text_is_digit(s.p[n]))
        n++;
    return n;
}

static enum err scale(uint64_t whole, uint64_t factor, uint64_t *value)
{
    if (whole && factor > INT64_MAX / whole)
        return ERR_RANGE;
    *value = whole * factor;
    return OK;
}

enum err num_parse_size(struct span s, uint64_t *bytes)
{
    s = span_trim(s);
    size_t n = digits(s);
    uint64_t whole, tenths = 0, value;
    enum err err = num_parse(span_head(s, n), INT64_MAX, &whole);
    if (err != OK)
        return err;
    struct span rest = span_skip(s, n);
    if (rest.n >= 2 && rest.p[0] == '.' && text_is_digit(rest.p[1])) {
        tenths = (uint64_t)(rest.p[1] - '0');
        rest = span_skip(rest, 2);
    }
    rest = span_trim(rest);
    uint64_t factor = rest.n == 0 ? 1 : 0;
    for (size_t i = 0; i < COUNT_OF(size_units); i++) {
        struct span name = span_of(size_units[i].name);
        if (span_ieq(rest, name) || (rest.n == 1 && span_ieq(rest, span_head(name, 1))))
            factor = size_units[i].factor;
    }
    if (factor == 0 || (tenths && factor == 1))
        return ERR_SYNTAX;
    uint64_t part = factor * tenths / 10;
    if (scale(whole, factor, &value) != OK || value > INT64_MAX - part)
        return ERR_RANGE;
    *bytes = value + part;
    return OK;
}

/* [d.]hh:mm:ss */
static enum err parse_clock(struct span s, uint64_t *ms)
{
    uint64_t days = 0, field[3];
    size_t dot = span_find(s, '.');
    if (dot < s.n) {
        if (num_parse(span_head(s, dot), 36500, &days) != OK)
            return ERR_SYNTAX;
        s = span_skip(s, dot + 1);
    }
    static const uint64_t max[3] = {23, 59, 59};
    struct span part;
    for (int i = 0; i < 3; i++)
        if (!span_cut(&s, ':', &part) || part.n != 2 || num_parse(part, max[i], &field[i]) != OK)
            return ERR_SYNTAX;
    if (s.p)
        return ERR_SYNTAX;
    *ms = (((days * 24 + field[0]) * 60 + field[1]) * 60 + field[2]) * 1000;
    return OK;
}

enum err num_parse_duration(struct span s, uint64_t *ms)
{
    s = span_trim(s);
    if (span_find(s, ':') < s.n)
        return parse_clock(s, ms);
    uint64_t sum = 0;
    if (s.n == 0)
        return ERR_SYNTAX;
    while (s.n) {
        size_t n = digits(s);
        uint64_t whole, part, factor = 0;
        enum err err = num_parse(span_head(s, n), INT64_MAX, &whole);
        if (err != OK)
            return err;
        s = span_skip(s, n);
        size_t letters = 0;
        while (letters < s.n && text_is_alpha(s.p[letters]))
            letters++;
        for (size_t i = 0; i < COUNT_OF(time_units); i++)
            if (span_ieq(span_head(s, letters), span_of(time_units[i].name)))
                factor = time_units[i].factor;
        if (factor == 0)
            return ERR_SYNTAX;
        if (scale(whole, factor, &part) != OK || part > INT64_MAX - sum)
            return ERR_RANGE;
        sum += part;
        s = span_trim(span_skip(s, letters));
    }
    *ms = sum;
    return OK;
}

void num_add_size(struct buf *out, uint64_t bytes)
{
    for (size_t i = 0; i < COUNT_OF(size_units); i++)
        if (bytes % size_units[i].factor == 0 && (bytes || size_units[i].factor == 1)) {
            buf_addf(out, "%llu%s", (unsigned long long)(bytes / size_units[i].factor),
                     size_units[i].name);
            return;
        }
}

void num_add_duration(struct buf *out, uint64_t ms)
{
    if (ms == 0)
        buf_add_text(out, "0s");
    for (size_t i = 0; i < COUNT_OF(time_units); i++) {
        uint64_t whole = ms / time_units[i].factor;
        if (whole)
            buf_addf(out, "%llu%s", (unsigned long long)whole, time_units[i].name);
        ms %= time_units[i].factor;
    }
}
