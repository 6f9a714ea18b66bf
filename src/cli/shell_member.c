/* Properties and methods: $x.Issuer, $x.Count, $d.ToString('o'), [System.IO.File]::ReadAllBytes. */
#include <time.h>

#include "base/encode.h"
#include "base/text.h"
#include "cli/shell.h"

/* ---- properties ---- */

static struct shell_value *part_of_time(struct shell *s, const struct shell_value *value,
                                        struct span name)
{
    time_t seconds = (time_t)(value->ms / 1000);
    struct tm tm = {0};
    localtime_r(&seconds, &tm);
    const struct {
        const char *name;
        int value;
    } parts[] = {{"Year", tm.tm_year + 1900}, {"Month", tm.tm_mon + 1}, {"Day", tm.tm_mday},
                 {"Hour", tm.tm_hour},        {"Minute", tm.tm_min},    {"Second", tm.tm_sec}};
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (span_ieq(name, span_of(parts[i].name)))
            return shell_number(s->arena, parts[i].value);
    return shell_null();
}

static struct shell_value *part_of_duration(struct shell *s, const struct shell_value *value,
                                            struct span name)
{
    static const struct {
        const char *name;
        int64_t ms;
    } parts[] = {{"TotalSeconds", SECOND_MS},
                 {"TotalMinutes", MINUTE_MS},
                 {"TotalHours", HOUR_MS},
                 {"TotalDays", DAY_MS}};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        double exact = (double)value->ms / (double)parts[i].ms;
        if (span_ieq(name, span_of(parts[i].name)))
            return shell_number(s->arena, exact);
    }
    int64_t days = value->ms / DAY_MS;
    return span_ieq(name, SPAN("Days")) ? shell_number(s->arena, (double)days) : shell_null();
}

static struct shell_value *of_each(struct shell *s, const struct shell_value *list,
                                   struct span name)
{
    struct shell_list found = {0};
    for (size_t i = 0; i < list->list.count; i++) {
        struct shell_value *value = shell_member(s, list->list.items[i], name);
        shell_list_spread(s->arena, &found, value);
    }
    return shell_list_settle(s->arena, &found);
}

struct shell_value *shell_member(struct shell *s, struct shell_value *left, struct span name)
{
    struct shell_value *own = shell_get(left, name);
    bool counts = span_ieq(name, SPAN("Count")) || span_ieq(name, SPAN("Length"));
    if (own)
        return own;
    if (counts && left->kind == SHELL_TEXT && span_ieq(name, SPAN("Length")))
        return shell_number(s->arena, (double)left->text.n);
    if (counts && left->kind == SHELL_BYTES)
        return shell_number(s->arena, (double)left->held->n);
    if (counts)
        return shell_number(s->arena, left->kind == SHELL_LIST
                                          ? (double)left->list.count
                                          : (double)(left->kind != SHELL_NULL));
    switch (left->kind) {
    case SHELL_LIST: return of_each(s, left, name);
    case SHELL_TIME: return part_of_time(s, left, name);
    case SHELL_DURATION: return part_of_duration(s, left, name);
    /* Export-ExchangeCertificate's answer is used as $x.FileData. */
    case SHELL_BYTES: return span_ieq(name, SPAN("FileData")) ? left : shell_null();
    default: return shell_null();
    }
}

/* ---- methods ---- */

static struct span argument(struct shell *s, const struct shell_list *arguments, size_t at)
{
    return arguments && at < arguments->count ? shell_text_of(s->arena, arguments->items[at])
                                              : SPAN_NONE;
}

/* .NET's letters for a date, as far as procedures use them: yyyy-MM-dd HH:mm:ss. */
static void add_custom_time(struct buf *out, struct span format, int64_t ms)
{
    static const struct {
        const char *letters, *conversion;
    } known[] = {{"yyyy", "%Y"}, {"MMM", "%b"}, {"MM", "%m"}, {"dd", "%d"},
                 {"HH", "%H"},   {"hh", "%I"},  {"mm", "%M"}, {"ss", "%S"},
                 {"tt", "%p"},   {"zzz", "%z"}, {"K", "%z"}};
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm = {0};
    localtime_r(&seconds, &tm);
    while (format.n) {
        size_t i = 0;
        while (i < COUNT_OF(known) && !span_starts(format, span_of(known[i].letters)))
            i++;
        if (i == COUNT_OF(known)) {
            buf_add_char(out, format.p[0]);
            format = span_skip(format, 1);
            continue;
        }
        char piece[32];
        size_t n = strftime(piece, sizeof(piece), known[i].conversion, &tm);
        buf_add(out, span_make(piece, n));
        format = span_skip(format, strlen(known[i].letters));
    }
}

/* The round-trip form "o" is in UTC here, which is the same moment. */
static struct shell_value *to_string(struct shell *s, const struct shell_value *value,
                                     struct span format)
{
    struct buf text = BUF_INIT(SHELL_TEXT_MAX);
    bool iso =
        span_ieq(format, SPAN("o")) || span_ieq(format, SPAN("u")) || span_eq(format, SPAN("s"));
    if (value->kind == SHELL_TIME && iso)
        clock_add_iso(&text, value->ms);
    else if (value->kind == SHELL_TIME && span_eq(format, SPAN("d")))
        add_custom_time(&text, SPAN("MM/dd/yyyy"), value->ms);
    else if (value->kind == SHELL_TIME && format.n)
        add_custom_time(&text, format, value->ms);
    else
        shell_add_text(&text, value);
    struct shell_value *result = shell_text(s->arena, buf_span(&text));
    buf_done(&text);
    return result;
}

static struct shell_value *change_case(struct shell *s, struct span text, bool upper)
{
    struct shell_value *value = shell_text(s->arena, text);
    char *p = arena_text(s->arena, text);
    for (size_t i = 0; i < text.n; i++)
        p[i] = upper ? text_upper(p[i]) : text_lower(p[i]);
    value->text = span_make(p, text.n);
    return value;
}

static struct shell_value *text_method(struct shell *s, struct span text, struct span name,
                                       const struct shell_list *arguments)
{
    struct span first = argument(s, arguments, 0);
    struct shell_value *whole = shell_text(s->arena, text);
    if (span_ieq(name, SPAN("ToUpper")) || span_ieq(name, SPAN("ToLower")))
        return change_case(s, text, span_ieq(name, SPAN("ToUpper")));
    if (span_ieq(name, SPAN("Trim")))
        return shell_text(s->arena, span_trim(text));
    if (span_ieq(name, SPAN("StartsWith")))
        return shell_bool(s->arena, span_starts(text, first));
    if (span_ieq(name, SPAN("EndsWith")))
        return shell_bool(s->arena,
                          text.n >= first.n && span_eq(span_skip(text, text.n - first.n), first));
    if (span_ieq(name, SPAN("Contains")))
        return shell_bool(s->arena, first.n == 0 || span_search(text, first) < text.n);
    if (span_ieq(name, SPAN("Split")) && first.n)
        return shell_operate(s, SPAN("-split"), whole, arguments->items[0]);
    if (span_ieq(name, SPAN("Replace")) && arguments->count == 2) {
        struct shell_value *pair = shell_list_value(s->arena);
        pair->list = *arguments;
        return shell_operate(s, SPAN("-replace"), whole, pair);
    }
    return NULL;
}

/* AddDays, AddHours, AddMinutes */
static struct shell_value *add_to_time(struct shell *s, const struct shell_value *value,
                                       struct span name, const struct shell_list *arguments)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"AddDays", DAY_MS}, {"AddHours", HOUR_MS}, {"AddMinutes", MINUTE_MS}};
    double count = 0;
    if (arguments->count != 1 || !shell_as_number(arguments->items[0], &count) || count < -1e6 ||
        count > 1e6)
        return NULL;
    for (size_t i = 0; i < COUNT_OF(units); i++)
        if (span_ieq(name, span_of(units[i].name)))
            return shell_time(s->arena, value->ms + (int64_t)(count * (double)units[i].ms));
    return NULL;
}

static struct shell_value *encoded(struct shell *s, struct span type, struct span text)
{
    struct buf bytes = BUF_INIT(2 * SHELL_TEXT_MAX);
    if (span_iends(type, SPAN("Unicode"))) /* UTF-16LE; texts of the procedures are ASCII */
        for (size_t i = 0; i < text.n; i++)
            buf_add(&bytes, span_make((char[]){text.p[i], 0}, 2));
    else
        buf_add(&bytes, text);
    struct shell_value *value = shell_hold(s, SHELL_BYTES, buf_span(&bytes));
    buf_done(&bytes);
    return value;
}

static struct shell_value *encoding_method(struct shell *s, const struct shell_value *encoding,
                                           struct span name, const struct shell_list *arguments)
{
    if (span_ieq(name, SPAN("GetBytes")) && arguments->count == 1)
        return encoded(s, encoding->text, shell_text_of(s->arena, arguments->items[0]));
    return NULL;
}

struct shell_value *shell_method(struct shell *s, struct shell_value *left, struct span name,
                                 const struct shell_list *arguments)
{
    struct shell_value *result = NULL;
    if (span_ieq(name, SPAN("ToString")))
        result = to_string(s, left, argument(s, arguments, 0));
    else if (span_ieq(name, SPAN("Contains")) && left->kind == SHELL_LIST && arguments->count == 1)
        result = shell_operate(s, SPAN("-contains"), left, arguments->items[0]);
    else if (left->kind == SHELL_TEXT)
        result = text_method(s, left->text, name, arguments);
    else if (left->kind == SHELL_TYPE_NAME)
        result = encoding_method(s, left, name, arguments);
    else if (left->kind == SHELL_TIME)
        result = add_to_time(s, left, name, arguments);
    if (!result && !s->failed)
        shell_fail(s,
                   "there are ToString, ToUpper, ToLower, Trim, Split, Replace, Contains, "
                   "StartsWith, EndsWith, AddDays, AddHours and AddMinutes",
                   "there is no method " SPAN_FMT "() with these arguments here", SPAN_ARG(name));
    return result;
}

/* ---- static members ---- */

static struct shell_value *file_static(struct shell *s, struct span name,
                                       const struct shell_list *arguments)
{
    struct span path = argument(s, arguments, 0);
    struct shell_value *value;
    if (span_ieq(name, SPAN("ReadAllBytes")) && arguments->count == 1)
        return shell_read_bytes(s, path);
    if (span_ieq(name, SPAN("ReadAllText")) && arguments->count == 1) {
        value = shell_read_bytes(s, path);
        return value ? shell_text(s->arena, buf_span(value->held)) : NULL;
    }
    bool text = span_ieq(name, SPAN("WriteAllText"));
    if ((text || span_ieq(name, SPAN("WriteAllBytes"))) && arguments->count == 2) {
        value = arguments->items[1];
        struct span bytes =
            value->kind == SHELL_BYTES ? buf_span(value->held) : shell_text_of(s->arena, value);
        if (!text && value->kind != SHELL_BYTES)
            shell_fail(s, "[System.Text.Encoding]::UTF8.GetBytes($x) makes bytes of a text",
                       "WriteAllBytes writes bytes, and this is none");
        else if (shell_write(s, path, bytes, false))
            return shell_null();
    }
    return NULL;
}

static struct shell_value *convert_static(struct shell *s, struct span name,
                                          const struct shell_list *arguments)
{
    if (arguments->count != 1)
        return NULL;
    const struct shell_value *value = arguments->items[0];
    struct buf out = BUF_INIT(2 * SHELL_TEXT_MAX);
    struct shell_value *result = NULL;
    if (span_ieq(name, SPAN("ToBase64String")) && value->kind == SHELL_BYTES) {
        encode_base64(&out, buf_span(value->held));
        result = shell_text(s->arena, buf_span(&out));
    } else if (span_ieq(name, SPAN("FromBase64String")) && value->kind == SHELL_TEXT) {
        if (decode_base64(&out, value->text) == OK)
            result = shell_hold(s, SHELL_BYTES, buf_span(&out));
        else
            shell_fail(s, NULL, "that is no base64");
    }
    buf_done(&out);
    return result;
}

struct shell_value *shell_static(struct shell *s, struct span type, struct span name,
                                 const struct shell_list *arguments)
{
    struct shell_value *result = NULL;
    if (span_istarts(type, SPAN("System.")))
        type = span_skip(type, strlen("System."));
    if (span_ieq(type, SPAN("Text.Encoding")) && !arguments) {
        result = shell_text(s->arena, name);
        result->kind = SHELL_TYPE_NAME; /* .GetBytes() follows */
    } else if (span_ieq(type, SPAN("IO.File")) && arguments) {
        result = file_static(s, name, arguments);
    } else if (span_ieq(type, SPAN("Convert")) && arguments) {
        result = convert_static(s, name, arguments);
    } else if (span_ieq(type, SPAN("DateTime")) && span_ieq(name, SPAN("Now"))) {
        result = shell_time(s->arena, clock_now_ms());
    }
    if (!result && !s->failed)
        shell_fail(s,
                   "there are [System.IO.File]::ReadAllBytes, ReadAllText, WriteAllBytes and "
                   "WriteAllText, [Convert]::ToBase64String and FromBase64String, "
                   "[System.Text.Encoding]::UTF8.GetBytes and [DateTime]::Now",
                   "there is no [" SPAN_FMT "]::" SPAN_FMT " with these arguments here",
                   SPAN_ARG(type), SPAN_ARG(name));
    return result;
}
