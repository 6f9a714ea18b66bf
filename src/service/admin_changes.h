/* Changes of certificates: from the handlers through rotate to the answer with its plan. */
#ifndef SERVICE_ADMIN_CHANGES_H
#define SERVICE_ADMIN_CHANGES_H

#include "service/admin_call.h"
#include "service/rotate.h"

/* Makes the change as the requester's, and answers {"dry-run", "forced", "thumbprint",
 * "certificate" (null where it is not or no longer there), "plan"}: 200, or 201 for one that came;
 * refused ones 409 with "error" and "plan". `dry-run` and `force` are query parameters. request_id
 * is a pending request that is done once the certificate is in; empty: none. The certificate of an
 * addition is taken over. */
void admin_change_certificates(struct admin_call *call, struct rotate_change *change,
                               struct span request_id);

/* 409 with "error" and "plan": what the change would do is worse. */
void admin_refuse(struct admin_call *call, const struct plan *plan);

/* Friendly name, notes and services as the body gives them; what it does not give stays as it is.
 * False: the answer was given. The texts are the arena's. */
bool admin_read_meta(struct admin_call *call, const json_t *body,
                     struct certificate_meta *meta) MUST_USE;
/* A member that is a text; empty where it is absent or of another type. Borrowed. */
struct span admin_member(const json_t *body, const char *name);
/* A list of host names, in the arena; *count 0 where it is absent. False: the answer was given. */
bool admin_read_names(struct admin_call *call, const json_t *body, const char *member,
                      struct span **names, size_t *count) MUST_USE;
/* The fqdns of the enabled receive connectors that have TLS, each once; the hostname where there
 * are none. */
size_t admin_connector_names(struct arena *arena, const struct document *d, struct span **names);

#endif
