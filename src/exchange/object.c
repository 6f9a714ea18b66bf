#include "exchange/object.h"

#include <string.h>

static const char *const of_certificate[] = {
    "Thumbprint",    "CertificateDomains", "RootCAType",  "HasPrivateKey",
    "IsSelfSigned",  "SerialNumber",       "NotAfter",    "NotBefore",
    "PublicKeySize", "Services",           "Subject",     "Issuer",
    "RawData",       "FriendlyName",       "AccessRules", "PrivateKeyExportable",
    "DnsNameList",   "SignatureAlgorithm", "Status"};
static const char *const of_receive_connector[] = {"RemoteIPRanges",
                                                   "Bindings",
                                                   "PermissionGroups",
                                                   "TransportRole",
                                                   "AuthMechanism",
                                                   "TlsDomainCapabilities",
                                                   "ProtocolLoggingLevel",
                                                   "SuppressXAnonymousTls",
                                                   "Banner",
                                                   "MaxInboundConnection"};
static const char *const of_send_connector[] = {
    "AddressSpaces",  "SmartHosts",        "SourceTransportServers",   "TlsAuthLevel",
    "TlsDomain",      "DNSRoutingEnabled", "CloudServicesMailEnabled", "SmartHostAuthMechanism",
    "IgnoreSTARTTLS", "ForceHELO",         "FrontendProxyEnabled",     "IsScopedConnector"};
static const char *const of_server[] = {"InternalTransportCertificateThumbprint",
                                        "ServerRole",
                                        "AdminDisplayVersion",
                                        "Edition",
                                        "UseDowngradedExchangeServerAuth",
                                        "InternalTransportCertificate",
                                        "IsEdgeServer",
                                        "SendProtocolLogPath",
                                        "ReceiveProtocolLogPath",
                                        "ConnectivityLogPath"};
static const char *const of_domain[] = {"DomainName", "DomainType", "AddressBookEnabled"};
static const char *const of_event[] = {"EventID",      "InstanceId",       "ReplacementStrings",
                                       "EntryType",    "TimeGenerated",    "TimeCreated",
                                       "ProviderName", "LevelDisplayName", "Message"};
static const char *const of_queue[] = {"NextHopDomain", "LastError", "DeliveryType", "MessageCount",
                                       "NextHopConnector"};
/* Words that several kinds have. */
static const char *const of_any[] = {"Name",
                                     "Identity",
                                     "Fqdn",
                                     "ObjectClass",
                                     "Server",
                                     "RequireTLS",
                                     "Enabled",
                                     "TlsCertificateName",
                                     "DomainSecureEnabled",
                                     "Default",
                                     "Guid",
                                     "PSComputerName"};

#define NAMES(list) (list), COUNT_OF(list)
static const struct {
    enum object_kind kind;
    const char *const *names;
    size_t count;
} vocabularies[] = {
    {OBJECT_CERTIFICATE, NAMES(of_certificate)},
    {OBJECT_RECEIVE_CONNECTOR, NAMES(of_receive_connector)},
    {OBJECT_SEND_CONNECTOR, NAMES(of_send_connector)},
    {OBJECT_SERVER, NAMES(of_server)},
    {OBJECT_DOMAIN, NAMES(of_domain)},
    {OBJECT_EVENT, NAMES(of_event)},
    {OBJECT_QUEUE, NAMES(of_queue)},
    {OBJECT_UNKNOWN, NAMES(of_any)},
};

struct object_property *object_add(struct arena *arena, struct object *o, struct span name,
                                   struct span text, unsigned line)
{
    if (o->count == o->capacity) {
        size_t capacity = o->capacity ? o->capacity * 2 : 16;
        struct object_property *grown = ARENA_ARRAY(arena, struct object_property, capacity);
        if (o->count)
            memcpy(grown, o->properties, sizeof(*grown) * o->count);
        o->properties = grown;
        o->capacity = capacity;
    }
    struct object_property *added = &o->properties[o->count++];
    *added = (struct object_property){.name = name, .text = text, .line = line};
    return added;
}

const struct object_property *object_find(const struct object *o, const char *name)
{
    for (size_t i = 0; i < o->count; i++) {
        if (span_ieq(o->properties[i].name, span_of(name)))
            return &o->properties[i];
    }
    return NULL;
}

static bool has_name(const char *const *names, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++) {
        if (span_ieq(name, span_of(names[i])))
            return true;
    }
    return false;
}

bool object_knows(struct span name)
{
    for (size_t i = 0; i < COUNT_OF(vocabularies); i++) {
        if (has_name(vocabularies[i].names, vocabularies[i].count, name))
            return true;
    }
    return false;
}

static enum object_kind kind_of_class(const struct object *o)
{
    const struct object_property *class = object_find(o, "ObjectClass");
    if (!class)
        return OBJECT_UNKNOWN;
    struct span text = class->text;
    for (size_t i = 0; i <= class->item_count; i++) {
        if (span_search(text, SPAN("msExchSmtpReceiveConnector")) < text.n)
            return OBJECT_RECEIVE_CONNECTOR;
        if (span_search(text, SPAN("msExchRoutingSMTPConnector")) < text.n)
            return OBJECT_SEND_CONNECTOR;
        text = i < class->item_count ? class->items[i] : SPAN_NONE;
    }
    return OBJECT_UNKNOWN;
}

enum object_kind object_guess(const struct object *o)
{
    enum object_kind best = kind_of_class(o);
    if (best != OBJECT_UNKNOWN)
        return best;
    size_t most = 0;
    for (size_t i = 0; i + 1 < COUNT_OF(vocabularies); i++) {
        size_t score = 0;
        for (size_t j = 0; j < o->count; j++)
            score += has_name(vocabularies[i].names, vocabularies[i].count, o->properties[j].name);
        if (score > most) {
            most = score;
            best = vocabularies[i].kind;
        }
    }
    return best;
}

/* What was typed says what is listed, unless the properties clearly speak of something else. */
static enum object_kind kind_of(const struct exchange_reader *r, const struct object *o)
{
    if (o->kind != OBJECT_UNKNOWN)
        return o->kind;
    enum object_kind typed = r->command.kind, guessed = object_guess(o);
    if (typed == OBJECT_UNKNOWN || guessed == OBJECT_UNKNOWN)
        return typed == OBJECT_UNKNOWN ? guessed : typed;
    bool both_connectors =
        (typed == OBJECT_RECEIVE_CONNECTOR || typed == OBJECT_SEND_CONNECTOR) &&
        (guessed == OBJECT_RECEIVE_CONNECTOR || guessed == OBJECT_SEND_CONNECTOR);
    return both_connectors && kind_of_class(o) == OBJECT_UNKNOWN ? typed : guessed;
}

static void note_listing(struct exchange_reader *r, enum object_kind kind)
{
    bool typed = r->command.cmdlet.n > 0 && r->command.kind == kind;
    r->listed[kind]++;
    /* Without the command line, one object alone may be what somebody picked; exports are of all,
     * and one connector is often all there is. */
    size_t enough = r->exported && kind != OBJECT_CERTIFICATE ? 1 : 2;
    if (typed ? !r->command.whole : r->listed[kind] < enough)
        return;
    if (kind == OBJECT_CERTIFICATE)
        r->c->certificates_listed = true;
    else if (kind == OBJECT_RECEIVE_CONNECTOR)
        r->c->receive_connectors_listed = true;
    else if (kind == OBJECT_SEND_CONNECTOR)
        r->c->send_connectors_listed = true;
}

bool object_take(struct exchange_reader *r, const struct object *o)
{
    enum object_kind kind = kind_of(r, o);
    bool taken = false;
    r->last_object = kind;
    switch (kind) {
    case OBJECT_CERTIFICATE: taken = certificate_take(r, o); break;
    case OBJECT_RECEIVE_CONNECTOR: taken = connector_take(r, o, false); break;
    case OBJECT_SEND_CONNECTOR: taken = connector_take(r, o, true); break;
    case OBJECT_SERVER: taken = server_take(r, o); break;
    case OBJECT_DOMAIN: taken = domain_take(r, o); break;
    case OBJECT_EVENT: taken = event_take(r, o); break;
    case OBJECT_QUEUE: taken = queue_take(r, o); break;
    case OBJECT_UNKNOWN:
    case OBJECT_KINDS: break;
    }
    if (taken)
        note_listing(r, kind);
    return taken;
}
