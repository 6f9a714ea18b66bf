/* New-ExchangeCertificate: a self-signed certificate, or a request for an authority. */
#include "base/encode.h"
#include "base/text.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/shell_change.h"
#include "cli/shell_objects.h"
#include "cli/shell_parts.h"

/* ---- the names ---- */

static void add_name(json_t *names, struct span name)
{
    size_t i;
    const json_t *item;
    name = span_trim(name);
    json_array_foreach(names, i, item) if (span_ieq(name, span_of(json_string_value(item)))) return;
    if (name.n)
        json_array_append_new(names, json_stringn_nocheck(name.p, name.n));
}

/* The CN of "C=US, O=Fjord Shipping, CN=mail.example.com". What else stands there is the
 * authority's to decide, and said. */
static void add_subject(struct cmdlet_call *call, json_t *names)
{
    struct span rest = cmdlet_text(call, "SubjectName"), part;
    bool more = false;
    while (span_cut(&rest, ',', &part)) {
        part = span_trim(part);
        if (span_istarts(part, SPAN("CN=")))
            add_name(names, span_skip(part, 3));
        else
            more = more || part.n;
    }
    if (more)
        shell_warn(call->s,
                   "Of -SubjectName only the CN is used; authorities put the rest in themselves.");
}

static void add_domains(struct cmdlet_call *call, json_t *names)
{
    struct shell_list list = {0};
    if (cmdlet_get(call, "DomainName"))
        shell_list_spread(call->s->arena, &list, cmdlet_get(call, "DomainName"));
    for (size_t i = 0; i < list.count; i++) {
        struct span rest = shell_text_of(call->s->arena, list.items[i]), one;
        while (span_cut(&rest, ',', &one))
            add_name(names, one);
    }
}

static void add_accepted(struct cmdlet_call *call, const json_t *document, json_t *names)
{
    size_t i;
    const json_t *item;
    json_array_foreach(answer_of(document, "accepted-domains"), i, item)
    {
        struct span domain = json_is_string(item)
                                 ? span_make(json_string_value(item), json_string_length(item))
                                 : answer_text(item, "domain");
        if (span_starts(domain, SPAN("*.")))
            domain = span_skip(domain, 2);
        if (cmdlet_switch(call, "IncludeAcceptedDomains"))
            add_name(names, domain);
        if (cmdlet_switch(call, "IncludeAutoDiscover"))
            add_name(names,
                     arena_printf(call->s->arena, "autodiscover." SPAN_FMT, SPAN_ARG(domain)));
    }
}

static bool add_included(struct cmdlet_call *call, json_t *names)
{
    struct shell *s = call->s;
    if (cmdlet_switch(call, "IncludeAcceptedDomains") ||
        cmdlet_switch(call, "IncludeAutoDiscover")) {
        json_t *config = objects_get_path(s, "/v1/config");
        if (!config)
            return false;
        add_accepted(call, answer_of(config, "document"), names);
        json_decref(config);
    }
    if (shell_server_name(s).n == 0)
        return false;
    if (cmdlet_switch(call, "IncludeServerFQDN"))
        add_name(names, s->hostname);
    if (cmdlet_switch(call, "IncludeServerNetBIOSName"))
        add_name(names, span_head(s->hostname, span_find(s->hostname, '.')));
    return true;
}

/* Of what comes through the pipeline: its names once more, as for a renewal. */
static void add_item(struct cmdlet_call *call, json_t *names)
{
    const struct shell_value *domains =
        call->item ? shell_get(call->item, SPAN("CertificateDomains")) : NULL;
    for (size_t i = 0; domains && i < domains->list.count; i++)
        add_name(names, domains->list.items[i]->text);
}

static json_t *body_of(struct cmdlet_call *call)
{
    json_t *body = json_object(), *names = json_array();
    json_object_set_new(body, "names", names);
    add_subject(call, names);
    add_domains(call, names);
    if (json_array_size(names) == 0)
        add_item(call, names);
    if (!add_included(call, names)) {
        json_decref(body);
        return NULL;
    }
    if (json_array_size(names) == 0) /* Exchange's default: the server's own names */
        add_name(names, call->s->hostname);
    struct span friendly = cmdlet_text(call, "FriendlyName");
    if (friendly.n)
        json_object_set_new(body, "friendly-name", json_stringn_nocheck(friendly.p, friendly.n));
    return body;
}

/* ---- a request ---- */

static bool put_request(struct cmdlet_call *call, struct span pem)
{
    struct shell *s = call->s;
    struct span file = cmdlet_text(call, "RequestFile"), rest = pem, line;
    struct buf text = BUF_INIT(SHELL_TEXT_MAX), der = BUF_INIT(SHELL_TEXT_MAX);
    while (cmdlet_switch(call, "BinaryEncoded") && span_cut(&rest, '\n', &line))
        if (!span_starts(line, SPAN("-----")))
            buf_add(&text, span_trim(line));
    bool good = decode_base64(&der, buf_span(&text)) == OK;
    struct span form = der.n ? buf_span(&der) : pem;
    if (!good)
        shell_fail(s, NULL, "the daemon's answer is no PEM");
    else if (file.n)
        good = shell_write(s, file, form, false);
    else if (der.n)
        cmdlet_put(call, shell_hold(s, SHELL_BYTES, form));
    else
        cmdlet_put(call, shell_text(s->arena, form));
    buf_done(&text);
    buf_done(&der);
    return good;
}

static bool make_request(struct cmdlet_call *call, json_t *body, enum cmdlet_go go)
{
    static const unsigned sizes[] = {2048, 3072, 4096};
    struct buf target;
    json_t *answer = NULL;
    double bits;
    bool known = false;
    if (!cmdlet_number(call, "KeySize", 65536, sizes[0], &bits)) {
        json_decref(body);
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        known = known || bits == sizes[i];
    if (!known || go == CMDLET_DRY_RUN) {
        json_decref(body);
        return known || shell_fail(call->s, NULL, "-KeySize is 2048, 3072 or 4096");
    }
    struct span key = arena_printf(call->s->arena, "rsa%.0f", bits);
    json_object_set_new(body, "key", json_string(key.p));
    client_target(&target, "/v1/certificates/requests");
    int code = client_send(call->s->c, "POST", &target, body, &answer);
    bool good = code == CLI_DONE ? put_request(call, answer_text(answer, "csr"))
                                 : shell_failed_with(call->s, code);
    json_decref(answer);
    return good;
}

/* ---- self-signed ---- */

static bool make_certificate(struct cmdlet_call *call, json_t *body, enum cmdlet_go go)
{
    enum { EXCHANGE_DAYS = 5 * 365 };
    struct buf target;
    json_t *answer = NULL;
    if (cmdlet_get(call, "KeySize") || cmdlet_get(call, "RequestFile") ||
        (cmdlet_get(call, "Services") && !certificates_services(call, body, "services"))) {
        json_decref(body);
        return shell_fail(call->s, "self-signed certificates have a P-256 key",
                          "-KeySize and -RequestFile belong to -GenerateRequest");
    }
    json_object_set_new(body, "days", json_integer(EXCHANGE_DAYS));
    client_target(&target, "/v1/certificates/self-signed");
    change_add_dry_run(&target, go);
    int code = client_send(call->s->c, "POST", &target, body, &answer);
    if (!change_say_plan(call, code, answer, "sealpost cert new NAME --force"))
        return false;
    if (go == CMDLET_YES)
        cmdlet_put(call, objects_certificate(call->s, answer_of(answer, "certificate")));
    json_decref(answer);
    return true;
}

bool cmdlet_new_certificate(struct cmdlet_call *call)
{
    bool request = cmdlet_switch(call, "GenerateRequest");
    if (request && cmdlet_get(call, "Services"))
        return shell_fail(call->s, "Enable-ExchangeCertificate -Services assigns them to it",
                          "a request has no services yet");
    certificates_exportable(call);
    json_t *body = body_of(call);
    if (!body)
        return false;
    enum cmdlet_go go =
        cmdlet_go(call, request ? SPAN("a request") : SPAN("a self-signed certificate"));
    if (go == CMDLET_NO) {
        json_decref(body);
        return !call->s->failed;
    }
    return request ? make_request(call, body, go) : make_certificate(call, body, go);
}
