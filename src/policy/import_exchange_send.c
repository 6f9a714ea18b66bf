/* Send connectors. */
#include "base/num.h"
#include "policy/import_exchange_connector.h"

static bool wants_hosts(const struct exchange_connector *c)
{
    return c->smart_hosts.printed && c->smart_hosts.count > 0;
}

struct span send_left_out(const struct connector_import *ci)
{
    const struct exchange_connector *c = ci->c;
    if (c->address_spaces.truncated || c->smart_hosts.truncated)
        return SPAN("its AddressSpaces or SmartHosts are cut in the print: set "
                    "$FormatEnumerationLimit = -1 and print it again");
    if (!c->address_spaces.printed || c->address_spaces.count == 0)
        return SPAN("its AddressSpaces are not in the print, or empty: print it with | FL *");
    if (c->dns_routing == KNOWN_NO && !wants_hosts(c))
        return SPAN("it sends to smart hosts, which are not in the print: print it with | FL *");
    if (ci->server.n && c->source_servers.printed && !c->source_servers.truncated &&
        c->source_servers.count) {
        for (size_t i = 0; i < c->source_servers.count; i++) {
            struct span source = c->source_servers.items[i];
            if (span_ieq(source, ci->server) ||
                (span_istarts(source, ci->server) && source.p[ci->server.n] == '.'))
                return SPAN_NONE;
        }
        return SPAN("other servers send through it (SourceTransportServers)");
    }
    return SPAN_NONE;
}

/* ---- address spaces ---- */

struct spaces {
    struct span *texts;
    size_t count, foreign;
    bool accepted; /* all accepted domains are among them */
};

static void add_space(struct connector_import *ci, struct spaces *s, struct span domain,
                      struct span cost)
{
    bool costs = cost.n && !span_eq(cost, SPAN("1"));
    s->texts[s->count++] =
        costs ? arena_printf(ci->im->arena, SPAN_FMT ";" SPAN_FMT, SPAN_ARG(domain), SPAN_ARG(cost))
              : domain;
}

/* "--": all accepted domains, on the Edge server that passes them on to the hub. */
static void add_accepted(struct connector_import *ci, struct spaces *s, struct span cost)
{
    for (size_t i = 0; !s->accepted && i < ci->im->domain_count; i++)
        add_space(ci, s, ci->im->domains[i].pattern, cost);
    s->accepted = true;
}

static void read_space(struct connector_import *ci, struct spaces *s, struct span text)
{
    size_t colon = span_find(text, ':');
    if (colon < text.n && !span_ieq(span_head(text, colon), SPAN("smtp"))) {
        s->foreign++;
        return;
    }
    if (colon < text.n)
        text = span_skip(text, colon + 1);
    size_t semicolon = span_find(text, ';');
    struct span domain = span_trim(span_head(text, semicolon));
    struct span cost = span_trim(span_skip(text, semicolon + 1));
    if (span_eq(domain, SPAN("--")))
        add_accepted(ci, s, cost);
    else
        add_space(ci, s, domain, cost);
}

static void take_spaces(struct connector_import *ci, const char *key)
{
    const struct exchange_list *list = &ci->c->address_spaces;
    struct spaces s = {
        .texts = ARENA_ARRAY(ci->im->arena, struct span, list->count + ci->im->domain_count + 1)};
    for (size_t i = 0; i < list->count; i++)
        read_space(ci, &s, list->items[i]);
    import_set_list(ci->im, import_path(ci->section, ci->name, key), s.texts, s.count);
    property_became(ci, key,
                    s.foreign ? "address spaces of other types than SMTP are left out" : NULL);
}

/* ---- next hops ---- */

static void take_hosts(struct connector_import *ci, const char *key)
{
    const struct exchange_list *list = &ci->c->smart_hosts;
    struct span *hosts = ARENA_ARRAY(ci->im->arena, struct span, list->count + 1);
    for (size_t i = 0; i < list->count; i++)
        hosts[i] = list->items[i];
    import_set_list(ci->im, import_path(ci->section, ci->name, key), hosts, list->count);
    property_became(ci, key, NULL);
}

static void take_dns_routing(struct connector_import *ci, const char *key)
{
    if (!wants_hosts(ci->c))
        connector_set(ci, key, SPAN("mx"));
    property_became(ci, key, NULL);
}

static void take_port(struct connector_import *ci, const char *key)
{
    if (!span_eq(ci->p->value.text, SPAN("25")))
        connector_set(ci, key, ci->p->value.text);
    property_became(ci, key, NULL);
}

/* ---- TLS ---- */

static void take_require_tls(struct connector_import *ci, const char *key)
{
    if (ci->c->require_tls == KNOWN_YES)
        connector_set(ci, key, SPAN("required"));
    property_became(ci, key, NULL);
}

static void take_ignore_starttls(struct connector_import *ci, const char *key)
{
    if (ci->c->ignore_starttls == KNOWN_YES && ci->c->require_tls != KNOWN_YES)
        connector_set(ci, key, SPAN("off"));
    property_became(ci, key, NULL);
}

static void take_auth_level(struct connector_import *ci, const char *key)
{
    struct span level = ci->p->value.text;
    const char *verify = span_ieq(level, SPAN("EncryptionOnly"))          ? "encrypt"
                         : span_ieq(level, SPAN("CertificateValidation")) ? "chain"
                         : span_ieq(level, SPAN("DomainValidation"))      ? "name"
                                                                          : NULL;
    if (!verify) {
        property_left(ci, "the value is not known");
        return;
    }
    connector_set(ci, key, span_of(verify));
    struct span form = span_of(verify);
    property_became(ci, key,
                    span_eq(form, SPAN("encrypt")) ? NULL
                    : span_eq(form, SPAN("chain"))
                        ? "revocation is not asked for"
                        : "revocation is not asked for, and without TlsDomain the name of the next "
                          "hop is looked for, not the recipients' domain");
}

static void take_tls_domain(struct connector_import *ci, const char *key)
{
    if (!span_ieq(ci->c->tls_auth_level.text, SPAN("DomainValidation"))) {
        property_left(ci, "Exchange looks for it only where TlsAuthLevel is DomainValidation");
        return;
    }
    take_text(ci, key);
}

static void take_certificate(struct connector_import *ci, const char *key)
{
    if (ci->c->ignore_starttls == KNOWN_YES && ci->c->require_tls != KNOWN_YES)
        property_left(ci, "no certificate is presented without TLS");
    else
        take_text(ci, key);
}

static void take_max_size(struct connector_import *ci, const char *key)
{
    uint64_t value;
    if (exchange_number(ci->p->value.text, VALUE_SIZE, &value) && value == 0)
        property_left(ci, "no message could pass");
    else
        take_number(ci, key);
}

static const char one_server[] = "the document is one server's";

static const struct property_rule rules[] = {
    {"AddressSpaces", take_spaces, "address-spaces", NULL, NULL},
    {"SmartHosts", take_hosts, "smart-hosts", NULL, NULL},
    {"DNSRoutingEnabled", take_dns_routing, "deliver-by", NULL, NULL},
    {"Port", take_port, "port", NULL, NULL},
    {"Fqdn", take_text, "fqdn", NULL, NULL},
    {"Enabled", take_enabled, "enabled", NULL, NULL},
    {"RequireTLS", take_require_tls, "tls", NULL, NULL},
    {"IgnoreSTARTTLS", take_ignore_starttls, "tls", NULL, NULL},
    {"TlsAuthLevel", take_auth_level, "tls-verify", NULL, NULL},
    {"TlsDomain", take_tls_domain, "tls-verify-domain", NULL, NULL},
    {"TlsCertificateName", take_certificate, "tls-certificate", NULL, NULL},
    {"SourceIPAddress", take_text, "source-ip", "0.0.0.0", NULL},
    {"MaxMessageSize", take_max_size, "max-message-size", NULL, NULL},
    {"SmtpMaxMessagesPerConnection", take_number, "max-messages-per-connection", NULL, NULL},
    {"ConnectionInactivityTimeOut", NULL, NULL, "00:10:00|PT10M",
     "it is the patience with a silent next hop, which is RFC 5321's here"},
    {"SmartHostAuthMechanism", NULL, NULL, "None",
     "this server does not log on to next hops: let the smart host accept it by its address or by "
     "its certificate (tls-certificate)"},
    {"AuthenticationCredential", NULL, NULL, NULL, "this server does not log on to next hops"},
    {"DomainSecureEnabled", NULL, NULL, "False",
     "write tls: required and tls-verify: name for these domains"},
    {"CloudServicesMailEnabled", NULL, NULL, "False",
     "Exchange's hybrid headers (X-MS-Exchange-Organization) are not written; mail is passed on as "
     "it came"},
    {"RequireOorg", NULL, NULL, "False", "XOORG is Exchange's own"},
    {"ErrorPolicies", NULL, NULL, "Default", "replies and DNS answers are taken for what they are"},
    {"ForceHELO", NULL, NULL, "False", "HELO is used where EHLO is refused"},
    {"FrontendProxyEnabled", NULL, NULL, "False", "one process does it all; there is no front end"},
    {"IsScopedConnector", NULL, NULL, "False", one_server},
    {"IsCoexistenceConnector", NULL, NULL, "False", one_server},
    {"SourceTransportServers", NULL, NULL, NULL, one_server},
    {"LinkedReceiveConnector", NULL, NULL, NULL,
     "next hops follow from the recipient here, not from the connector mail came by"},
    {"UseExternalDNSServersEnabled", NULL, NULL, "False", "name the servers in dns.resolvers"},
    {"ProtocolLoggingLevel", NULL, NULL, "None|Verbose",
     "what became of each message is always tracked"},
};

void import_send_connector(struct connector_import *ci)
{
    import_properties(ci, rules, COUNT_OF(rules));
    if (ci->c->dns_routing == CANNOT_TELL && !wants_hosts(ci->c))
        connector_set(ci, "deliver-by", SPAN("mx"));
}
