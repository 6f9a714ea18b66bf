/* case: everything that an administrator handed over about Exchange servers, as values: the inputs
 * of policy/diagnose_exchange and policy/import_exchange. Any mixture of prints can be read, in any
 * order, one after another: each part is recognised by itself, and what is recognised by nothing is
 * kept as unread, never an error. Owns all that its values point to. Reads no files itself. */
#ifndef EXCHANGE_CASE_H
#define EXCHANGE_CASE_H

#include "base/arena.h"
#include "base/buf.h"
#include "cert/certificate.h"
#include "exchange/value.h"

enum {
    EXCHANGE_INPUT_MAX = 64 * 1024 * 1024, /* bytes of one input; a day of protocol log */
    EXCHANGE_OBJECTS_MAX = 20000,          /* of each kind in one case */
};

/* Bits of Services as Exchange counts them. */
enum exchange_service {
    EXCHANGE_IMAP = 1,
    EXCHANGE_POP = 2,
    EXCHANGE_UM = 4,
    EXCHANGE_IIS = 8,
    EXCHANGE_SMTP = 16,
    EXCHANGE_FEDERATION = 32,
    EXCHANGE_UM_CALL_ROUTER = 64,
};

struct exchange_certificate {
    struct exchange_value thumbprint; /* upper-case hex without blanks; else as printed (masked) */
    bool thumbprint_whole;            /* 40 hex digits */
    struct exchange_value subject, issuer, serial, friendly_name, root_ca_type, status, server;
    struct exchange_value signature_algorithm, key_provider;
    struct exchange_list domains; /* CertificateDomains, as printed */
    enum known has_private_key, self_signed, key_exportable;
    enum known services_known; /* KNOWN_YES: `services` is complete */
    unsigned services;         /* enum exchange_service */
    struct exchange_time not_before, not_after;
    const struct certificate *parsed; /* from RawData, PEM or CER; NULL: only the print is known.
                                         Then the fields above that it determines are filled from it
                                         and dates are exact. */
    bool from_wire;                   /* seen as presented by a server, not in its store */
    struct exchange_place place;
};

/* A property that has no field of its own: for import, which must say line by line what it left. */
struct exchange_property {
    struct span name;
    struct exchange_value value;
};

struct exchange_connector {
    bool sends; /* Send connector; else Receive connector */
    struct exchange_value name, identity, server, fqdn, tls_certificate_name, enabled_text;
    enum known enabled, require_tls, domain_secure, cloud_services, suppress_x_anonymous_tls;
    enum known ignore_starttls, dns_routing;
    struct exchange_list auth_mechanism, permission_groups;           /* words */
    struct exchange_list bindings, remote_ip_ranges;                  /* receive */
    struct exchange_list address_spaces, smart_hosts, source_servers; /* send */
    struct exchange_list tls_domain_capabilities;
    struct exchange_value tls_auth_level, tls_domain, smart_host_auth, transport_role;
    struct exchange_property *properties; /* all that was printed, in order */
    size_t property_count;
    struct exchange_place place;
};

struct exchange_server {
    struct exchange_value name, fqdn, internal_thumbprint, version;
    enum known edge;
    struct exchange_list local_addresses;
    struct exchange_place place;
};

/* One distinct event: equal ones are counted. */
struct exchange_event {
    unsigned id; /* as printed, else as its text tells; 0: neither does */
    struct span source, level, computer;
    struct exchange_time when; /* of the last one */
    size_t times;
    /* The inserts, as far as they were printed and not eaten by a web page. */
    struct exchange_value domain_name, connector, fqdn, thumbprint, subject, response, address;
    struct exchange_value status; /* a validation word: UntrustedRoot ... */
    struct span text;             /* the whole description, joined */
    bool inserts_lost;            /* the sentence stands there with holes */
    struct exchange_place place;
};

/* What one session of a protocol log, an EHLO transcript or a probe shows. */
enum exchange_direction { EXCHANGE_RECEIVES, EXCHANGE_SENDS, EXCHANGE_PROBED };
struct exchange_session {
    enum exchange_direction direction;
    struct exchange_value connector, local, remote, server_name; /* of the EHLO reply */
    enum known starttls, x_anonymous_tls;                        /* advertised */
    bool stripped;          /* XXXXXXXA and the like: a device rewrote the reply */
    bool plain_tls_attempt; /* s_client without -starttls: the "unknown protocol" family */
    struct exchange_value certificate_subject, certificate_issuer, certificate_serial,
        certificate_thumbprint, tls_error;
    struct exchange_list certificate_names;
    const struct certificate *presented; /* probe: leaf and chain as sent; NULL: not known */
    enum known presented_trusted;        /* judged by the system's roots */
    struct exchange_place place;
};

/* A reply or bounce text that speaks of TLS, attribution or relaying. */
struct exchange_reply {
    unsigned code;        /* 450; 0: none */
    struct span enhanced; /* "4.4.317", or empty */
    struct span word;     /* SubjectMismatch, UntrustedRoot, TenantAttribution, ATTR36, PRX5 ... */
    struct exchange_value expected, presented, presented_thumbprint, remote;
    struct span text;
    struct exchange_place place;
};

enum exchange_error_kind {
    EXCHANGE_ERROR_OTHER,
    EXCHANGE_KEY_MISSING,   /* PrivateKeyMissing */
    EXCHANGE_IMPORT_FAILED, /* wrong password, or p7b without request */
    EXCHANGE_ALREADY_EXISTS,
    EXCHANGE_NOT_EXPORTABLE,
    EXCHANGE_TAGGED_SEND,      /* removal refused: named on Send connectors */
    EXCHANGE_INTERNAL_REMOVAL, /* removal refused: internal transport certificate */
    EXCHANGE_NOT_FOUND,
    EXCHANGE_FQDN_REFUSED,        /* ExchangeServer authentication pins the FQDN */
    EXCHANGE_REQUIRE_TLS_MISSING, /* TlsCertificateName without RequireTLS */
    EXCHANGE_NOT_BOUND_TO_SMTP,   /* hybrid wizard */
    EXCHANGE_WILDCARD_POP_IMAP,
    EXCHANGE_VALUE_INVALID, /* EdgeSync: "value in the request is invalid" */
};
struct exchange_error {
    enum exchange_error_kind kind;
    struct span cmdlet, server;
    struct exchange_value thumbprint;
    struct exchange_list connectors;
    struct span text;
    struct exchange_place place;
};

/* The question "Overwrite the existing default SMTP certificate?" and, where it was printed, the
 * answer. */
struct exchange_prompt {
    struct exchange_value current, replacement; /* thumbprints */
    struct exchange_time current_expires, replacement_expires;
    struct span answer; /* "Y", "N", or empty: not shown */
    struct exchange_place place;
};

struct exchange_domain {
    struct exchange_value name, type; /* Authoritative, InternalRelay, ExternalRelay */
    struct exchange_place place;
};

/* A part that nothing recognises, as a range of lines; or a part that broke off. */
struct exchange_unread {
    struct exchange_place place;
    unsigned last_line;
    struct span reason;
};

struct exchange_case {
    struct arena arena;
    struct exchange_certificate *certificates;
    size_t certificate_count;
    struct exchange_connector *connectors;
    size_t connector_count;
    struct exchange_server *servers;
    size_t server_count;
    struct exchange_event *events;
    size_t event_count;
    struct exchange_session *sessions;
    size_t session_count;
    struct exchange_reply *replies;
    size_t reply_count;
    struct exchange_error *errors;
    size_t error_count;
    struct exchange_prompt *prompts;
    size_t prompt_count;
    struct exchange_domain *domains;
    size_t domain_count;
    struct exchange_unread *unread;
    size_t unread_count;
    /* Listings that were given at all: without one, "no such certificate" cannot be said. A listing
     * by -Thumbprint or -Identity is not the whole store. */
    bool certificates_listed, receive_connectors_listed, send_connectors_listed;
    /* A listing of certificates is the last thing in an input, without the blank lines that end a
     * print: it may have been cut, so what is missing in it may be missing in the copy only. */
    bool certificates_cut;
    bool seen_clixml, seen_table, seen_transport_service;
    struct exchange_reader *reader; /* what reading needs between inputs; private */
};

struct exchange_case *exchange_case_new(void); /* never NULL */
void exchange_case_free(struct exchange_case *c);

/* Reads one input: text in UTF-8, UTF-16 with or without mark, or Windows-1252; CLIXML; JSON; PEM
 * or DER certificates. `file` is shown in evidence ("-": standard input is the caller's choice of
 * name). ERR_LIMIT with `why` where it is too large; what was read before stays. */
enum err exchange_case_read(struct exchange_case *c, struct span file, struct span bytes,
                            struct buf *why) MUST_USE;

/* Call once after the last input: the same certificate, connector or event from several prints
 * becomes one (what one print lacks the other fills in), and dates whose order of day and month
 * some other date of the same print decides are decided. */
void exchange_case_finish(struct exchange_case *c);

#endif
