#include "service/admin.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "service/admin_call.h"

static const struct route_entry {
    const char *path; /* a star stands for one part */
    enum http_method method;
    admin_handler_fn *handler;
} routes[] = {
    {"/v1/version", HTTP_GET, admin_get_version},
    {"/v1/status", HTTP_GET, admin_get_status},
    {"/v1/config", HTTP_GET, admin_get_config},
    {"/v1/config", HTTP_PUT, admin_put_config},
    {"/v1/config/diff", HTTP_POST, admin_diff_config},
    {"/v1/config/revisions", HTTP_GET, admin_list_revisions},
    {"/v1/config/revisions/*", HTTP_GET, admin_get_revision},
    {"/v1/config/revisions/*/restore", HTTP_POST, admin_restore_revision},
    {"/v1/receive-connectors", HTTP_GET, admin_list_receive_connectors},
    {"/v1/receive-connectors", HTTP_POST, admin_add_receive_connector},
    {"/v1/receive-connectors/*", HTTP_GET, admin_get_receive_connector},
    {"/v1/receive-connectors/*", HTTP_PATCH, admin_patch_receive_connector},
    {"/v1/receive-connectors/*", HTTP_DELETE, admin_remove_receive_connector},
    {"/v1/send-connectors", HTTP_GET, admin_list_send_connectors},
    {"/v1/send-connectors", HTTP_POST, admin_add_send_connector},
    {"/v1/send-connectors/*", HTTP_GET, admin_get_send_connector},
    {"/v1/send-connectors/*", HTTP_PATCH, admin_patch_send_connector},
    {"/v1/send-connectors/*", HTTP_DELETE, admin_remove_send_connector},
    {"/v1/certificates", HTTP_GET, admin_list_certificates},
    {"/v1/certificates", HTTP_POST, admin_import_certificate},
    {"/v1/certificates/self-signed", HTTP_POST, admin_make_certificate},
    {"/v1/certificates/renew", HTTP_POST, admin_renew_certificate},
    {"/v1/certificates/requests", HTTP_GET, admin_list_requests},
    {"/v1/certificates/requests", HTTP_POST, admin_add_request},
    {"/v1/certificates/requests/*", HTTP_GET, admin_get_request},
    {"/v1/certificates/requests/*", HTTP_DELETE, admin_remove_request},
    {"/v1/certificates/*", HTTP_GET, admin_get_certificate},
    {"/v1/certificates/*", HTTP_PATCH, admin_patch_certificate},
    {"/v1/certificates/*", HTTP_DELETE, admin_remove_certificate},
    {"/v1/certificates/*/export", HTTP_GET, admin_export_chain},
    {"/v1/certificates/*/export", HTTP_POST, admin_export_pkcs12},
    {"/v1/explain", HTTP_GET, admin_explain},
    {"/v1/explain", HTTP_POST, admin_explain},
    {"/v1/explain/*", HTTP_GET, admin_explain},
    {"/v1/explain/*", HTTP_POST, admin_explain},
    {"/v1/doctor", HTTP_GET, admin_doctor},
    {"/v1/sentinel", HTTP_POST, admin_look_around},
    {"/v1/queue/messages", HTTP_GET, admin_list_messages},
    {"/v1/queue/messages/*", HTTP_GET, admin_get_message},
    {"/v1/queue/messages/*/content", HTTP_GET, admin_get_content},
    {"/v1/queue/actions", HTTP_POST, admin_act},
    {"/v1/queue/next-hops", HTTP_GET, admin_list_next_hops},
    {"/v1/track", HTTP_GET, admin_find_tracks},
    {"/v1/events", HTTP_GET, admin_find_events},
};

static bool path_matches(struct span pattern, struct span path, struct span *parameters)
{
    size_t stars = 0;
    struct span want, have;
    while (pattern.p && path.p) {
        span_cut(&pattern, '/', &want);
        span_cut(&path, '/', &have);
        if (!span_eq(want, SPAN("*"))) {
            if (!span_eq(want, have))
                return false;
            continue;
        }
        assert(stars < ADMIN_PATH_PARAMETERS);
        if (have.n == 0)
            return false;
        parameters[stars++] = have;
    }
    return !pattern.p && !path.p;
}

/* File mode alone would do for a socket in a private folder; but folders get copied and modes get
 * lost. */
static bool may_ask(const struct http_request *request)
{
    uid_t uid = http_request_uid(request);
    return uid == 0 || uid == geteuid();
}

static void on_request(void *context, struct http_request *request)
{
    struct arena *arena = http_request_arena(request);
    struct admin_call *call = ARENA_NEW(arena, struct admin_call);
    *call = (struct admin_call){.admin = context, .request = request, .arena = arena};
    if (!may_ask(request)) {
        admin_fail(call, 403, "denied", SPAN("only the daemon's user and root may ask"),
                   "run the command as that user or as root");
        return;
    }
    bool path_known = false;
    for (size_t i = 0; i < COUNT_OF(routes); i++) {
        struct span parameters[ADMIN_PATH_PARAMETERS] = {0};
        if (!path_matches(span_of(routes[i].path), http_request_path(request), parameters))
            continue;
        path_known = true;
        if (routes[i].method != http_request_method(request))
            continue;
        memcpy(call->parameters, parameters, sizeof(parameters));
        routes[i].handler(call);
        return;
    }
    if (path_known)
        admin_fail(call, 405, "method-not-allowed", SPAN("this path does not take that method"),
                   NULL);
    else
        admin_failf(call, 404, "no-such-path", "see sealpost(1), or GET /v1/version",
                    "there is no " SPAN_FMT, SPAN_ARG(http_request_path(request)));
}

struct admin *admin_new(struct world *world, struct loop *loop, const char *socket_path,
                        enum err *err)
{
    struct admin *admin = calloc(1, sizeof(*admin));
    if (!admin)
        abort();
    admin->world = world;
    admin->loop = loop;
    list_init(&admin->followers);
    *err = http_server_new(loop, socket_path, 0600, on_request, admin, &admin->server);
    if (*err != OK) {
        free(admin);
        return NULL;
    }
    admin->rates = rates_new(world, loop);
    return admin;
}

void admin_free(struct admin *admin)
{
    if (!admin)
        return;
    admin_end_followers(admin);
    rates_free(admin->rates);
    http_server_free(admin->server);
    free(admin);
}
