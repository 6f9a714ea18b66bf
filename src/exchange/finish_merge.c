#include <string.h>

#include "exchange/finish.h"

/* Fills in what the first print lacks. */
static void fill(struct exchange_value *into, const struct exchange_value *from)
{
    if (!into->printed || (into->text.n == 0 && from->text.n > 0))
        *into = from->printed ? *from : *into;
}

static void fill_list(struct exchange_list *into, const struct exchange_list *from)
{
    if (!into->printed || (into->truncated && from->printed && !from->truncated))
        *into = from->printed ? *from : *into;
}

static void fill_known(enum known *into, enum known from)
{
    if (*into == CANNOT_TELL)
        *into = from;
}

/* What is no date at all may be any time. */
static uint64_t width(const struct exchange_time *time)
{
    return (uint64_t)time->latest_ms - (uint64_t)time->earliest_ms;
}

static void fill_time(struct exchange_time *into, const struct exchange_time *from)
{
    if (from->printed && (!into->printed || width(from) < width(into)))
        *into = *from;
}

static bool same_text(const struct exchange_value *a, const struct exchange_value *b)
{
    return a->text.n > 0 && span_ieq(a->text, b->text);
}

/* "EX01" and "ex01.example.com" are one server. */
static bool same_server(const struct exchange_value *a, const struct exchange_value *b)
{
    struct span one = span_head(a->text, span_find(a->text, '.'));
    struct span other = span_head(b->text, span_find(b->text, '.'));
    bool both_full = one.n < a->text.n && other.n < b->text.n;
    return both_full ? span_ieq(a->text, b->text) : span_ieq(one, other);
}

static bool servers_differ(const struct exchange_value *a, const struct exchange_value *b)
{
    return a->text.n > 0 && b->text.n > 0 && !same_server(a, b);
}

static bool equal_values(const struct exchange_value *a, const struct exchange_value *b)
{
    return a->printed == b->printed && span_ieq(a->text, b->text);
}

static bool same_certificate(const struct exchange_certificate *a,
                             const struct exchange_certificate *b)
{
    bool both_whole = a->thumbprint_whole && b->thumbprint_whole;
    if (both_whole && !span_eq(a->thumbprint.text, b->thumbprint.text))
        return false; /* first, as it settles nearly all pairs */
    if (servers_differ(&a->server, &b->server) || a->from_wire != b->from_wire)
        return false;
    /* A root does not change its kind: these are of two servers, though nobody said so. */
    bool same_root = a->root_ca_type.text.n == 0 || b->root_ca_type.text.n == 0 ||
                     equal_values(&a->root_ca_type, &b->root_ca_type);
    if (!same_root)
        return false;
    if (both_whole)
        return true;
    return same_text(&a->serial, &b->serial) && same_text(&a->issuer, &b->issuer);
}

/* Services may have changed between two listings; then the later one counts. */
static void merge_certificate(struct exchange_certificate *a, const struct exchange_certificate *b)
{
    if (!a->thumbprint_whole && b->thumbprint.printed) {
        a->thumbprint = b->thumbprint;
        a->thumbprint_whole = b->thumbprint_whole;
    }
    fill(&a->subject, &b->subject);
    fill(&a->issuer, &b->issuer);
    fill(&a->serial, &b->serial);
    fill(&a->friendly_name, &b->friendly_name);
    fill(&a->server, &b->server);
    fill(&a->signature_algorithm, &b->signature_algorithm);
    fill(&a->key_provider, &b->key_provider);
    if (b->root_ca_type.text.n > 0)
        a->root_ca_type = b->root_ca_type;
    if (b->status.text.n > 0)
        a->status = b->status;
    fill_list(&a->domains, &b->domains);
    if (b->has_private_key != CANNOT_TELL)
        a->has_private_key = b->has_private_key;
    fill_known(&a->self_signed, b->self_signed);
    fill_known(&a->key_exportable, b->key_exportable);
    if (b->services_known == KNOWN_YES || a->services_known == CANNOT_TELL) {
        a->services = b->services_known == KNOWN_YES ? b->services : a->services | b->services;
        a->services_known = b->services_known;
    }
    if (b->parsed && !a->parsed) {
        a->parsed = b->parsed;
        a->domains = b->domains;
    }
    fill_time(&a->not_before, &b->not_before);
    fill_time(&a->not_after, &b->not_after);
}

static bool same_connector(const struct exchange_connector *a, const struct exchange_connector *b)
{
    return a->sends == b->sends && same_text(&a->name, &b->name) &&
           !servers_differ(&a->server, &b->server);
}

static void add_properties(struct exchange_case *c, struct exchange_connector *a,
                           const struct exchange_connector *b)
{
    struct exchange_property *both =
        ARENA_ARRAY(&c->arena, struct exchange_property, a->property_count + b->property_count);
    size_t count = a->property_count;
    if (count)
        memcpy(both, a->properties, sizeof(*both) * count);
    for (size_t i = 0; i < b->property_count; i++) {
        size_t j = 0;
        while (j < a->property_count && !span_ieq(a->properties[j].name, b->properties[i].name))
            j++;
        if (j == a->property_count)
            both[count++] = b->properties[i];
    }
    a->properties = both;
    a->property_count = count;
}

static void merge_connector(struct exchange_case *c, struct exchange_connector *a,
                            const struct exchange_connector *b)
{
    fill(&a->name, &b->name);
    fill(&a->identity, &b->identity);
    fill(&a->server, &b->server);
    fill(&a->fqdn, &b->fqdn);
    fill(&a->tls_certificate_name, &b->tls_certificate_name);
    fill(&a->enabled_text, &b->enabled_text);
    fill(&a->tls_auth_level, &b->tls_auth_level);
    fill(&a->tls_domain, &b->tls_domain);
    fill(&a->smart_host_auth, &b->smart_host_auth);
    fill(&a->transport_role, &b->transport_role);
    fill_known(&a->enabled, b->enabled);
    fill_known(&a->require_tls, b->require_tls);
    fill_known(&a->domain_secure, b->domain_secure);
    fill_known(&a->cloud_services, b->cloud_services);
    fill_known(&a->suppress_x_anonymous_tls, b->suppress_x_anonymous_tls);
    fill_known(&a->ignore_starttls, b->ignore_starttls);
    fill_known(&a->dns_routing, b->dns_routing);
    fill_list(&a->auth_mechanism, &b->auth_mechanism);
    fill_list(&a->permission_groups, &b->permission_groups);
    fill_list(&a->bindings, &b->bindings);
    fill_list(&a->remote_ip_ranges, &b->remote_ip_ranges);
    fill_list(&a->address_spaces, &b->address_spaces);
    fill_list(&a->smart_hosts, &b->smart_hosts);
    fill_list(&a->source_servers, &b->source_servers);
    fill_list(&a->tls_domain_capabilities, &b->tls_domain_capabilities);
    add_properties(c, a, b);
}

static bool same_host(const struct exchange_server *a, const struct exchange_server *b)
{
    const struct exchange_value *one = a->name.text.n ? &a->name : &a->fqdn;
    const struct exchange_value *other = b->name.text.n ? &b->name : &b->fqdn;
    return one->text.n > 0 && other->text.n > 0 && same_server(one, other);
}

static void merge_server(struct exchange_server *a, const struct exchange_server *b)
{
    fill(&a->name, &b->name);
    fill(&a->fqdn, &b->fqdn);
    fill(&a->internal_thumbprint, &b->internal_thumbprint);
    fill(&a->version, &b->version);
    fill_known(&a->edge, b->edge);
    fill_list(&a->local_addresses, &b->local_addresses);
}

static bool same_event(const struct exchange_event *a, const struct exchange_event *b)
{
    return a->id == b->id && a->inserts_lost == b->inserts_lost &&
           equal_values(&a->domain_name, &b->domain_name) &&
           equal_values(&a->connector, &b->connector) && equal_values(&a->fqdn, &b->fqdn) &&
           equal_values(&a->thumbprint, &b->thumbprint) && equal_values(&a->subject, &b->subject) &&
           equal_values(&a->response, &b->response) && equal_values(&a->address, &b->address) &&
           equal_values(&a->status, &b->status) &&
           (a->computer.n == 0 || b->computer.n == 0 || span_ieq(a->computer, b->computer));
}

static void merge_event(struct exchange_event *a, const struct exchange_event *b)
{
    a->times += b->times;
    if (b->when.printed && (!a->when.printed || b->when.earliest_ms > a->when.earliest_ms))
        a->when = b->when;
    a->source = a->source.n ? a->source : b->source;
    a->level = a->level.n ? a->level : b->level;
    a->computer = a->computer.n ? a->computer : b->computer;
}

/* Folds each into the first that is the same: `same` and `merge` are of one kind. */
#define MERGE(items, total, same, merge)                                                           \
    do {                                                                                           \
        size_t kept = 0;                                                                           \
        for (size_t i = 0; i < (total); i++) {                                                     \
            size_t j = 0;                                                                          \
            while (j < kept && !same(&(items)[j], &(items)[i]))                                    \
                j++;                                                                               \
            if (j < kept)                                                                          \
                merge(&(items)[j], &(items)[i]);                                                   \
            else                                                                                   \
                (items)[kept++] = (items)[i];                                                      \
        }                                                                                          \
        (total) = kept;                                                                            \
    } while (0)

void finish_merge(struct exchange_case *c)
{
#define MERGE_CONNECTOR(a, b) merge_connector(c, a, b)
    MERGE(c->certificates, c->certificate_count, same_certificate, merge_certificate);
    MERGE(c->connectors, c->connector_count, same_connector, MERGE_CONNECTOR);
    MERGE(c->servers, c->server_count, same_host, merge_server);
    MERGE(c->events, c->event_count, same_event, merge_event);
#undef MERGE_CONNECTOR
}
