/* diagnose: every rule of the fault catalogue that can occur here, over facts that others gathered. Pure: doctor, explain, events and the
 * console call it with different facts. */
#ifndef POLICY_DIAGNOSE_H
#define POLICY_DIAGNOSE_H

#include "policy/plan.h"

/* What a stranger saw at one of our own listeners. */
struct wire_fact {
    struct span connector;
    struct span name;         /* SNI that was sent, empty: none */
    bool connected, offered_starttls, handshake;
    char thumbprint[CERT_THUMBPRINT_HEX]; /* of the leaf presented */
    struct span error;
    bool rsa_only, ecdsa_only; /* what the client could verify */
    int64_t at_ms;
};

struct file_fact {
    struct span path, fault; /* a certificate file that cannot be used, and why */
    unsigned mode;           /* of a key file that others can read; 0: fine */
};

struct dns_fact {
    struct span domain;
    bool asked, failed;
    struct span *mx;
    size_t mx_count;
};

struct diagnose_facts {
    struct plan_state state;
    int64_t now_ms;
    int64_t newest_not_before_ms; /* to judge the clock */
    const struct wire_fact *wire;
    size_t wire_count;
    const struct file_fact *files;
    size_t file_count;
    const struct dns_fact *dns;
    size_t dns_count;
    const struct plan_tlsa *tlsa;
    size_t tlsa_count;
};

/* Most severe first. */
void diagnose(struct findings *findings, const struct diagnose_facts *facts);
/* One connector only; for events and explain. */
void diagnose_connector(struct findings *findings, const struct diagnose_facts *facts, const struct receive_connector *connector);

/* When an expiry warning is due for a certificate: at 1/3, 1/6, 1/12 ... of the lifetime that is left, then daily (event 12018). */
bool diagnose_expires_soon(const struct certificate *c, int64_t now_ms, unsigned *stage);

#endif
