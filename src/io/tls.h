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

/* The same with certificates of different kinds of key, side by side: a client gets the first where
 * it can verify its kind, else another. */
enum err tls_server_context_of(const struct certificate *const *certificates, size_t count,
                               SSL_CTX **ctx, struct buf *why) MUST_USE;

/* What kind of client a certificate is for. */
enum tls_keys { TLS_KEYS_ECDSA, TLS_KEYS_RSA, TLS_KEYS_OTHER };
enum tls_keys tls_keys_of(const struct certificate *certificate);

/* For each ClientHello that asks for a host, choose may give another context made by the functions
 * above (borrowed); NULL: the handshake goes on with this one. Called on any thread. names is
 * borrowed and outlives every session of ctx. */
struct tls_names {
    SSL_CTX *(*choose)(void *context, struct span host);
    void *context;
};
void tls_server_set_names(SSL_CTX *ctx, const struct tls_names *names);

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

/* From now on a client that can verify no other kind, as an old or very strict peer. */
void tls_client_limit_keys(SSL_CTX *ctx, enum tls_keys keys);

/* As struct certificate has it: SHA-1 of the whole, in hexadecimal. */
void tls_thumbprint(const X509 *x, char thumbprint[CERT_THUMBPRINT_HEX]);

/* The errors queued by OpenSSL in this thread, as one readable line; empties the queue. */
void tls_add_errors(struct buf *out);

#endif
