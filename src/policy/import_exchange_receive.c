/* Receive connectors. Exchange runs mail through a front end, a hub and mailbox transport; here one
 * process does it all, and nobody logs on: what only serves these steps is left out. */
#include "base/num.h"
#include "policy/import_exchange_connector.h"

static const char no_logon[] =
    "clients cannot log on here (there is no AUTH); whoever needs it goes to a submission server";

/* ---- ranges ---- */

static bool is_everyone(const struct ip_range *range)
{
    struct ip_range all = {.first = {.v6 = range->first.v6}, .last = {.v6 = range->first.v6}};
    memset(all.last.b, 0xFF, all.first.v6 ? 16 : 4);
    return ip_range_within(&all, range);
}

/* "192.0.2.7/24" is Exchange's for 192.0.2.0/24. */
static bool parse_range(struct span text, struct ip_range *range)
{
    if (ip_range_parse(text, range) == OK)
        return true;
    size_t slash = span_find(text, '/');
    uint64_t bits;
    struct ip ip;
    if (slash == text.n || ip_parse(span_head(text, slash), &ip) != OK ||
        num_parse(span_skip(text, slash + 1), ip.v6 ? 128 : 32, &bits) != OK)
        return false;
    *range = (struct ip_range){ip, ip};
    for (size_t i = 0; i < (ip.v6 ? 16U : 4U); i++) {
        unsigned kept = bits > i * 8 ? (unsigned)(bits - i * 8) : 0;
        uint8_t mask = kept >= 8 ? 0xFF : (uint8_t)(0xFF00U >> kept);
        range->first.b[i] &= mask;
        range->last.b[i] = (uint8_t)(range->first.b[i] | (uint8_t)~mask);
    }
    return true;
}

struct ranges {
    struct span *texts;
    size_t count, unread;
    bool everyone[2]; /* IPv4, IPv6 */
};

static struct ranges read_ranges(const struct connector_import *ci)
{
    const struct exchange_list *list = &ci->c->remote_ip_ranges;
    struct ranges r = {.texts = ARENA_ARRAY(ci->im->arena, struct span, list->count)};
    for (size_t i = 0; i < list->count; i++) {
        struct ip_range range;
        /* A zone ("fe80::1%4") names a network card of the old server. */
        struct span text = span_head(list->items[i], span_find(list->items[i], '%'));
        if (text.n < list->items[i].n || !parse_range(text, &range)) {
            r.unread++;
            continue;
        }
        if (is_everyone(&range))
            r.everyone[range.first.v6] = true;
        struct buf out = BUF_INIT(BUF_UNLIMITED);
        ip_range_add(&out, &range);
        r.texts[r.count++] = arena_copy(ci->im->arena, buf_span(&out));
        buf_done(&out);
    }
    return r;
}

/* ---- what is left out as a whole ---- */

/* Ports between Exchange's own services: hub, proxies, mailbox delivery. */
static bool port_is_internal(struct span binding)
{
    static const char *const internal[] = {":2525", ":717", ":465", ":475"};
    for (size_t i = 0; i < COUNT_OF(internal); i++)
        if (span_iends(binding, span_of(internal[i])))
            return true;
    return false;
}

static bool only_internal_ports(const struct exchange_connector *c)
{
    for (size_t i = 0; i < c->bindings.count; i++)
        if (!port_is_internal(c->bindings.items[i]))
            return false;
    return c->bindings.count > 0;
}

static bool serves_strangers(const struct exchange_connector *c)
{
    const struct exchange_list *groups = &c->permission_groups;
    return list_has(groups, "AnonymousUsers") || list_has(groups, "Partners") ||
           list_has(groups, "Custom") || list_has(&c->auth_mechanism, "ExternalAuthoritative");
}

struct span receive_left_out(const struct connector_import *ci)
{
    const struct exchange_connector *c = ci->c;
    if (c->bindings.truncated || c->remote_ip_ranges.truncated)
        return SPAN("its Bindings or RemoteIPRanges are cut in the print: set "
                    "$FormatEnumerationLimit = -1 and print it again");
    if (!c->bindings.printed || c->bindings.count == 0)
        return SPAN("its Bindings are not in the print: print it with | FL *");
    if (!c->remote_ip_ranges.printed || c->remote_ip_ranges.count == 0)
        return SPAN("its RemoteIPRanges are not in the print: print it with | FL *");
    if (read_ranges(ci).count == 0)
        return SPAN("none of its RemoteIPRanges can be read, and without them it would serve "
                    "everyone");
    if (!c->permission_groups.printed)
        return SPAN("who may use it is not in the print (PermissionGroups): print it with | FL *");
    bool hub = span_ieq(c->transport_role.text, SPAN("HubTransport"));
    if (only_internal_ports(c) && (hub || !serves_strangers(c)))
        return SPAN("it connects Exchange's own services with each other; here one process does "
                    "it all");
    if (!serves_strangers(c) && list_has(&c->permission_groups, "ExchangeUsers"))
        return SPAN("it serves users that log on (and other Exchange servers) only, and there is "
                    "no AUTH here");
    if (!serves_strangers(c))
        return SPAN("its PermissionGroups let in Exchange servers only, which authenticate in a "
                    "way that only Exchange knows, or nobody");
    return SPAN_NONE;
}

/* ---- addresses ---- */

static void take_bindings(struct connector_import *ci, const char *key)
{
    const struct exchange_list *list = &ci->c->bindings;
    struct span *texts = ARENA_ARRAY(ci->im->arena, struct span, list->count);
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct endpoint endpoint;
        if (endpoint_parse(list->items[i], &endpoint) == OK)
            texts[count++] = list->items[i];
    }
    import_set_list(ci->im, import_path(ci->section, ci->name, key), texts, count);
    property_became(ci, key,
                    count == list->count ? NULL : "what is no address with a port is left out");
}

static bool binds_family(const struct exchange_list *bindings, bool v6)
{
    for (size_t i = 0; i < bindings->count; i++) {
        struct endpoint endpoint;
        if (endpoint_parse(bindings->items[i], &endpoint) == OK && endpoint.ip.v6 == v6)
            return true;
    }
    return false;
}

static void take_ranges(struct connector_import *ci, const char *key)
{
    struct ranges r = read_ranges(ci);
    bool everyone = (r.everyone[0] || !binds_family(&ci->c->bindings, false)) &&
                    (r.everyone[1] || !binds_family(&ci->c->bindings, true));
    if (!everyone)
        import_set_list(ci->im, import_path(ci->section, ci->name, key), r.texts, r.count);
    property_became(ci, key, r.unread ? "ranges that cannot be read here are left out" : NULL);
}

/* ---- identity and TLS ---- */

static void take_mechanisms(struct connector_import *ci, const char *key)
{
    const struct exchange_connector *c = ci->c;
    const struct exchange_list *list = &c->auth_mechanism;
    const char *tls = "offered";
    if (c->require_tls == KNOWN_YES)
        tls = "required";
    else if (!list_has(list, "Tls"))
        tls = "off";
    connector_set(ci, key, span_of(tls));
    bool more = list->count > (list_has(list, "Tls") ? 1 : 0) && !list_has(list, "None");
    property_became(ci, key, more ? no_logon : NULL);
}

static void take_require_tls(struct connector_import *ci, const char *key)
{
    if (!ci->c->auth_mechanism.printed && ci->c->require_tls == KNOWN_YES)
        connector_set(ci, key, SPAN("required"));
    property_became(ci, key, NULL);
}

static bool is_narrow(struct connector_import *ci)
{
    struct ranges r = read_ranges(ci);
    return r.count > 0 && !r.everyone[0] && !r.everyone[1];
}

static void take_groups(struct connector_import *ci, const char *key)
{
    const struct exchange_connector *c = ci->c;
    bool trusted = list_has(&c->auth_mechanism, "ExternalAuthoritative");
    if (trusted && is_narrow(ci)) {
        connector_set(ci, key, SPAN("true"));
        property_became(ci, key,
                        "externally secured hosts may relay; their headers and senders "
                        "get no further trust");
    } else if (trusted) {
        property_left(ci,
                      "everyone would be trusted to relay: an open relay. Name the ranges, then "
                      "write relay: true");
    } else if (list_has(&c->permission_groups, "AnonymousUsers") && is_narrow(ci)) {
        property_became(
            ci, key,
            "false: Get-ReceiveConnector does not tell whether these clients may relay. "
            "Where Get-ADPermission lists ms-Exch-SMTP-Accept-Any-Recipient for "
            "ANONYMOUS LOGON, write relay: true");
    } else {
        property_became(ci, key,
                        list_has(&c->permission_groups, "ExchangeUsers") ? no_logon : NULL);
    }
}

static void take_capabilities(struct connector_import *ci, const char *key)
{
    const struct exchange_list *list = &ci->c->tls_domain_capabilities;
    struct span *names = ARENA_ARRAY(ci->im->arena, struct span, list->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct span domain = span_head(list->items[i], span_find(list->items[i], ':'));
        if (domain.n && !span_ieq(domain, SPAN("NO-TLS")))
            names[count++] = domain;
    }
    if (count == 0) {
        property_left(ci, "no domain is named");
        return;
    }
    import_set_list(ci->im, import_path(ci->section, ci->name, key), names, count);
    property_became(ci, key,
                    "changes that would break these senders are announced; headers of the "
                    "cloud service get no special trust");
}

static void take_banner(struct connector_import *ci, const char *key)
{
    struct span text = ci->p->value.text;
    if (span_starts(text, SPAN("220 ")))
        text = span_trim(span_skip(text, 4));
    connector_set(ci, key, text);
    property_became(ci, key, NULL);
}

static const char always_here[] = "it is always so here, and cannot be switched off";
static const char not_limited[] = "there is no such limit here";

static const struct property_rule rules[] = {
    {"Bindings", take_bindings, "bind", NULL, NULL},
    {"RemoteIPRanges", take_ranges, "from", NULL, NULL},
    {"Fqdn", take_text, "fqdn", NULL, NULL},
    {"Enabled", take_enabled, "enabled", NULL, NULL},
    {"AuthMechanism", take_mechanisms, "tls", NULL, NULL},
    {"RequireTLS", take_require_tls, "tls", NULL, NULL},
    {"PermissionGroups", take_groups, "relay", NULL, NULL},
    {"TlsCertificateName", take_text, "pin", NULL, NULL},
    {"TlsDomainCapabilities", take_capabilities, "partners", NULL, NULL},
    {"Banner", take_banner, "banner", NULL, NULL},
    {"MaxMessageSize", take_number, "max-message-size", NULL, NULL},
    {"MaxHeaderSize", take_number, "max-header-size", NULL, NULL},
    {"MaxRecipientsPerMessage", take_number, "max-recipients", NULL, NULL},
    {"MaxHopCount", take_number, "max-hops", NULL, NULL},
    {"MaxInboundConnection", take_number, "max-connections", NULL, NULL},
    {"MaxInboundConnectionPerSource", take_number, "max-connections-per-source", NULL, NULL},
    {"MaxProtocolErrors", take_number, "max-protocol-errors", NULL, NULL},
    {"ConnectionTimeout", take_number, "timeout", NULL, NULL},
    {"ConnectionInactivityTimeout", take_number, "idle-timeout", NULL, NULL},
    {"TarpitInterval", take_number, "tarpit", NULL, NULL},
    {"DomainSecureEnabled", NULL, NULL, "False",
     "senders are not asked for a certificate here; a network of theirs in from is what can be "
     "demanded"},
    {"SuppressXAnonymousTls", NULL, NULL, "False", "X-ANONYMOUSTLS is Exchange's own"},
    {"ExtendedProtectionPolicy", NULL, NULL, "None", no_logon},
    {"EnableAuthGSSAPI", NULL, NULL, "False", no_logon},
    {"AdvertiseClientSettings", NULL, NULL, "False", no_logon},
    {"ServiceDiscoveryFqdn", NULL, NULL, NULL, no_logon},
    {"AuthTarpitInterval", NULL, NULL, "00:00:05|PT5S", no_logon},
    {"MaxLogonFailures", NULL, NULL, "3", no_logon},
    {"DefaultDomain", NULL, NULL, NULL, "addresses without a domain are refused here"},
    {"MaxAcknowledgementDelay", NULL, NULL, "00:00:30|PT30S",
     "a message is acknowledged once it is on disk, without any delay"},
    {"MaxInboundConnectionPercentagePerSource", NULL, NULL, "2|100",
     "a source is limited by a number of connections here, not by a part of them"},
    {"MaxLocalHopCount", NULL, NULL, "5|8", not_limited},
    {"MessageRateLimit", NULL, NULL, "Unlimited", not_limited},
    {"MessageRateSource", NULL, NULL, "None|IPAddress", not_limited},
    {"ProtocolLoggingLevel", NULL, NULL, "None|Verbose",
     "what became of each message is always tracked"},
    {"RequireEHLODomain", NULL, NULL, "False|True", always_here},
    {"BareLinefeedRejectionEnabled", NULL, NULL, "False|True", always_here},
    {"PipeliningEnabled", NULL, NULL, "True", always_here},
    {"EightBitMimeEnabled", NULL, NULL, "True", always_here},
    {"EnhancedStatusCodesEnabled", NULL, NULL, "True", always_here},
    {"ChunkingEnabled", NULL, NULL, "True", always_here},
    {"DeliveryStatusNotificationEnabled", NULL, NULL, "True", always_here},
    {"SmtpUtf8Enabled", NULL, NULL, "True", always_here},
    {"SizeEnabled", NULL, NULL, "Enabled|EnabledWithoutValue", always_here},
    {"BinaryMimeEnabled", NULL, NULL, "True|False", "BINARYMIME is not offered here"},
    {"LongAddressesEnabled", NULL, NULL, "False", "XLONGADDR is Exchange's own"},
    {"OrarEnabled", NULL, NULL, "False", "XORAR is Exchange's own"},
    {"RejectReservedTopLevelRecipientDomains", NULL, NULL, "False", "no route leads there anyway"},
    {"RejectReservedSecondLevelRecipientDomains", NULL, NULL, "False",
     "no route leads there anyway"},
    {"RejectSingleLabelRecipientDomains", NULL, NULL, "False", "no route leads there anyway"},
};

void import_receive_connector(struct connector_import *ci)
{
    import_properties(ci, rules, COUNT_OF(rules));
}
