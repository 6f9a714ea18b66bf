/* chain_build: who issued whom. For this folder alone. */
#ifndef CERT_CHAIN_BUILD_H
#define CERT_CHAIN_BUILD_H

#include <openssl/x509.h>
#include <stdbool.h>

/* By name, by key identifiers and by signature. */
bool chain_issued(X509 *issuer, X509 *subject);
/* Whether `issuer` issued another one of the list. */
bool chain_issues_another(const STACK_OF(X509) * list, X509 *issuer);

/* The issuers of `leaf` that the list has, nearest first, until a self-signed one, at most
 * CERT_CHAIN_MAX. */
STACK_OF(X509) * chain_collect(const STACK_OF(X509) * list, X509 *leaf);

#endif
