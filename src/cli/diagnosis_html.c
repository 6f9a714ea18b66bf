#include "cli/diagnosis_html.h"

#include "base/clock.h"
#include "cli/answer.h"

/* Readable on a screen, in the dark, and on paper. */
static const char style[] =
    ":root{--ink:#1c2430;--soft:#5b6675;--page:#fff;--line:#d8dee6;--box:#f5f7f9;--red:#b3261e;"
    "--yellow:#8a6100;--green:#1d6b3a}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e8ee;--soft:#9aa5b3;--page:#14181e;"
    "--line:#313945;--box:#1c222b;--red:#ff8a80;--yellow:#f2c14e;--green:#7bd69a}}"
    "body{font:16px/1.5 "
    "system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:60rem;"
    "margin:2rem auto;padding:0 1rem}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.5rem;"
    "border-top:1px solid var(--line);padding-top:1rem}h3{font-size:1rem;margin-bottom:.3rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;"
    "padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line)}th{color:var(--soft);"
    "font-weight:600}pre{background:var(--box);border:1px solid var(--line);border-radius:4px;"
    "padding:.6rem .8rem;overflow-x:auto;margin:.3rem 0;white-space:pre-wrap;"
    "overflow-wrap:anywhere}code{overflow-wrap:anywhere}.red{color:var(--red)}"
    ".yellow{color:var(--yellow)}.green{color:var(--green)}.soft{color:var(--soft)}"
    "ol>li{margin-bottom:.8rem}@media print{h2{break-after:avoid}li{break-inside:avoid}}";

static void escape(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.n; i++)
        switch (text.p[i]) {
        case '<': buf_add_text(out, "&lt;"); break;
        case '>': buf_add_text(out, "&gt;"); break;
        case '&': buf_add_text(out, "&amp;"); break;
        case '"': buf_add_text(out, "&quot;"); break;
        default: buf_add_char(out, text.p[i]);
        }
}

static void element(struct buf *out, const char *tag, struct span text)
{
    if (text.n == 0)
        return;
    buf_addf(out, "<%s>", tag);
    escape(out, text);
    buf_addf(out, "</%.*s>\n", (int)strcspn(tag, " "), tag);
}

static void labelled(struct buf *out, const char *label, struct span text)
{
    if (text.n == 0)
        return;
    buf_addf(out, "<h3>%s</h3>\n", label);
    element(out, "p", text);
}

/* One of three words; anything else must not become a class name. */
static const char *severity_class(const json_t *finding)
{
    struct span severity = answer_text(finding, "severity");
    if (span_eq(severity, SPAN("red")))
        return "red";
    return span_eq(severity, SPAN("yellow")) ? "yellow" : "green";
}

static void add_title(struct buf *out, const json_t *finding)
{
    struct span fault = answer_text(finding, "fault");
    escape(out, fault);
    buf_add_text(out, fault.n ? " " : "");
    escape(out, answer_text(finding, "name"));
}

static void add_summary(struct buf *out, const json_t *diagnosis)
{
    const json_t *finding;
    size_t i;
    if (answer_count(diagnosis, "findings") == 0) {
        buf_add_text(out, "<p class=\"green\">No fault is visible in what was read.</p>\n");
        return;
    }
    buf_add_text(
        out, "<table><tr><th>#</th><th>Fault</th><th>Where</th><th>Level</th><th>Sure</th></tr>\n");
    json_array_foreach(answer_of(diagnosis, "findings"), i, finding)
    {
        buf_addf(out, "<tr><td>%zu</td><td><a href=\"#finding-%zu\">", i + 1, i + 1);
        add_title(out, finding);
        buf_add_text(out, "</a></td>");
        element(out, "td", answer_text(finding, "subject"));
        buf_addf(out, "<td class=\"%s\">%s</td>", severity_class(finding), severity_class(finding));
        element(out, "td", answer_text(finding, "certainty"));
        buf_add_text(out, "</tr>\n");
    }
    buf_add_text(out, "</table>\n");
}

static void add_evidence(struct buf *out, const json_t *finding)
{
    const json_t *evidence;
    size_t i;
    if (answer_count(finding, "evidence"))
        buf_add_text(out, "<h3>Evidence</h3>\n<table>\n");
    json_array_foreach(answer_of(finding, "evidence"), i, evidence)
    {
        buf_add_text(out, "<tr><td class=\"soft\">");
        escape(out, answer_text(evidence, "file"));
        buf_addf(out, ":%lld</td><td><code>", (long long)answer_number(evidence, "line"));
        escape(out, answer_text(evidence, "quote"));
        buf_add_text(out, "</code></td><td>");
        escape(out, answer_text(evidence, "says"));
        buf_add_text(out, "</td></tr>\n");
    }
    if (answer_count(finding, "evidence"))
        buf_add_text(out, "</table>\n");
}

static void add_steps(struct buf *out, const json_t *finding, const char *key, const char *title,
                      const char *note)
{
    const json_t *step;
    size_t i;
    if (answer_count(finding, key) == 0)
        return;
    buf_addf(out, "<h3>%s</h3>\n<ol>\n", title);
    json_array_foreach(answer_of(finding, key), i, step)
    {
        struct span answer = answer_text(step, "answer");
        buf_add_text(out, "<li>");
        element(out, "pre", answer_text(step, "command"));
        element(out, "span class=\"soft\"", answer_text(step, note));
        if (answer.n) {
            buf_add_text(out, "<br><b>Answer:</b> ");
            escape(out, answer);
        }
        buf_add_text(out, "</li>\n");
    }
    buf_add_text(out, "</ol>\n");
}

static void add_finding(struct buf *out, const json_t *finding, size_t number)
{
    buf_addf(out, "<h2 id=\"finding-%zu\" class=\"%s\">%zu. ", number, severity_class(finding),
             number);
    add_title(out, finding);
    buf_add_text(out, "</h2>\n");
    element(out, "p class=\"soft\"", answer_text(finding, "subject"));
    labelled(out, "Cause", answer_text(finding, "text"));
    add_evidence(out, finding);
    labelled(out, "Consequence", answer_text(finding, "consequence"));
    add_steps(out, finding, "steps", "Remedy, in this order", "why");
    add_steps(out, finding, "verify", "Verify", "expect");
}

static void add_unknown(struct buf *out, const json_t *diagnosis)
{
    const json_t *item;
    size_t i;
    if (answer_count(diagnosis, "unknown"))
        buf_add_text(out, "<h2>Still unknown, and what would tell</h2>\n<ul>\n");
    json_array_foreach(answer_of(diagnosis, "unknown"), i, item)
    {
        buf_add_text(out, "<li>");
        escape(out, answer_text(item, "unknown"));
        element(out, "pre", answer_text(item, "command"));
        buf_add_text(out, "</li>\n");
    }
    if (answer_count(diagnosis, "unknown"))
        buf_add_text(out, "</ul>\n");
}

static void add_selections(struct buf *out, const json_t *diagnosis)
{
    const json_t *choice;
    size_t i;
    if (answer_count(diagnosis, "selections") == 0)
        return;
    buf_add_text(out,
                 "<h2>What Exchange's rules choose</h2>\n<table><tr><th>Connector</th><th>Looks "
                 "for</th><th>Certificate</th></tr>\n");
    json_array_foreach(answer_of(diagnosis, "selections"), i, choice)
    {
        struct span certificate = answer_text(choice, "certificate");
        bool told = !json_is_null(json_object_get(choice, "certain"));
        buf_add_text(out, "<tr><td>");
        escape(out, answer_text(choice, "connector"));
        buf_add_text(out, "</td><td>");
        escape(out, answer_text(choice, "name"));
        buf_add_text(out, "</td><td><code>");
        escape(out, certificate.n ? certificate : told ? SPAN("none") : SPAN("cannot be told"));
        buf_add_text(out, "</code></td></tr>\n");
    }
    buf_add_text(out, "</table>\n");
}

void diagnosis_html_add(struct buf *out, const json_t *diagnosis, int64_t now_ms)
{
    const json_t *finding;
    size_t i;
    buf_addf(out,
             "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta "
             "name=\"viewport\" "
             "content=\"width=device-width\">\n<title>Diagnosis of an Exchange server</title>\n"
             "<style>%s</style></head><body>\n<h1>Diagnosis of an Exchange server</h1>\n<p "
             "class=\"soft\">"
             "Made by sealpost diagnose, ",
             style);
    clock_add_iso(out, now_ms);
    buf_add_text(out, "</p>\n");
    add_summary(out, diagnosis);
    json_array_foreach(answer_of(diagnosis, "findings"), i, finding)
        add_finding(out, finding, i + 1);
    add_selections(out, diagnosis);
    add_unknown(out, diagnosis);
    buf_add_text(out, "</body></html>\n");
}
