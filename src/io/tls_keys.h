/* tls_keys: contexts that prefer or are limited to one kind of key. For the tls modules alone. */
#ifndef IO_TLS_KEYS_H
#define IO_TLS_KEYS_H

#include "io/tls.h"

/* TLS 1.2's cipher suites, best first. */
extern const char tls_cipher_list[];

/* A server with certificates of several kinds: who can verify this kind gets it. */
void tls_prefer_keys(SSL_CTX *ctx, enum tls_keys keys);

#endif
