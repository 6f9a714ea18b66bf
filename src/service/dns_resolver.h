/* dns_resolver: a resolver as the document's dns section wants it. */
#ifndef SERVICE_DNS_RESOLVER_H
#define SERVICE_DNS_RESOLVER_H

#include "conf/document.h"
#include "io/resolver.h"

enum err dns_resolver_new(struct loop *loop, const struct dns_conf *conf,
                          struct resolver **resolver, struct buf *why) MUST_USE;
/* Whether answers are proved: it is wished, and the system has the trust anchors. */
bool dns_resolver_validates(const struct dns_conf *conf);
/* Whether a resolver of the one is a resolver of the other. */
bool dns_resolver_is_same(const struct dns_conf *a, const struct dns_conf *b);

#endif
