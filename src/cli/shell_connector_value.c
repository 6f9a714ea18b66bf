#include "cli/shell_connector_value.h"

#include "base/num.h"
#include "base/text.h"

/* "All addresses", as Exchange prints RemoteIPRanges of a connector that serves everyone. */
static const char *const everyone[] = {"0.0.0.0-255.255.255.255",
                                       "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};

static struct span text_of(const json_t *value)
{
    return span_make(json_string_value(value), json_string_length(value));
}

static bool is_list(const struct schema_key *key)
{
    switch (key->type) {
    case VALUE_ENDPOINTS:
    case VALUE_RANGES:
    case VALUE_NAMES:
    case VALUE_ADDRESS_SPACES:
    case VALUE_SMART_HOSTS: return true;
    default: return false;
    }
}

/* ---- from Sealpost to Exchange ---- */

/* "36 MB (37,748,736 bytes)" */
static struct shell_value *size_property(struct arena *a, uint64_t bytes)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
    char digits[32];
    size_t unit = 0;
    double shown = (double)bytes;
    struct buf text = BUF_INIT(256);
    while (shown >= 1024 && unit + 1 < COUNT_OF(units)) {
        shown /= 1024;
        unit++;
    }
    buf_addf(&text, "%.4g %s (", shown, units[unit]);
    int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)bytes);
    for (int i = 0; i < n; i++) {
        buf_add_text(&text, i && (n - i) % 3 == 0 ? "," : "");
        buf_add_char(&text, digits[i]);
    }
    buf_add_text(&text, " bytes)");
    struct shell_value *value = shell_text(a, buf_span(&text));
    buf_done(&text);
    return value;
}

/* "example.com;5" as "SMTP:example.com;5". */
static struct shell_value *space_property(struct arena *a, struct span space)
{
    bool has_cost = span_find(space, ';') < space.n;
    return shell_text(
        a, arena_printf(a, "SMTP:" SPAN_FMT "%s", SPAN_ARG(space), has_cost ? "" : ";1"));
}

static struct shell_value *list_property(struct arena *a, const struct schema_key *key,
                                         const json_t *array)
{
    struct shell_value *list = shell_list_value(a);
    size_t i;
    const json_t *item;
    json_array_foreach(array, i, item)
        shell_list_add(a, &list->list,
                       key->type == VALUE_ADDRESS_SPACES ? space_property(a, text_of(item))
                                                         : shell_text(a, text_of(item)));
    if (key->type == VALUE_RANGES && list->list.count == 0)
        for (i = 0; i < COUNT_OF(everyone); i++)
            shell_list_add(a, &list->list, shell_text(a, span_of(everyone[i])));
    return list;
}

struct shell_value *connector_property(struct arena *a, const struct schema_key *key,
                                       const json_t *value)
{
    struct span text = text_of(value);
    uint64_t number;
    if (is_list(key))
        return list_property(a, key, value);
    if (json_is_integer(value))
        return shell_number(a, (double)json_integer_value(value));
    if (json_is_boolean(value))
        return shell_bool(a, json_is_true(value));
    if (text.n == 0)
        return shell_null();
    if (key->unlimited && span_eq(text, SPAN("unlimited")))
        return shell_text(a, SPAN("Unlimited"));
    if (key->type == VALUE_SIZE && num_parse_size(text, &number) == OK)
        return size_property(a, number);
    if (key->type == VALUE_DURATION && num_parse_duration(text, &number) == OK)
        return shell_duration(a, (int64_t)number);
    return shell_text(a, text);
}

/* ---- from Exchange to Sealpost ---- */

static json_t *json_text(struct span text)
{
    return json_stringn_nocheck(text.n ? text.p : "", text.n);
}

static json_t *from_buf(struct buf *text)
{
    json_t *value = json_text(buf_span(text));
    buf_done(text);
    return value;
}

static enum err read_size(struct arena *a, const struct shell_value *value, json_t **member,
                          struct buf *why)
{
    struct span text = span_trim(shell_text_of(a, value));
    uint64_t bytes;
    /* "36 MB (37,748,736 bytes)", as it is printed: what stands before it is exact enough only
     * where it is whole, so the bytes count. */
    size_t open = span_find(text, '(');
    if (open < text.n) {
        struct buf digits = BUF_INIT(64);
        for (size_t i = open; i < text.n; i++)
            if (text_is_digit(text.p[i]))
                buf_add_char(&digits, text.p[i]);
        text = arena_copy(a, buf_span(&digits));
        buf_done(&digits);
    }
    if (num_parse_size(text, &bytes) != OK) {
        buf_addf(why, "\"" SPAN_FMT "\" is no size such as 36MB", SPAN_ARG(text));
        return ERR_SYNTAX;
    }
    struct buf out = BUF_INIT(64);
    num_add_size(&out, bytes);
    *member = from_buf(&out);
    return OK;
}

static enum err read_duration(struct arena *a, const struct shell_value *value, json_t **member,
                              struct buf *why)
{
    struct span text = span_trim(shell_text_of(a, value));
    uint64_t ms = (uint64_t)value->ms;
    if (value->kind != SHELL_DURATION && num_parse_duration(text, &ms) != OK) {
        buf_addf(why, "\"" SPAN_FMT "\" is no time span such as 00:05:00", SPAN_ARG(text));
        return ERR_SYNTAX;
    }
    struct buf out = BUF_INIT(64);
    num_add_duration(&out, ms);
    *member = from_buf(&out);
    return OK;
}

static enum err read_bool(struct arena *a, const struct shell_value *value, json_t **member,
                          struct buf *why)
{
    struct span text = shell_text_of(a, value);
    bool is_true = span_ieq(text, SPAN("true")) || span_eq(text, SPAN("1"));
    if (!is_true && !span_ieq(text, SPAN("false")) && !span_eq(text, SPAN("0"))) {
        buf_addf(why, "\"" SPAN_FMT "\" is neither $true nor $false", SPAN_ARG(text));
        return ERR_SYNTAX;
    }
    *member = json_boolean(is_true);
    return OK;
}

/* One item of a list in Sealpost's form. */
static enum err read_item(const struct schema_key *key, struct span text, struct span *item,
                          struct buf *why)
{
    text = span_trim(text);
    size_t colon = span_find(text, ':');
    bool space = key->type == VALUE_ADDRESS_SPACES;
    if (space && span_istarts(text, SPAN("SMTP:")))
        text = span_skip(text, strlen("SMTP:"));
    else if (space && colon < text.n)
        buf_addf(why, "address spaces here are of the type SMTP, not " SPAN_FMT,
                 SPAN_ARG(span_head(text, colon)));
    else if (key->type == VALUE_NAMES) /* domain:capability; only the domain has a meaning here */
        text = span_head(text, colon);
    if (space && span_starts(text, SPAN("--")))
        buf_add_text(why, "\"--\" belongs to EdgeSync; name the accepted domains");
    if (text.n == 0)
        buf_add_text(why, "an item of the list is empty");
    *item = text;
    return why->n ? ERR_SYNTAX : OK;
}

static size_t find_item(const json_t *array, struct span wanted)
{
    size_t i;
    const json_t *item;
    json_array_foreach(array, i, item) if (span_ieq(text_of(item), wanted)) return i;
    return json_array_size(array);
}

/* Adds each of the values to the array, or takes it out. A text may hold several between commas. */
static enum err change_list(struct arena *a, const struct schema_key *key,
                            const struct shell_value *value, bool add, json_t *array,
                            struct buf *why)
{
    struct shell_list list = {0};
    shell_list_spread(a, &list, (struct shell_value *)(uintptr_t)value);
    for (size_t i = 0; i < list.count; i++) {
        struct span rest = shell_text_of(a, list.items[i]), part, item;
        while (span_cut(&rest, ',', &part)) {
            if (read_item(key, part, &item, why) != OK)
                return ERR_SYNTAX;
            size_t at = find_item(array, item);
            if (add && at == json_array_size(array))
                json_array_append_new(array, json_text(item));
            else if (!add)
                json_array_remove(array, at);
        }
    }
    return OK;
}

static enum err read_list(struct arena *a, const struct schema_key *key,
                          const struct shell_value *value, const json_t *current, json_t **member,
                          struct buf *why)
{
    bool changes = value->kind == SHELL_HASH;
    json_t *array = changes && current ? json_copy((json_t *)(uintptr_t)current) : json_array();
    enum err err = OK;
    if (!changes)
        err = change_list(a, key, value, true, array, why);
    for (const struct shell_property *p = value->properties; changes && p && err == OK;
         p = p->next) {
        bool add = span_ieq(p->name, SPAN("Add"));
        if (!add && !span_ieq(p->name, SPAN("Remove"))) {
            buf_addf(why, "@{ } changes a list by Add and Remove, not " SPAN_FMT,
                     SPAN_ARG(p->name));
            err = ERR_SYNTAX;
        } else {
            err = change_list(a, key, p->value, add, array, why);
        }
    }
    bool all = key->type == VALUE_RANGES &&
               find_item(array, span_of(everyone[0])) < json_array_size(array) &&
               find_item(array, span_of(everyone[1])) < json_array_size(array);
    if (err != OK || all || json_array_size(array) == 0) {
        json_decref(array);
        array = json_null();
    }
    *member = array;
    return err;
}

enum err connector_member(struct arena *a, const struct schema_key *key,
                          const struct shell_value *value, const json_t *current, json_t **member,
                          struct buf *why)
{
    double number;
    struct span text;
    *member = json_null();
    if (value->kind == SHELL_NULL)
        return OK;
    if (is_list(key))
        return read_list(a, key, value, current, member, why);
    text = shell_text_of(a, value);
    if (text.n == 0)
        return OK;
    if (key->unlimited && span_ieq(text, SPAN("Unlimited"))) {
        *member = json_string("unlimited");
        return OK;
    }
    switch (key->type) {
    case VALUE_BOOL: return read_bool(a, value, member, why);
    case VALUE_SIZE: return read_size(a, value, member, why);
    case VALUE_DURATION: return read_duration(a, value, member, why);
    case VALUE_NUMBER:
        if (!shell_as_number(value, &number) || !shell_is_whole(number)) {
            buf_addf(why, "\"" SPAN_FMT "\" is no whole number", SPAN_ARG(text));
            return ERR_SYNTAX;
        }
        *member = json_integer((json_int_t)number);
        return OK;
    default:
        /* Exchange's banner begins with the code, which Sealpost adds itself. */
        if (span_eq(span_of(key->name), SPAN("banner")) && span_starts(text, SPAN("220 ")))
            text = span_skip(text, 4);
        *member = json_text(text);
        return OK;
    }
}
