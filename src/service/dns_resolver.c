#include "service/dns_resolver.h"

#include <unistd.h>

static const char trust_anchors[] = "/usr/share/dns/root.key"; /* Debian's dns-root-data */

bool dns_resolver_validates(const struct dns_conf *conf)
{
    return conf->validate && access(trust_anchors, R_OK) == 0;
}

enum err dns_resolver_new(struct loop *loop, const struct dns_conf *conf,
                          struct resolver **resolver, struct buf *why)
{
    struct resolver_options options = {
        .forwarders = conf->resolvers,
        .forwarder_count = conf->resolver_count,
        .trust_anchor_file = dns_resolver_validates(conf) ? trust_anchors : NULL,
        .local_zones = conf->local_zones,
    };
    return resolver_new(loop, &options, resolver, why);
}

bool dns_resolver_is_same(const struct dns_conf *a, const struct dns_conf *b)
{
    bool same = a->resolver_count == b->resolver_count && a->validate == b->validate &&
                a->local_zones == b->local_zones;
    for (size_t i = 0; same && i < a->resolver_count; i++)
        same = endpoint_eq(&a->resolvers[i], &b->resolvers[i]);
    return same;
}
