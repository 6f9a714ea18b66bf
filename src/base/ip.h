/* ip: IP addresses, endpoints and ranges as values. IPv4-mapped IPv6 addresses are taken as IPv4.
 */
#ifndef BASE_IP_H
#define BASE_IP_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

struct sockaddr;
struct sockaddr_storage;

struct ip {
    uint8_t b[16]; /* IPv4: the first four bytes, the rest zero */
    bool v6;
};

struct endpoint {
    struct ip ip;
    uint16_t port;
};

/* first and last are of one family, first <= last. */
struct ip_range {
    struct ip first, last;
};

enum { IP_TEXT = 46, ENDPOINT_TEXT = 54 };

enum err ip_parse(struct span s, struct ip *ip) MUST_USE;
/* "192.0.2.1", "2001:db8::1" */
void ip_format(const struct ip *ip, char text[IP_TEXT]);
int ip_cmp(const struct ip *a, const struct ip *b);
bool ip_is_loopback(const struct ip *ip);

/* "192.0.2.1:25", "[::]:25" */
enum err endpoint_parse(struct span s, struct endpoint *endpoint) MUST_USE;
void endpoint_format(const struct endpoint *endpoint, char text[ENDPOINT_TEXT]);
bool endpoint_eq(const struct endpoint *a, const struct endpoint *b);
void endpoint_of_sockaddr(const struct sockaddr *address, struct endpoint *endpoint);
/* Returns the length of the sockaddr. */
unsigned endpoint_to_sockaddr(const struct endpoint *endpoint, struct sockaddr_storage *address);

/* "192.0.2.1", "10.0.0.0/8", "10.0.0.1-10.0.0.9", the same for IPv6. Bits behind a prefix must be
 * zero. */
enum err ip_range_parse(struct span s, struct ip_range *range) MUST_USE;
/* The shortest form: address, prefix, or a-b. */
void ip_range_add(struct buf *out, const struct ip_range *range);
bool ip_range_has(const struct ip_range *range, const struct ip *ip);
/* Whether `inner` lies wholly in `outer`. */
bool ip_range_within(const struct ip_range *inner, const struct ip_range *outer);
/* Orders by the number of addresses: <0 where a holds fewer (is more specific). */
int ip_range_cmp_size(const struct ip_range *a, const struct ip_range *b);

#endif
