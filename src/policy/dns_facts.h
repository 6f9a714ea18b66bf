/* dns_facts: what DNS and web publish about this server's own names, as far as it is known: TLSA of
 * the receive connectors' fqdns (RFC 7672), MX and MTA-STS (RFC 8461) of the accepted domains.
 * Values that others gathered. A lookup that failed is never taken for "there is none". */
#ifndef POLICY_DNS_FACTS_H
#define POLICY_DNS_FACTS_H

#include "conf/document.h"
#include "mail/mta_sts.h"

enum fact_known { FACT_NOT_ASKED, FACT_CANNOT_TELL, FACT_KNOWN };

/* What is known of the zone's DNSSEC. */
enum fact_proof {
    PROOF_NOT_TRIED, /* answers are not validated here: others may find it secure */
    PROOF_INSECURE,
    PROOF_SECURE,
};

struct tlsa_fact {
    uint8_t usage, selector, matching;
    struct span data; /* bytes */
};

/* _25._tcp.HOST TLSA */
struct host_fact {
    struct span host;
    enum fact_known known;
    struct span why; /* CANNOT_TELL */
    enum fact_proof proof;
    const struct tlsa_fact *tlsa;
    size_t tlsa_count;
};

enum policy_fetch {
    POLICY_NOT_ASKED, /* nothing announces one, or its host could not be looked up */
    POLICY_FETCHED,
    POLICY_ABSENT,      /* no such host, or no such file */
    POLICY_UNREACHABLE, /* no answer, or another status than 200 */
    POLICY_UNTRUSTED,   /* the certificate of the policy host does not verify */
    POLICY_MALFORMED,
};

struct domain_fact {
    struct span domain;
    enum fact_known mx_known;
    struct span mx_why;
    const struct span *mx; /* in the order of preference; a null MX is none */
    size_t mx_count;
    enum fact_known sts_known; /* _mta-sts.DOMAIN TXT */
    struct span sts_why;
    bool sts_announced;
    enum policy_fetch fetched;
    struct span policy_why;
    struct mta_sts_policy policy; /* FETCHED */
};

struct dns_facts {
    const struct host_fact *hosts;
    size_t host_count;
    const struct domain_fact *domains;
    size_t domain_count;
};

/* Whether other servers' mail comes in here by the MX: STARTTLS, and no port of submission. */
bool dns_facts_faces_mx(const struct receive_connector *connector);

/* NULL: nothing was asked about it. facts may be NULL. */
const struct host_fact *dns_facts_host(const struct dns_facts *facts, struct span host);

/* Whether senders act upon the TLSA records: some are usable, and the zone is not known to be
 * unsigned. */
bool dns_facts_tlsa_binds(const struct host_fact *host);

/* Whether the domain's MTA-STS policy (enforce or testing) sends its mail to this host, and so
 * promises a certificate that everybody can verify. */
bool dns_facts_promises(const struct domain_fact *domain, struct span host);

/* For a new key (spki: the SHA-256 of its SubjectPublicKeyInfo, in hexadecimal): the TLSA records
 * to publish before a certificate with it serves, one a line, for those of the names whose records
 * bind senders and name neither this key nor an authority. Empty: none. */
struct span dns_facts_publish_first(struct arena *arena, const struct dns_facts *facts,
                                    const struct span *names, size_t name_count, struct span spki);

#endif
