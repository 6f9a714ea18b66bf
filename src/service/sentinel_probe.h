/* sentinel_probe: one visit of a stranger to one of our own listeners: greeting, EHLO, STARTTLS,
 * the certificate, QUIT. Private to the sentinel. */
#ifndef SERVICE_SENTINEL_PROBE_H
#define SERVICE_SENTINEL_PROBE_H

#include "base/ip.h"
#include "io/loop.h"
#include "io/tls.h"
#include "policy/diagnose.h"

struct probe;

struct probe_request {
    struct endpoint to;
    bool implicit;   /* TLS from the first byte */
    SSL_CTX *client; /* borrowed */
    const char *sni; /* NULL: none; borrowed */
};

/* fact has what was seen (all but connector, name and key types); its spans live until fn returns.
 * refused: the listener said 421 or the like, which tells nothing about certificates. fn may free
 * the probe. */
typedef void probe_fn(void *context, const struct wire_fact *fact, bool refused);
struct probe *probe_new(struct loop *loop, const struct probe_request *request, probe_fn *fn,
                        void *context);
void probe_free(struct probe *probe);

#endif
