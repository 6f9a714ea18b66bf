/* diagnose: every rule of the fault catalogue (doc/faults.md) that can occur here, over facts that
 * others gathered. Pure: doctor, explain, events and the console call it with different facts. */
#ifndef POLICY_DIAGNOSE_H
#define POLICY_DIAGNOSE_H

#include "policy/plan.h"

/* Exchange's numbers where Exchange has one; ours from 50000 on. */
enum diagnose_event {
    EVENT_STARTTLS_MISMATCH = 12014, /* no certificate covers the name, or none is usable at all */
    EVENT_INTERNAL_EXPIRED = 12015,  /* of internal trust: the certificate enabled for edge */
    EVENT_STARTTLS_EXPIRED = 12016,
    EVENT_INTERNAL_EXPIRES_SOON = 12017,
    EVENT_STARTTLS_EXPIRES_SOON = 12018,
    EVENT_STAND_IN = 12024, /* a self-signed certificate serves while a better one is unusable */
    EVENT_CERTIFICATE_FILE = 50102,
    EVENT_PIN_STALE = 50201,
    EVENT_PIN_HOLDS_OLD = 50202,
    EVENT_NEWER_NOT_ENABLED = 50203,
    EVENT_UNTRUSTED_CHOSEN = 50204,
    EVENT_UNTRUSTED_SERVED = 50205, /* to partners, or to mail programs on a submission port */
    EVENT_CHAIN_INCOMPLETE = 50206,
    EVENT_TLSA_MISMATCH = 50207,
    EVENT_TLSA_NOT_IN_CHAIN = 50208, /* usage 2, and what it names is not sent */
    EVENT_TLSA_INSECURE = 50209,
    EVENT_SUPERSEDED = 50210,
    EVENT_KEY_UNUSABLE = 50211, /* missing, or of another certificate: a torn pair */
    EVENT_WITHOUT_NAMES = 50212,
    EVENT_WEAK = 50213,
    EVENT_CLIENT_CERTIFICATE = 50214,
    EVENT_PASSED_OVER = 50215, /* TLS does not work with the certificate that is chosen */
    EVENT_LISTENER_SILENT = 50220,
    EVENT_STARTTLS_STRIPPED = 50221,
    EVENT_HANDSHAKE_FAILED = 50222,
    EVENT_OTHER_CERTIFICATE_SEEN = 50223,
    EVENT_OTHER_CONNECTOR_ANSWERS = 50224,
    EVENT_OTHER_CHAIN_SEEN = 50225, /* a worse one than the store's */
    EVENT_KEY_FILE_READABLE = 50230,
    EVENT_MX_NOT_COVERED = 50240,
    EVENT_DNS_FAILED = 50241,
    EVENT_MX_ELSEWHERE = 50242,
    EVENT_STS_MX_NOT_LISTED = 50243,
    EVENT_STS_POLICY = 50244, /* announced, but it cannot be had */
    EVENT_STS_CERTIFICATE = 50245,
    EVENT_TLSA_RENEWAL = 50246, /* the next renewal makes a key that no record names */
    EVENT_CLOCK = 50250,
};

/* What a stranger saw at one of our own listeners. */
struct wire_fact {
    struct span connector;
    struct span name; /* SNI that was sent, empty: none */
    bool connected, offered_starttls, handshake;
    char thumbprint[CERT_THUMBPRINT_HEX]; /* of the leaf presented */
    enum chain_state chain;               /* of what was sent with it */
    struct span error;
    bool rsa_only, ecdsa_only; /* what the client could verify */
    int64_t at_ms;
};

struct file_fact {
    struct span path, fault; /* a certificate file that cannot be used, and why; empty: usable */
    unsigned mode;           /* of a key file that others can read; 0: fine */
};

struct diagnose_facts {
    struct plan_state state;
    int64_t now_ms;
    int64_t newest_not_before_ms; /* to judge the clock: of certificates and of what was recorded;
                                     0: unknown */
    const struct wire_fact *wire;
    size_t wire_count;
    const struct file_fact *files;
    size_t file_count;
    const struct dns_facts *dns; /* NULL: nothing is known */
};

/* Most severe first. */
void diagnose(struct findings *findings, const struct diagnose_facts *facts);
/* What is published about the domains, and what could not be looked up; for events. */
void diagnose_published(struct findings *findings, const struct diagnose_facts *facts);
/* One receive connector only; for events and explain. */
void diagnose_connector(struct findings *findings, const struct diagnose_facts *facts,
                        const struct receive_connector *connector);
/* One send connector only. */
void diagnose_send_connector(struct findings *findings, const struct diagnose_facts *facts,
                             const struct send_connector *connector);
/* The certificate of internal trust only: the one that is enabled for `edge`. */
void diagnose_internal(struct findings *findings, const struct diagnose_facts *facts);

/* When an expiry warning is due for a certificate (events 12017, 12018): when 1/3 of its lifetime
 * is left but never earlier than 30 days, then at each half of that, and daily at the end. *stage
 * counts them from 1; 0: not yet (then false). Expired ones are past all. stage may be NULL. */
bool diagnose_expires_soon(const struct certificate *c, int64_t now_ms, unsigned *stage);

#endif
