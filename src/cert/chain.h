/* chain: whether a certificate's chain leads to a trusted root. */
#ifndef CERT_CHAIN_H
#define CERT_CHAIN_H

#include "cert/select.h"

/* roots: the trusted ones (no lookup of files happens here). Dates are not judged: an expired
 * certificate of a public authority still has a trusted chain. */
enum chain_state certificate_chain_state(const struct certificate *c, X509_STORE *roots);
const char *
chain_state_text(enum chain_state state); /* "trusted", "private", "self-signed", "incomplete" */

#endif
