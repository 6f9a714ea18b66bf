/* status: the state of everything on one screen. What does not fit gives way to what is wrong. */
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/connectors.h"
#include "cli/findings.h"
#include "cli/human.h"
#include "cli/table.h"
#include "cli/verbs.h"

enum {
    ROWS_FIXED = 7, /* head, two headings, certificates, queue, two of rates */
    LABEL_WIDTH = 14,
    CONNECTORS_LEAST = 2,
};

/* How many lines each part may take, so that all of them fit. */
struct plan {
    size_t receive, send, findings;
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many findings fit into `room` lines; a further line says how many do not. */
static size_t count_findings(const struct command *c, const json_t *findings, size_t *room)
{
    struct buf scratch = BUF_INIT(BUF_UNLIMITED);
    size_t i, shown = 0, count = json_array_size(findings);
    const json_t *finding;
    json_array_foreach(findings, i, finding)
    {
        size_t lines = finding_add(&scratch, &c->terminal, finding, false);
        if (lines + (i + 1 < count) > *room)
            break;
        *room -= lines;
        shown++;
    }
    if (shown < count && *room)
        --*room;
    buf_done(&scratch);
    return shown;
}

static struct plan make_plan(const struct command *c, const json_t *status)
{
    size_t receive = answer_count(status, "receive-connectors"),
           send = answer_count(status, "send-connectors");
    const json_t *findings = answer_of(status, "findings");
    if (c->terminal.height == 0)
        return (struct plan){receive, send, json_array_size(findings)};
    size_t height = c->terminal.height > ROWS_FIXED + 8 ? c->terminal.height : ROWS_FIXED + 8;
    size_t room = height - 1 - ROWS_FIXED; /* the prompt needs a line as well */
    struct plan plan = {least(receive, CONNECTORS_LEAST), least(send, CONNECTORS_LEAST), 0};
    room -= plan.receive + plan.send;
    if (receive > plan.receive)
        room--; /* "and 3 more" */
    if (send > plan.send)
        room--;
    plan.findings = count_findings(c, findings, &room);
    while (room && (plan.receive < receive || plan.send < send)) {
        if (plan.receive < receive && (plan.send == send || plan.receive <= plan.send))
            plan.receive++;
        else
            plan.send++;
        room--;
    }
    return plan;
}

static enum style health_style(struct span health)
{
    if (span_eq(health, SPAN("green")))
        return STYLE_GOOD;
    return span_eq(health, SPAN("yellow")) ? STYLE_WARNING : STYLE_BAD;
}

static void say_head(struct command *c, const json_t *status)
{
    struct buf line = BUF_INIT(BUF_UNLIMITED), up = BUF_INIT(64);
    struct span version = answer_text(status, "version"), host = answer_text(status, "hostname");
    struct span health = answer_text(status, "health");
    human_add_span(&up, answer_time(status, "time") - answer_time(status, "started"));
    buf_addf(&line,
             "sealpost " SPAN_FMT " on " SPAN_FMT ", up " SPAN_FMT ", revision %lld, health ",
             SPAN_ARG(version), SPAN_ARG(host), SPAN_ARG(buf_span(&up)),
             (long long)answer_number(status, "revision"));
    clean_add(&c->out, buf_span(&line));
    buf_add_char(&c->out, ' ');
    command_say(c, health_style(health), health);
    buf_done(&line);
    buf_done(&up);
}

static void say_more(struct command *c, size_t shown, size_t count)
{
    if (shown < count)
        command_say(c, STYLE_FAINT, arena_printf(&c->arena, "and %zu more", count - shown));
}

static void say_receive(struct command *c, const json_t *status, size_t rows)
{
    static const struct column columns[] = {{"RECEIVE", .least = 8},
                                            {"BIND", .least = 10},
                                            {"TLS"},
                                            {"FQDN", .least = 10},
                                            {"CERTIFICATE", .least = 9}};
    const json_t *list = answer_of(status, "receive-connectors"), *connector;
    struct table t;
    size_t i;
    table_init(&t, columns, COUNT_OF(columns));
    json_array_foreach(list, i, connector)
    {
        struct buf presented = BUF_INIT(256), bind = BUF_INIT(BUF_UNLIMITED);
        bool enabled = answer_true(connector, "enabled");
        enum style style = presented_add(&presented, answer_of(connector, "presents"), c->now_ms);
        if (i == rows) {
            buf_done(&presented);
            break;
        }
        value_add_text(&bind, answer_of(connector, "bind"));
        table_add(&t, STYLE_BOLD, answer_text(connector, "name"));
        table_add(&t, STYLE_PLAIN, buf_span(&bind));
        table_add(&t, STYLE_PLAIN, answer_text(connector, "tls"));
        table_add(&t, STYLE_PLAIN, answer_text(connector, "fqdn"));
        table_add(&t, enabled ? style : STYLE_FAINT,
                  enabled ? buf_span(&presented) : SPAN("disabled"));
        buf_done(&presented);
        buf_done(&bind);
    }
    table_print(&t, &c->terminal, 0, &c->out);
    table_done(&t);
    say_more(c, rows, json_array_size(list));
}

static void add_count(struct table *t, const json_t *object, const char *key, enum style style)
{
    long long count = (long long)answer_number(object, key);
    table_addf(t, count ? style : STYLE_PLAIN, "%lld", count);
}

static void say_send(struct command *c, const json_t *status, size_t rows)
{
    static const struct column columns[] = {
        {"SEND", .least = 8},
        {"BY"},
        {"TLS", .least = 8, .leave = 1},
        {"WAITING", .right = true},
        {"IN FLIGHT", .right = true},
        {"CONNECTIONS", .right = true, .leave = 2},
        {"FAILING HOPS", .right = true},
    };
    const json_t *list = answer_of(status, "send-connectors"), *connector;
    struct table t;
    size_t i;
    table_init(&t, columns, COUNT_OF(columns));
    json_array_foreach(list, i, connector)
    {
        if (i == rows)
            break;
        bool enabled = answer_true(connector, "enabled");
        table_add(&t, enabled ? STYLE_BOLD : STYLE_FAINT, answer_text(connector, "name"));
        table_add(&t, STYLE_PLAIN,
                  enabled ? answer_text(connector, "deliver-by") : SPAN("disabled"));
        table_add(&t, STYLE_PLAIN, answer_text(connector, "tls"));
        add_count(&t, connector, "waiting", STYLE_PLAIN);
        add_count(&t, connector, "in-flight", STYLE_GOOD);
        add_count(&t, connector, "connections", STYLE_PLAIN);
        add_count(&t, connector, "failing-next-hops", STYLE_WARNING);
    }
    table_print(&t, &c->terminal, 0, &c->out);
    table_done(&t);
    say_more(c, rows, json_array_size(list));
}

static size_t count_status(const json_t *list, const char *status)
{
    size_t i, count = 0;
    const json_t *certificate;
    json_array_foreach(list, i, certificate) count +=
        span_eq(answer_text(certificate, "status"), span_of(status));
    return count;
}

/* A name before its line, in the width that all of them have. */
static void say_labelled(struct command *c, const char *label, struct span text)
{
    struct buf name = BUF_INIT(64);
    buf_addf(&name, "%-*s", LABEL_WIDTH, label);
    terminal_add(&c->out, &c->terminal, STYLE_FAINT, buf_span(&name));
    struct buf clean = BUF_INIT(BUF_UNLIMITED);
    clean_add(&clean, text);
    clean_add_cut(&c->out, buf_span(&clean),
                  c->terminal.width ? c->terminal.width - name.n : SIZE_MAX);
    buf_add_char(&c->out, '\n');
    buf_done(&clean);
    buf_done(&name);
}

static void say_certificates(struct command *c, const json_t *status)
{
    static const char *const words[] = {
        "active",      "standby",      "superseded", "expired",          "not-yet-valid",
        "key-missing", "key-mismatch", "untrusted",  "chain-incomplete", "weak-signature"};
    const json_t *list = answer_of(status, "certificates");
    struct buf line = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (count_status(list, words[i]))
            buf_addf(&line, "%s%zu %s", line.n ? ", " : "", count_status(list, words[i]), words[i]);
    say_labelled(c, "certificates", line.n ? buf_span(&line) : SPAN("none"));
    buf_done(&line);
}

static void say_queue(struct command *c, const json_t *status)
{
    const json_t *queue = answer_of(status, "queue");
    struct buf line = BUF_INIT(BUF_UNLIMITED);
    struct span pressure = answer_text(queue, "pressure");
    long long messages = (long long)answer_number(queue, "messages");
    long long recipients = (long long)answer_number(queue, "recipients");
    buf_addf(&line, "%lld message%s, %lld recipient%s, ", messages, messages == 1 ? "" : "s",
             recipients, recipients == 1 ? "" : "s");
    human_add_size(&line, (uint64_t)answer_number(queue, "bytes"));
    buf_addf(&line, ", %lld in flight, back pressure " SPAN_FMT,
             (long long)answer_number(queue, "in-flight"), SPAN_ARG(pressure));
    say_labelled(c, "queue", buf_span(&line));
    buf_done(&line);
}

static void say_rates(struct command *c, const json_t *status)
{
    static const struct {
        const char *counter, *word;
    } shown[] = {
        {"messages-accepted", "accepted"}, {"recipients-delivered", "delivered"},
        {"recipients-relayed", "relayed"}, {"recipients-deferred", "deferred"},
        {"recipients-failed", "failed"},
    };
    const json_t *rates = answer_of(status, "per-minute"),
                 *counters = answer_of(status, "counters");
    struct buf now = BUF_INIT(BUF_UNLIMITED), all = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = 0; i < COUNT_OF(shown); i++) {
        buf_addf(&now, "%s%.0f %s", i ? ", " : "",
                 json_number_value(answer_of(rates, shown[i].counter)), shown[i].word);
        buf_addf(&all, "%s%lld %s", i ? ", " : "",
                 (long long)answer_number(counters, shown[i].counter), shown[i].word);
    }
    say_labelled(c, "last minute", buf_span(&now));
    say_labelled(c, "since start", buf_span(&all));
    buf_done(&now);
    buf_done(&all);
}

static void say_status(struct command *c, const json_t *status)
{
    struct plan plan = make_plan(c, status);
    const json_t *findings = answer_of(status, "findings"), *finding;
    size_t i;
    say_head(c, status);
    say_receive(c, status, plan.receive);
    say_send(c, status, plan.send);
    say_certificates(c, status);
    say_queue(c, status);
    say_rates(c, status);
    json_array_foreach(findings, i, finding)
    {
        if (i == plan.findings)
            break;
        finding_add(&c->out, &c->terminal, finding, false);
    }
    if (plan.findings < json_array_size(findings))
        command_say(c, STYLE_WARNING,
                    arena_printf(&c->arena, "and %zu more: sealpost status | less",
                                 json_array_size(findings) - plan.findings));
}

int run_status(struct command *c)
{
    struct buf target;
    json_t *answer = NULL;
    client_target(&target, "/v1/status");
    int code = client_get(c, &target, &answer);
    bool red = span_eq(answer_text(answer, "health"), SPAN("red"));
    if (code == CLI_DONE && c->json)
        command_print_json(c, answer);
    else if (code == CLI_DONE)
        say_status(c, answer);
    json_decref(answer);
    return red ? CLI_REFUSED : code;
}
