/* Lists of values: addresses, ranges, domains, address spaces, smart hosts. */
#include <assert.h>

#include "base/num.h"
#include "conf/value.h"
#include "mail/address.h"

enum { COST_MAX = 100 }; /* Exchange's */

typedef bool read_item_fn(struct reading *r, const struct schema_key *key, struct node *node,
                          void *item);
typedef json_t *item_to_json_fn(const void *item);

struct list_type {
    size_t size;
    const char *expected;
    read_item_fn *read;
    item_to_json_fn *to_json;
};

bool value_read_endpoint(struct reading *r, const struct schema_key *key, struct node *node,
                         void *item)
{
    struct endpoint *endpoint = item;
    if (endpoint_parse(node->text, endpoint) == OK)
        return true;
    struct span text = node->text;
    if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
        text = span_make(text.p + 1, text.n - 2);
    if (key->port && ip_parse(text, &endpoint->ip) == OK) {
        endpoint->port = key->port;
        return true;
    }
    problem_error(r->problems, node,
                  key->port
                      ? SPAN("write an address like 192.0.2.1, 192.0.2.1:53 or [2001:db8::1]:53")
                      : SPAN("write address and port like 0.0.0.0:25, 192.0.2.1:25 or [::]:25"),
                  "\"" SPAN_FMT "\" is not an address with a port", SPAN_ARG(node->text));
    return false;
}

json_t *value_endpoint_to_json(const void *item)
{
    char text[ENDPOINT_TEXT];
    endpoint_format(item, text);
    return json_string(text);
}

static bool read_range(struct reading *r, const struct schema_key *key, struct node *node,
                       void *item)
{
    (void)key;
    if (ip_range_parse(node->text, item) == OK)
        return true;
    problem_error(r->problems, node,
                  SPAN("write 192.0.2.1, 192.0.2.0/24 (no bits behind the prefix) or "
                       "192.0.2.1-192.0.2.9, or the same for IPv6"),
                  "\"" SPAN_FMT "\" is not a range of addresses", SPAN_ARG(node->text));
    return false;
}

static json_t *range_to_json(const void *item)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    ip_range_add(&text, item);
    json_t *string = value_string(buf_span(&text));
    buf_done(&text);
    return string;
}

static bool read_name(struct reading *r, const struct schema_key *key, struct node *node,
                      void *item)
{
    (void)key;
    bool wildcard = false;
    struct span domain;
    if (!value_read_domain(r, node, node->text, &wildcard, &domain))
        return false;
    *(struct span *)item =
        arena_printf(r->arena, "%s" SPAN_FMT, wildcard ? "*." : "", SPAN_ARG(domain));
    return true;
}

static bool read_path(struct reading *r, const struct schema_key *key, struct node *node,
                      void *item)
{
    (void)key;
    return value_read_path(r, node, item);
}

static json_t *span_to_json(const void *item)
{
    return value_string(*(const struct span *)item);
}

static bool read_accepted_domain(struct reading *r, const struct schema_key *key, struct node *node,
                                 void *item)
{
    size_t before = r->problems->errors;
    if (node->kind == NODE_MAP) {
        schema_read_map(r, key->map, node, item);
        return r->problems->errors == before;
    }
    struct accepted_domain *domain = item;
    return value_read_domain(r, node, node->text, &domain->with_subdomains, &domain->domain);
}

static json_t *accepted_domain_to_json(const void *item)
{
    const struct accepted_domain *domain = item;
    const struct schema_key *pattern = schema_find(&schema_accepted_domain, SPAN("domain"));
    const struct schema_key *type = schema_find(&schema_accepted_domain, SPAN("type"));
    if (domain->type == DOMAIN_AUTHORITATIVE)
        return value_to_json(pattern, item);
    json_t *map = json_object();
    json_object_set_new(map, pattern->name, value_to_json(pattern, item));
    json_object_set_new(map, type->name, value_to_json(type, item));
    return map;
}

static bool read_cost(struct reading *r, const struct node *node, struct span text, unsigned *cost)
{
    uint64_t value;
    if (num_parse(span_trim(text), COST_MAX, &value) == OK && value >= 1) {
        *cost = (unsigned)value;
        return true;
    }
    problem_error(r->problems, node, SPAN("write a cost from 1 to 100 behind the \";\""),
                  "\"" SPAN_FMT "\" is not a cost", SPAN_ARG(text));
    return false;
}

static bool read_address_space(struct reading *r, const struct schema_key *key, struct node *node,
                               void *item)
{
    (void)key;
    struct address_space *space = item;
    size_t semicolon = span_find(node->text, ';');
    struct span domain = span_trim(span_head(node->text, semicolon));
    space->cost = 1;
    if (semicolon < node->text.n &&
        !read_cost(r, node, span_skip(node->text, semicolon + 1), &space->cost))
        return false;
    /* Exchange writes the type of the space in front. */
    if (span_istarts(domain, SPAN("smtp:")))
        domain = span_skip(domain, 5);
    space->everything = span_eq(domain, SPAN("*"));
    return space->everything ||
           value_read_domain(r, node, domain, &space->with_subdomains, &space->domain);
}

static json_t *address_space_to_json(const void *item)
{
    const struct address_space *space = item;
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    buf_add_text(&text, space->everything ? "*" : space->with_subdomains ? "*." : "");
    buf_add(&text, space->domain);
    if (space->cost != 1)
        buf_addf(&text, ";%u", space->cost);
    json_t *string = value_string(buf_span(&text));
    buf_done(&text);
    return string;
}

/* The port behind "host:"; nothing there leaves it at 0, the connector's. */
static bool read_port(struct span text, uint16_t *port)
{
    uint64_t value;
    if (text.n == 0)
        return true;
    if (text.p[0] != ':' || num_parse(span_skip(text, 1), UINT16_MAX, &value) != OK || value == 0)
        return false;
    *port = (uint16_t)value;
    return true;
}

static bool smart_host_is_ip(struct arena *arena, struct span text, struct smart_host *host)
{
    struct span literal = text, port = SPAN_NONE;
    if (span_starts(text, SPAN("["))) {
        size_t end = span_find(text, ']');
        if (end == text.n)
            return false;
        literal = span_make(text.p + 1, end - 1);
        port = span_skip(text, end + 1);
    } else if (span_find(text, ':') == span_rfind(text, ':')) {
        literal = span_head(text, span_find(text, ':'));
        port = span_skip(text, literal.n);
    }
    struct ip ip;
    char form[IP_TEXT];
    if (ip_parse(literal, &ip) != OK || !read_port(port, &host->port))
        return false;
    ip_format(&ip, form);
    host->host = arena_copy(arena, span_of(form));
    return true;
}

static bool read_smart_host(struct reading *r, const struct schema_key *key, struct node *node,
                            void *item)
{
    (void)key;
    struct smart_host *host = item;
    struct span text = node->text;
    if (span_starts(text, SPAN("/"))) {
        host->host = arena_copy(r->arena, text);
        return true;
    }
    if (smart_host_is_ip(r->arena, text, host))
        return true;
    struct span name = span_head(text, span_find(text, ':'));
    struct span domain;
    if (address_is_domain(name, true) && address_domain_key(r->arena, name, &domain) == OK &&
        read_port(span_skip(text, name.n), &host->port)) {
        host->host = domain;
        return true;
    }
    problem_error(r->problems, node,
                  SPAN("write host, host:port, [address] or [address]:port; for LMTP also the "
                       "absolute path of a socket"),
                  "\"" SPAN_FMT "\" is not a next hop", SPAN_ARG(text));
    return false;
}

static json_t *smart_host_to_json(const void *item)
{
    const struct smart_host *host = item;
    struct ip ip;
    bool is_ip = ip_parse(host->host, &ip) == OK;
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    buf_addf(&text, is_ip ? "[" SPAN_FMT "]" : SPAN_FMT, SPAN_ARG(host->host));
    if (host->port)
        buf_addf(&text, ":%u", host->port);
    json_t *string = value_string(buf_span(&text));
    buf_done(&text);
    return string;
}

static const struct list_type *list_type(enum value_type type)
{
    static const struct list_type endpoints = {sizeof(struct endpoint), "a list of addresses",
                                               value_read_endpoint, value_endpoint_to_json};
    static const struct list_type ranges = {sizeof(struct ip_range), "a list of address ranges",
                                            read_range, range_to_json};
    static const struct list_type names = {sizeof(struct span), "a list of domains", read_name,
                                           span_to_json};
    static const struct list_type paths = {sizeof(struct span), "a list of paths", read_path,
                                           span_to_json};
    static const struct list_type domains = {sizeof(struct accepted_domain), "a list of domains",
                                             read_accepted_domain, accepted_domain_to_json};
    static const struct list_type spaces = {sizeof(struct address_space),
                                            "a list of address spaces", read_address_space,
                                            address_space_to_json};
    static const struct list_type hosts = {sizeof(struct smart_host), "a list of hosts",
                                           read_smart_host, smart_host_to_json};
    switch (type) {
    case VALUE_ENDPOINTS: return &endpoints;
    case VALUE_RANGES: return &ranges;
    case VALUE_NAMES: return &names;
    case VALUE_PATHS: return &paths;
    case VALUE_ACCEPTED_DOMAINS: return &domains;
    case VALUE_ADDRESS_SPACES: return &spaces;
    default: assert(type == VALUE_SMART_HOSTS); return &hosts;
    }
}

static bool read_item(struct reading *r, const struct schema_key *key, struct node *node,
                      const struct list_type *type, void *item)
{
    bool may_be_map = key->map != NULL;
    if (node->kind == NODE_LIST || (node->kind == NODE_MAP && !may_be_map) || tree_is_empty(node)) {
        value_wrong_kind(r, node, "a single value");
        return false;
    }
    return type->read(r, key, node, item);
}

void value_read_list(struct reading *r, const struct schema_key *key, struct node *node,
                     void *object)
{
    const struct list_type *type = list_type(key->type);
    if (node->kind == NODE_MAP || tree_is_empty(node)) {
        value_wrong_kind(r, node, type->expected);
        return;
    }
    /* One value may stand without the brackets. */
    bool single = node->kind == NODE_SCALAR;
    size_t count = single ? 1 : node->count, n = 0;
    char *items = arena_alloc_array(r->arena, type->size, count ? count : 1);
    for (struct node *child = single ? node : node->first; child;
         child = single ? NULL : child->next)
        if (read_item(r, key, child, type, items + n * type->size))
            n++;
        else
            memset(items + n * type->size, 0, type->size);
    memcpy((char *)object + key->offset, &items, sizeof(items));
    memcpy((char *)object + key->count_offset, &n, sizeof(n));
}

json_t *value_list_to_json(const struct schema_key *key, const void *object)
{
    const struct list_type *type = list_type(key->type);
    const char *items;
    size_t count;
    memcpy(&items, (const char *)object + key->offset, sizeof(items));
    memcpy(&count, (const char *)object + key->count_offset, sizeof(count));
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, type->to_json(items + i * type->size));
    return list;
}
