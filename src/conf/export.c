#include "conf/export.h"

#include <assert.h>

#include "conf/value.h"

enum { PORT_SMTP = 25, PORT_LMTP = 24, PORT_SUBMISSIONS = 465 };

enum deliver_by export_default_deliver_by(const struct send_connector *c)
{
    return c->smart_host_count ? DELIVER_BY_SMART_HOST : DELIVER_BY_MX;
}

uint16_t export_default_port(const struct send_connector *c)
{
    if (c->tls == SEND_TLS_IMPLICIT)
        return PORT_SUBMISSIONS; /* RFC 8314 section 3.3 */
    return c->deliver_by == DELIVER_BY_LMTP ? PORT_LMTP : PORT_SMTP;
}

static bool is_listed(const struct span *names, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++)
        if (span_eq(names[i], name))
            return true;
    return false;
}

size_t export_default_acme_names(const struct document *d, struct arena *arena, struct span **names)
{
    size_t count = 0;
    *names = ARENA_ARRAY(arena, struct span, d->receive_connector_count + 1);
    for (size_t i = 0; i < d->receive_connector_count; i++) {
        const struct receive_connector *c = &d->receive_connectors[i];
        if (c->enabled && c->tls != RECEIVE_TLS_OFF && !is_listed(*names, count, c->fqdn))
            (*names)[count++] = c->fqdn;
    }
    return count;
}

/* One map; `defaults` is an object of the same kind, or NULL for all keys. */
static json_t *export_map(const struct schema_map *map, const void *object, const void *defaults)
{
    json_t *out = json_object();
    for (const struct schema_key *key = map->keys; key->name; key++) {
        const char *at = (const char *)object + key->offset;
        json_t *value = NULL;
        if (key->type == VALUE_NAMED)
            continue;
        if (key->type == VALUE_MAP)
            value =
                export_map(key->map, at, defaults ? (const char *)defaults + key->offset : NULL);
        else
            value = value_to_json(key, object);
        json_t *usual = NULL;
        if (defaults && !key->required)
            usual = key->type == VALUE_MAP ? json_object() : value_to_json(key, defaults);
        if (value && !(usual && json_equal(value, usual)))
            json_object_set(out, key->name, value);
        json_decref(usual);
        json_decref(value);
    }
    return out;
}

json_t *export_receive_connector(const struct document *d, const struct receive_connector *c,
                                 enum export_kind kind)
{
    if (kind == EXPORT_WHOLE)
        return export_map(&schema_receive_connector, c, NULL);
    struct receive_connector usual = {0};
    struct arena arena = ARENA_INIT;
    schema_set_defaults(&schema_receive_connector, &arena, &usual);
    usual.fqdn = d->hostname;
    json_t *out = export_map(&schema_receive_connector, c, &usual);
    arena_done(&arena);
    return out;
}

json_t *export_send_connector(const struct document *d, const struct send_connector *c,
                              enum export_kind kind)
{
    if (kind == EXPORT_WHOLE)
        return export_map(&schema_send_connector, c, NULL);
    struct send_connector usual = {0};
    struct arena arena = ARENA_INIT;
    schema_set_defaults(&schema_send_connector, &arena, &usual);
    usual.fqdn = d->hostname;
    usual.deliver_by = export_default_deliver_by(c);
    usual.port = export_default_port(c);
    json_t *out = export_map(&schema_send_connector, c, &usual);
    arena_done(&arena);
    return out;
}

/* json_object_set_new takes text with NUL; names have none, the tree refuses control characters. */
static void set_named(json_t *map, struct span name, json_t *value)
{
    int set = json_object_setn_new(map, name.p, name.n, value);
    assert(set == 0);
}

static json_t *export_receive_connectors(const struct document *d, enum export_kind kind)
{
    json_t *map = json_object();
    for (size_t i = 0; i < d->receive_connector_count; i++)
        set_named(map, d->receive_connectors[i].name,
                  export_receive_connector(d, &d->receive_connectors[i], kind));
    return map;
}

static json_t *export_send_connectors(const struct document *d, enum export_kind kind)
{
    json_t *map = json_object();
    for (size_t i = 0; i < d->send_connector_count; i++)
        set_named(map, d->send_connectors[i].name,
                  export_send_connector(d, &d->send_connectors[i], kind));
    return map;
}

json_t *export_document(const struct document *d, enum export_kind kind)
{
    struct document usual = {0};
    struct arena arena = ARENA_INIT;
    schema_set_defaults(&schema_document, &arena, &usual);
    struct acme_conf *acme = &usual.certificates.acme;
    if (d->certificates.acme.directory.n)
        acme->name_count = export_default_acme_names(d, &arena, &acme->names);
    json_t *plain = export_map(&schema_document, d, kind == EXPORT_WHOLE ? NULL : &usual);
    arena_done(&arena);
    /* In the schema's order, with the maps of connectors at their place. */
    json_t *out = json_object();
    for (const struct schema_key *key = schema_document.keys; key->name; key++) {
        json_t *value = json_object_get(plain, key->name);
        if (key->map == &schema_receive_connector && key->type == VALUE_NAMED)
            value = export_receive_connectors(d, kind);
        else if (key->type == VALUE_NAMED)
            value = export_send_connectors(d, kind);
        else
            json_incref(value);
        if (value && (kind == EXPORT_WHOLE || key->type != VALUE_NAMED || json_object_size(value)))
            json_object_set(out, key->name, value);
        json_decref(value);
    }
    json_decref(plain);
    return out;
}

json_t *document_to_json(const struct document *document)
{
    return export_document(document, EXPORT_WHOLE);
}

json_t *document_connector_to_json(const struct document *d, bool receive, struct span name)
{
    if (receive) {
        const struct receive_connector *c = document_receive_connector(d, name);
        return c ? export_receive_connector(d, c, EXPORT_WHOLE) : NULL;
    }
    const struct send_connector *c = document_send_connector(d, name);
    return c ? export_send_connector(d, c, EXPORT_WHOLE) : NULL;
}
