/* What a connector presents, as the API says it. */
#ifndef SERVICE_ADMIN_CERTIFICATES_H
#define SERVICE_ADMIN_CERTIFICATES_H

#include "service/admin_call.h"

/* null where TLS is off. */
json_t *admin_presented(const struct connector_tls *tls);
json_t *admin_certificate_names(const struct certificate *c);

/* What a certificate is to the connectors of a snapshot. */
enum certificate_status {
    CERTIFICATE_ACTIVE,     /* some connector presents it */
    CERTIFICATE_SUPERSEDED, /* a newer usable one covers all its names */
    CERTIFICATE_SPARE,      /* usable, but no connector needs it now */
    CERTIFICATE_EXPIRED,
    CERTIFICATE_NOT_YET_VALID,
    CERTIFICATE_UNUSABLE, /* its key is missing or another's */
};
enum certificate_status certificate_status(const struct snapshot *s, const struct certificate *c,
                                           int64_t now_ms);

#endif
