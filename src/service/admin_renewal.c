/* Renewal on demand. */
#include "service/admin_call.h"
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

void admin_renew_certificate(struct admin_call *call)
{
    struct renew *renew = call->admin->world->renew;
    if (renew && renew_status(renew).configured)
        renew_now(renew, on_renewed, call);
    else
        admin_fail(call, 409, "not-configured", SPAN("the document names no ACME directory"),
                   "set certificates.acme.directory, or send a request to your authority: sealpost "
                   "cert request");
}
