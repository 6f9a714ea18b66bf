/* admin_call: one request to the API, from its route to its answer. Handlers live in admin_*.c, one
 * file for each subject; the table of routes is in admin.c. */
#ifndef SERVICE_ADMIN_CALL_H
#define SERVICE_ADMIN_CALL_H

#include <jansson.h>

#include "base/list.h"
#include "conf/document.h"
#include "io/http.h"
#include "mail/ids.h"
#include "present/json.h"
#include "service/admin.h"
#include "service/world.h"

struct rates;

struct admin {
    struct world *world;
    struct loop *loop;
    struct http_server *server;
    struct rates *rates;
    struct list followers; /* of events */
    bool changing;         /* a change of the document or the certificates is under way */
};

enum { ADMIN_PATH_PARAMETERS = 2 };

/* Lives in the request's arena: until the answer. */
struct admin_call {
    struct admin *admin;
    struct http_request *request;
    struct arena *arena;
    struct span parameters[ADMIN_PATH_PARAMETERS]; /* what stood for the stars of the route */
};

typedef void admin_handler_fn(struct admin_call *call);

/* ---- answers: each call gets exactly one ---- */

/* Releases the value. */
void admin_answer(struct admin_call *call, int status, json_t *value);
void admin_fail(struct admin_call *call, int status, const char *code, struct span text,
                const char *remedy);
void admin_failf(struct admin_call *call, int status, const char *code, const char *remedy,
                 const char *format, ...) PRINTF_LIKE(5, 6);
/* For what the store said: 404, 500, 503 ... with `what` as the subject ("message 0192..."). */
void admin_fail_err(struct admin_call *call, enum err err, const char *what);

/* ---- reading requests ---- */

struct span admin_query(struct admin_call *call, const char *name);
/* Each false: the answer (400) was given. Absent parameters leave the output as it is. */
bool admin_query_number(struct admin_call *call, const char *name, uint64_t max,
                        uint64_t *value) MUST_USE;
bool admin_query_time(struct admin_call *call, const char *name, int64_t *ms) MUST_USE;
bool admin_query_switch(struct admin_call *call, const char *name); /* "1" or "true" */
/* The body as a JSON object, to be released; NULL: the answer was given. */
json_t *admin_body(struct admin_call *call);

/* ---- values: present/json.h, and ---- */

json_t *admin_id(struct message_id id);
json_t *admin_problems(const struct problems *problems);

struct event;
json_t *admin_event(const struct event *event);

/* ---- handlers ---- */

admin_handler_fn admin_get_version, admin_get_status;
admin_handler_fn admin_get_config, admin_put_config, admin_diff_config, admin_list_revisions,
    admin_get_revision, admin_restore_revision;
admin_handler_fn admin_list_receive_connectors, admin_get_receive_connector,
    admin_patch_receive_connector, admin_add_receive_connector, admin_remove_receive_connector;
admin_handler_fn admin_list_send_connectors, admin_get_send_connector, admin_patch_send_connector,
    admin_add_send_connector, admin_remove_send_connector;
admin_handler_fn admin_list_certificates, admin_get_certificate, admin_export_chain,
    admin_export_pkcs12;
admin_handler_fn admin_import_certificate, admin_make_certificate, admin_remove_certificate,
    admin_patch_certificate, admin_renew_certificate;
admin_handler_fn admin_list_requests, admin_add_request, admin_get_request, admin_remove_request;
admin_handler_fn admin_explain, admin_doctor, admin_look_around;
admin_handler_fn admin_list_messages, admin_get_message, admin_get_content, admin_act,
    admin_list_next_hops;
admin_handler_fn admin_find_tracks, admin_find_events;

/* Applies a document as the requester's change and answers with its revision, diff and plan, with
 * the problems (422), or with the plan that refuses it (409). `dry-run`, `force` and `if-revision`
 * are query parameters. The YAML is copied. */
void admin_change(struct admin_call *call, struct span yaml, struct span comment);

/* Edits begin from the document in force, so while one change is under way a second would undo it
 * unseen: false, and the answer (409) was given. Ends when the change was applied, or failed. */
bool admin_begin_change(struct admin_call *call) MUST_USE;
void admin_end_change(struct admin *admin);

/* Followers of events: ended with the server. */
void admin_end_followers(struct admin *admin);

struct rates *rates_new(struct world *world, struct loop *loop);
void rates_free(struct rates *rates);

#endif
