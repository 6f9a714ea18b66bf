/* Each receive connector for itself. */
#include "base/map.h"
#include "base/num.h"
#include "conf/check.h"
#include "mail/address.h"

/* More public addresses than one /8 of IPv4 or one /16 of IPv6 are no network of one's own. */
#define WIDE_IPV4 0x1p24
#define WIDE_IPV6 0x1p112

static double ip_as_number(const struct ip *ip)
{
    double value = 0;
    for (int i = 0; i < (ip->v6 ? 16 : 4); i++)
        value = value * 256 + ip->b[i];
    return value;
}

/* RFC 1918, 6598, 3927, 1122, 4193, 4291: addresses that strangers do not have. */
static bool is_private(const struct ip_range *range)
{
    static const char *const networks[] = {"10.0.0.0/8",    "172.16.0.0/12",  "192.168.0.0/16",
                                           "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8",
                                           "fc00::/7",      "fe80::/10",      "::1"};
    for (size_t i = 0; i < COUNT_OF(networks); i++) {
        struct ip_range network;
        if (ip_range_parse(span_of(networks[i]), &network) == OK &&
            ip_range_within(range, &network))
            return true;
    }
    return false;
}

/* Whether the ranges together let in strangers at large. */
static bool is_wide(const struct receive_connector *c)
{
    double ipv4 = 0, ipv6 = 0;
    for (size_t i = 0; i < c->from_count; i++) {
        const struct ip_range *range = &c->from[i];
        if (is_private(range))
            continue;
        double size = ip_as_number(&range->last) - ip_as_number(&range->first) + 1;
        *(range->first.v6 ? &ipv6 : &ipv4) += size;
    }
    return c->from_count == 0 || ipv4 > WIDE_IPV4 || ipv6 > WIDE_IPV6;
}

static void check_relay(const struct checking *check, const struct receive_connector *c,
                        const struct node *node)
{
    if (c->relay_permission == RELAY_NONE)
        return;
    const struct node *place = check_place(node, "relay");
    bool wide = is_wide(c);
    if (c->relay_permission == RELAY_OPEN)
        problem_warning(check->problems, place,
                        wide ? SPAN("narrow from to your own networks and write relay: true, "
                                    "unless it is really meant")
                             : SPAN("write relay: true, which is enough for these ranges"),
                        wide
                            ? "this is an open relay: everybody may send to every domain through it"
                            : "relay is open although from is narrow");
    else if (wide)
        problem_error(check->problems, place,
                      SPAN("narrow from to your own networks, or write relay: open if everyone "
                           "really may"),
                      "%s could send to every domain: an open relay",
                      c->from_count ? "strangers in so wide ranges" : "everyone");
}

static void check_bind(const struct checking *check, const struct receive_connector *c,
                       const struct node *node)
{
    const struct node *place = check_place(node, "bind");
    if (c->bind_count == 0)
        problem_error(check->problems, place, SPAN("name at least one: [\"0.0.0.0:25\"]"),
                      "there is no address to listen on");
    struct map seen;
    map_init(&seen);
    const struct node *item = place->kind == NODE_LIST ? place->first : place;
    for (size_t i = 0; i < c->bind_count; i++, item = item->next) {
        char text[ENDPOINT_TEXT];
        endpoint_format(&c->bind[i], text);
        if (c->bind[i].port == 0)
            problem_warning(check->problems, item, SPAN("name a port"),
                            "port 0 is another free port at each start");
        else if (map_set(&seen, span_of(text), &seen))
            problem_error(check->problems, item, SPAN("keep one of them"), "%s is listed already",
                          text);
    }
    map_done(&seen);
}

static bool serves_family(const struct receive_connector *c, bool v6)
{
    for (size_t i = 0; i < c->from_count; i++)
        if (c->from[i].first.v6 == v6)
            return true;
    return c->from_count == 0;
}

static void check_families(const struct checking *check, const struct receive_connector *c,
                           const struct node *node)
{
    for (size_t i = 0; i < c->bind_count; i++) {
        bool v6 = c->bind[i].ip.v6;
        if (serves_family(c, v6))
            continue;
        problem_warning(check->problems, check_place(node, "bind"),
                        SPAN("add such a range to from, or remove the address"),
                        "it listens on %s, but from holds no %s range", v6 ? "IPv6" : "IPv4",
                        v6 ? "IPv6" : "IPv4");
        return;
    }
}

static void check_times(const struct checking *check, const struct receive_connector *c,
                        const struct node *node)
{
    if (c->timeout_ms > c->idle_timeout_ms)
        return;
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    buf_add_text(&text, "timeout (");
    num_add_duration(&text, c->timeout_ms);
    buf_add_text(&text, ") has to be longer than idle-timeout (");
    num_add_duration(&text, c->idle_timeout_ms);
    buf_add_text(&text, ")");
    bool written = tree_get(node, SPAN("timeout"));
    problem_error(check->problems, check_place(node, written ? "timeout" : "idle-timeout"),
                  SPAN("raise timeout or lower idle-timeout"), "%s", buf_text(&text));
    buf_done(&text);
}

static void check_banner(const struct checking *check, const struct receive_connector *c,
                         const struct node *node)
{
    struct span word = span_head(c->banner, span_find(c->banner, ' '));
    if (c->banner.n && !address_is_domain(word, false))
        problem_warning(check->problems, check_place(node, "banner"),
                        SPAN("begin it with the fqdn"),
                        "the banner does not begin with a domain name (RFC 5321 section 4.2)");
}

/* What no listener will ever do is most probably not what was meant. */
static void check_tls(const struct checking *check, const struct receive_connector *c,
                      const struct node *node)
{
    bool off = c->tls == RECEIVE_TLS_OFF;
    if (c->pin_strict && c->pin.n == 0)
        problem_error(check->problems, check_place(node, "pin-strict"),
                      SPAN("add pin: the thumbprint of the certificate, or remove pin-strict"),
                      "pin-strict needs a pin");
    if (off && c->pin.n)
        problem_warning(check->problems, check_place(node, "pin"), SPAN("write tls: offered"),
                        "no certificate is ever presented while tls is off");
    if (off && c->partner_count)
        problem_warning(check->problems, check_place(node, "partners"), SPAN("write tls: offered"),
                        "partners send by TLS only, and tls is off");
    if (c->tls == RECEIVE_TLS_REQUIRED && c->on_mismatch == MISMATCH_WITHHOLD)
        problem_warning(check->problems, check_place(node, "on-mismatch"),
                        SPAN("write on-mismatch: offer"),
                        "while STARTTLS is withheld, nobody can send, as tls is required");
    if (c->tls == RECEIVE_TLS_IMPLICIT && c->on_mismatch == MISMATCH_WITHHOLD)
        problem_warning(check->problems, check_place(node, "on-mismatch"),
                        SPAN("write on-mismatch: refuse, which it comes to, or offer"),
                        "there is no STARTTLS to withhold where tls is implicit");
}

static void check_sizes(const struct checking *check, const struct receive_connector *c,
                        const struct node *node)
{
    if (c->max_header_size > c->max_message_size)
        problem_error(check->problems, check_place(node, "max-header-size"),
                      SPAN("lower max-header-size or raise max-message-size"),
                      "a header may be larger than the whole message");
}

void check_receive_connectors(const struct checking *check)
{
    const struct document *d = check->d;
    for (size_t i = 0; i < d->receive_connector_count; i++) {
        const struct receive_connector *c = &d->receive_connectors[i];
        const struct node *node = check->receive_nodes[i];
        if (node->broken)
            continue;
        check_bind(check, c, node);
        check_relay(check, c, node);
        check_families(check, c, node);
        check_times(check, c, node);
        check_banner(check, c, node);
        check_sizes(check, c, node);
        check_tls(check, c, node);
    }
    if (d->receive_connector_count == 0)
        problem_warning(check->problems, NULL,
                        SPAN("add one below receive-connectors, with its bind"),
                        "there is no receive connector, so no mail comes in");
}
