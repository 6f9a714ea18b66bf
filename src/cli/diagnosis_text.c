#include "cli/diagnosis_text.h"

#include "cli/answer.h"

enum { INDENT = 4, LABEL_WIDTH = 14 };

static void add_line(struct buf *out, const struct terminal *t, enum style style, const char *label,
                     struct span text)
{
    struct buf head = BUF_INIT(64);
    if (text.n == 0)
        return;
    buf_addf(&head, "  %-*s", LABEL_WIDTH - 2, label);
    terminal_add(out, t, STYLE_FAINT, buf_span(&head));
    wrap_add(out, t, style, text, LABEL_WIDTH, LABEL_WIDTH);
    buf_done(&head);
}

/* Commands stand alone on their lines and are never wrapped: they are there to be pasted. */
static void add_command(struct buf *out, const struct terminal *t, struct span command)
{
    struct span line;
    while (span_cut(&command, '\n', &line)) {
        struct buf clean = BUF_INIT(BUF_UNLIMITED);
        clean_add(&clean, line);
        buf_addf(out, "%*s", INDENT + 2, "");
        terminal_add(out, t, STYLE_BOLD, buf_span(&clean));
        buf_add_char(out, '\n');
        buf_done(&clean);
    }
}

static void add_note(struct buf *out, const struct terminal *t, const char *label, struct span text)
{
    if (text.n == 0)
        return;
    buf_addf(out, "%*s", INDENT + 2, "");
    terminal_add(out, t, STYLE_FAINT, span_of(label));
    wrap_add(out, t, STYLE_FAINT, text, INDENT + 2 + strlen(label), INDENT + 4);
}

static enum style severity_style(struct span severity)
{
    if (span_eq(severity, SPAN("red")))
        return STYLE_BAD;
    return span_eq(severity, SPAN("yellow")) ? STYLE_WARNING : STYLE_GOOD;
}

static void add_evidence(struct buf *out, const struct terminal *t, const json_t *finding)
{
    const json_t *evidence;
    size_t i;
    json_array_foreach(answer_of(finding, "evidence"), i, evidence)
    {
        struct buf text = BUF_INIT(BUF_UNLIMITED);
        struct span says = answer_text(evidence, "says");
        buf_addf(&text, SPAN_FMT ":%lld: " SPAN_FMT, SPAN_ARG(answer_text(evidence, "file")),
                 (long long)answer_number(evidence, "line"),
                 SPAN_ARG(answer_text(evidence, "quote")));
        if (says.n)
            buf_addf(&text, "  [" SPAN_FMT "]", SPAN_ARG(says));
        add_line(out, t, STYLE_PLAIN, i ? "" : "evidence", buf_span(&text));
        buf_done(&text);
    }
}

static void add_steps(struct buf *out, const struct terminal *t, const json_t *finding)
{
    const json_t *step;
    size_t i;
    if (answer_count(finding, "steps"))
        add_line(out, t, STYLE_PLAIN, "remedy",
                 SPAN("in the Exchange Management Shell, in this order:"));
    json_array_foreach(answer_of(finding, "steps"), i, step)
    {
        buf_addf(out, "%*s%zu.\n", INDENT, "", i + 1);
        add_command(out, t, answer_text(step, "command"));
        add_note(out, t, "", answer_text(step, "why"));
        add_note(out, t, "answer ", answer_text(step, "answer"));
    }
    if (answer_count(finding, "verify"))
        add_line(out, t, STYLE_PLAIN, "verify", SPAN("then look whether it is mended:"));
    json_array_foreach(answer_of(finding, "verify"), i, step)
    {
        add_command(out, t, answer_text(step, "command"));
        add_note(out, t, "expect ", answer_text(step, "expect"));
    }
}

static void add_finding(struct buf *out, const struct terminal *t, const json_t *finding,
                        size_t number)
{
    struct buf head = BUF_INIT(BUF_UNLIMITED);
    struct span fault = answer_text(finding, "fault"),
                certainty = answer_text(finding, "certainty");
    buf_addf(&head, "%zu. " SPAN_FMT "%s" SPAN_FMT " (" SPAN_FMT "): " SPAN_FMT, number,
             SPAN_ARG(fault), fault.n ? " " : "", SPAN_ARG(answer_text(finding, "name")),
             SPAN_ARG(certainty), SPAN_ARG(answer_text(finding, "subject")));
    wrap_add(out, t, severity_style(answer_text(finding, "severity")), buf_span(&head), 0, INDENT);
    buf_done(&head);
    add_line(out, t, STYLE_PLAIN, "cause", answer_text(finding, "text"));
    add_evidence(out, t, finding);
    add_line(out, t, STYLE_PLAIN, "consequence", answer_text(finding, "consequence"));
    add_steps(out, t, finding);
    buf_add_char(out, '\n');
}

static void add_unknown(struct buf *out, const struct terminal *t, const json_t *diagnosis)
{
    const json_t *item;
    size_t i;
    if (answer_count(diagnosis, "unknown"))
        terminal_add(out, t, STYLE_BOLD, SPAN("Still unknown, and what would tell:\n"));
    json_array_foreach(answer_of(diagnosis, "unknown"), i, item)
    {
        buf_addf(out, "  - ");
        wrap_add(out, t, STYLE_PLAIN, answer_text(item, "unknown"), INDENT, INDENT);
        add_command(out, t, answer_text(item, "command"));
    }
    json_array_foreach(answer_of(diagnosis, "unread"), i, item)
    {
        struct buf text = BUF_INIT(BUF_UNLIMITED);
        buf_addf(&text, SPAN_FMT ":%lld to %lld were not understood: " SPAN_FMT,
                 SPAN_ARG(answer_text(item, "file")), (long long)answer_number(item, "line"),
                 (long long)answer_number(item, "last-line"),
                 SPAN_ARG(answer_text(item, "reason")));
        buf_addf(out, "  - ");
        wrap_add(out, t, STYLE_FAINT, buf_span(&text), INDENT, INDENT);
        buf_done(&text);
    }
}

static void add_selections(struct buf *out, const struct terminal *t, const json_t *diagnosis)
{
    const json_t *choice;
    size_t i;
    if (answer_count(diagnosis, "selections"))
        terminal_add(out, t, STYLE_BOLD, SPAN("What Exchange's rules choose:\n"));
    json_array_foreach(answer_of(diagnosis, "selections"), i, choice)
    {
        struct buf text = BUF_INIT(BUF_UNLIMITED);
        struct span name = answer_text(choice, "name"),
                    certificate = answer_text(choice, "certificate");
        buf_addf(&text, SPAN_FMT, SPAN_ARG(answer_text(choice, "connector")));
        if (name.n)
            buf_addf(&text, ", by " SPAN_FMT, SPAN_ARG(name));
        if (certificate.n)
            buf_addf(&text, ": " SPAN_FMT, SPAN_ARG(certificate));
        else
            buf_add_text(&text, json_is_null(json_object_get(choice, "certain"))
                                    ? ": cannot be told"
                                    : ": none");
        buf_addf(out, "  - ");
        wrap_add(out, t, STYLE_PLAIN, buf_span(&text), INDENT, INDENT);
        buf_done(&text);
    }
    if (answer_count(diagnosis, "selections"))
        buf_add_char(out, '\n');
}

static void add_read(struct buf *out, const struct terminal *t, const json_t *diagnosis)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    const char *key;
    json_t *count;
    json_object_foreach((json_t *)answer_of(diagnosis, "read"), key,
                        count) if (json_integer_value(count))
        buf_addf(&text, "%s%lld %s", text.n ? ", " : "", (long long)json_integer_value(count), key);
    struct buf line = BUF_INIT(BUF_UNLIMITED);
    buf_addf(
        &line, "Read: " SPAN_FMT,
        SPAN_ARG(text.n ? buf_span(&text) : SPAN("nothing that belongs to an Exchange server")));
    wrap_add(out, t, STYLE_FAINT, buf_span(&line), 0, INDENT);
    buf_add_char(out, '\n');
    buf_done(&line);
    buf_done(&text);
}

void diagnosis_add(struct buf *out, const struct terminal *t, const json_t *diagnosis)
{
    const json_t *finding;
    size_t i;
    add_read(out, t, diagnosis);
    json_array_foreach(answer_of(diagnosis, "findings"), i, finding)
        add_finding(out, t, finding, i + 1);
    if (answer_count(diagnosis, "findings") == 0) {
        terminal_add(out, t, STYLE_GOOD, SPAN("No fault is visible in what was read.\n\n"));
    }
    add_selections(out, t, diagnosis);
    add_unknown(out, t, diagnosis);
}
