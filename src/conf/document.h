/* document: the whole configuration as one immutable value, already checked. All of it lives in its
 * own arena. The schema (conf/schema.c) is the one place that knows keys, types, limits, defaults
 * and their explanations. */
#ifndef CONF_DOCUMENT_H
#define CONF_DOCUMENT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/ip.h"
#include "base/log.h"

enum domain_type {
    DOMAIN_AUTHORITATIVE, /* mail for it is ours: accepted, and never sent out through "*" */
    DOMAIN_RELAY,         /* accepted and passed on (Exchange: internal or external relay) */
};

struct accepted_domain {
    struct span domain;   /* A-label key, without the "*." */
    bool with_subdomains; /* "*.example.com": the domain's subdomains (not itself) */
    enum domain_type type;
};

/* As it is written, since "open" is the consent to something that is refused otherwise. */
enum relay_permission { RELAY_NONE, RELAY_RANGE, RELAY_OPEN };
enum receive_tls {
    RECEIVE_TLS_OFF,
    RECEIVE_TLS_OFFERED,
    RECEIVE_TLS_REQUIRED,
    RECEIVE_TLS_IMPLICIT
};

/* OFFER: STARTTLS with the best usable certificate, and event 12014. WITHHOLD: as Exchange does, no
 * STARTTLS. REFUSE: connections are turned away with 421. */
enum on_mismatch { MISMATCH_OFFER, MISMATCH_WITHHOLD, MISMATCH_REFUSE };

/* A number that may be "unlimited". */
#define UNLIMITED UINT64_MAX

struct receive_connector {
    struct span name;
    bool enabled;
    struct endpoint *bind;
    size_t bind_count;
    struct ip_range *from; /* empty list in the file: everyone (both families) */
    size_t from_count;
    struct span fqdn; /* default: the document's hostname */
    enum receive_tls tls;
    enum on_mismatch on_mismatch; /* no certificate covers the fqdn; default: offer */
    struct span pin; /* as cert/pin.h reads it; empty: the certificate is chosen by name */
    bool pin_strict; /* nothing else is presented where the pin names none */
    struct span
        *partners; /* domains whose servers send here only by TLS: "example.com", "*.example.com" */
    size_t partner_count;
    enum relay_permission relay_permission; /* false | true | open */
    bool relay;                /* may send to any domain: the permission is not RELAY_NONE */
    struct span banner;        /* text after "220 "; empty: the standard one */
    uint64_t max_message_size; /* 36MB */
    uint64_t max_header_size;  /* 256KB */
    uint64_t max_recipients;   /* 200 */
    uint64_t max_hops;         /* 100 (RFC 5321 section 6.3) */
    uint64_t max_connections;  /* 5000 */
    uint64_t max_connections_per_source;  /* 20 */
    uint64_t max_connection_rate;         /* per minute and source; 1200 */
    uint64_t max_messages_per_connection; /* unlimited */
    uint64_t max_protocol_errors;         /* 5 */
    uint64_t timeout_ms;                  /* whole session, 10m */
    uint64_t idle_timeout_ms;             /* 5m (RFC 5321 section 4.5.3.2.7) */
    uint64_t tarpit_ms;                   /* delay before a 5xx to RCPT or MAIL; 5s, 0: none */
};

struct address_space {
    struct span domain;   /* key; empty for "*" */
    bool with_subdomains; /* "*.example.com": the domain and its subdomains (Exchange) */
    bool everything;      /* "*" */
    unsigned cost;        /* 1 to 100, default 1 */
};

enum deliver_by { DELIVER_BY_MX, DELIVER_BY_SMART_HOST, DELIVER_BY_LMTP, DELIVER_BY_MAILDIR };
enum send_tls { SEND_TLS_OFF, SEND_TLS_OPPORTUNISTIC, SEND_TLS_REQUIRED, SEND_TLS_IMPLICIT };
enum send_verify { VERIFY_ENCRYPT, VERIFY_CHAIN, VERIFY_NAME };

struct smart_host {
    struct span host; /* name or IP literal; for LMTP also "/path/of/socket" */
    uint16_t port;    /* 0: the connector's */
};

struct retry_conf {
    uint64_t glitch_count, glitch_interval_ms;       /* 4, 1m */
    uint64_t transient_count, transient_interval_ms; /* 6, 5m */
    uint64_t interval_ms;                            /* 10m, from then on */
    uint64_t delay_notice_ms;                        /* 4h; 0: no delay notification */
    uint64_t expire_ms;                              /* 2d */
};

struct send_connector {
    struct span name;
    bool enabled;
    bool hold; /* what it takes waits, and no connection is made */
    struct address_space *address_spaces;
    size_t address_space_count;
    enum deliver_by deliver_by; /* default: smart-host if smart-hosts are given, else mx */
    struct smart_host *smart_hosts;
    size_t smart_host_count;
    struct span maildir; /* absolute folder; "%d" domain, "%l" local part in it */
    uint16_t port;       /* 25, LMTP 24, implicit TLS 465 */
    struct span fqdn;    /* EHLO; default: the hostname */
    struct ip source_ip; /* all zero: any */
    bool has_source_ip;
    enum send_tls tls;
    enum send_verify tls_verify;
    struct span tls_verify_domain; /* check this name instead of the host's; empty: the host's */
    struct span tls_trust_file;    /* PEM; empty: the system's roots */
    struct span tls_certificate;   /* pin of the client certificate to present; empty: none */
    uint64_t max_message_size;     /* 35MB */
    uint64_t max_connections;      /* whole connector, 1000 */
    uint64_t max_connections_per_next_hop; /* 20 */
    uint64_t max_messages_per_connection;  /* 20 by Exchange; here 100 */
    uint64_t max_recipients_per_message;   /* in one transaction, 100 */
    uint64_t idle_timeout_ms;              /* how long an unused connection is kept, 5s */
    uint64_t connect_timeout_ms;           /* 30s */
    struct retry_conf retry;
};

struct queue_conf {
    uint64_t max_length; /* recipients waiting: the "high" level of back pressure; 500000 */
    uint64_t disk_high_percent, disk_medium_percent,
        disk_low_percent;  /* 99, 89, 80; used space of the data disk */
    uint64_t disk_reserve; /* 500MB, counted as used */
    uint64_t track_days;   /* 30 */
};

struct dns_conf {
    struct endpoint *resolvers; /* empty: the system's */
    size_t resolver_count;
    bool validate;    /* DNSSEC */
    bool local_zones; /* libunbound's built-in special-use zones */
    bool own_names;   /* look up what is published about the own names */
};

struct acme_conf {
    struct span directory; /* URL; empty: no ACME */
    struct span contact;   /* mail address */
    struct span *names; /* of the certificate; default: the fqdns of the enabled receive connectors
                           that have TLS */
    size_t name_count;
    struct span key;           /* "p256" (default), "p384", "rsa2048" ... */
    bool reuse_key;            /* keep the key at renewal, so that TLSA records stay true */
    struct span challenge;     /* "http-01" or "dns-01" */
    struct endpoint http_bind; /* where http-01 is answered; 0.0.0.0:80 */
    struct span dns_hook; /* program for dns-01: called with "begin|done|failed", type, name, token,
                             authorisation */
    struct span eab_key_id, eab_key_file; /* external account binding; empty: none */
    struct span trust_file;    /* PEM roots of the directory's own TLS; empty: the system's */
    uint64_t renew_at_percent; /* of the lifetime, where ARI says nothing: 66 */
};

struct certificate_conf {
    struct span
        directory; /* PEM files that are loaded besides the data folder's own; empty: none */
    struct span
        *watch; /* folders whose certificates are imported when they change, whole pairs only */
    size_t watch_count;
    uint64_t watch_interval_ms;    /* slow poll beside inotify, 1m */
    uint64_t sentinel_interval_ms; /* 1h; 0: only after changes and on demand */
    struct acme_conf acme;
};

struct log_conf {
    enum log_level level;
    bool json;
};

struct document {
    struct arena arena;
    struct span text;     /* canonical YAML, what `config export` prints */
    struct span hostname; /* key form */
    struct accepted_domain *accepted_domains;
    size_t accepted_domain_count;
    struct receive_connector *receive_connectors;
    size_t receive_connector_count;
    struct send_connector *send_connectors;
    size_t send_connector_count;
    struct queue_conf queue;
    struct dns_conf dns;
    struct certificate_conf certificates;
    struct log_conf log;
};

/* One thing that is wrong or worth knowing. */
struct problem {
    bool warning; /* the document can be used all the same (an open relay on purpose, an unused
                     domain) */
    unsigned line, column; /* 1-based; 0: no place */
    struct span path;      /* "receive-connectors.internet.tls" */
    struct span text;      /* what is wrong */
    struct span remedy;    /* what to do */
};

struct problems {
    struct arena arena;
    struct problem *items;
    size_t count, capacity;
    size_t errors; /* those that are no warnings */
};

enum { DOCUMENT_BYTES_MAX = 4 * 1024 * 1024, DOCUMENT_DEPTH_MAX = 16, DOCUMENT_PROBLEMS_MAX = 100 };

/* Reads YAML (and so JSON). All problems are collected, up to the maximum. ERR_SYNTAX where there
 * are errors; *document is then untouched. problems must be zeroed and is the caller's to free with
 * problems_done. */
enum err document_parse(struct span yaml, struct problems *problems,
                        struct document **document) MUST_USE;
void document_free(struct document *document);
void problems_done(struct problems *problems);
/* "sealpost.yaml:12:5: receive-connectors.a.tls: ...\n    remedy\n" */
void problem_add_text(struct buf *out, const char *file, const struct problem *problem);

const struct receive_connector *document_receive_connector(const struct document *d,
                                                           struct span name);
const struct send_connector *document_send_connector(const struct document *d, struct span name);

/* The document as JSON in full (defaults included), and one connector of it; caller frees
 * (jansson). */
struct json_t;
struct json_t *document_to_json(const struct document *document);
struct json_t *document_connector_to_json(const struct document *document, bool receive,
                                          struct span name);
/* A new YAML text: the given one with one value set ("receive-connectors.internet.fqdn", scalar or
 * flow YAML text), or removed (value empty). Names that hold a dot may be quoted. Comments and
 * layout are lost; keys keep their order. The result still has to be parsed. ERR_SYNTAX: text,
 * value or path are malformed; ERR_NOT_FOUND: nothing to remove, or no keys below; *why then says
 * it in words. */
enum err document_edit(struct span yaml, struct span path, struct span value, struct buf *out,
                       struct buf *why) MUST_USE;

/* Line by line what changed, "  receive-connectors.internet.fqdn: a -> b", "+ send-connectors.new:
 * ...". Empty: equal. */
void document_add_diff(struct buf *out, const struct document *before,
                       const struct document *after);

/* The reference page of all keys as scdoc (for sealpost.yaml(5)), from the schema. */
void schema_add_reference(struct buf *out);

#endif
