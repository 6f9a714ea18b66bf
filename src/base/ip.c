#include "base/ip.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/num.h"

/* An address as a number, so that ranges can be measured. */
struct wide {
    uint64_t high, low;
};

static size_t bytes_of(const struct ip *ip)
{
    return ip->v6 ? 16 : 4;
}

static struct wide to_wide(const struct ip *ip)
{
    struct wide w = {0};
    for (size_t i = 0; i < bytes_of(ip); i++) {
        w.high = w.high << 8 | w.low >> 56;
        w.low = w.low << 8 | ip->b[i];
    }
    return w;
}

static int wide_cmp(struct wide a, struct wide b)
{
    if (a.high != b.high)
        return a.high < b.high ? -1 : 1;
    return (a.low > b.low) - (a.low < b.low);
}

static struct wide wide_minus(struct wide a, struct wide b)
{
    return (struct wide){a.high - b.high - (a.low < b.low), a.low - b.low};
}

/* ::ffff:192.0.2.1 is how a dual-stack socket names an IPv4 peer; rules are written for the latter.
 */
static struct ip from_v6_bytes(const uint8_t bytes[16])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    struct ip ip = {0};
    ip.v6 = memcmp(bytes, mapped, sizeof(mapped)) != 0;
    memcpy(ip.b, ip.v6 ? bytes : bytes + 12, bytes_of(&ip));
    return ip;
}

enum err ip_parse(struct span s, struct ip *ip)
{
    char text[IP_TEXT];
    if (s.n == 0 || s.n >= sizeof(text) || memchr(s.p, '\0', s.n))
        return ERR_SYNTAX;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    uint8_t bytes[16] = {0};
    if (span_find(s, ':') < s.n) {
        if (inet_pton(AF_INET6, text, bytes) != 1)
            return ERR_SYNTAX;
        *ip = from_v6_bytes(bytes);
        return OK;
    }
    if (inet_pton(AF_INET, text, bytes) != 1)
        return ERR_SYNTAX;
    *ip = (struct ip){0};
    memcpy(ip->b, bytes, 4);
    return OK;
}

void ip_format(const struct ip *ip, char text[IP_TEXT])
{
    const char *done = inet_ntop(ip->v6 ? AF_INET6 : AF_INET, ip->b, text, IP_TEXT);
    assert(done);
    (void)done;
}

int ip_cmp(const struct ip *a, const struct ip *b)
{
    if (a->v6 != b->v6)
        return a->v6 ? 1 : -1;
    return memcmp(a->b, b->b, bytes_of(a));
}

bool ip_is_loopback(const struct ip *ip)
{
    static const uint8_t one[16] = {[15] = 1};
    return ip->v6 ? memcmp(ip->b, one, sizeof(one)) == 0 : ip->b[0] == 127;
}

enum err endpoint_parse(struct span s, struct endpoint *endpoint)
{
    size_t colon = span_rfind(s, ':');
    if (colon == s.n)
        return ERR_SYNTAX;
    struct span host = span_head(s, colon);
    bool bracketed = host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (bracketed)
        host = span_make(host.p + 1, host.n - 2);
    /* "::1:25" could be an address as well, so IPv6 needs its brackets. */
    if (bracketed != (span_find(host, ':') < host.n))
        return ERR_SYNTAX;
    struct ip ip;
    enum err err = ip_parse(host, &ip);
    if (err != OK)
        return err;
    uint64_t port;
    err = num_parse(span_skip(s, colon + 1), UINT16_MAX, &port);
    if (err != OK)
        return err;
    *endpoint = (struct endpoint){ip, (uint16_t)port};
    return OK;
}

void endpoint_format(const struct endpoint *endpoint, char text[ENDPOINT_TEXT])
{
    char ip[IP_TEXT];
    ip_format(&endpoint->ip, ip);
    int n = snprintf(text, ENDPOINT_TEXT, endpoint->ip.v6 ? "[%s]:%u" : "%s:%u", ip,
                     (unsigned)endpoint->port);
    assert(n > 0 && n < ENDPOINT_TEXT);
    (void)n;
}

bool endpoint_eq(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && ip_cmp(&a->ip, &b->ip) == 0;
}

void endpoint_of_sockaddr(const struct sockaddr *address, struct endpoint *endpoint)
{
    *endpoint = (struct endpoint){0};
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        memcpy(endpoint->ip.b, &in.sin_addr, 4);
        endpoint->port = ntohs(in.sin_port);
    } else {
        assert(address->sa_family == AF_INET6);
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof(in));
        endpoint->ip = from_v6_bytes(in.sin6_addr.s6_addr);
        endpoint->port = ntohs(in.sin6_port);
    }
}

unsigned endpoint_to_sockaddr(const struct endpoint *endpoint, struct sockaddr_storage *address)
{
    memset(address, 0, sizeof(*address));
    if (endpoint->ip.v6) {
        struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(endpoint->port)};
        memcpy(&in.sin6_addr, endpoint->ip.b, 16);
        memcpy(address, &in, sizeof(in));
        return sizeof(in);
    }
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(endpoint->port)};
    memcpy(&in.sin_addr, endpoint->ip.b, 4);
    memcpy(address, &in, sizeof(in));
    return sizeof(in);
}

/* Sets (or clears) all bits behind the first `bits`. */
static struct ip behind_prefix(struct ip ip, unsigned bits, bool set)
{
    for (unsigned i = bits; i < bytes_of(&ip) * 8; i++) {
        uint8_t bit = (uint8_t)(0x80U >> (i % 8));
        ip.b[i / 8] = (uint8_t)(set ? ip.b[i / 8] | bit : ip.b[i / 8] & ~bit);
    }
    return ip;
}

static enum err parse_prefix(struct span address, struct span length, struct ip_range *range)
{
    struct ip first;
    uint64_t bits;
    enum err err = ip_parse(address, &first);
    if (err != OK)
        return err;
    bool written_as_v6 = span_find(address, ':') < address.n;
    err = num_parse(length, written_as_v6 ? 128 : 32, &bits);
    if (err != OK)
        return err;
    if (written_as_v6 && !first.v6) { /* ::ffff:10.0.0.0/104 */
        if (bits < 96)
            return ERR_RANGE;
        bits -= 96;
    }
    struct ip masked = behind_prefix(first, (unsigned)bits, false);
    if (ip_cmp(&masked, &first) != 0)
        return ERR_RANGE;
    *range = (struct ip_range){first, behind_prefix(first, (unsigned)bits, true)};
    return OK;
}

static enum err parse_between(struct span from, struct span to, struct ip_range *range)
{
    struct ip first, last;
    enum err err = ip_parse(span_trim(from), &first);
    if (err == OK)
        err = ip_parse(span_trim(to), &last);
    if (err != OK)
        return err;
    if (first.v6 != last.v6 || ip_cmp(&first, &last) > 0)
        return ERR_RANGE;
    *range = (struct ip_range){first, last};
    return OK;
}

enum err ip_range_parse(struct span s, struct ip_range *range)
{
    size_t slash = span_find(s, '/');
    if (slash < s.n)
        return parse_prefix(span_head(s, slash), span_skip(s, slash + 1), range);
    size_t dash = span_find(s, '-');
    if (dash < s.n)
        return parse_between(span_head(s, dash), span_skip(s, dash + 1), range);
    return parse_between(s, s, range);
}

void ip_range_add(struct buf *out, const struct ip_range *range)
{
    char first[IP_TEXT], last[IP_TEXT];
    ip_format(&range->first, first);
    buf_add_text(out, first);
    if (ip_cmp(&range->first, &range->last) == 0)
        return;
    for (unsigned bits = 0; bits < bytes_of(&range->first) * 8; bits++) {
        struct ip low = behind_prefix(range->first, bits, false);
        struct ip high = behind_prefix(range->first, bits, true);
        if (ip_cmp(&low, &range->first) == 0 && ip_cmp(&high, &range->last) == 0) {
            buf_addf(out, "/%u", bits);
            return;
        }
    }
    ip_format(&range->last, last);
    buf_addf(out, "-%s", last);
}

bool ip_range_has(const struct ip_range *range, const struct ip *ip)
{
    return range->first.v6 == ip->v6 && ip_cmp(&range->first, ip) <= 0 &&
           ip_cmp(ip, &range->last) <= 0;
}

bool ip_range_within(const struct ip_range *inner, const struct ip_range *outer)
{
    return ip_range_has(outer, &inner->first) && ip_range_has(outer, &inner->last);
}

int ip_range_cmp_size(const struct ip_range *a, const struct ip_range *b)
{
    return wide_cmp(wide_minus(to_wide(&a->last), to_wide(&a->first)),
                    wide_minus(to_wide(&b->last), to_wide(&b->first)));
}
