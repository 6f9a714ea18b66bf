/* pin: a connector's explicit choice of certificate: "thumbprint" (SHA-1, hex, blanks allowed),
 * "spki:HEX" (SHA-256 of the SubjectPublicKeyInfo, so it survives renewal with the same key), or
 * Exchange's "<I>issuer<S>subject". */
#ifndef CERT_PIN_H
#define CERT_PIN_H

#include "cert/certificate.h"

enum pin_kind { PIN_NONE, PIN_THUMBPRINT, PIN_SPKI, PIN_ISSUER_SUBJECT };

struct pin {
    enum pin_kind kind;
    struct span text;            /* as written */
    struct span value;           /* thumbprint or SPKI hash, lower-case hex */
    struct span issuer, subject; /* PIN_ISSUER_SUBJECT */
};

/* Copies into the arena. ERR_SYNTAX with `why`: also for "<I>"/"<S>" that a web page has eaten.
 * Empty text: PIN_NONE. */
enum err pin_parse(struct arena *arena, struct span text, struct pin *pin,
                   struct buf *why) MUST_USE;
bool pin_matches(const struct pin *pin, const struct certificate *c);

#endif
