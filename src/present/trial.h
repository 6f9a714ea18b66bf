/* trial: a certificate from a file, as it would be if it were imported. */
#ifndef PRESENT_TRIAL_H
#define PRESENT_TRIAL_H

#include "store/certificates.h"

/* Of several, the first; enabled for SMTP. The passphrase may be empty. Free it with
 * certificate_free. Otherwise `why` has a sentence. */
enum err trial_read(const struct certificate_set *set, struct span bytes, struct span passphrase,
                    struct certificate **certificate, struct buf *why) MUST_USE;

/* Certificates that complete a chain: those behind the leaves of the set. */
STACK_OF(X509) * trial_issuers(const struct certificate_set *set);
void trial_issuers_free(STACK_OF(X509) * issuers);

#endif
