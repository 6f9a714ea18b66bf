/* chain: whether a certificate's chain leads to a trusted root. */
#ifndef CERT_CHAIN_H
#define CERT_CHAIN_H

#include "cert/select.h"

/* roots: the trusted ones (no lookup of files happens here). Dates are not judged: an expired
 * certificate of a public authority still has a trusted chain. */
enum chain_state certificate_chain_state(const struct certificate *c, X509_STORE *roots);
/* The same of what a peer sent, in any order; chain may be NULL. */
enum chain_state chain_state_of(X509 *leaf, STACK_OF(X509) * chain, X509_STORE *roots);
const char *
chain_state_text(enum chain_state state); /* "trusted", "private", "self-signed", "incomplete" */

/* Appends issuers from `known` (in any order; may be NULL) until the chain ends in a self-signed
 * one or nothing more is known, and says how many. For a certificate that nobody else holds yet: it
 * is immutable afterwards. */
size_t certificate_complete_chain(struct certificate *c, const STACK_OF(X509) * known);

#endif
