/* explain: why a connector presents the certificate it presents. */
#include "cert/bundle.h"
#include "cert/chain.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/connectors.h"
#include "cli/findings.h"
#include "cli/human.h"
#include "cli/offline.h"
#include "cli/passphrase.h"
#include "cli/verbs.h"
#include "io/trust.h"
#include "present/explain_json.h"
#include "present/trial.h"

/* ---- as text ---- */

static void add_names(struct buf *out, const json_t *certificate)
{
    value_add_text(out, answer_of(certificate, "names"));
}

/* "presents 9c41 0aa2, which names a, expires in 41 days" */
static void add_presented(struct buf *line, const json_t *presents, const json_t *answer)
{
    buf_add_text(line, "presents ");
    thumbprint_add(line, answer_text(presents, "thumbprint"));
    buf_add_text(line, ", which names ");
    add_names(line, presents);
    buf_add_text(line, answer_true(presents, "expired") ? ", expired " : ", expires ");
    human_add_when(line, answer_time(presents, "expires"), answer_time(answer, "at"));
}

/* Of a client certificate the names do not count: the next hop knows it, or its issuer. */
static void say_client(struct command *c, const json_t *answer)
{
    const json_t *presents = answer_of(answer, "presents");
    struct span pin = answer_text(answer, "pin");
    bool some = answer_text(presents, "thumbprint").n > 0;
    struct buf line = BUF_INIT(BUF_UNLIMITED);
    buf_addf(&line, "send connector " SPAN_FMT " ", SPAN_ARG(answer_text(answer, "connector")));
    if (some)
        add_presented(&line, presents, answer);
    else
        buf_addf(&line, "presents no client certificate%s",
                 pin.n ? "" : ": its tls-certificate names none");
    if (some)
        buf_add_text(&line, ", to next hops that ask for one");
    bool good = pin.n == 0 || (some && !answer_true(presents, "expired"));
    command_say(c, good ? STYLE_GOOD : STYLE_WARNING, buf_span(&line));
    buf_done(&line);
}

static void say_presented(struct command *c, const json_t *answer)
{
    const json_t *presents = answer_of(answer, "presents");
    bool has_sni = answer_of(answer, "for-sni") != NULL;
    if (has_sni)
        presents = answer_of(answer, "for-sni");
    struct span connector = answer_text(answer, "connector"), fqdn = answer_text(answer, "fqdn");
    struct span sni = answer_text(answer, "sni");
    struct buf line = BUF_INIT(BUF_UNLIMITED);
    bool good = answer_true(presents, "name-covered") && !answer_true(presents, "expired");
    buf_addf(&line, "connector " SPAN_FMT " (" SPAN_FMT ") ", SPAN_ARG(connector), SPAN_ARG(fqdn));
    if (answer_text(presents, "thumbprint").n == 0) {
        buf_add_text(&line, "presents no certificate");
    } else {
        add_presented(&line, presents, answer);
        if (!answer_true(presents, "name-covered"))
            buf_addf(&line, ", because no usable certificate covers " SPAN_FMT, SPAN_ARG(fqdn));
    }
    if (has_sni)
        buf_addf(&line, ", to a client that asks for " SPAN_FMT, SPAN_ARG(sni));
    command_say(c, good ? STYLE_GOOD : STYLE_WARNING, buf_span(&line));
    buf_done(&line);
}

static void say_pin(struct command *c, const json_t *answer)
{
    struct span pin = answer_text(answer, "pin"), state = answer_text(answer, "pin-state");
    struct span other = answer_text(answer, "other-key-type");
    if (pin.n) {
        buf_add_text(&c->out, "    ");
        command_sayf(c, "pinned to " SPAN_FMT ": " SPAN_FMT, SPAN_ARG(pin), SPAN_ARG(state));
    }
    if (other.n) {
        buf_add_text(&c->out, "    ");
        command_sayf(c, "and " SPAN_FMT " to clients that cannot verify that kind of key",
                     SPAN_ARG(span_head(other, 8)));
    }
}

static void say_verdict(struct command *c, const json_t *verdict, bool by_name)
{
    struct span reason = answer_text(verdict, "reason"), detail = answer_text(verdict, "detail");
    bool chosen = answer_true(verdict, "chosen");
    struct buf line = BUF_INIT(BUF_UNLIMITED);
    thumbprint_add(&line, answer_text(verdict, "thumbprint"));
    buf_addf(&line, "  %s" SPAN_FMT "%s" SPAN_FMT, chosen ? "" : "rejected: ", SPAN_ARG(reason),
             detail.n ? ": " : "", SPAN_ARG(detail));
    if (by_name && answer_true(verdict, "fallback"))
        buf_add_text(&line, " (its names do not cover the connector's)");
    buf_add_text(&c->out, "    ");
    command_say(c, chosen ? STYLE_GOOD : STYLE_PLAIN, buf_span(&line));
    buf_done(&line);
}

static void say_change(struct command *c, const json_t *change)
{
    struct span effect = answer_text(change, "effect"), text = answer_text(change, "text"),
                consequence = answer_text(change, "consequence");
    if (effect.n == 0)
        return;
    buf_add_text(&c->out, "    ");
    command_sayf(c, "with this change: " SPAN_FMT "%s" SPAN_FMT "%s" SPAN_FMT, SPAN_ARG(effect),
                 text.n ? ": " : "", SPAN_ARG(text), consequence.n ? "; " : "",
                 SPAN_ARG(consequence));
}

static void say_explanation(struct command *c, const json_t *answer)
{
    const json_t *item;
    size_t i;
    bool send = span_eq(answer_text(answer, "kind"), SPAN("send"));
    bool off = span_eq(answer_text(answer, "tls"), SPAN("off"));
    if (off || !answer_true(answer, "enabled")) {
        command_sayf(c, "%sconnector " SPAN_FMT ": %s, it presents nothing", send ? "send " : "",
                     SPAN_ARG(answer_text(answer, "connector")),
                     off ? "TLS is off on this connector" : "it is disabled");
        return;
    }
    if (send)
        say_client(c, answer);
    else
        say_presented(c, answer);
    say_pin(c, answer);
    say_change(c, answer_of(answer, "change"));
    json_array_foreach(answer_of(answer, "verdicts"), i, item) say_verdict(c, item, !send);
    json_array_foreach(answer_of(answer, "findings"), i, item)
        finding_add(&c->out, &c->terminal, item, true);
}

/* One, or all. */
static void say_answer(struct command *c, const json_t *answer)
{
    const json_t *all = answer_of(answer, "connectors"), *item;
    size_t i;
    if (!all)
        say_explanation(c, answer);
    json_array_foreach(all, i, item)
    {
        if (i)
            buf_add_char(&c->out, '\n');
        say_explanation(c, item);
    }
}

/* ---- asking ---- */

struct question {
    struct span connector; /* empty: all */
    enum explain_kind kind;
    int64_t at_ms;
    struct buf trial; /* the file of --if-imported */
};

static int ask_daemon(struct command *c, const struct question *q, json_t **answer)
{
    struct buf target, at = BUF_INIT(64);
    client_target(&target, "/v1/explain");
    if (q->connector.n)
        client_add_part(&target, q->connector);
    client_add_query(&target, "kind", options_text(&c->options, "kind"));
    client_add_query(&target, "sni", options_text(&c->options, "sni"));
    client_add_query(&target, "if-removed", options_text(&c->options, "if-removed"));
    if (options_has(&c->options, "at"))
        clock_add_iso(&at, q->at_ms);
    client_add_query(&target, "at", buf_span(&at));
    struct request request = {.method = "GET", .target = &target};
    if (q->trial.n)
        request =
            (struct request){"POST", &target, "application/octet-stream", buf_span(&q->trial)};
    int code = client_ask(c, &request, answer);
    buf_done(&target);
    buf_done(&at);
    return code;
}

static int explain_view(struct command *c, const struct view *view, const struct question *q,
                        json_t **answer)
{
    struct certificate *trial = NULL;
    struct buf why = BUF_INIT(4096);
    struct explain explain = {.connector = q->connector,
                              .kind = q->kind,
                              .sni = options_text(&c->options, "sni"),
                              .if_removed = options_text(&c->options, "if-removed")};
    enum err err = OK;
    if (q->trial.n)
        err = trial_read(view->set, buf_span(&q->trial), SPAN_NONE, &trial, &why);
    if (trial) {
        explain.if_imported = trial;
        explain.imported_chain = certificate_chain_state(trial, trust_system_roots());
    }
    if (err == OK)
        err = explain_to_json(view, &explain, answer, &why);
    int code = err == OK ? CLI_DONE : command_refuse(c, buf_span(&why), SPAN_NONE);
    certificate_free(trial);
    buf_done(&why);
    return code;
}

static int ask_files(struct command *c, const struct question *q, json_t **answer)
{
    struct offline o;
    int code = offline_open(c, q->at_ms, &o);
    if (code == CLI_DONE)
        code = offline_needs_document(c, &o);
    if (code == CLI_DONE)
        code = explain_view(c, &o.view, q, answer);
    offline_close(&o);
    return code;
}

int run_explain(struct command *c)
{
    struct question q = {.at_ms = c->now_ms, .trial = BUF_INIT(BUF_UNLIMITED)};
    struct span trial = options_text(&c->options, "if-imported"),
                at = options_text(&c->options, "at");
    json_t *answer = NULL;
    int code = CLI_DONE;
    if (options_has(&c->options, "at") && clock_parse_iso(at, &q.at_ms) != OK)
        return command_usage(c, "--at " SPAN_FMT " is no time: 2027-03-01 or 2027-03-01T12:00:00Z",
                             SPAN_ARG(at));
    if (explain_kind_parse(options_text(&c->options, "kind"), &q.kind) != OK)
        return command_usage(c, "--kind is receive or send");
    if (command_word_count(c) > 0)
        q.connector = command_word(c, 0);
    if (trial.n && command_read_file(c, trial, BUNDLE_MAX, &q.trial) != OK)
        code = CLI_REFUSED;
    if (code == CLI_DONE)
        code = offline_is_wished(c) ? ask_files(c, &q, &answer) : ask_daemon(c, &q, &answer);
    if (code == CLI_DONE && c->json)
        command_print_json(c, answer);
    else if (code == CLI_DONE)
        say_answer(c, answer);
    json_decref(answer);
    passphrase_done(&q.trial); /* it may hold a private key */
    return code;
}
