#include "cli/shell_value.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/num.h"
#include "base/text.h"

/* ---- making ---- */

static struct shell_value *make(struct arena *a, enum shell_kind kind)
{
    struct shell_value *value = ARENA_NEW(a, struct shell_value);
    value->kind = kind;
    return value;
}

struct shell_value *shell_null(void)
{
    static struct shell_value null = {.kind = SHELL_NULL};
    return &null;
}

struct shell_value *shell_bool(struct arena *a, bool flag)
{
    struct shell_value *value = make(a, SHELL_BOOL);
    value->flag = flag;
    return value;
}

struct shell_value *shell_number(struct arena *a, double number)
{
    struct shell_value *value = make(a, SHELL_NUMBER);
    value->number = number;
    return value;
}

struct shell_value *shell_written_number(struct arena *a, double number, struct span written)
{
    struct shell_value *value = shell_number(a, number);
    value->text = arena_copy(a, written);
    return value;
}

struct shell_value *shell_text(struct arena *a, struct span text)
{
    struct shell_value *value = make(a, SHELL_TEXT);
    value->text = arena_copy(a, text);
    return value;
}

struct shell_value *shell_time(struct arena *a, int64_t ms)
{
    struct shell_value *value = make(a, SHELL_TIME);
    value->ms = ms;
    return value;
}

struct shell_value *shell_duration(struct arena *a, int64_t ms)
{
    struct shell_value *value = make(a, SHELL_DURATION);
    value->ms = ms;
    return value;
}

struct shell_value *shell_list_value(struct arena *a)
{
    return make(a, SHELL_LIST);
}

struct shell_value *shell_object(struct arena *a, const char *type)
{
    struct shell_value *value = make(a, SHELL_OBJECT);
    value->type = type;
    return value;
}

void shell_list_add(struct arena *a, struct shell_list *list, struct shell_value *value)
{
    if (list->count == SHELL_ITEMS_MAX)
        return;
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 8;
        struct shell_value **items = ARENA_ARRAY(a, struct shell_value *, room);
        for (size_t i = 0; i < list->count; i++)
            items[i] = list->items[i];
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = value;
}

void shell_list_spread(struct arena *a, struct shell_list *list, struct shell_value *value)
{
    if (value->kind == SHELL_NULL)
        return;
    if (value->kind != SHELL_LIST) {
        shell_list_add(a, list, value);
        return;
    }
    for (size_t i = 0; i < value->list.count; i++)
        shell_list_add(a, list, value->list.items[i]);
}

struct shell_value *shell_list_settle(struct arena *a, const struct shell_list *list)
{
    if (list->count == 0)
        return shell_null();
    if (list->count == 1)
        return list->items[0];
    struct shell_value *value = shell_list_value(a);
    value->list = *list;
    return value;
}

void shell_set(struct arena *a, struct shell_value *object, const char *name,
               struct shell_value *value)
{
    struct shell_property *property = ARENA_NEW(a, struct shell_property);
    property->name = span_of(name);
    property->value = value;
    if (object->last)
        object->last->next = property;
    else
        object->properties = property;
    object->last = property;
}

struct shell_value *shell_get(const struct shell_value *object, struct span name)
{
    for (const struct shell_property *p = object->properties; p; p = p->next)
        if (span_ieq(p->name, name))
            return p->value;
    return NULL;
}

/* ---- text ---- */

bool shell_is_true(const struct shell_value *value)
{
    switch (value->kind) {
    case SHELL_NULL: return false;
    case SHELL_BOOL: return value->flag;
    case SHELL_NUMBER: return value->number != 0;
    case SHELL_TEXT: return value->text.n > 0;
    case SHELL_LIST:
        return value->list.count > 1 ||
               (value->list.count == 1 && shell_is_true(value->list.items[0]));
    default: return true;
    }
}

void shell_add_time(struct buf *out, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm = {0};
    localtime_r(&seconds, &tm);
    int hour = tm.tm_hour % 12 ? tm.tm_hour % 12 : 12;
    buf_addf(out, "%d/%d/%d %d:%02d:%02d %s", tm.tm_mon + 1, tm.tm_mday, tm.tm_year + 1900, hour,
             tm.tm_min, tm.tm_sec, tm.tm_hour < 12 ? "AM" : "PM");
}

void shell_add_duration(struct buf *out, int64_t ms)
{
    if (ms < 0)
        buf_add_char(out, '-');
    ms = ms < 0 ? -ms : ms;
    long long seconds = ms / 1000;
    if (seconds >= 86400)
        buf_addf(out, "%lld.", seconds / 86400);
    buf_addf(out, "%02lld:%02lld:%02lld", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    if (ms % 1000)
        buf_addf(out, ".%03lld", (long long)(ms % 1000));
}

bool shell_is_whole(double number)
{
    return number > -1e15 && number < 1e15 && number == (double)(int64_t)number;
}

static void add_number(struct buf *out, double number)
{
    if (shell_is_whole(number))
        buf_addf(out, "%.0f", number);
    else
        buf_addf(out, "%.15g", number);
}

/* An object stands by its Identity or Name where it is one of several things in a line. */
static void add_object(struct buf *out, const struct shell_value *value)
{
    static const char *const names[] = {"Identity", "Name", "Thumbprint"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct shell_value *name = shell_get(value, span_of(names[i]));
        if (name && name->kind == SHELL_TEXT) {
            buf_add(out, name->text);
            return;
        }
    }
    buf_add_text(out, "@{");
    for (const struct shell_property *p = value->properties; p; p = p->next) {
        buf_addf(out, "%s" SPAN_FMT "=", p == value->properties ? "" : "; ", SPAN_ARG(p->name));
        shell_add_text(out, p->value);
    }
    buf_add_char(out, '}');
}

static void add_items(struct buf *out, const struct shell_value *value, const char *between)
{
    for (size_t i = 0; i < value->list.count; i++) {
        if (i)
            buf_add_text(out, between);
        shell_add_text(out, value->list.items[i]);
    }
}

void shell_add_text(struct buf *out, const struct shell_value *value)
{
    switch (value->kind) {
    case SHELL_NULL: break;
    case SHELL_BOOL: buf_add_text(out, value->flag ? "True" : "False"); break;
    case SHELL_NUMBER: add_number(out, value->number); break;
    case SHELL_TYPE_NAME:
    case SHELL_TEXT: buf_add(out, value->text); break;
    case SHELL_TIME: shell_add_time(out, value->ms); break;
    case SHELL_DURATION: shell_add_duration(out, value->ms); break;
    case SHELL_BYTES: buf_addf(out, "%zu bytes", value->held->n); break;
    case SHELL_SECRET: buf_add_text(out, "System.Security.SecureString"); break;
    case SHELL_LIST: add_items(out, value, " "); break;
    case SHELL_HASH:
    case SHELL_OBJECT: add_object(out, value); break;
    case SHELL_BLOCK: buf_add_text(out, "{...}"); break;
    }
}

struct span shell_text_of(struct arena *a, const struct shell_value *value)
{
    if (value->kind == SHELL_TEXT)
        return value->text;
    struct buf text = BUF_INIT(SHELL_TEXT_MAX);
    shell_add_text(&text, value);
    struct span copy = arena_copy(a, buf_span(&text));
    buf_done(&text);
    return copy;
}

void shell_add_display(struct buf *out, const struct shell_value *value)
{
    if (value->kind != SHELL_LIST) {
        shell_add_text(out, value);
        return;
    }
    buf_add_char(out, '{');
    add_items(out, value, ", ");
    buf_add_char(out, '}');
}

/* ---- comparing ---- */

static bool parse_number(struct span text, double *number)
{
    uint64_t bytes;
    char copy[40];
    char *end;
    text = span_trim(text);
    if (text.n == 0 || text.n >= sizeof(copy) ||
        !(text_is_digit(text.p[0]) || text.p[0] == '-' || text.p[0] == '.'))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    *number = strtod(copy, &end);
    if (*end == 0)
        return true;
    if (num_parse_size(text, &bytes) != OK)
        return false;
    *number = (double)bytes;
    return true;
}

bool shell_as_number(const struct shell_value *value, double *number)
{
    switch (value->kind) {
    case SHELL_NUMBER: *number = value->number; return true;
    case SHELL_BOOL: *number = value->flag; return true;
    case SHELL_TEXT: return parse_number(value->text, number);
    default: return false;
    }
}

/* "2026-11-22", "2026-11-22T18:00:00Z" and "11/22/2026". */
static bool as_time(const struct shell_value *value, int64_t *ms)
{
    unsigned month = 0, day = 0, year = 0;
    if (value->kind == SHELL_TIME) {
        *ms = value->ms;
        return true;
    }
    if (value->kind != SHELL_TEXT)
        return false;
    if (clock_parse_iso(value->text, ms) == OK)
        return true;
    struct span rest = value->text, part;
    unsigned *const parts[] = {&month, &day, &year};
    uint64_t number;
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (!span_cut(&rest, '/', &part) || num_parse(part, 9999, &number) != OK)
            return false;
        *parts[i] = (unsigned)number;
    }
    struct tm tm = {
        .tm_year = (int)year - 1900, .tm_mon = (int)month - 1, .tm_mday = (int)day, .tm_isdst = -1};
    *ms = (int64_t)mktime(&tm) * 1000;
    return month >= 1 && month <= 12 && day >= 1 && day <= 31 && year > 1900;
}

static int order(double a, double b)
{
    return a < b ? -1 : a > b;
}

static int compare_texts(const struct shell_value *a, const struct shell_value *b)
{
    struct buf left = BUF_INIT(SHELL_TEXT_MAX), right = BUF_INIT(SHELL_TEXT_MAX);
    shell_add_text(&left, a);
    shell_add_text(&right, b);
    text_lower_all(left.p, left.n);
    text_lower_all(right.p, right.n);
    int result = span_cmp(buf_span(&left), buf_span(&right));
    buf_done(&left);
    buf_done(&right);
    return result;
}

int shell_compare(const struct shell_value *a, const struct shell_value *b)
{
    double left, right;
    int64_t left_ms, right_ms;
    if (a->kind == SHELL_NULL || b->kind == SHELL_NULL)
        return (a->kind != SHELL_NULL) - (b->kind != SHELL_NULL);
    if (a->kind == SHELL_TIME || b->kind == SHELL_TIME)
        if (as_time(a, &left_ms) && as_time(b, &right_ms))
            return order((double)left_ms, (double)right_ms);
    if (a->kind == SHELL_DURATION && b->kind == SHELL_DURATION)
        return order((double)a->ms, (double)b->ms);
    if (a->kind == SHELL_BOOL)
        return (int)a->flag - (int)shell_is_true(b);
    if (a->kind == SHELL_NUMBER || (a->kind != SHELL_TEXT && b->kind == SHELL_NUMBER))
        if (shell_as_number(a, &left) && shell_as_number(b, &right))
            return order(left, right);
    return compare_texts(a, b);
}

/* ---- JSON ---- */

static json_t *text_json(struct span text)
{
    json_t *value = json_stringn(text.n ? text.p : "", text.n);
    return value ? value : json_string("(no UTF-8)");
}

static json_t *object_json(const struct shell_value *value)
{
    json_t *object = json_object();
    for (const struct shell_property *p = value->properties; p; p = p->next)
        json_object_setn_new(object, p->name.p, p->name.n, shell_to_json(p->value));
    return object;
}

json_t *shell_to_json(const struct shell_value *value)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    json_t *json = NULL;
    switch (value->kind) {
    case SHELL_NULL: return json_null();
    case SHELL_BOOL: return json_boolean(value->flag);
    case SHELL_NUMBER:
        return shell_is_whole(value->number) ? json_integer((json_int_t)value->number)
                                             : json_real(value->number);
    case SHELL_LIST:
        json = json_array();
        for (size_t i = 0; i < value->list.count; i++)
            json_array_append_new(json, shell_to_json(value->list.items[i]));
        return json;
    case SHELL_HASH:
    case SHELL_OBJECT: return object_json(value);
    case SHELL_TIME: clock_add_iso(&text, value->ms); break;
    case SHELL_BYTES: encode_base64(&text, buf_span(value->held)); break;
    default: shell_add_text(&text, value); break;
    }
    json = text_json(buf_span(&text));
    buf_done(&text);
    return json;
}
