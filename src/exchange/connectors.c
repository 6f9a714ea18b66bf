#include "base/num.h"
#include "exchange/property.h"

/* Flags that JSON prints as one number. */
struct flag {
    const char *name;
    unsigned bit;
};
static const struct flag mechanisms[] = {{"Tls", 1},
                                         {"Integrated", 2},
                                         {"BasicAuth", 4},
                                         {"BasicAuthRequireTLS", 8},
                                         {"ExchangeServer", 16},
                                         {"ExternalAuthoritative", 32}};
static const struct flag groups[] = {{"AnonymousUsers", 1},  {"ExchangeUsers", 2},
                                     {"ExchangeServers", 4}, {"ExchangeLegacyServers", 8},
                                     {"Partners", 16},       {"Custom", 32}};

static struct exchange_list flags(struct exchange_reader *r, const struct object_property *p,
                                  const struct flag *names, size_t count)
{
    struct exchange_list list = property_list(r, p, true);
    uint64_t bits = 0;
    if (list.count != 1 || num_parse(list.items[0], (1U << count) - 1, &bits) != OK)
        return list;
    list.items = ARENA_ARRAY(&r->c->arena, struct span, count + 1);
    list.count = 0;
    for (size_t i = 0; i < count; i++) {
        if (bits & names[i].bit)
            list.items[list.count++] = span_of(names[i].name);
    }
    if (bits == 0)
        list.items[list.count++] = SPAN("None");
    return list;
}

static void keep_properties(struct exchange_reader *r, const struct object *o,
                            struct exchange_connector *c)
{
    c->properties = ARENA_ARRAY(&r->c->arena, struct exchange_property, o->count);
    for (size_t i = 0; i < o->count; i++) {
        const struct object_property *p = &o->properties[i];
        struct exchange_value value = property_value(r, p);
        if (p->is_list) {
            struct buf text = BUF_INIT(BUF_UNLIMITED);
            buf_add_char(&text, '{');
            for (size_t j = 0; j < p->item_count; j++) {
                buf_add_text(&text, j ? ", " : "");
                buf_add(&text, p->items[j]);
            }
            buf_add_char(&text, '}');
            value.text = arena_copy(&r->c->arena, buf_span(&text));
            buf_done(&text);
        }
        if (value.printed)
            c->properties[c->property_count++] = (struct exchange_property){p->name, value};
    }
}

static void read_both(struct exchange_reader *r, const struct object *o,
                      struct exchange_connector *c)
{
    c->name = property_value(r, object_find(o, "Name"));
    c->identity = property_value(r, object_find(o, "Identity"));
    c->server = property_word(r, object_find(o, "Server"));
    c->fqdn = property_word(r, object_find(o, "Fqdn"));
    c->tls_certificate_name = property_value(r, object_find(o, "TlsCertificateName"));
    c->enabled_text = property_value(r, object_find(o, "Enabled"));
    c->enabled = property_known(object_find(o, "Enabled"));
    c->require_tls = property_known(object_find(o, "RequireTLS"));
    c->domain_secure = property_known(object_find(o, "DomainSecureEnabled"));
    c->tls_domain_capabilities = property_list(r, object_find(o, "TlsDomainCapabilities"), false);
}

static void read_receive(struct exchange_reader *r, const struct object *o,
                         struct exchange_connector *c)
{
    c->suppress_x_anonymous_tls = property_known(object_find(o, "SuppressXAnonymousTls"));
    c->auth_mechanism = flags(r, object_find(o, "AuthMechanism"), mechanisms, COUNT_OF(mechanisms));
    c->permission_groups = flags(r, object_find(o, "PermissionGroups"), groups, COUNT_OF(groups));
    c->bindings = property_list(r, object_find(o, "Bindings"), true);
    c->remote_ip_ranges = property_list(r, object_find(o, "RemoteIPRanges"), true);
    c->transport_role = property_word(r, object_find(o, "TransportRole"));
    if (span_eq(c->transport_role.text, SPAN("32"))) /* the numbers are those of server roles */
        c->transport_role.text = SPAN("HubTransport");
    else if (span_eq(c->transport_role.text, SPAN("16384")))
        c->transport_role.text = SPAN("FrontendTransport");
}

static void read_send(struct exchange_reader *r, const struct object *o,
                      struct exchange_connector *c)
{
    c->cloud_services = property_known(object_find(o, "CloudServicesMailEnabled"));
    c->ignore_starttls = property_known(object_find(o, "IgnoreSTARTTLS"));
    c->dns_routing = property_known(object_find(o, "DNSRoutingEnabled"));
    c->address_spaces = property_list(r, object_find(o, "AddressSpaces"), true);
    c->smart_hosts = property_list(r, object_find(o, "SmartHosts"), true);
    c->source_servers = property_list(r, object_find(o, "SourceTransportServers"), true);
    c->tls_auth_level = property_word(r, object_find(o, "TlsAuthLevel"));
    c->tls_domain = property_word(r, object_find(o, "TlsDomain"));
    c->smart_host_auth = property_word(r, object_find(o, "SmartHostAuthMechanism"));
}

/* "Server\Name" of Identity gives what the print left out. */
static void read_identity(struct exchange_connector *c)
{
    struct exchange_value id = c->identity;
    if (!id.printed || id.text.n == 0)
        return;
    size_t at = span_find(id.text, '\\');
    bool has_server = at < id.text.n && !c->sends;
    if (!c->name.printed) {
        c->name = id;
        c->name.text = has_server ? span_skip(id.text, at + 1) : id.text;
    }
    if (has_server && c->server.text.n == 0) {
        c->server = id;
        c->server.text = span_head(id.text, at);
    }
}

bool connector_take(struct exchange_reader *r, const struct object *o, bool sends)
{
    struct exchange_connector c = {.sends = sends, .place = reader_place(r, o->line)};
    read_both(r, o, &c);
    if (sends)
        read_send(r, o, &c);
    else
        read_receive(r, o, &c);
    read_identity(&c);
    if (!sends && c.server.text.n == 0 && r->command.server.n > 0)
        c.server = reader_value(r, r->command.server, r->command.line);
    if (!c.name.printed || c.name.text.n == 0)
        return false;
    keep_properties(r, o, &c);
    *reader_add_connector(r, o->line) = c;
    return true;
}
