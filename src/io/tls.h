/* tls: ready-to-use OpenSSL contexts. A context is built completely, with an in-memory handshake as
 * its last test, or not at all. */
#ifndef IO_TLS_H
#define IO_TLS_H

#include <openssl/ssl.h>

#include "base/buf.h"
#include "cert/certificate.h"

/* TLS 1.2 and newer, server's cipher choice, session tickets with process-wide keys, released
 * buffers, no renegotiation. `why` gets a sentence on failure. */
enum err tls_server_context(const struct certificate *certificate, SSL_CTX **ctx,
                            struct buf *why) MUST_USE;

enum tls_verify {
    TLS_VERIFY_NONE,  /* encrypt only */
    TLS_VERIFY_CHAIN, /* chain to a trusted root */
    TLS_VERIFY_NAME,  /* and the host's name */
};
/* trust_file: PEM roots; NULL: the system's. certificate: presented when asked, may be NULL. Name
 * checks take the name that stream_start_tls_client is given. */
enum err tls_client_context(enum tls_verify verify, const char *trust_file,
                            const struct certificate *certificate, SSL_CTX **ctx,
                            struct buf *why) MUST_USE;

/* The errors queued by OpenSSL in this thread, as one readable line; empties the queue. */
void tls_add_errors(struct buf *out);

#endif
