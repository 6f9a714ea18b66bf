/* address: mailboxes and paths of RFC 5321 section 4.1.2, with RFC 6531 where the caller allows it.
 * Parsing borrows from the input and allocates nothing. */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

enum {
    ADDRESS_LOCAL_MAX = 64,   /* RFC 5321 section 4.5.3.1.1, octets */
    ADDRESS_DOMAIN_MAX = 255, /* section 4.5.3.1.2 */
    ADDRESS_PATH_MAX = 256,   /* section 4.5.3.1.3, with the angle brackets */
};

struct address {
    struct span text;   /* local-part@domain as written, without brackets and source route; empty:
                           the null path */
    struct span local;  /* as written, with quotes where it is quoted */
    struct span domain; /* as written; "[192.0.2.1]" for a literal; empty for <> and <Postmaster> */
    bool utf8;          /* some byte is above 127: the message needs SMTPUTF8 */
};

/* Reads one path "<...>" at the head of s (source routes are accepted and ignored, appendix C) and
 * says how many bytes it took. ERR_SYNTAX, or ERR_LIMIT for lengths. */
enum err address_parse_path(struct span s, bool allow_utf8, struct address *address,
                            size_t *used) MUST_USE;
/* The whole span is one mailbox without brackets, as in a configuration or on a command line. */
enum err address_parse(struct span s, bool allow_utf8, struct address *address) MUST_USE;

/* RFC 5321 Domain (or address literal where allowed); IDN labels only with allow_utf8. */
bool address_is_domain(struct span s, bool allow_utf8);
bool address_is_literal(struct span s);

/* The form under which domains are compared, routed and grouped: A-labels (IDNA 2008, through
 * libidn2), lower case, no trailing dot. A literal stays as it is. ERR_SYNTAX where no A-label form
 * exists. */
enum err address_domain_key(struct arena *arena, struct span domain, struct span *key) MUST_USE;

#endif
