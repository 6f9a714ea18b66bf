/* Get-, Set-, New- and Remove-ReceiveConnector and -SendConnector: one file, as they differ in
 * their properties only. */
#include "cli/shell_connectors.h"

#include "base/text.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/shell_change.h"
#include "cli/shell_connector_value.h"
#include "cli/shell_objects.h"
#include "cli/shell_parts.h"

bool connectors_is_receive(const struct cmdlet_call *call)
{
    return call->cmdlet->schema == &schema_receive_connector;
}

void connectors_target(const struct cmdlet_call *call, struct buf *target, struct span name)
{
    client_target(target,
                  connectors_is_receive(call) ? "/v1/receive-connectors" : "/v1/send-connectors");
    if (name.n)
        client_add_part(target, name);
}

/* ---- objects ---- */

static struct shell_value *words(struct shell *s, const char *text)
{
    struct shell_value *list = shell_list_value(s->arena);
    struct span rest = span_of(text), word;
    while (span_cut(&rest, ' ', &word))
        shell_list_add(s->arena, &list->list, shell_text(s->arena, word));
    return list;
}

static void set_receive(struct shell *s, struct shell_value *o, const json_t *c)
{
    struct span tls = answer_text(c, "tls");
    const json_t *relay = answer_of(c, "relay"), *presents = answer_of(c, "presents");
    bool relays = json_is_true(relay) || span_eq(answer_text(c, "relay"), SPAN("open"));
    objects_set_text(s, o, "AuthMechanism", span_eq(tls, SPAN("off")) ? SPAN("None") : SPAN("Tls"));
    objects_set_bool(s, o, "RequireTLS",
                     span_eq(tls, SPAN("required")) || span_eq(tls, SPAN("implicit")));
    objects_set_bool(s, o, "ImplicitTls", span_eq(tls, SPAN("implicit")));
    /* The right to relay is what Exchange gives to its servers and hides from the list. */
    objects_set_text(s, o, "PermissionGroups",
                     relays ? SPAN("AnonymousUsers, ExchangeServers") : SPAN("AnonymousUsers"));
    objects_set_text(s, o, "TransportRole", SPAN("FrontendTransport"));
    struct span thumbprint = answer_text(presents, "thumbprint");
    char *upper = arena_text(s->arena, thumbprint);
    for (char *p = upper; *p; p++)
        *p = text_upper(*p);
    objects_set_text(s, o, "PresentedThumbprint", span_of(upper));
    objects_set_bool(s, o, "StartTlsOffered", answer_true(presents, "starttls-offered"));
    shell_set(s->arena, o, "ObjectClass", words(s, "top msExchSmtpReceiveConnector"));
}

static void set_send(struct shell *s, struct shell_value *o, const json_t *c)
{
    static const struct {
        const char *verify, *level;
    } levels[] = {{"encrypt", "EncryptionOnly"},
                  {"chain", "CertificateValidation"},
                  {"name", "DomainValidation"}};
    struct span tls = answer_text(c, "tls"), by = answer_text(c, "deliver-by");
    bool required = span_eq(tls, SPAN("required")) || span_eq(tls, SPAN("implicit"));
    struct span level = SPAN_NONE;
    for (size_t i = 0; i < COUNT_OF(levels) && required; i++)
        if (span_eq(answer_text(c, "tls-verify"), span_of(levels[i].verify)))
            level = span_of(levels[i].level);
    objects_set_bool(s, o, "DNSRoutingEnabled", span_eq(by, SPAN("mx")));
    objects_set_text(s, o, "DeliverBy", by);
    objects_set_bool(s, o, "RequireTLS", required);
    objects_set_bool(s, o, "IgnoreSTARTTLS", span_eq(tls, SPAN("off")));
    objects_set_text(s, o, "TlsAuthLevel", level);
    objects_set_text(s, o, "SmartHostAuthMechanism", SPAN("None"));
    shell_set(s->arena, o, "ObjectClass",
              words(s, "top msExchConnector mailGateway msExchRoutingSMTPConnector"));
}

/* Keys whose property says something else than their value does. */
static bool is_special(const struct schema_key *key)
{
    static const char *const special[] = {"tls", "tls-verify", "deliver-by", "relay"};
    for (size_t i = 0; i < COUNT_OF(special); i++)
        if (strcmp(key->name, special[i]) == 0)
            return true;
    return false;
}

struct shell_value *connectors_object(struct cmdlet_call *call, const json_t *connector)
{
    struct shell *s = call->s;
    bool receive = connectors_is_receive(call);
    struct shell_value *o = shell_object(s->arena, receive ? "ReceiveConnector" : "SendConnector");
    struct span name = answer_text(connector, "name"), server = shell_server_name(s);
    struct span identity =
        receive ? arena_printf(s->arena, SPAN_FMT "\\" SPAN_FMT, SPAN_ARG(server), SPAN_ARG(name))
                : name;
    objects_set_text(s, o, "Name", name);
    objects_set_text(s, o, "Identity", identity);
    for (const struct schema_key *key = call->cmdlet->schema->keys; key->name; key++)
        if (key->exchange && !is_special(key))
            shell_set(s->arena, o, key->exchange,
                      connector_property(s->arena, key, answer_of(connector, key->name)));
    if (receive)
        set_receive(s, o, connector);
    else
        set_send(s, o, connector);
    objects_set_text(s, o, "Server", server);
    return o;
}

/* ---- Get ---- */

static json_t *list(struct cmdlet_call *call)
{
    struct buf target;
    connectors_target(call, &target, SPAN_NONE);
    json_t *answer = objects_get(call->s, &target);
    json_t *array = json_incref((json_t *)(uintptr_t)answer_of(
        answer, connectors_is_receive(call) ? "receive-connectors" : "send-connectors"));
    json_decref(answer);
    return array;
}

static bool not_found(struct cmdlet_call *call, struct span name)
{
    return shell_fail(call->s,
                      connectors_is_receive(call) ? "Get-ReceiveConnector lists them"
                                                  : "Get-SendConnector lists them",
                      "there is no connector \"" SPAN_FMT "\"", SPAN_ARG(name));
}

bool cmdlet_get_connector(struct cmdlet_call *call)
{
    struct span name; /* patterns may stand in it */
    size_t i, found = 0;
    const json_t *item;
    if (shell_server_name(call->s).n == 0 ||
        !cmdlet_local(call->s, cmdlet_identity(call, "Identity"), &name))
        return false;
    json_t *array = list(call);
    json_array_foreach(array, i, item)
    {
        if (name.n && !text_glob(name, answer_text(item, "name")))
            continue;
        cmdlet_put(call, connectors_object(call, item));
        found++;
    }
    json_decref(array);
    if (!call->s->failed && name.n && !found && span_find(name, '*') == name.n)
        not_found(call, name);
    return !call->s->failed;
}

json_t *connectors_find(struct cmdlet_call *call)
{
    struct span name;
    size_t i;
    const json_t *item;
    json_t *found = NULL;
    if (!cmdlet_local(call->s, cmdlet_identity(call, "Identity"), &name))
        return NULL;
    if (name.n == 0) {
        shell_fail(call->s, NULL, "say which connector: -Identity ...");
        return NULL;
    }
    json_t *array = list(call);
    json_array_foreach(array, i, item) if (span_ieq(answer_text(item, "name"), name)) found =
        json_incref((json_t *)(uintptr_t)item);
    json_decref(array);
    if (!found && !call->s->failed)
        not_found(call, name);
    return found;
}

/* ---- Set, New, Remove ---- */

static bool send(struct cmdlet_call *call, const char *method, struct span name, json_t *members,
                 enum cmdlet_go go)
{
    struct buf target;
    json_t *answer = NULL;
    connectors_target(call, &target, name);
    change_add_dry_run(&target, go);
    int code = client_send(call->s->c, method, &target, members, &answer);
    return change_say_document(call, code, answer);
}

bool cmdlet_set_connector(struct cmdlet_call *call)
{
    json_t *current = connectors_find(call);
    json_t *members = current ? connectors_members(call, current) : NULL;
    bool good = members != NULL;
    if (good) {
        struct span name = arena_copy(call->s->arena, answer_text(current, "name"));
        enum cmdlet_go go = cmdlet_go(call, name);
        if (go == CMDLET_NO)
            json_decref(members);
        else
            send(call, "PATCH", name, members, go);
    }
    json_decref(current);
    return good && !call->s->failed;
}

bool cmdlet_new_connector(struct cmdlet_call *call)
{
    struct shell *s = call->s;
    struct span name = cmdlet_text(call, "Name");
    if (name.n == 0)
        return shell_fail(s, NULL, "give the connector a name: -Name ...");
    json_t *members = connectors_members(call, NULL);
    if (!members)
        return false;
    enum cmdlet_go go = cmdlet_go(call, name);
    if (go == CMDLET_NO) {
        json_decref(members);
        return !s->failed;
    }
    json_object_set_new(members, "name", json_stringn_nocheck(name.p, name.n));
    if (!send(call, "POST", SPAN_NONE, members, go) || go == CMDLET_DRY_RUN)
        return !s->failed;
    struct buf target;
    connectors_target(call, &target, name);
    json_t *connector = objects_get(s, &target);
    if (connector && shell_server_name(s).n)
        cmdlet_put(call, connectors_object(call, connector));
    json_decref(connector);
    return !s->failed;
}

bool cmdlet_remove_connector(struct cmdlet_call *call)
{
    json_t *current = connectors_find(call), *answer = NULL;
    if (!current)
        return false;
    struct span name = arena_copy(call->s->arena, answer_text(current, "name"));
    json_decref(current);
    enum cmdlet_go go = cmdlet_go(call, name);
    struct buf target;
    if (go == CMDLET_NO)
        return !call->s->failed;
    connectors_target(call, &target, name);
    change_add_dry_run(&target, go);
    struct request request = {.method = "DELETE", .target = &target};
    int code = client_ask(call->s->c, &request, &answer);
    buf_done(&target);
    return change_say_document(call, code, answer);
}
