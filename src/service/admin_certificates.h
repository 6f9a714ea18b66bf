/* What the handlers of certificates share. */
#ifndef SERVICE_ADMIN_CERTIFICATES_H
#define SERVICE_ADMIN_CERTIFICATES_H

#include "present/view.h"
#include "service/admin_call.h"

/* What a connector presents, as lists of connectors say it; null where TLS is off. */
json_t *admin_presented(const struct connector_tls *tls);

/* The snapshot and what follows from it, with the selections that are in force. Both live as long
 * as the snapshot. */
struct view admin_view(struct admin_call *call, const struct snapshot *s);

/* The certificate that the path, or a body, names; false: the answer (404, 409) was given. */
bool admin_find_certificate(struct admin_call *call, const struct snapshot *s,
                            struct span thumbprint, size_t *at) MUST_USE;

#endif
