/* resolver: DNS through libunbound with its own thread; answers arrive on the loop that asked. */
#ifndef IO_RESOLVER_H
#define IO_RESOLVER_H

#include "base/ip.h"
#include "io/loop.h"

struct resolver;

struct resolver_options {
    const struct endpoint
        *forwarders; /* ask these; none: /etc/resolv.conf's, and if it has none, the roots */
    size_t forwarder_count;
    const char *trust_anchor_file; /* NULL: do not validate */
    bool local_zones; /* keep libunbound's built-in answers for .test, .invalid, ... (normal: true)
                       */
    int64_t timeout_ms; /* per question; 0: 20 s */
};

enum {
    DNS_TYPE_A = 1,
    DNS_TYPE_PTR = 12,
    DNS_TYPE_MX = 15,
    DNS_TYPE_TXT = 16,
    DNS_TYPE_AAAA = 28,
    DNS_TYPE_TLSA = 52
};

enum dns_status {
    DNS_FOUND,
    DNS_NO_DATA, /* the name exists, the type does not */
    DNS_NO_NAME, /* NXDOMAIN */
    DNS_FAILED,  /* SERVFAIL, timeouts, lame: temporary */
    DNS_BOGUS,   /* DNSSEC validation failed: temporary, and an attack may be under way */
};

struct dns_record {
    struct span data;    /* rdata as on the wire */
    struct ip ip;        /* A, AAAA */
    uint16_t preference; /* MX */
    struct span name;    /* MX, PTR: lower-case, without trailing dot; "" for the root (null MX) */
};

struct dns_answer {
    enum dns_status status;
    bool secure;                /* validated by DNSSEC */
    struct span canonical_name; /* after CNAMEs; empty: the name asked for */
    struct dns_record *records;
    size_t count;
    uint32_t ttl_s;
    const char *why; /* for FAILED and BOGUS; may be NULL */
};

typedef void resolver_fn(void *context, const struct dns_answer *answer);
struct resolver_query;

enum err resolver_new(struct loop *loop, const struct resolver_options *options,
                      struct resolver **resolver, struct buf *why) MUST_USE;
void resolver_free(struct resolver *resolver);
/* Asks; the answer lives until fn returns. fn must not free the resolver. fn is called once on the
 * resolver's loop, never before this returns, unless cancelled. */
struct resolver_query *resolver_ask(struct resolver *resolver, struct span name, int type,
                                    resolver_fn *fn, void *context);
void resolver_cancel(struct resolver_query *query);

#endif
