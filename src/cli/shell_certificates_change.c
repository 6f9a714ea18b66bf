/* Import-, Export-, Enable- and Remove-ExchangeCertificate. */
#include "base/encode.h"
#include "base/text.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/passphrase.h"
#include "cli/shell_change.h"
#include "cli/shell_objects.h"
#include "cli/shell_parts.h"

static void set_text(json_t *body, const char *key, struct span text)
{
    json_object_set_new(body, key, json_stringn_nocheck(text.n ? text.p : "", text.n));
}

/* ---- shared ---- */

bool certificates_services(struct cmdlet_call *call, json_t *body, const char *key)
{
    static const char here[] = "services here: SMTP, IIS, Client, Edge";
    struct shell *s = call->s;
    struct shell_value *given = cmdlet_get(call, "Services");
    struct span rest = given ? shell_text_of(s->arena, given) : SPAN_NONE, word;
    char *text = arena_text(s->arena, rest);
    json_t *array = json_array();
    for (char *p = text; *p; p++)
        if (*p == ',')
            *p = ' ';
    rest = span_of(text);
    json_object_set_new(body, key, array);
    while (span_cut(&rest, ' ', &word)) {
        const char *name = objects_service_here(word);
        if (name)
            json_array_append_new(array, json_string(name));
        else if (word.n && !span_ieq(word, SPAN("None")))
            return shell_fail(s, here, "Sealpost has no " SPAN_FMT " service", SPAN_ARG(word));
    }
    return true;
}

void certificates_exportable(const struct cmdlet_call *call)
{
    const struct shell_value *wanted = cmdlet_get(call, "PrivateKeyExportable");
    if (wanted && !shell_is_true(wanted))
        shell_warn(call->s, "-PrivateKeyExportable $false: here root can always export a key, with "
                            "a passphrase; keys lie in the data folder, readable by the daemon "
                            "only.");
}

/* The certificate, or pending request, that is meant: its whole thumbprint or id. */
static bool find(struct cmdlet_call *call, struct span *found, bool *is_request)
{
    struct shell *s = call->s;
    struct cmdlet_call get = *call;
    struct shell_list out = {0};
    if (!cmdlet_get(call, "Thumbprint") && !cmdlet_get(call, "Identity") && !call->item)
        return shell_fail(s, NULL, "say which certificate: -Thumbprint ...");
    get.out = &out;
    if (!cmdlet_get_certificate(&get))
        return false;
    if (out.count != 1)
        return shell_fail(s, "give more of its digits", "%zu certificates are meant by this",
                          out.count);
    const struct shell_value *status = shell_get(out.items[0], SPAN("Status"));
    *is_request = status && span_eq(status->text, SPAN("PendingRequest"));
    *found = shell_get(out.items[0], SPAN("Thumbprint"))->text;
    char *lower = arena_text(s->arena, *found);
    text_lower_all(lower, found->n);
    *found = span_make(lower, found->n);
    return true;
}

static void target_of(struct buf *target, struct span thumbprint, bool is_request)
{
    client_target(target, is_request ? "/v1/certificates/requests" : "/v1/certificates");
    client_add_part(target, thumbprint);
}

/* ---- Import ---- */

static struct span file_data(struct cmdlet_call *call)
{
    struct shell_value *data = cmdlet_get(call, "FileData");
    if (!data && cmdlet_get(call, "FileName")) {
        data = shell_read_bytes(call->s, cmdlet_text(call, "FileName"));
        if (!data)
            return SPAN_NONE;
    }
    struct span bytes = !data                       ? SPAN_NONE
                        : data->kind == SHELL_BYTES ? buf_span(data->held)
                                                    : shell_text_of(call->s->arena, data);
    if (bytes.n == 0)
        shell_fail(call->s, NULL,
                   "name what to import: -FileData ([System.IO.File]::ReadAllBytes('FILE'))");
    return bytes;
}

static bool password(struct cmdlet_call *call, struct span *text)
{
    const struct shell_value *given = cmdlet_get(call, "Password");
    if (given && given->kind != SHELL_SECRET)
        return shell_fail(call->s,
                          "(ConvertTo-SecureString -String '...' -AsPlainText -Force), or "
                          "(Read-Host -AsSecureString)",
                          "-Password is a SecureString");
    *text = given ? buf_span(given->held) : SPAN_NONE;
    return true;
}

bool cmdlet_import_certificate(struct cmdlet_call *call)
{
    struct buf target, encoded = BUF_INIT(BUF_UNLIMITED);
    json_t *answer = NULL;
    struct span secret = SPAN_NONE, bytes = file_data(call);
    if (bytes.n == 0 || !password(call, &secret))
        return false;
    certificates_exportable(call);
    enum cmdlet_go go = cmdlet_go(call, SPAN("the certificate"));
    if (go == CMDLET_NO)
        return !call->s->failed;
    json_t *body = json_object();
    encode_base64(&encoded, bytes);
    set_text(body, "data", buf_span(&encoded));
    passphrase_done(&encoded);
    if (secret.n)
        set_text(body, "passphrase", secret);
    if (cmdlet_get(call, "FriendlyName"))
        set_text(body, "friendly-name", cmdlet_text(call, "FriendlyName"));
    /* As in Exchange, Enable-ExchangeCertificate assigns the services. */
    json_object_set_new(body, "services", json_array());
    client_target(&target, "/v1/certificates");
    change_add_dry_run(&target, go);
    int code = client_send(call->s->c, "POST", &target, body, &answer);
    if (!change_say_plan(call, code, answer, "sealpost cert import FILE --force"))
        return false;
    if (go == CMDLET_YES && shell_server_name(call->s).n)
        cmdlet_put(call, objects_certificate(call->s, answer_of(answer, "certificate")));
    json_decref(answer);
    return !call->s->failed;
}

/* ---- Export ---- */

static bool put_bytes(struct cmdlet_call *call, struct span bytes)
{
    struct shell *s = call->s;
    struct span file = cmdlet_text(call, "FileName");
    if (file.n)
        return shell_write(s, file, bytes, false);
    if (cmdlet_switch(call, "BinaryEncoded")) {
        cmdlet_put(call, shell_hold(s, SHELL_BYTES, bytes));
        return true;
    }
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    encode_base64(&text, bytes);
    cmdlet_put(call, shell_text(s->arena, buf_span(&text)));
    passphrase_done(&text);
    return true;
}

static bool export_request(struct cmdlet_call *call, struct span id)
{
    struct buf target;
    target_of(&target, id, true);
    json_t *answer = objects_get(call->s, &target);
    if (answer)
        cmdlet_put(call, shell_text(call->s->arena, answer_text(answer, "csr")));
    json_decref(answer);
    return answer != NULL;
}

bool cmdlet_export_certificate(struct cmdlet_call *call)
{
    struct shell *s = call->s;
    struct span thumbprint = SPAN_NONE, secret = SPAN_NONE;
    bool is_request = false, good;
    struct buf target, bytes = BUF_INIT(SHELL_FILE_MAX);
    json_t *answer = NULL;
    if (!find(call, &thumbprint, &is_request) || !password(call, &secret))
        return false;
    if (is_request)
        return export_request(call, thumbprint);
    if (secret.n == 0)
        return shell_fail(s,
                          arena_printf(s->arena, "without the key: sealpost cert export " SPAN_FMT,
                                       SPAN_ARG(thumbprint))
                              .p,
                          "an export holds the private key and needs a -Password");
    enum cmdlet_go go = cmdlet_go(call, thumbprint);
    if (go != CMDLET_YES)
        return !s->failed;
    json_t *body = json_object();
    set_text(body, "passphrase", secret);
    target_of(&target, thumbprint, false);
    buf_add_text(&target, "/export");
    int code = client_send(s->c, "POST", &target, body, &answer);
    if (code != CLI_DONE)
        good = shell_failed_with(s, code);
    else if (decode_base64(&bytes, answer_text(answer, "data")) != OK)
        good = shell_fail(s, NULL, "the daemon's answer is no base64");
    else
        good = put_bytes(call, buf_span(&bytes));
    passphrase_done(&bytes);
    json_decref(answer);
    return good;
}

/* ---- Enable, Remove ---- */

bool cmdlet_enable_certificate(struct cmdlet_call *call)
{
    struct shell *s = call->s;
    struct span thumbprint = SPAN_NONE;
    bool is_request = false;
    struct buf target;
    json_t *answer = NULL;
    if (!cmdlet_get(call, "Services"))
        return shell_fail(s, NULL, "say for what: -Services SMTP");
    if (!find(call, &thumbprint, &is_request))
        return false;
    if (is_request)
        return shell_fail(s, "Import-ExchangeCertificate -FileData takes the authority's answer",
                          "this is a request whose certificate has not come yet");
    json_t *body = json_object();
    if (!certificates_services(call, body, "enable")) {
        json_decref(body);
        return false;
    }
    enum cmdlet_go go = cmdlet_go(call, thumbprint);
    if (go == CMDLET_NO) {
        json_decref(body);
        return !s->failed;
    }
    target_of(&target, thumbprint, false);
    change_add_dry_run(&target, go);
    int code = client_send(s->c, "PATCH", &target, body, &answer);
    struct span force =
        arena_printf(s->arena, "sealpost cert enable " SPAN_FMT " --force", SPAN_ARG(thumbprint));
    if (!change_say_plan(call, code, answer, force.p))
        return false;
    json_decref(answer);
    return true;
}

static bool remove_request(struct cmdlet_call *call, struct span id, enum cmdlet_go go)
{
    struct buf target;
    json_t *answer = NULL;
    if (go == CMDLET_DRY_RUN)
        return true;
    target_of(&target, id, true);
    struct request request = {.method = "DELETE", .target = &target};
    int code = client_ask(call->s->c, &request, &answer);
    buf_done(&target);
    json_decref(answer);
    return code == CLI_DONE || shell_failed_with(call->s, code);
}

bool cmdlet_remove_certificate(struct cmdlet_call *call)
{
    struct shell *s = call->s;
    struct span thumbprint = SPAN_NONE;
    bool is_request = false;
    struct buf target;
    json_t *answer = NULL;
    if (!find(call, &thumbprint, &is_request))
        return false;
    enum cmdlet_go go = cmdlet_go(call, thumbprint);
    if (go == CMDLET_NO)
        return !s->failed;
    if (is_request)
        return remove_request(call, thumbprint, go);
    target_of(&target, thumbprint, false);
    change_add_dry_run(&target, go);
    struct request request = {.method = "DELETE", .target = &target};
    int code = client_ask(s->c, &request, &answer);
    buf_done(&target);
    struct span force =
        arena_printf(s->arena, "sealpost cert remove " SPAN_FMT " --force", SPAN_ARG(thumbprint));
    if (!change_say_plan(call, code, answer, force.p))
        return false;
    json_decref(answer);
    return true;
}
