/* Renewal on demand. */
#include "policy/diagnose.h"
#include "service/admin_certificates.h"
#include "service/renew.h"

static void on_renewed(void *context, enum err err, struct span why)
{
    struct admin_call *call = context;
    if (err != OK) {
        admin_fail(call, err == ERR_BUSY ? 409 : 502, err == ERR_BUSY ? "busy" : "renewal-failed",
                   why.n ? why : span_of(err_text(err)), "see sealpost events");
        return;
    }
    json_t *value = json_object();
    present_set(value, "renewed", json_true());
    admin_answer(call, 200, value);
}

/* A key that no published TLSA record names is not made without a word: its certificate would be
 * refused. False: the answer was given. */
static bool may_make_key(struct admin_call *call)
{
    struct snapshot *s = snapshot_current(call->admin->world);
    struct findings findings = {.arena = call->arena};
    const struct finding *found = NULL;
    struct view view = admin_view(call, s);
    struct diagnose_facts facts = {.state = view.state, .now_ms = view.now_ms, .dns = view.dns};
    diagnose(&findings, &facts);
    for (size_t i = 0; i < findings.count; i++)
        if (findings.items[i].event == EVENT_TLSA_RENEWAL)
            found = &findings.items[i];
    if (found)
        admin_fail(call, 409, "refused", found->cause, arena_text(call->arena, found->remedy));
    snapshot_release(s);
    return !found;
}

void admin_renew_certificate(struct admin_call *call)
{
    struct renew *renew = call->admin->world->renew;
    if (renew && renew_status(renew).configured) {
        if (admin_query_switch(call, "force") || renew_has_waiting(renew) || may_make_key(call))
            renew_now(renew, on_renewed, call);
    } else {
        admin_fail(call, 409, "not-configured", SPAN("the document names no ACME directory"),
                   "set certificates.acme.directory, or send a request to your authority: sealpost "
                   "cert request");
    }
}
