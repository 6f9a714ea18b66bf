/* dns_watch: keeps in mind what DNS and web publish about this server's own names (document:
 * dns.own-names), so that plans and findings can be asked at any time without waiting. On the main
 * loop. Bounded: the first 64 fqdns and the first 64 domains. */
#ifndef SERVICE_DNS_WATCH_H
#define SERVICE_DNS_WATCH_H

#include "policy/dns_facts.h"
#include "service/world.h"

struct dns_watch;

struct dns_watch *dns_watch_new(struct world *world);
/* After the main loop has run for the last time. */
void dns_watch_free(struct dns_watch *watch);
/* The document or the certificates may have changed: looks again soon. */
void dns_watch_snapshot_changed(struct dns_watch *watch);
/* NULL: nothing is known yet, or nobody wants it. Valid until the main loop turns. watch may be
 * NULL. */
const struct dns_facts *dns_watch_facts(const struct dns_watch *watch);

#endif
