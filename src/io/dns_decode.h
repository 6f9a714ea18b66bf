/* dns_decode: resource data from the wire to values. Pure; the bytes may be anybody's. */
#ifndef IO_DNS_DECODE_H
#define IO_DNS_DECODE_H

#include "base/arena.h"
#include "io/resolver.h"

enum { DNS_NAME_MAX = 255, DNS_LABEL_MAX = 63 }; /* octets on the wire, RFC 1035 section 2.3.4 */

/* Fills the fields of record that its type has; all of rdata must be used. Names must be
 * uncompressed, as resolvers hand them out, and printable: a dot or a control character within a
 * label is ERR_SYNTAX, as no host has one and text cannot tell it from another name. record->data
 * borrows rdata. Types that are not known are left as data. */
enum err dns_decode(struct arena *arena, int type, struct span rdata,
                    struct dns_record *record) MUST_USE;

#endif
