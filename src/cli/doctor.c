/* doctor, sentinel: what is wrong, why, and what helps. */
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/connectors.h"
#include "cli/findings.h"
#include "cli/fix.h"
#include "cli/offline.h"
#include "cli/verbs.h"
#include "present/doctor_json.h"

static void say_findings(struct command *c, const json_t *answer, const char *all_well)
{
    const json_t *finding;
    size_t i;
    json_array_foreach(answer_of(answer, "findings"), i, finding)
        finding_add(&c->out, &c->terminal, finding, true);
    if (answer_count(answer, "findings") == 0)
        command_say(c, STYLE_GOOD, span_of(all_well));
}

static int diagnose_files(struct command *c, json_t **answer)
{
    struct offline o;
    int code = offline_open(c, c->now_ms, &o);
    if (code == CLI_DONE)
        code = offline_needs_document(c, &o);
    if (code == CLI_DONE)
        *answer = doctor_to_json(&o.view, NULL, 0);
    offline_close(&o);
    return code;
}

static int ask(struct command *c, json_t **answer)
{
    struct buf target;
    if (offline_is_wished(c))
        return diagnose_files(c, answer);
    client_target(&target, "/v1/doctor");
    return client_get(c, &target, answer);
}

static bool is_red(const json_t *answer)
{
    return span_eq(answer_text(answer, "health"), SPAN("red"));
}

/* The state after the fixes is what counts. */
static int fix_and_look_again(struct command *c, json_t **answer)
{
    size_t fixes = fix_plan_say(c, answer_of(*answer, "findings"));
    command_flush(c);
    if (fixes == 0)
        return CLI_DONE;
    int code = fix_apply(c, answer_of(*answer, "findings"));
    json_decref(*answer);
    *answer = NULL;
    int asked = ask(c, answer);
    return asked == CLI_DONE ? code : asked;
}

int run_doctor(struct command *c)
{
    json_t *answer = NULL;
    bool fixes = options_has(&c->options, "fix");
    if (fixes && offline_is_wished(c))
        return command_refusef(c, "start the daemon, or run the remedies by hand",
                               "--fix works through the daemon, and none is asked");
    int code = ask(c, &answer);
    if (code == CLI_DONE && fixes)
        code = fix_and_look_again(c, &answer);
    if (answer && c->json)
        command_print_json(c, answer);
    else if (answer)
        say_findings(c, answer, "nothing is wrong");
    if (code == CLI_DONE && is_red(answer))
        code = CLI_REFUSED;
    json_decref(answer);
    return code;
}

/* ---- sentinel ---- */

static void say_listener(struct command *c, const json_t *seen)
{
    struct span connector = answer_text(seen, "connector"), sni = answer_text(seen, "sni"),
                client = answer_text(seen, "client"), error = answer_text(seen, "error");
    bool good = answer_true(seen, "handshake");
    struct buf line = BUF_INIT(BUF_UNLIMITED);
    buf_addf(&line, SPAN_FMT "%s" SPAN_FMT ", client " SPAN_FMT ": ", SPAN_ARG(connector),
             sni.n ? ", SNI " : "", SPAN_ARG(sni), SPAN_ARG(client));
    if (good)
        thumbprint_add(&line, answer_text(seen, "thumbprint"));
    else if (error.n)
        buf_add(&line, error);
    else
        buf_add_text(&line, answer_true(seen, "connected") ? "no STARTTLS" : "no connection");
    command_say(c, good ? STYLE_GOOD : STYLE_WARNING, buf_span(&line));
    buf_done(&line);
}

int run_sentinel(struct command *c)
{
    struct buf target;
    json_t *answer = NULL;
    const json_t *seen;
    size_t i;
    client_target(&target, "/v1/sentinel");
    int code = client_send(c, "POST", &target, NULL, &answer);
    if (code == CLI_DONE && c->json) {
        command_print_json(c, answer);
    } else if (code == CLI_DONE) {
        json_array_foreach(answer_of(answer, "listeners"), i, seen) say_listener(c, seen);
        say_findings(c, answer, "what listens is what was chosen");
    }
    if (code == CLI_DONE && is_red(answer))
        code = CLI_REFUSED;
    json_decref(answer);
    return code;
}
