#include "cli/certificates.h"

#include "cli/answer.h"
#include "cli/client.h"
#include "cli/connectors.h"
#include "cli/human.h"
#include "cli/offline.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "present/certificate_json.h"

/* The issuer's common name: "CN=R11, O=Let's Encrypt" is R11. */
static struct span short_issuer(const json_t *certificate)
{
    struct span issuer = answer_text(certificate, "issuer");
    size_t at = span_search(issuer, SPAN("CN="));
    if (answer_true(certificate, "self-signed"))
        return SPAN("self-signed");
    if (at == issuer.n)
        return issuer;
    struct span name = span_skip(issuer, at + 3);
    return span_head(name, span_find(name, ','));
}

static void add_names(struct buf *out, const json_t *certificate)
{
    const json_t *names = answer_of(certificate, "names");
    size_t count = json_array_size(names);
    if (count == 0) {
        buf_add_text(out, "-");
        return;
    }
    value_add_text(out, json_array_get(names, 0));
    if (count > 1)
        buf_addf(out, " +%zu", count - 1);
    if (answer_true(certificate, "names-from-cn"))
        buf_add_text(out, " (CN only)");
}

static void add_users(struct buf *out, const json_t *certificate)
{
    size_t i;
    const json_t *user;
    json_array_foreach(answer_of(certificate, "used-by"), i, user)
    {
        struct span connector = answer_text(user, "connector");
        buf_addf(out, "%s" SPAN_FMT "%s", i ? ", " : "", SPAN_ARG(connector),
                 answer_true(user, "fallback") ? " (fallback)" : "");
    }
    if (out->n == 0)
        buf_add_text(out, "-");
}

static enum style style_of(struct span status)
{
    if (span_eq(status, SPAN("active")))
        return STYLE_GOOD;
    if (span_eq(status, SPAN("expired")) || span_starts(status, SPAN("key-")))
        return STYLE_BAD;
    bool idle = span_eq(status, SPAN("standby")) || span_eq(status, SPAN("superseded"));
    return idle ? STYLE_FAINT : STYLE_WARNING;
}

static void add_row(struct command *c, struct table *t, const json_t *certificate)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    struct span status = answer_text(certificate, "status");
    int64_t expires = answer_time(certificate, "expires");
    thumbprint_add(&text, answer_text(certificate, "thumbprint"));
    table_add(t, STYLE_BOLD, buf_span(&text));
    buf_reset(&text);
    add_names(&text, certificate);
    table_add(t, STYLE_PLAIN, buf_span(&text));
    table_add(t, STYLE_PLAIN, short_issuer(certificate));
    buf_reset(&text);
    value_add_text(&text, answer_of(certificate, "services"));
    table_add(t, STYLE_PLAIN, text.n ? buf_span(&text) : SPAN("-"));
    buf_reset(&text);
    human_add_when(&text, expires, c->now_ms);
    table_add(t, expires - c->now_ms < 14 * DAY_MS ? STYLE_WARNING : STYLE_PLAIN, buf_span(&text));
    table_add(t, style_of(status), status);
    buf_reset(&text);
    add_users(&text, certificate);
    table_add(t, STYLE_PLAIN, buf_span(&text));
    buf_done(&text);
}

/* A request stands among the certificates, as that is where people look for it. */
static void add_request_row(struct table *t, const json_t *request)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    buf_add_text(&text, "request ");
    thumbprint_add(&text, answer_text(request, "id"));
    table_add(t, STYLE_FAINT, buf_span(&text));
    buf_reset(&text);
    add_names(&text, request);
    table_add(t, STYLE_PLAIN, buf_span(&text));
    buf_done(&text);
    for (size_t i = 0; i < 3; i++)
        table_add(t, STYLE_FAINT, SPAN("-"));
    table_add(t, STYLE_WARNING, answer_text(request, "status"));
    table_add(t, STYLE_FAINT, SPAN("-"));
}

void certificates_say(struct command *c, const json_t *answer)
{
    static const struct column columns[] = {
        {"THUMBPRINT"},
        {"NAMES", .least = 14},
        {"ISSUER", .least = 6, .leave = 1},
        {"SERVICES", .leave = 2},
        {"EXPIRES"},
        {"STATUS"},
        {"USED BY", .least = 8},
    };
    size_t i;
    const json_t *item;
    struct table t;
    table_init(&t, columns, COUNT_OF(columns));
    json_array_foreach(answer_of(answer, "certificates"), i, item) add_row(c, &t, item);
    json_array_foreach(answer_of(answer, "requests"), i, item) add_request_row(&t, item);
    table_print(&t, &c->terminal, 0, &c->out);
    table_done(&t);
    json_array_foreach(answer_of(answer, "faults"), i, item)
    {
        struct span file = answer_text(item, "file"), text = answer_text(item, "text");
        command_say(c, STYLE_WARNING,
                    arena_printf(&c->arena, "unusable: " SPAN_FMT ": " SPAN_FMT, SPAN_ARG(file),
                                 SPAN_ARG(text)));
    }
}

static int get_list(struct command *c, json_t **answer)
{
    struct buf target;
    if (!offline_is_wished(c)) {
        client_target(&target, "/v1/certificates");
        return client_get(c, &target, answer);
    }
    struct offline o;
    int code = offline_open(c, c->now_ms, &o);
    if (code == CLI_DONE)
        *answer = certificates_to_json(&o.view);
    offline_close(&o);
    return code;
}

int run_cert_list(struct command *c)
{
    json_t *answer = NULL;
    int code = get_list(c, &answer);
    if (code == CLI_DONE && c->json)
        command_print_json(c, answer);
    else if (code == CLI_DONE)
        certificates_say(c, answer);
    json_decref(answer);
    return code;
}

/* ---- show ---- */

static void say_verdicts(struct command *c, const json_t *certificate)
{
    size_t i;
    const json_t *verdict;
    json_array_foreach(answer_of(certificate, "verdicts"), i, verdict)
    {
        bool chosen = answer_true(verdict, "chosen");
        struct span connector = answer_text(verdict, "connector"),
                    fqdn = answer_text(verdict, "fqdn");
        struct span reason = answer_text(verdict, "reason"),
                    detail = answer_text(verdict, "detail");
        struct span line = arena_printf(
            &c->arena, "connector " SPAN_FMT " (" SPAN_FMT "): %s" SPAN_FMT "%s" SPAN_FMT "%s",
            SPAN_ARG(connector), SPAN_ARG(fqdn), chosen ? "" : "not chosen, ", SPAN_ARG(reason),
            detail.n ? ": " : "", SPAN_ARG(detail),
            answer_true(verdict, "fallback") ? " (fallback: its names do not cover the connector's)"
                                             : "");
        command_say(c, chosen ? STYLE_GOOD : STYLE_PLAIN, line);
    }
}

static void say_certificate(struct command *c, const json_t *certificate)
{
    json_t *head = json_copy((json_t *)(uintptr_t)certificate);
    struct buf users = BUF_INIT(BUF_UNLIMITED);
    add_users(&users, certificate);
    json_object_del(head, "verdicts");
    json_object_set_new(head, "used-by", json_string(buf_text(&users)));
    fields_say(c, "", head);
    buf_done(&users);
    json_decref(head);
    say_verdicts(c, certificate);
}

static int show_offline(struct command *c, struct span wanted, json_t **answer)
{
    struct offline o;
    size_t at;
    int code = offline_open(c, c->now_ms, &o);
    enum view_lookup lookup = code == CLI_DONE ? view_find(o.set, wanted, &at) : VIEW_UNKNOWN;
    if (code == CLI_DONE && lookup == VIEW_FOUND)
        *answer = certificate_to_json_in_full(&o.view, at);
    else if (code == CLI_DONE)
        code = command_refuse(c, view_lookup_text(&c->arena, lookup, wanted),
                              span_of(view_lookup_remedy(lookup)));
    offline_close(&o);
    return code;
}

int run_cert_show(struct command *c)
{
    struct buf target;
    json_t *answer = NULL;
    int code;
    if (offline_is_wished(c)) {
        code = show_offline(c, command_word(c, 0), &answer);
    } else {
        client_target(&target, "/v1/certificates");
        client_add_part(&target, command_word(c, 0));
        code = client_get(c, &target, &answer);
    }
    if (code == CLI_DONE && c->json)
        command_print_json(c, answer);
    else if (code == CLI_DONE)
        say_certificate(c, answer);
    json_decref(answer);
    return code;
}
