/* tlsa: whether a certificate is what a TLSA record (RFC 6698, RFC 7671) names. */
#ifndef CERT_TLSA_H
#define CERT_TLSA_H

#include "cert/certificate.h"

enum { TLSA_CERTIFICATE = 0, TLSA_KEY = 1 }; /* selectors */
enum { TLSA_PKIX_TA = 0, TLSA_PKIX_EE = 1, TLSA_DANE_TA = 2, TLSA_DANE_EE = 3 };

/* RFC 7672 section 3.1.3: senders of mail take only DANE-TA and DANE-EE, and only selectors and
 * matching types that are defined; other records say nothing to them. */
bool tlsa_is_usable(uint8_t usage, uint8_t selector, uint8_t matching);

/* DANE-EE (and PKIX-EE) is compared with the leaf, DANE-TA (and PKIX-TA) with the certificates that
 * are sent after it. False for records of an unknown kind. Names and dates are not judged: DANE-TA
 * asks for them besides. */
bool certificate_matches_tlsa(const struct certificate *c, uint8_t usage, uint8_t selector,
                              uint8_t matching, struct span data);

/* What to publish for the leaf: "3 1 1 " and the SHA-256 of its key. */
void tlsa_add_record(struct buf *out, const struct certificate *c);

#endif
