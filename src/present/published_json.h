/* published_json: what DNS and web publish about the own names, as JSON. */
#ifndef PRESENT_PUBLISHED_JSON_H
#define PRESENT_PUBLISHED_JSON_H

#include <jansson.h>

#include "policy/dns_facts.h"

/* {"fqdns": [{"fqdn", "known", "dnssec", "tlsa"}], "domains": [{"domain", "mx", "mta-sts"}]}; null
 * where nothing is looked up. "known" is "yes", "cannot-tell" or "not-asked"; only what is known
 * follows it. */
json_t *published_to_json(const struct dns_facts *facts);

#endif
