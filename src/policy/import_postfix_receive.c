/* smtpd services as receive connectors: one for everyone, and one for mynetworks, which may relay.
 * What restrictions do to a client is found out by walking them, as smtpd does. */
#include "base/num.h"
#include "policy/import_postfix_parts.h"

enum decision { UNDECIDED, PERMIT, REJECT };

/* A client as restrictions see it. */
struct client {
    bool in_mynetworks;
    bool to_ours; /* the recipient's domain is local, virtual or relay */
};

static enum decision decide(struct span item, const struct client *client)
{
    static const char *const rejecting[] = {"reject", "defer"};
    for (size_t i = 0; i < COUNT_OF(rejecting); i++)
        if (span_eq(item, span_of(rejecting[i])))
            return REJECT;
    if (span_eq(item, SPAN("permit")))
        return PERMIT;
    if (span_eq(item, SPAN("permit_mynetworks")))
        return client->in_mynetworks ? PERMIT : UNDECIDED;
    if (span_eq(item, SPAN("permit_auth_destination")))
        return client->to_ours ? PERMIT : UNDECIDED;
    if (span_eq(item, SPAN("reject_unauth_destination")) ||
        span_eq(item, SPAN("defer_unauth_destination")) ||
        span_eq(item, SPAN("check_relay_domains")))
        return client->to_ours ? UNDECIDED : REJECT;
    return UNDECIDED;
}

static const char *const restriction_lists[] = {
    "smtpd_client_restrictions",     "smtpd_helo_restrictions",      "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",      "smtpd_recipient_restrictions", "smtpd_data_restrictions",
    "smtpd_end_of_data_restrictions"};

static bool list_rejects(struct postfix_import *pi, const struct postfix_service *service,
                         const char *list, const struct client *client)
{
    struct span rest = postfix_value(pi, service, list), item;
    enum decision decision = UNDECIDED;
    while (decision == UNDECIDED && postfix_word(&rest, true, &item))
        decision = decide(item, client);
    return decision == REJECT;
}

static bool accepts(struct postfix_import *pi, const struct postfix_service *service,
                    struct client client)
{
    for (size_t i = 0; i < COUNT_OF(restriction_lists); i++)
        if (list_rejects(pi, service, restriction_lists[i], &client))
            return false;
    return true;
}

/* ---- where it listens ---- */

struct named_port {
    const char *name;
    unsigned port;
};
static const struct named_port ports[] = {
    {"smtp", 25}, {"submission", 587}, {"smtps", 465}, {"submissions", 465}};

static unsigned port_of(struct span name)
{
    uint64_t number;
    for (size_t i = 0; i < COUNT_OF(ports); i++)
        if (span_eq(name, span_of(ports[i].name)))
            return ports[i].port;
    return num_parse(name, UINT16_MAX, &number) == OK ? (unsigned)number : 0;
}

struct binds {
    struct postfix_import *pi;
    const struct postfix_service *service;
    unsigned port;
    bool v4, v6;
    struct span *texts; /* two families of each interface */
    size_t count, room;
};

static void add_bind(struct binds *b, struct span address)
{
    struct endpoint endpoint = {.port = (uint16_t)b->port};
    char text[ENDPOINT_TEXT];
    if (address.n > 1 && address.p[0] == '[')
        address = span_make(address.p + 1, address.n - 2);
    if (ip_parse(address, &endpoint.ip) != OK || b->count == b->room ||
        !(endpoint.ip.v6 ? b->v6 : b->v4))
        return;
    endpoint_format(&endpoint, text);
    for (size_t i = 0; i < b->count; i++)
        if (span_eq(b->texts[i], span_of(text)))
            return;
    b->texts[b->count++] = arena_copy(b->pi->im->arena, span_of(text));
}

static void add_interface(struct binds *b, const struct postfix_item *item)
{
    size_t before = b->count;
    if (span_eq(item->text, SPAN("all")) || item->text.n == 0) {
        add_bind(b, SPAN("0.0.0.0"));
        add_bind(b, SPAN("::"));
    } else if (span_eq(item->text, SPAN("loopback-only")) ||
               span_eq(item->text, SPAN("localhost"))) {
        add_bind(b, SPAN("127.0.0.1"));
        add_bind(b, SPAN("::1"));
    } else {
        add_bind(b, item->text);
        struct ip ip;
        if (b->count == before && ip_parse(item->text, &ip) != OK && item->text.p[0] != '[')
            item_note(b->pi, IMPORT_LEFT_OUT, item, "listening on", SPAN_NONE,
                      "names of interfaces are not looked up: write the address in bind");
    }
}

/* "smtp", "127.0.0.1:10025", "[::1]:smtp" */
static bool find_binds(struct binds *b)
{
    struct postfix_import *pi = b->pi;
    struct span protocols = postfix_value(pi, b->service, "inet_protocols");
    struct span port = b->service->name, host = SPAN_NONE;
    size_t colon = span_rfind(port, ':');
    if (colon < port.n) {
        host = span_head(port, colon);
        port = span_skip(port, colon + 1);
    }
    bool all = span_search(protocols, SPAN("all")) < protocols.n;
    b->v4 = all || span_search(protocols, SPAN("ipv4")) < protocols.n;
    b->v6 = all || span_search(protocols, SPAN("ipv6")) < protocols.n;
    b->port = port_of(port);
    struct postfix_items interfaces = {0};
    struct postfix_item own = {.text = host, .place = {pi->master_file, b->service->line}};
    if (host.n == 0)
        interfaces = postfix_list(pi, b->service, "inet_interfaces");
    b->room = (interfaces.count + 1) * 2;
    b->texts = ARENA_ARRAY(pi->im->arena, struct span, b->room);
    if (host.n)
        add_interface(b, &own);
    for (size_t i = 0; i < interfaces.count; i++)
        add_interface(b, &interfaces.items[i]);
    return b->port && b->count;
}

/* ---- whom it serves ---- */

struct networks {
    struct ip_range *ranges;
    struct span *texts;
    size_t count;
    bool v4, v6;
    bool excludes; /* "!192.0.2.5": who is meant cannot be said by ranges alone */
};

static void add_network(struct postfix_import *pi, struct networks *n, struct ip_range range)
{
    for (size_t i = 0; i < n->count; i++)
        if (ip_range_within(&range, &n->ranges[i]))
            return;
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    ip_range_add(&text, &range);
    n->ranges[n->count] = range;
    n->texts[n->count++] = arena_copy(pi->im->arena, buf_span(&text));
    buf_done(&text);
    *(range.first.v6 ? &n->v6 : &n->v4) = true;
}

/* "[::1]/128" */
static bool parse_network(struct arena *arena, struct span text, struct ip_range *range)
{
    size_t end = span_find(text, ']');
    if (span_starts(text, SPAN("[")) && end < text.n)
        text = arena_printf(arena, SPAN_FMT SPAN_FMT, (int)end - 1, text.p + 1,
                            SPAN_ARG(span_skip(text, end + 1)));
    return ip_range_parse(text, range) == OK;
}

static struct networks find_networks(struct postfix_import *pi,
                                     const struct postfix_service *service)
{
    struct postfix_items list = postfix_list(pi, service, "mynetworks");
    bool set = list.count > 0 || postfix_is_set(pi, "mynetworks");
    size_t room = list.count + 2;
    struct networks n = {.ranges = ARENA_ARRAY(pi->im->arena, struct ip_range, room),
                         .texts = ARENA_ARRAY(pi->im->arena, struct span, room)};
    for (size_t i = 0; i < list.count; i++) {
        struct ip_range range;
        bool excluded = span_starts(list.items[i].text, SPAN("!"));
        n.excludes |= excluded;
        if (parse_network(pi->im->arena, list.items[i].text, &range))
            add_network(pi, &n, range);
        else
            item_note(pi, IMPORT_LEFT_OUT, &list.items[i], "mynetworks", SPAN_NONE,
                      excluded ? "nobody may relay, as exclusions are not followed: write ranges "
                                 "without the excluded addresses"
                               : "it is no network");
    }
    struct ip_range loopback;
    if (!set && ip_range_parse(SPAN("127.0.0.0/8"), &loopback) == OK)
        add_network(pi, &n, loopback);
    if (!set && ip_range_parse(SPAN("::1"), &loopback) == OK)
        add_network(pi, &n, loopback);
    return n;
}

/* ---- the connectors ---- */

static const struct postfix_number numbers[] = {
    {"message_size_limit", "max-message-size", 0, true},
    {"header_size_limit", "max-header-size", 0, false},
    {"smtpd_recipient_limit", "max-recipients", 0, false},
    {"hopcount_limit", "max-hops", 0, false},
    {"default_process_limit", "max-connections", 0, true},
    {"smtpd_client_connection_count_limit", "max-connections-per-source", 0, true},
    {"smtpd_client_connection_rate_limit", "max-connection-rate", 0, true},
    {"smtpd_hard_error_limit", "max-protocol-errors", 0, false},
    {"smtpd_timeout", "idle-timeout", 's', false},
    {"smtpd_error_sleep_time", "tarpit", 's', false},
};

static const char *tls_of(struct postfix_import *pi, const struct postfix_service *service)
{
    struct span level = postfix_value(pi, service, "smtpd_tls_security_level");
    if (postfix_is_yes(pi, service, "smtpd_tls_wrappermode"))
        return "implicit";
    if (span_eq(level, SPAN("encrypt")) ||
        (level.n == 0 && postfix_is_yes(pi, service, "smtpd_enforce_tls")))
        return "required";
    if (span_eq(level, SPAN("may")) ||
        (level.n == 0 && postfix_is_yes(pi, service, "smtpd_use_tls")))
        return "offered";
    return "off";
}

static void set_banner(struct postfix_import *pi, const struct postfix_service *service,
                       struct import_path at)
{
    if (!postfix_is_set(pi, "smtpd_banner"))
        return;
    struct span text = postfix_value(pi, service, "smtpd_banner");
    size_t name = span_search(text, SPAN("Postfix"));
    if (name < text.n)
        text = arena_printf(pi->im->arena, SPAN_FMT "Sealpost" SPAN_FMT,
                            SPAN_ARG(span_head(text, name)), SPAN_ARG(span_skip(text, name + 7)));
    import_set(pi->im, import_path_below(at, "banner"), text);
}

static void add_connector(struct binds *b, const char *suffix, const struct networks *from)
{
    struct postfix_import *pi = b->pi;
    uint64_t number;
    bool bare = num_parse(b->service->name, UINT16_MAX, &number) == OK;
    struct span wanted = arena_printf(pi->im->arena, "%s" SPAN_FMT "%s", bare ? "smtp-" : "",
                                      SPAN_ARG(b->service->name), suffix);
    struct import_path at =
        import_path("receive-connectors", import_name(pi->im, "receive-connectors", wanted), NULL);
    struct span *binds = ARENA_ARRAY(pi->im->arena, struct span, b->count);
    size_t count = 0;
    for (size_t i = 0; i < b->count; i++)
        if (!from || (b->texts[i].p[0] == '[' ? from->v6 : from->v4))
            binds[count++] = b->texts[i];
    if (count == 0)
        return;
    import_set_list(pi->im, import_path_below(at, "bind"), binds, count);
    if (from) {
        import_set_list(pi->im, import_path_below(at, "from"), from->texts, from->count);
        import_set(pi->im, import_path_below(at, "relay"), SPAN("true"));
    }
    struct span own = postfix_value(pi, b->service, "myhostname");
    if (!span_ieq(own, postfix_value(pi, NULL, "myhostname")))
        import_set(pi->im, import_path_below(at, "fqdn"), own);
    import_set(pi->im, import_path_below(at, "tls"), span_of(tls_of(pi, b->service)));
    set_banner(pi, b->service, at);
    postfix_numbers(pi, b->service, &schema_receive_connector, at, numbers, COUNT_OF(numbers));
    import_note(pi->im,
                (struct import_note){.fate = IMPORT_TRANSLATED,
                                     .place = {pi->master_file, b->service->line},
                                     .what = arena_printf(pi->im->arena, "service " SPAN_FMT "%s",
                                                          SPAN_ARG(b->service->name),
                                                          from ? " for mynetworks" : ""),
                                     .became = import_path_text(pi->im->arena, at)});
}

static void leave_service(struct postfix_import *pi, const struct postfix_service *service,
                          const char *why)
{
    import_note(pi->im,
                (struct import_note){.fate = IMPORT_LEFT_OUT,
                                     .place = {pi->master_file, service->line},
                                     .what = arena_printf(pi->im->arena, "service " SPAN_FMT,
                                                          SPAN_ARG(service->name)),
                                     .why = span_of(why)});
}

static void import_service(struct postfix_import *pi, const struct postfix_service *service)
{
    struct binds b = {.pi = pi, .service = service};
    struct networks networks = find_networks(pi, service);
    bool strangers = accepts(pi, service, (struct client){false, true});
    bool open = accepts(pi, service, (struct client){false, false});
    bool relays = accepts(pi, service, (struct client){true, false});
    if (!find_binds(&b))
        leave_service(pi, service, "its address or port cannot be read");
    else if (!strangers && !relays)
        leave_service(pi, service,
                      "it serves only users that log on (or nobody), and there is no AUTH here");
    else if (open)
        leave_service(pi, service,
                      "its restrictions let everyone send everywhere: an open relay. Add "
                      "reject_unauth_destination to smtpd_relay_restrictions and import again");
    else {
        if (strangers)
            add_connector(&b, "", NULL);
        if (relays && networks.count && !networks.excludes)
            add_connector(&b, "-mynetworks", &networks);
    }
}

/* ---- restrictions, one by one ---- */

static const char *restriction_why(struct span item)
{
    if (span_starts(item, SPAN("permit_sasl")))
        return "there is no AUTH here";
    if (span_starts(item, SPAN("permit_tls")))
        return "clients' certificates give no rights here";
    if (span_starts(item, SPAN("check_policy_service")))
        return "policy servers are not asked";
    if (span_starts(item, SPAN("check_")))
        return "there are no access tables: who may do what follows from the receive connector";
    if (span_search(item, SPAN("rbl")) < item.n || span_search(item, SPAN("rhsbl")) < item.n)
        return "block lists are not asked: put a filter in front of this server";
    if (span_starts(item, SPAN("warn_if_reject")) || span_starts(item, SPAN("sleep")))
        return "it decides nothing";
    return "there is no such check here";
}

static bool is_followed(struct span item)
{
    static const char *const known[] = {"permit",
                                        "reject",
                                        "defer",
                                        "permit_mynetworks",
                                        "permit_auth_destination",
                                        "reject_unauth_destination",
                                        "defer_unauth_destination",
                                        "check_relay_domains",
                                        "reject_non_fqdn_sender",
                                        "reject_non_fqdn_recipient",
                                        "reject_unauth_pipelining"};
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (span_eq(item, span_of(known[i])))
            return true;
    return false;
}

static void note_restrictions(struct postfix_import *pi, const char *list)
{
    const struct postfix_parameter *p = postfix_parameter(&pi->conf, span_of(list));
    if (!p)
        return;
    struct span rest = postfix_value(pi, NULL, list), item, name;
    bool left = false;
    while (postfix_word(&rest, true, &item)) {
        bool argument = postfix_table_source(item, &name) != POSTFIX_NO_TABLE ||
                        span_starts(item, SPAN("/")) ||
                        (span_find(item, '.') < item.n && !span_starts(item, SPAN("check_")));
        if (argument || is_followed(item))
            continue;
        left = true;
        struct postfix_item note = {.text = item, .place = {pi->main_file, p->line}};
        item_note(pi, IMPORT_LEFT_OUT, &note, list, SPAN_NONE, restriction_why(item));
    }
    parameter_became(pi, list, "receive-connectors.*.relay",
                     left ? "for what decides who may relay; the rest is listed as left out"
                          : NULL);
}

static void note_tls(struct postfix_import *pi)
{
    static const char *const tls[] = {"smtpd_tls_security_level", "smtpd_use_tls",
                                      "smtpd_enforce_tls", "smtpd_tls_wrappermode"};
    bool set = false;
    for (size_t i = 0; i < COUNT_OF(tls); i++) {
        set |= postfix_is_set(pi, tls[i]);
        parameter_became(pi, tls[i], "receive-connectors.*.tls", NULL);
    }
    if (!set)
        import_note(pi->im, (struct import_note){
                                .fate = IMPORT_TRANSLATED,
                                .place = {pi->main_file, 0},
                                .what = SPAN("smtpd_tls_security_level is not set"),
                                .became = SPAN("receive-connectors.*.tls"),
                                .why = SPAN("Postfix offers no TLS; import a certificate and write "
                                            "tls: offered to do so"),
                            });
}

void import_postfix_receive(struct postfix_import *pi)
{
    for (size_t i = 0; i < pi->conf.service_count; i++) {
        const struct postfix_service *s = &pi->conf.services[i];
        bool smtpd = span_eq(s->command, SPAN("smtpd")) || span_eq(s->command, SPAN("postscreen"));
        if (smtpd && span_eq(s->type, SPAN("inet")))
            import_service(pi, s);
    }
    for (size_t i = 0; i < COUNT_OF(restriction_lists); i++)
        note_restrictions(pi, restriction_lists[i]);
    postfix_numbers_note(pi, "receive-connectors.*", numbers, COUNT_OF(numbers));
    parameter_became(pi, "mynetworks", "receive-connectors.*.from", NULL);
    if (!postfix_is_set(pi, "mynetworks"))
        import_note(pi->im, (struct import_note){
                                .fate = IMPORT_APPROXIMATED,
                                .place = {pi->main_file, 0},
                                .what = SPAN("mynetworks is not set"),
                                .became = SPAN("receive-connectors.*.from"),
                                .why = SPAN("this machine itself may relay, by its loopback "
                                            "addresses; add its other addresses to from"),
                            });
    parameter_became(pi, "inet_interfaces", "receive-connectors.*.bind", NULL);
    parameter_became(pi, "inet_protocols", "receive-connectors.*.bind", NULL);
    struct span banner = postfix_value(pi, NULL, "smtpd_banner");
    bool product = span_search(banner, SPAN("Postfix")) < banner.n;
    parameter_became(pi, "smtpd_banner", "receive-connectors.*.banner",
                     product ? "the product is named as it is" : NULL);
    note_tls(pi);
}
