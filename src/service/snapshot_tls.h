/* snapshot_tls: the TLS contexts of a snapshot's connectors. Private to the snapshot modules. */
#ifndef SERVICE_SNAPSHOT_TLS_H
#define SERVICE_SNAPSHOT_TLS_H

#include "service/snapshot.h"

/* Last known good: of the certificates that the connector would present, the best one with which
 * TLS really works. What was passed over on the way is said in `fault`. */
void snapshot_prepare_receive(struct snapshot *s, struct connector_tls *tls);
enum err snapshot_prepare_send(struct snapshot *s, struct send_tls_context *tls,
                               struct buf *why) MUST_USE;

/* The answer to clients that ask a receive connector for another name (SNI): another certificate
 * that fits better, with the connector's own ones beside it for clients that cannot verify its
 * kind of key. Contexts are built when they are first asked for. */
struct connector_names *snapshot_names_new(const struct snapshot *s,
                                           const struct connector_tls *tls);
void snapshot_names_free(struct connector_names *names);

#endif
