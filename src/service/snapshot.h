/* snapshot: one revision of the document plus the certificates, ready to run: a selection and a TLS
 * context for each receive connector. Immutable and counted; a session holds the one it began with.
 */
#ifndef SERVICE_SNAPSHOT_H
#define SERVICE_SNAPSHOT_H

#include "cert/select.h"
#include "conf/document.h"
#include "io/tls.h"
#include "store/certificates.h"

struct connector_names;
struct world;
struct snapshots;

struct connector_tls {
    const struct receive_connector *connector;
    struct selection selection; /* of those that TLS works with, see passed_over */
    SSL_CTX *context; /* NULL: TLS is off, there is no usable certificate at all, or on-mismatch
                         wants none; then STARTTLS is not offered */
    bool refuses;     /* no certificate fits, and on-mismatch wants connections turned away */
    struct span passed_over; /* a better certificate with which TLS does not work; empty: none */
    struct span fault; /* why there is no context, or what is wrong with the one in use; empty:
                          nothing */
    struct connector_names *names; /* SNI; NULL without a context */
};

struct send_tls_context {
    const struct send_connector *connector;
    SSL_CTX *context;                      /* NULL: TLS is off */
    const struct certificate *certificate; /* the client's; NULL: none is presented */
    struct span fault;                     /* of tls-certificate; empty: nothing */
};

struct snapshot {
    _Atomic unsigned references;
    struct arena arena;
    struct document *document;
    uint64_t revision;
    struct certificate_set *set;
    struct candidate *certificates;
    size_t certificate_count;
    struct connector_tls *receive_tls; /* one per receive connector, same order */
    struct send_tls_context *send_tls; /* one per send connector, same order */
};

/* Builds everything; takes over the document and a reference of the set on success. `why` says what
 * is missing where a send connector's trust file or the like cannot be loaded. A receive connector
 * without a usable certificate is a fault in the snapshot, no failure; so is a client certificate
 * that cannot be presented. */
enum err snapshot_new(struct document *document, uint64_t revision, struct certificate_set *set,
                      struct snapshot **snapshot, struct buf *why) MUST_USE;
struct snapshot *snapshot_keep(struct snapshot *s);
void snapshot_release(struct snapshot *s);

struct snapshots *snapshots_new(void);
void snapshots_free(struct snapshots *s);
/* Nothing was published yet: the daemon is starting. */
bool snapshots_are_empty(struct world *world);
/* The one in force, counted: release it. From any thread. */
struct snapshot *snapshot_current(struct world *world);
/* Swaps in a new one (takes over the reference) and releases the one before. */
void snapshot_publish(struct world *world, struct snapshot *s);

const struct connector_tls *snapshot_receive_tls(const struct snapshot *s,
                                                 const struct receive_connector *connector);
SSL_CTX *snapshot_send_tls(const struct snapshot *s, const struct send_connector *connector);

#endif
