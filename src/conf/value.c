#include "conf/value.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/num.h"
#include "cert/pin.h"
#include "mail/address.h"

uint64_t value_load(const struct schema_key *key, const void *object)
{
    const char *at = (const char *)object + key->offset;
    uint64_t wide = 0;
    uint32_t word = 0;
    uint16_t half = 0;
    uint8_t byte = 0;
    switch (key->width) {
    case 8: memcpy(&wide, at, 8); return wide;
    case 4: memcpy(&word, at, 4); return word;
    case 2: memcpy(&half, at, 2); return half;
    default: memcpy(&byte, at, 1); return byte;
    }
}

void value_store(const struct schema_key *key, void *object, uint64_t value)
{
    char *at = (char *)object + key->offset;
    uint32_t word = (uint32_t)value;
    uint16_t half = (uint16_t)value;
    uint8_t byte = (uint8_t)value;
    switch (key->width) {
    case 8: memcpy(at, &value, 8); break;
    case 4: memcpy(at, &word, 4); break;
    case 2: memcpy(at, &half, 2); break;
    case 1: memcpy(at, &byte, 1); break;
    default: assert(!"a width that no number has");
    }
}

static struct span *span_at(const struct schema_key *key, void *object)
{
    return (struct span *)(void *)((char *)object + key->offset);
}

static bool *flag_at(const struct schema_key *key, void *object)
{
    return (bool *)((char *)object + key->count_offset);
}

void value_wrong_kind(struct reading *r, const struct node *node, const char *expected)
{
    if (tree_is_empty(node)) {
        problem_error(r->problems, node,
                      SPAN("write a value, or remove the key to have the default"), "has no value");
        return;
    }
    static const char *const kinds[] = {
        [NODE_SCALAR] = "a single value", [NODE_LIST] = "a list", [NODE_MAP] = "a map"};
    problem_error(r->problems, node, SPAN_NONE, "expected %s, not %s", expected, kinds[node->kind]);
}

/* The values of a choice: "off, offered, required or implicit". */
static void add_choices(struct buf *out, const struct choice *choices)
{
    for (const struct choice *c = choices; c->name; c++) {
        if (c != choices)
            buf_add_text(out, c[1].name ? ", " : " or ");
        buf_add_text(out, c->name);
    }
}

static void read_choice(struct reading *r, const struct schema_key *key, struct node *node,
                        void *object)
{
    const struct choice *nearest = NULL;
    size_t least = 3;
    for (const struct choice *c = key->choices; c->name; c++) {
        if (span_eq(node->text, span_of(c->name))) {
            if (key->type == VALUE_WORD)
                *span_at(key, object) = span_of(c->name);
            else
                value_store(key, object, c->value);
            return;
        }
        size_t distance = schema_distance(node->text, span_of(c->name), least);
        if (distance < least) {
            least = distance;
            nearest = c;
        }
    }
    struct buf remedy = BUF_INIT(BUF_UNLIMITED);
    if (nearest)
        buf_addf(&remedy, "did you mean %s? it is ", nearest->name);
    else
        buf_add_text(&remedy, "write ");
    add_choices(&remedy, key->choices);
    problem_error(r->problems, node, buf_span(&remedy), "unknown value \"" SPAN_FMT "\"",
                  SPAN_ARG(node->text));
    buf_done(&remedy);
}

static void read_bool(struct reading *r, const struct schema_key *key, struct node *node,
                      void *object)
{
    static const char *const words[2][3] = {{"false", "no", "off"}, {"true", "yes", "on"}};
    for (unsigned value = 0; value < 2; value++)
        for (size_t i = 0; i < COUNT_OF(words[0]); i++)
            if (span_ieq(node->text, span_of(words[value][i]))) {
                value_store(key, object, value);
                return;
            }
    problem_error(r->problems, node, SPAN("write true or false"),
                  "\"" SPAN_FMT "\" is neither true nor false", SPAN_ARG(node->text));
}

void value_add_number(struct buf *out, const struct schema_key *key, uint64_t value)
{
    if (key->type == VALUE_SIZE)
        num_add_size(out, value);
    else if (key->type == VALUE_DURATION)
        num_add_duration(out, value);
    else
        buf_addf(out, "%llu%s", (unsigned long long)value, key->type == VALUE_PERCENT ? "%" : "");
}

static enum err parse_number(const struct schema_key *key, struct span text, uint64_t *value)
{
    if (key->type == VALUE_SIZE)
        return num_parse_size(text, value);
    if (key->type == VALUE_DURATION)
        return num_parse_duration(text, value);
    if (key->type == VALUE_PERCENT && text.n && text.p[text.n - 1] == '%')
        text.n--;
    return num_parse(text, UINT64_MAX - 1, value);
}

static void report_number(struct reading *r, const struct schema_key *key, const struct node *node,
                          enum err err)
{
    struct buf remedy = BUF_INIT(BUF_UNLIMITED);
    buf_add_text(&remedy, "write a value from ");
    value_add_number(&remedy, key, key->min);
    buf_add_text(&remedy, " to ");
    value_add_number(&remedy, key, key->max);
    if (key->unlimited)
        buf_add_text(&remedy, ", or unlimited");
    if (key->type == VALUE_DURATION)
        buf_add_text(&remedy, ", with its unit (ms, s, m, h, d)");
    if (key->type == VALUE_SIZE)
        buf_add_text(&remedy, ", in B, KB, MB, GB or TB");
    static const char *const nouns[] = {[VALUE_NUMBER] = "a whole number",
                                        [VALUE_PERCENT] = "a percentage",
                                        [VALUE_SIZE] = "a size",
                                        [VALUE_DURATION] = "a duration"};
    if (err == ERR_RANGE)
        problem_error(r->problems, node, buf_span(&remedy), "\"" SPAN_FMT "\" is out of range",
                      SPAN_ARG(node->text));
    else
        problem_error(r->problems, node, buf_span(&remedy), "\"" SPAN_FMT "\" is not %s",
                      SPAN_ARG(node->text), nouns[key->type]);
    buf_done(&remedy);
}

static void read_number(struct reading *r, const struct schema_key *key, struct node *node,
                        void *object)
{
    if (key->unlimited && span_eq(node->text, SPAN("unlimited"))) {
        value_store(key, object, UNLIMITED);
        return;
    }
    uint64_t value;
    enum err err = parse_number(key, node->text, &value);
    if (err == OK && (value < key->min || value > key->max))
        err = ERR_RANGE;
    if (err != OK)
        report_number(r, key, node, err);
    else
        value_store(key, object, value);
}

bool value_read_domain(struct reading *r, const struct node *node, struct span text, bool *wildcard,
                       struct span *domain)
{
    bool found = wildcard && span_starts(text, SPAN("*."));
    struct span name = found ? span_skip(text, 2) : text;
    if (name.n && name.p[name.n - 1] == '.')
        name.n--;
    struct span key;
    struct ip ip;
    if (name.n == 0 || ip_parse(name, &ip) == OK || !address_is_domain(name, true) ||
        address_domain_key(r->arena, name, &key) != OK) {
        problem_error(r->problems, node,
                      wildcard ? SPAN("write a name like example.com, or *.example.com")
                               : SPAN("write a name like mail.example.com"),
                      "\"" SPAN_FMT "\" is not a domain name", SPAN_ARG(text));
        return false;
    }
    if (wildcard)
        *wildcard = found;
    *domain = key;
    return true;
}

static void read_domain(struct reading *r, const struct schema_key *key, struct node *node,
                        void *object)
{
    bool is_pattern = key->type == VALUE_PATTERN, wildcard = false;
    struct span domain;
    if (!value_read_domain(r, node, node->text, is_pattern ? &wildcard : NULL, &domain))
        return;
    *span_at(key, object) = domain;
    if (is_pattern)
        *flag_at(key, object) = wildcard;
}

/* Kept as it was written; what reads it later parses it again. */
static void read_pin(struct reading *r, const struct schema_key *key, struct node *node,
                     void *object)
{
    struct pin pin;
    struct buf why = BUF_INIT(1000);
    if (pin_parse(r->arena, node->text, &pin, &why) == OK) {
        *span_at(key, object) = arena_copy(r->arena, node->text);
    } else {
        bool is_name = span_find(node->text, '=') < node->text.n;
        problem_error(r->problems, node,
                      is_name ? SPAN("put <I> before the issuer and <S> before the subject, which "
                                     "web pages take away, or write the thumbprint; sealpost cert "
                                     "show prints all forms")
                              : SPAN("write a thumbprint (40 hexadecimal digits), spki:HASH or "
                                     "\"<I>issuer<S>subject\"; sealpost cert show prints them"),
                      "\"" SPAN_FMT "\" is not a pin: " SPAN_FMT, SPAN_ARG(node->text),
                      SPAN_ARG(buf_span(&why)));
    }
    buf_done(&why);
}

bool value_read_path(struct reading *r, const struct node *node, struct span *path)
{
    if (span_starts(node->text, SPAN("/"))) {
        *path = arena_copy(r->arena, node->text);
        return true;
    }
    problem_error(r->problems, node, SPAN("write the whole path, beginning with /"),
                  "\"" SPAN_FMT "\" is not an absolute path", SPAN_ARG(node->text));
    return false;
}

static void read_ip(struct reading *r, const struct schema_key *key, struct node *node,
                    void *object)
{
    struct ip ip;
    if (ip_parse(node->text, &ip) != OK) {
        problem_error(r->problems, node, SPAN("write an address like 192.0.2.1 or 2001:db8::1"),
                      "\"" SPAN_FMT "\" is not an IP address", SPAN_ARG(node->text));
        return;
    }
    memcpy((char *)object + key->offset, &ip, sizeof(ip));
    *flag_at(key, object) = true;
}

static void read_scalar(struct reading *r, const struct schema_key *key, struct node *node,
                        void *object)
{
    switch (key->type) {
    case VALUE_TEXT: *span_at(key, object) = arena_copy(r->arena, node->text); break;
    case VALUE_DOMAIN:
    case VALUE_PATTERN: read_domain(r, key, node, object); break;
    case VALUE_PATH: value_read_path(r, node, span_at(key, object)); break;
    case VALUE_PIN: read_pin(r, key, node, object); break;
    case VALUE_BOOL: read_bool(r, key, node, object); break;
    case VALUE_NUMBER:
    case VALUE_PERCENT:
    case VALUE_SIZE:
    case VALUE_DURATION: read_number(r, key, node, object); break;
    case VALUE_WORD:
    case VALUE_CHOICE: read_choice(r, key, node, object); break;
    case VALUE_IP: read_ip(r, key, node, object); break;
    case VALUE_ENDPOINT: value_read_endpoint(r, key, node, (char *)object + key->offset); break;
    default: assert(!"not a scalar");
    }
}

void value_read(struct reading *r, const struct schema_key *key, struct node *node, void *object)
{
    size_t before = r->problems->errors;
    switch (key->type) {
    case VALUE_MAP: schema_read_map(r, key->map, node, (char *)object + key->offset); break;
    case VALUE_NAMED: schema_read_named(r, key, node, object); break;
    case VALUE_ENDPOINTS:
    case VALUE_RANGES:
    case VALUE_NAMES:
    case VALUE_PATHS:
    case VALUE_ACCEPTED_DOMAINS:
    case VALUE_ADDRESS_SPACES:
    case VALUE_SMART_HOSTS: value_read_list(r, key, node, object); break;
    default:
        if (node->kind != NODE_SCALAR || tree_is_empty(node))
            value_wrong_kind(r, node, "a single value");
        else
            read_scalar(r, key, node, object);
    }
    node->broken = r->problems->errors != before;
}

json_t *value_string(struct span s)
{
    json_t *string = json_stringn(s.n ? s.p : "", s.n);
    if (!string)
        abort(); /* all text was checked to be UTF-8, so memory is exhausted */
    return string;
}

json_t *value_text(const char *format, ...)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    va_list args;
    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    json_t *string = value_string(buf_span(&text));
    buf_done(&text);
    return string;
}

static json_t *number_to_json(const struct schema_key *key, uint64_t value)
{
    if (key->unlimited && value == UNLIMITED)
        return json_string("unlimited");
    if (key->type == VALUE_NUMBER)
        return json_integer((json_int_t)value);
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    value_add_number(&text, key, value);
    json_t *string = value_string(buf_span(&text));
    buf_done(&text);
    return string;
}

static json_t *choice_to_json(const struct schema_key *key, uint64_t value)
{
    for (const struct choice *c = key->choices; c->name; c++)
        if (c->value == value && span_eq(span_of(c->name), SPAN("true")))
            return json_true();
        else if (c->value == value && span_eq(span_of(c->name), SPAN("false")))
            return json_false();
        else if (c->value == value)
            return json_string(c->name);
    assert(!"a value that is no choice");
    return NULL;
}

static json_t *ip_to_json(const struct schema_key *key, const void *object)
{
    if (!*((const bool *)object + key->count_offset))
        return NULL;
    struct ip ip;
    char text[IP_TEXT];
    memcpy(&ip, (const char *)object + key->offset, sizeof(ip));
    ip_format(&ip, text);
    return json_string(text);
}

static json_t *span_to_json(const struct schema_key *key, const void *object)
{
    struct span text;
    memcpy(&text, (const char *)object + key->offset, sizeof(text));
    if (text.n == 0)
        return NULL;
    bool wildcard = key->type == VALUE_PATTERN && *((const bool *)object + key->count_offset);
    return value_text("%s" SPAN_FMT, wildcard ? "*." : "", SPAN_ARG(text));
}

json_t *value_to_json(const struct schema_key *key, const void *object)
{
    switch (key->type) {
    case VALUE_TEXT:
    case VALUE_DOMAIN:
    case VALUE_PATTERN:
    case VALUE_PATH:
    case VALUE_PIN:
    case VALUE_WORD: return span_to_json(key, object);
    case VALUE_BOOL: return json_boolean(value_load(key, object));
    case VALUE_NUMBER:
    case VALUE_PERCENT:
    case VALUE_SIZE:
    case VALUE_DURATION: return number_to_json(key, value_load(key, object));
    case VALUE_CHOICE: return choice_to_json(key, value_load(key, object));
    case VALUE_IP: return ip_to_json(key, object);
    case VALUE_ENDPOINT: return value_endpoint_to_json((const char *)object + key->offset);
    default: return value_list_to_json(key, object);
    }
}
