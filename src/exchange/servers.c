#include "base/num.h"
#include "exchange/property.h"
#include "exchange/replies.h"

enum { EDGE_ROLE = 64 }; /* of the number that ConvertTo-Json prints */

static struct exchange_value thumbprint_of(struct exchange_reader *r,
                                           const struct object_property *p)
{
    struct exchange_value value = property_word(r, p);
    if (value.printed)
        value.text = property_hex(&r->c->arena, value.text);
    return value;
}

static enum known is_edge(struct exchange_reader *r, const struct object *o)
{
    enum known known = property_known(object_find(o, "IsEdgeServer"));
    struct exchange_list roles = property_list(r, object_find(o, "ServerRole"), true);
    if (known != CANNOT_TELL || !roles.printed || roles.count == 0)
        return known;
    uint64_t bits = 0;
    if (roles.count == 1 && num_parse(roles.items[0], UINT32_MAX, &bits) == OK)
        return bits & EDGE_ROLE ? KNOWN_YES : KNOWN_NO;
    for (size_t i = 0; i < roles.count; i++) {
        if (span_ieq(roles.items[i], SPAN("Edge")))
            return KNOWN_YES;
    }
    return roles.truncated ? CANNOT_TELL : KNOWN_NO;
}

bool server_take(struct exchange_reader *r, const struct object *o)
{
    struct exchange_server s = {.place = reader_place(r, o->line)};
    s.name = property_word(r, object_find(o, "Name"));
    if (s.name.text.n == 0)
        s.name = property_word(r, object_find(o, "Identity"));
    if (s.name.text.n == 0 && r->command.server.n > 0)
        s.name = reader_value(r, r->command.server, r->command.line);
    s.fqdn = property_word(r, object_find(o, "Fqdn"));
    s.version = property_value(r, object_find(o, "AdminDisplayVersion"));
    s.internal_thumbprint =
        thumbprint_of(r, object_find(o, "InternalTransportCertificateThumbprint"));
    s.edge = is_edge(r, o);
    if (s.name.text.n == 0 && s.fqdn.text.n == 0 && s.internal_thumbprint.text.n == 0)
        return false;
    r->c->seen_transport_service |= r->command.transport_service || s.internal_thumbprint.printed;
    *reader_add_server(r, o->line) = s;
    return true;
}

bool domain_take(struct exchange_reader *r, const struct object *o)
{
    struct exchange_domain d = {.place = reader_place(r, o->line)};
    d.name = property_word(r, object_find(o, "DomainName"));
    if (d.name.text.n == 0)
        d.name = property_word(r, object_find(o, "Name"));
    d.type = property_word(r, object_find(o, "DomainType"));
    if (d.name.text.n == 0)
        return false;
    *reader_add_domain(r, o->line) = d;
    return true;
}

/* A queue is of interest for what the next hop last said. */
bool queue_take(struct exchange_reader *r, const struct object *o)
{
    const struct object_property *error = object_find(o, "LastError");
    struct exchange_value hop = property_word(r, object_find(o, "NextHopDomain"));
    if (!error && !hop.printed)
        return false;
    size_t before = r->c->reply_count;
    if (error && error->line > 0 && error->line <= r->source.count) {
        struct paragraph p = paragraph_of(r, error->text, error->line - 1);
        replies_read(r, &p);
    }
    for (size_t i = before; i < r->c->reply_count; i++) {
        if (!r->c->replies[i].remote.printed)
            r->c->replies[i].remote = hop;
    }
    return true;
}
