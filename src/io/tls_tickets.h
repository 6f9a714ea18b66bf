/* tls_tickets: the process-wide keys of TLS session tickets. They outlive every context, so that a
 * renewed certificate or a new configuration costs no peer its session; they live in memory only
 * and are replaced every hour. */
#ifndef IO_TLS_TICKETS_H
#define IO_TLS_TICKETS_H

#include <openssl/ssl.h>

enum { TLS_SESSION_LIFETIME_S = 7200 };

void tls_tickets_use(SSL_CTX *ctx);

#endif
