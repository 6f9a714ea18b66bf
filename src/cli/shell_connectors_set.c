/* The parameters of Set- and New-ReceiveConnector and -SendConnector as members of the request:
 * most stand in the schema under Exchange's name; those of TLS and routing share one key of ours.
 */
#include "base/text.h"
#include "cli/answer.h"
#include "cli/shell_connector_value.h"
#include "cli/shell_connectors.h"

struct setting {
    struct cmdlet_call *call;
    const json_t *current; /* NULL: a new connector */
    json_t *members;
};

static void set(struct setting *setting, const char *key, const char *value)
{
    json_object_set_new(setting->members, key, value ? json_string(value) : json_null());
}

/* What the key will be: as it is set, else as it stands. */
static struct span now(const struct setting *setting, const char *key)
{
    const json_t *member = answer_of(setting->members, key);
    return answer_text(member ? setting->members : setting->current, key);
}

static bool is_special(const struct schema_key *key)
{
    static const char *const special[] = {"tls", "tls-verify", "deliver-by"};
    for (size_t i = 0; i < COUNT_OF(special); i++)
        if (strcmp(key->name, special[i]) == 0)
            return true;
    return false;
}

static bool set_plain(struct setting *setting)
{
    struct shell *s = setting->call->s;
    const struct schema_key *key = setting->call->cmdlet->schema->keys;
    for (; key->name; key++) {
        const struct shell_value *value =
            key->exchange ? cmdlet_get(setting->call, key->exchange) : NULL;
        json_t *member = NULL;
        struct buf why = BUF_INIT(BUF_UNLIMITED);
        if (!value || is_special(key))
            continue;
        enum err err = connector_member(s->arena, key, value,
                                        answer_of(setting->current, key->name), &member, &why);
        if (err != OK)
            shell_fail(s, NULL, "-%s: " SPAN_FMT, key->exchange, SPAN_ARG(buf_span(&why)));
        else
            json_object_set(setting->members, key->name, member);
        json_decref(member);
        buf_done(&why);
        if (err != OK)
            return false;
    }
    return true;
}

/* ---- receiving ---- */

static bool has_word(struct span text, const char *wanted)
{
    struct span word;
    while (span_cut(&text, ',', &word))
        if (span_ieq(span_trim(word), span_of(wanted)))
            return true;
    return false;
}

/* "Tls, BasicAuth", also as a list, as words between commas. */
static struct span flags(struct setting *setting, const char *name)
{
    struct shell *s = setting->call->s;
    const struct shell_value *value = cmdlet_get(setting->call, name);
    struct buf text = BUF_INIT(SHELL_TEXT_MAX);
    for (size_t i = 0; value && i < value->list.count; i++) {
        buf_add_text(&text, i ? "," : "");
        shell_add_text(&text, value->list.items[i]);
    }
    if (value && value->kind != SHELL_LIST)
        shell_add_text(&text, value);
    struct span copy = arena_copy(s->arena, buf_span(&text));
    buf_done(&text);
    return copy;
}

static bool set_authentication(struct setting *setting)
{
    struct span words = flags(setting, "AuthMechanism"), rest = words, word;
    while (span_cut(&rest, ',', &word)) {
        word = span_trim(word);
        if (word.n && !span_ieq(word, SPAN("Tls")) && !span_ieq(word, SPAN("None")))
            return shell_fail(setting->call->s,
                              "here AuthMechanism is Tls or None; who may relay is said by "
                              "-RemoteIPRanges and -PermissionGroups",
                              "Sealpost has no " SPAN_FMT " authentication", SPAN_ARG(word));
    }
    if (has_word(words, "None"))
        set(setting, "tls", "off");
    else if (words.n && span_eq(now(setting, "tls"), SPAN("off")))
        set(setting, "tls", "offered");
    return true;
}

static bool set_permissions(struct setting *setting)
{
    struct span words = flags(setting, "PermissionGroups"), rest = words, word;
    bool relays = has_word(words, "ExchangeServers");
    while (span_cut(&rest, ',', &word)) {
        word = span_trim(word);
        if (word.n && !span_ieq(word, SPAN("AnonymousUsers")) &&
            !span_ieq(word, SPAN("ExchangeServers")) && !span_ieq(word, SPAN("None")))
            return shell_fail(setting->call->s,
                              "here there are AnonymousUsers (to accepted domains) and "
                              "ExchangeServers (may relay; needs narrow -RemoteIPRanges)",
                              "Sealpost has no permission group " SPAN_FMT, SPAN_ARG(word));
    }
    if (words.n)
        json_object_set_new(setting->members, "relay", json_boolean(relays));
    return true;
}

static bool set_usage(struct setting *setting)
{
    static const char *const usages[] = {"Client", "Custom", "Internal", "Internet", "Partner"};
    struct cmdlet_call *call = setting->call;
    struct span usage = cmdlet_text(call, "Usage");
    for (size_t i = 0; i < COUNT_OF(usages); i++)
        if (cmdlet_switch(call, usages[i]))
            usage = span_of(usages[i]);
    if (span_ieq(usage, SPAN("Client")))
        return shell_fail(call->s, "name the clients' addresses: -Custom -RemoteIPRanges ...",
                          "Sealpost has no authentication of clients");
    bool known = usage.n == 0;
    for (size_t i = 0; i < COUNT_OF(usages); i++)
        known = known || span_ieq(usage, span_of(usages[i]));
    if (!known)
        return shell_fail(call->s, NULL, "-Usage is Custom, Internal, Internet or Partner");
    if (span_ieq(usage, SPAN("Internal"))) {
        if (!cmdlet_get(call, "RemoteIPRanges"))
            return shell_fail(call->s, NULL, "-Internal needs -RemoteIPRanges");
        json_object_set_new(setting->members, "relay", json_true());
    }
    if (!setting->current && connectors_is_receive(call) && !cmdlet_get(call, "Bindings"))
        set(setting, "bind", "0.0.0.0:25");
    return true;
}

static bool set_receive(struct setting *setting)
{
    const struct shell_value *require = cmdlet_get(setting->call, "RequireTLS");
    if (!set_usage(setting) || !set_authentication(setting) || !set_permissions(setting))
        return false;
    bool required = require && shell_is_true(require);
    if (required && span_eq(now(setting, "tls"), SPAN("off")))
        return shell_fail(setting->call->s, "add -AuthMechanism Tls",
                          "RequireTLS needs Tls in AuthMechanism");
    if (required && !span_eq(now(setting, "tls"), SPAN("implicit")))
        set(setting, "tls", "required");
    else if (require && !required && span_eq(now(setting, "tls"), SPAN("required")))
        set(setting, "tls", "offered");
    return true;
}

/* ---- sending ---- */

static bool set_level(struct setting *setting)
{
    static const struct {
        const char *level, *verify;
    } levels[] = {{"EncryptionOnly", "encrypt"},
                  {"CertificateValidation", "chain"},
                  {"DomainValidation", "name"}};
    struct span level = cmdlet_text(setting->call, "TlsAuthLevel");
    if (!cmdlet_get(setting->call, "TlsAuthLevel"))
        return true;
    if (level.n == 0) {
        set(setting, "tls-verify", NULL);
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(levels); i++)
        if (span_ieq(level, span_of(levels[i].level))) {
            set(setting, "tls-verify", levels[i].verify);
            bool required = span_eq(now(setting, "tls"), SPAN("required")) ||
                            span_eq(now(setting, "tls"), SPAN("implicit"));
            return required || shell_fail(setting->call->s, "add -RequireTLS $true",
                                          "TlsAuthLevel needs RequireTLS");
        }
    return shell_fail(setting->call->s, NULL,
                      "-TlsAuthLevel is EncryptionOnly, CertificateValidation or DomainValidation");
}

static bool set_send_tls(struct setting *setting)
{
    const struct shell_value *require = cmdlet_get(setting->call, "RequireTLS"),
                             *ignore = cmdlet_get(setting->call, "IgnoreSTARTTLS");
    bool required = require && shell_is_true(require), ignored = ignore && shell_is_true(ignore);
    if (required && ignored)
        return shell_fail(setting->call->s, NULL,
                          "RequireTLS and IgnoreSTARTTLS exclude each other");
    if (ignored)
        set(setting, "tls", "off");
    else if (ignore && span_eq(now(setting, "tls"), SPAN("off")))
        set(setting, "tls", "opportunistic");
    if (required && span_eq(now(setting, "tls"), SPAN("off")))
        return shell_fail(setting->call->s, "add -IgnoreSTARTTLS $false",
                          "RequireTLS and IgnoreSTARTTLS exclude each other");
    if (required && !span_eq(now(setting, "tls"), SPAN("implicit")))
        set(setting, "tls", "required");
    else if (require && !required && span_eq(now(setting, "tls"), SPAN("required")))
        set(setting, "tls", "opportunistic");
    return set_level(setting);
}

static bool set_send(struct setting *setting)
{
    const struct shell_value *dns = cmdlet_get(setting->call, "DNSRoutingEnabled");
    const struct shell_value *hosts = cmdlet_get(setting->call, "SmartHosts");
    bool has_hosts = hosts && shell_is_true(hosts);
    if (dns && shell_is_true(dns) && has_hosts)
        return shell_fail(setting->call->s, "-DNSRoutingEnabled $false goes with -SmartHosts",
                          "DNSRoutingEnabled and SmartHosts exclude each other");
    if (dns && shell_is_true(dns)) {
        set(setting, "smart-hosts", NULL);
        set(setting, "deliver-by", "mx");
    } else if (dns) { /* then the smart hosts decide */
        if (!has_hosts && json_array_size(answer_of(setting->current, "smart-hosts")) == 0)
            return shell_fail(setting->call->s, "name them: -SmartHosts host[:port]",
                              "without DNS routing SmartHosts are needed");
        set(setting, "deliver-by", NULL);
    }
    return set_send_tls(setting);
}

json_t *connectors_members(struct cmdlet_call *call, const json_t *current)
{
    struct setting setting = {call, current, json_object()};
    bool good = set_plain(&setting) &&
                (connectors_is_receive(call) ? set_receive(&setting) : set_send(&setting));
    if (good)
        return setting.members;
    json_decref(setting.members);
    return NULL;
}
