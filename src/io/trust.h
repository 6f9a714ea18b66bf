/* trust: the system's trusted roots. */
#ifndef IO_TRUST_H
#define IO_TRUST_H

#include <openssl/x509_vfy.h>

#include "base/span.h"

/* Loaded once at the first call, shared for the life of the process. NULL where the system has
 * none. */
X509_STORE *trust_system_roots(void);
/* The file that SSL_CERT_FILE names instead of the system's, for those who load roots themselves;
 * empty: none is named. */
struct span trust_system_file(void);

#endif
