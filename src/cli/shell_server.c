/* Get-TransportService, Get-AcceptedDomain: the server itself. */
#include "base/text.h"
#include "cli/answer.h"
#include "cli/shell_objects.h"
#include "cli/shell_parts.h"

bool cmdlet_get_transport_service(struct cmdlet_call *call)
{
    struct shell *s = call->s;
    struct span name = shell_server_name(s), wanted = cmdlet_identity(call, "Identity");
    if (name.n == 0)
        return false;
    if (wanted.n && !text_glob(wanted, name) && !span_ieq(wanted, s->hostname))
        return shell_fail(s, "run sealpost shell on the other one",
                          "this shell administers only this server, " SPAN_FMT,
                          SPAN_ARG(s->hostname));
    json_t *status = objects_get_path(s, "/v1/status"),
           *config = status ? objects_get_path(s, "/v1/config") : NULL;
    if (config) {
        struct shell_value *o = shell_object(s->arena, "TransportService");
        const json_t *queue = answer_of(answer_of(config, "document"), "queue");
        objects_set_text(s, o, "Name", name);
        objects_set_text(s, o, "Identity", name);
        objects_set_text(s, o, "Fqdn", s->hostname);
        objects_set_text(
            s, o, "AdminDisplayVersion",
            arena_printf(s->arena, "Sealpost " SPAN_FMT, SPAN_ARG(answer_text(status, "version"))));
        objects_set_text(s, o, "Health", answer_text(status, "health"));
        objects_set_time(s, o, "Started", answer_time(status, "started"));
        objects_set_number(s, o, "ConfigurationRevision",
                           (double)answer_number(status, "revision"));
        objects_set_text(s, o, "DataDirectory", answer_text(status, "data-directory"));
        objects_set_bool(s, o, "MessageTrackingLogEnabled", true);
        shell_set(s->arena, o, "MessageTrackingLogMaxAge",
                  shell_duration(s->arena, answer_number(queue, "track-days") * DAY_MS));
        /* There is no X-ANONYMOUSTLS here, and so no certificate for it. */
        shell_set(s->arena, o, "InternalTransportCertificateThumbprint", shell_null());
        cmdlet_put(call, o);
    }
    json_decref(status);
    json_decref(config);
    return config != NULL;
}

bool cmdlet_get_accepted_domain(struct cmdlet_call *call)
{
    struct shell *s = call->s;
    struct span wanted = cmdlet_identity(call, "Identity");
    size_t i, before = call->out->count;
    const json_t *item;
    json_t *config = objects_get_path(s, "/v1/config");
    json_array_foreach(answer_of(answer_of(config, "document"), "accepted-domains"), i, item)
    {
        bool plain = json_is_string(item);
        struct span domain = plain ? span_make(json_string_value(item), json_string_length(item))
                                   : answer_text(item, "domain");
        bool relay = !plain && span_eq(answer_text(item, "type"), SPAN("relay"));
        struct shell_value *o = shell_object(s->arena, "AcceptedDomain");
        if (wanted.n && !text_glob(wanted, domain))
            continue;
        objects_set_text(s, o, "Name", domain);
        objects_set_text(s, o, "Identity", domain);
        objects_set_text(s, o, "DomainName", domain);
        objects_set_text(s, o, "DomainType", relay ? SPAN("InternalRelay") : SPAN("Authoritative"));
        objects_set_bool(s, o, "Default", false);
        cmdlet_put(call, o);
    }
    json_decref(config);
    if (config && wanted.n && call->out->count == before)
        return shell_fail(s, "Get-AcceptedDomain lists them",
                          "there is no accepted domain \"" SPAN_FMT "\"", SPAN_ARG(wanted));
    return config != NULL;
}
