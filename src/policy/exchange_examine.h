/* exchange_examine: what the rules of diagnose_exchange share: the case, each connector's choice,
 * and the findings as they grow. Private to this folder. */
#ifndef POLICY_EXCHANGE_EXAMINE_H
#define POLICY_EXCHANGE_EXAMINE_H

#include "cert/select.h"
#include "policy/diagnose_exchange.h"

/* Why Exchange has nothing good to present on a connector; in the order in which it is looked for.
 */
enum choice_state {
    CHOICE_GOOD,
    CHOICE_UNKNOWN,      /* too little was printed */
    CHOICE_NO_TLS,       /* AuthMechanism lacks Tls: STARTTLS is not offered, and rightly so */
    CHOICE_BAD_PAIR,     /* TlsCertificateName is no pair at all */
    CHOICE_STALE_PAIR,   /* TlsCertificateName equals no certificate */
    CHOICE_NO_NAME,      /* no certificate carries the name */
    CHOICE_UNUSABLE,     /* chosen, but without SMTP or key: TLS fails later */
    CHOICE_NONE_ELIGIBLE /* some carry the name, all are ruled out */
};

struct connector_choice {
    struct exchange_choice shown;
    enum choice_state state;
    const struct exchange_certificate
        *usable; /* would do, although Exchange does not take it: carries
                    the name (or the pair), SMTP, key; or NULL */
    bool has_pair;
    bool own_name;                      /* looks for the server's own name */
    bool complete;                      /* the whole store of the connector's server was printed */
    size_t covering;                    /* certificates that carry the name or equal the pair */
    size_t without_smtp, without_key;   /* of these, for certain */
    const struct exchange_event *event; /* the connector is known by this event alone; or NULL */
    bool explained;                     /* a finding names the cause */
};

struct examination {
    struct arena *arena;
    const struct exchange_case *c;
    int64_t now_ms;
    /* One per connector of the case, in its order, then those that only event 12014 names. */
    struct connector_choice *choices;
    size_t choice_count;
    struct exchange_finding *findings;
    size_t count, capacity;
    struct exchange_question *questions;
    size_t question_count, question_capacity;
};

/* ---- choices (exchange_choice.c) ---- */

void examine_choices(struct examination *e);
/* The choice of the connector of that name (or "server\name"); NULL: not printed. */
struct connector_choice *examine_choice_of(struct examination *e, struct span connector,
                                           bool sends);
/* The connector that an event speaks of; NULL: not printed. */
struct connector_choice *examine_choice_of_event(struct examination *e,
                                                 const struct exchange_event *event);
/* ---- certificates and servers (exchange_store.c) ---- */

/* The print as the value, and the chain, that cert/select_exchange judges. */
struct certificate *exchange_certificate_as_judged(struct arena *arena,
                                                   const struct exchange_certificate *c);
enum chain_state exchange_certificate_chain(const struct exchange_certificate *c);
/* "ex1" of "ex1.corp.example" */
struct span exchange_first_label(struct span name);
/* By thumbprint, one lost or doubled digit forgiven; from the store alone. NULL: not there. */
const struct exchange_certificate *examine_certificate(const struct examination *e,
                                                       struct span thumbprint);
bool exchange_certificate_covers(const struct exchange_certificate *c, struct span name);
bool exchange_certificate_equals(const struct exchange_certificate *c, struct span pair);
/* SMTP, a key and no status against it; CANNOT_TELL where one of them was not printed. */
enum known exchange_certificate_usable(const struct examination *e,
                                       const struct exchange_certificate *c);
bool exchange_certificate_has_smtp(const struct exchange_certificate *c);   /* for certain */
bool exchange_certificate_lacks_smtp(const struct exchange_certificate *c); /* for certain */
bool exchange_certificate_is_public(const struct exchange_certificate *c);  /* a CA issued it */
bool exchange_certificate_is_auth(const struct exchange_certificate *c);
/* One that setup made, by its name. */
bool exchange_connector_is_default(const struct exchange_connector *k);
enum known exchange_certificate_expired(const struct examination *e,
                                        const struct exchange_certificate *c);
/* The best certificate to name instead: usable or to be made usable by enabling, valid, issued by a
 * CA, for `name` where it is not empty, else the newest. NULL: there is none. */
const struct exchange_certificate *examine_successor(const struct examination *e, struct span name,
                                                     struct span server, struct span old_pair);
/* Were all certificates of that server printed? Empty server: of any. */
bool examine_store_complete(const struct examination *e, struct span server);
/* How sure is what rests on a certificate's absence: PROBABLE where its listing may be cut. */
enum exchange_certainty examine_absence(const struct examination *e);
/* May the certificate serve a connector of that server? */
bool exchange_certificate_on(const struct exchange_certificate *c, struct span server);
/* The name of the connector's server, or of the only one in the case; empty: not known. */
struct span examine_server_of(const struct examination *e, const struct exchange_connector *k);
const struct exchange_server *examine_server(const struct examination *e, struct span name);
/* Is the name one that no public CA signs (.local and the like, or a single label)? */
bool exchange_name_is_internal(struct span name);
/* Does the name stand for this server itself: its FQDN or its NetBIOS name? */
bool examine_is_own_name(const struct examination *e, struct span name, struct span server);

/* ---- findings (exchange_examine.c) ---- */

/* What a rule says first: the rest is added to the finding that comes back, which is valid until
 * the next call. */
struct exchange_finding *examine_add(struct examination *e, const char *fault, const char *name,
                                     enum finding_severity severity,
                                     enum exchange_certainty certainty, struct span subject);
/* The last finding of that fault about the subject; empty subject: any. NULL: there is none. */
struct exchange_finding *examine_find(struct examination *e, const char *fault,
                                      struct span subject);
void examine_evidence(struct examination *e, struct exchange_finding *f,
                      struct exchange_place place, struct span quote, struct span says);
/* "Fqdn : mail.example.com", where the value was printed. */
void examine_quote(struct examination *e, struct exchange_finding *f, const char *property,
                   const struct exchange_value *value, struct span says);
void examine_quote_list(struct examination *e, struct exchange_finding *f, const char *property,
                        const struct exchange_list *list, struct span says);
/* The thumbprint line of a certificate with what is said of it. */
void examine_quote_certificate(struct examination *e, struct exchange_finding *f,
                               const struct exchange_certificate *c, struct span says);
void examine_step(struct examination *e, struct exchange_finding *f, struct span command,
                  struct span why, struct span answer);
void examine_verify(struct examination *e, struct exchange_finding *f, struct span command,
                    struct span why);
/* Asks once. */
void examine_ask(struct examination *e, struct span unknown, struct span command);

/* "Receive connector EX1\Default Frontend EX1", "certificate 9C41... (mail.example.com)" */
struct span examine_connector_subject(struct examination *e, const struct exchange_connector *k);
struct span examine_certificate_subject(struct examination *e,
                                        const struct exchange_certificate *c);
/* For quotes: CN and the first digits of the thumbprint. */
struct span examine_certificate_text(struct examination *e, const struct exchange_certificate *c);

/* The first error of that kind, the first event of that number; NULL: there is none. */
const struct exchange_error *examine_error(const struct examination *e,
                                           enum exchange_error_kind kind);
const struct exchange_event *examine_event(const struct examination *e, unsigned id);

/* Symptoms: has a fault of a Receive (Send) connector or of a certificate been told that peers see
 * as this? The finding, to which the symptom is then evidence; NULL: nothing explains it. */
struct exchange_finding *examine_explanation(struct examination *e, const char *const *faults,
                                             size_t count);

/* ---- commands (exchange_steps.c) ---- */

/* As a PowerShell literal: 'it''s'. */
struct span powershell_quote(struct arena *arena, struct span text);
/* "EX1\Default Frontend EX1", quoted. */
struct span step_identity(struct examination *e, const struct exchange_connector *k);
/* " -Server 'EX1'" or nothing. */
struct span step_server(struct examination *e, struct span server);

/* Enables for SMTP and keeps the internal transport certificate (answer No). */
void step_enable(struct examination *e, struct exchange_finding *f,
                 const struct exchange_certificate *c);
/* $tls = pair of the certificate; then it is set on the connector. */
void step_pair(struct examination *e, struct exchange_finding *f,
               const struct exchange_connector *k, const struct exchange_certificate *c);
/* The same with $new, which step_request or step_renew has set. */
void step_pair_of_new(struct examination *e, struct exchange_finding *f,
                      const struct exchange_connector *k);
void step_restart(struct examination *e, struct exchange_finding *f,
                  const struct exchange_connector *k);
void step_retry_queues(struct examination *e, struct exchange_finding *f,
                       const struct exchange_connector *k);
/* Its key, from where the request was made. */
void step_restore_key(struct examination *e, struct exchange_finding *f,
                      const struct exchange_certificate *c);
/* A newer one with the same names, and whatever names it: to replace one that expires. */
void step_renew(struct examination *e, struct exchange_finding *f,
                const struct exchange_certificate *c);
/* A request with these names and those of `like` (may be NULL), then its import and enabling. */
void step_request(struct examination *e, struct exchange_finding *f,
                  const struct exchange_certificate *like, struct span name);
/* Brings a certificate with its key from one server to another; `thumbprint` is a PowerShell word.
 */
void step_copy(struct examination *e, struct exchange_finding *f, struct span thumbprint,
               struct span from, struct span to);
/* A new self-signed certificate for the server, which becomes the internal one. */
void step_new_internal(struct examination *e, struct exchange_finding *f, struct span server);
void step_resubscribe_edge(struct examination *e, struct exchange_finding *f);
/* What is presented, asked from outside; and the events that should stay away. */
void step_verify_tls(struct examination *e, struct exchange_finding *f,
                     const struct exchange_connector *k, struct span name);

/* ---- rules, each looks at the whole case and adds what it finds ---- */

typedef void examine_rule(struct examination *e);

/* exchange_rules_selection.c: F20 F03 F15 F36 F29 F04 F01 F11 F02 F12, from each connector's choice
 */
examine_rule examine_connectors;
/* exchange_rules_events.c: what events tell that no connector's choice explains */
examine_rule examine_lost_inserts, examine_mended, examine_f04_internal_missing,
    examine_f05_internal_expired, examine_f06_starttls_expired;
/* exchange_rules_send.c */
examine_rule examine_f13_untrusted_chosen, examine_f15_reply, examine_f22_require_tls,
    examine_f31_missing_on_server;
/* exchange_rules_store.c */
examine_rule examine_f08_tagged, examine_f09_internal_removal, examine_f10_public_internal,
    examine_f12_key_missing, examine_f14_root_store, examine_f23_revocation, examine_f24_cng;
/* exchange_rules_certificate.c */
examine_rule examine_f06_listed_expired, examine_f27_wildcard, examine_f30_weak,
    examine_f32_short_pairs, examine_cmdlet_errors;
/* exchange_rules_wire.c */
examine_rule examine_bounces, examine_wire;
/* exchange_rules_ehlo.c */
examine_rule examine_f28_stripped, examine_f35_other_connector, examine_not_offered,
    examine_f38_test;
/* exchange_rules_connector.c */
examine_rule examine_f07_fqdn_refused, examine_f19_pair_length, examine_f21_capability,
    examine_f25_port, examine_self_signed_chosen, examine_f34_binding;

#endif
