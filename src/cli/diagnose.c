/* diagnose: what is wrong with an Exchange server, from whatever its administrator has at hand. No
 * daemon is needed, nothing is changed, and nothing leaves this machine. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cli/answer.h"
#include "cli/data.h"
#include "cli/diagnosis_html.h"
#include "cli/diagnosis_text.h"
#include "cli/verbs.h"
#include "exchange/case.h"
#include "io/probe.h"
#include "policy/diagnose_exchange.h"
#include "present/exchange_json.h"

/* The example is judged on the day on which it happened, 2027-03-02T06:30:00Z. */
static const int64_t example_ms = 1803969000000;

/* ---- what is read ---- */

static int read_text(struct command *c, struct exchange_case *exchange, struct span name,
                     struct span text)
{
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    int code = CLI_DONE;
    if (exchange_case_read(exchange, name, text, &why) != OK)
        code = command_refusef(c, "hand over the part that matters, or split the file",
                               SPAN_FMT ": " SPAN_FMT, SPAN_ARG(name), SPAN_ARG(buf_span(&why)));
    buf_done(&why);
    return code;
}

static int read_input(struct command *c, struct exchange_case *exchange, struct span file)
{
    struct buf content = BUF_INIT(BUF_UNLIMITED);
    struct span name = span_eq(file, SPAN("-")) ? SPAN("(standard input)") : file;
    int code = CLI_REFUSED;
    if (command_read_file(c, file, EXCHANGE_INPUT_MAX, &content) == OK)
        code = read_text(c, exchange, name, buf_span(&content));
    buf_done(&content);
    return code;
}

static int read_wire(struct command *c, struct exchange_case *exchange, struct span target)
{
    struct buf text = BUF_INIT(PROBE_TEXT_MAX), why = BUF_INIT(BUF_UNLIMITED);
    enum err err = probe_smtp(target, &text, &why);
    int code = err == OK || text.n ? read_text(c, exchange, target, buf_span(&text)) : CLI_DONE;
    if (err != OK)
        code = command_refusef(c, "look at the name, the port and the firewall",
                               SPAN_FMT ": " SPAN_FMT, SPAN_ARG(target), SPAN_ARG(buf_span(&why)));
    buf_done(&text);
    buf_done(&why);
    return code;
}

static int read_inputs(struct command *c, struct exchange_case *exchange)
{
    bool example = options_has(&c->options, "example"), wire = options_has(&c->options, "connect");
    int code = CLI_DONE;
    if (example)
        code =
            read_text(c, exchange, SPAN("example.txt"), span_make(data_example, data_example_size));
    for (size_t i = 0; code == CLI_DONE && i < command_word_count(c); i++)
        code = read_input(c, exchange, command_word(c, i));
    if (code == CLI_DONE && wire)
        code = read_wire(c, exchange, options_text(&c->options, "connect"));
    if (code == CLI_DONE && !example && !wire && command_word_count(c) == 0) {
        if (isatty(STDIN_FILENO))
            fputs("Paste what the server printed, then Ctrl-D.\n", stderr);
        code = read_input(c, exchange, SPAN("-"));
    }
    return code;
}

/* ---- what is shown ---- */

static int write_html(struct command *c, const json_t *diagnosis)
{
    struct buf page = BUF_INIT(BUF_UNLIMITED);
    const char *path = arena_text(&c->arena, options_text(&c->options, "html"));
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), code = CLI_DONE;
    diagnosis_html_add(&page, diagnosis, c->now_ms);
    struct span left = buf_span(&page);
    bool good = fd >= 0;
    while (good && left.n) {
        ssize_t written = write(fd, left.p, left.n);
        good = written > 0;
        left = span_skip(left, good ? (size_t)written : 0);
    }
    if (fd >= 0 && close(fd) != 0)
        good = false;
    if (!good)
        code = command_refusef(c, "name a file in a folder that can be written",
                               "%s cannot be written: %s", path, strerror(errno));
    buf_done(&page);
    return code;
}

static void show(struct command *c, const json_t *diagnosis)
{
    if (options_has(&c->options, "example") && !c->json) {
        command_say(c, STYLE_FAINT, SPAN("What the administrator pasted:"));
        buf_add(&c->out, span_make(data_example, data_example_size));
        buf_add_text(&c->out, "\n");
        command_say(c, STYLE_FAINT, SPAN("What sealpost diagnose answers:"));
        buf_add_text(&c->out, "\n");
    }
    if (c->json)
        command_print_json(c, diagnosis);
    else
        diagnosis_add(&c->out, &c->terminal, diagnosis);
}

static json_t *diagnose(struct command *c, struct exchange_case *exchange, int64_t at_ms)
{
    exchange_case_finish(exchange);
    struct exchange_diagnosis diagnosis = diagnose_exchange(&c->arena, exchange, at_ms);
    json_t *value = exchange_diagnosis_to_json(&diagnosis, exchange);
    if (!options_has(&c->options, "redact"))
        return value;
    struct redaction *redaction = redaction_new(exchange);
    json_t *redacted = exchange_redacted(value, redaction);
    redaction_free(redaction);
    json_decref(value);
    return redacted;
}

int run_diagnose(struct command *c)
{
    int64_t at_ms = c->now_ms;
    if (options_has(&c->options, "collector")) {
        buf_add(&c->out, span_make(data_collector, data_collector_size));
        return CLI_DONE;
    }
    if (options_has(&c->options, "example"))
        at_ms = example_ms;
    if (command_moment(c, "at", &at_ms) != OK)
        return CLI_USAGE;
    struct exchange_case *exchange = exchange_case_new();
    int code = read_inputs(c, exchange);
    if (code == CLI_DONE) {
        json_t *value = diagnose(c, exchange, at_ms);
        show(c, value);
        if (options_has(&c->options, "html"))
            code = write_html(c, value);
        if (code == CLI_DONE && span_eq(answer_text(value, "health"), SPAN("red")))
            code = CLI_REFUSED;
        json_decref(value);
    }
    exchange_case_free(exchange);
    return code;
}
