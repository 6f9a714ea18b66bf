/* header: reads a message's header section while the content passes by, and keeps the few things
 * that a transport needs. It changes nothing and judges only sizes. */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "base/buf.h"

struct header_scan {
    uint64_t limit;          /* octets of the header section that are allowed */
    uint64_t size;           /* octets seen of it */
    unsigned received_count; /* Received fields: hops, RFC 5321 section 6.3 */
    bool ended; /* the empty line was seen (or a line that is no field: then there is none) */
    bool over_limit;
    bool has_from, has_date;
    struct buf message_id; /* without brackets and comments, cut to 256 octets */
    struct buf subject;    /* unfolded, raw, cut to 256 octets */
    struct buf line;       /* the beginning of the field at hand */
    unsigned char at;      /* private: place within the line end */
};

void header_scan_init(struct header_scan *h, uint64_t limit);
void header_scan_done(struct header_scan *h);
/* Cheap once ended. */
void header_scan_feed(struct header_scan *h, struct span content);

/* The header section of a whole message in memory, with its last CRLF but without the empty line.
 */
struct span header_section(struct span message);

#endif
