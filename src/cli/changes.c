#include "cli/changes.h"

#include "cli/answer.h"
#include "cli/client.h"
#include "cli/connectors.h"

enum { NAME_WIDTH = 12 };

void changes_add_query(struct command *c, struct buf *target)
{
    client_add_query(target, "dry-run",
                     options_has(&c->options, "dry-run") ? SPAN("1") : SPAN_NONE);
    client_add_query(target, "force", options_has(&c->options, "force") ? SPAN("1") : SPAN_NONE);
}

void changes_set_list(struct command *c, json_t *body, const char *key, const char *option)
{
    if (!options_has(&c->options, option))
        return;
    char *text = arena_text(&c->arena, options_text(&c->options, option));
    for (char *p = text; *p; p++)
        if (*p == ',')
            *p = ' ';
    struct span rest = span_of(text), word;
    json_t *array = json_array();
    while (span_cut(&rest, ' ', &word))
        if (word.n)
            json_array_append_new(array, json_stringn(word.p, word.n));
    json_object_set_new(body, key, array);
}

void changes_set_text(struct command *c, json_t *body, const char *key, const char *option)
{
    struct span text = options_text(&c->options, option);
    if (options_has(&c->options, option))
        json_object_set_new(body, key, json_stringn(text.p ? text.p : "", text.n));
}

static void add_certificate(struct buf *out, const json_t *presented)
{
    struct span thumbprint = answer_text(presented, "thumbprint");
    if (thumbprint.n)
        thumbprint_add(out, thumbprint);
    else
        buf_add_text(out, "none");
}

static enum style effect_style(struct span effect)
{
    if (span_eq(effect, SPAN("worse")) || span_eq(effect, SPAN("broken")))
        return STYLE_BAD;
    return span_eq(effect, SPAN("better")) ? STYLE_GOOD : STYLE_PLAIN;
}

/* "  internet     9c41 0aa2 -> 51d7 e0c9  worse: valid, exact -> expires in 3 days, exact" */
static void say_connector(struct command *c, const json_t *connector)
{
    struct span effect = answer_text(connector, "effect"),
                consequence = answer_text(connector, "consequence");
    struct buf line = BUF_INIT(BUF_UNLIMITED);
    struct span name = answer_text(connector, "connector"), text = answer_text(connector, "text");
    add_certificate(&line, answer_of(connector, "before"));
    buf_add_text(&line, " -> ");
    add_certificate(&line, answer_of(connector, "after"));
    buf_addf(&line, "  " SPAN_FMT "%s" SPAN_FMT "%s" SPAN_FMT, SPAN_ARG(effect), text.n ? ": " : "",
             SPAN_ARG(text), consequence.n ? "; " : "", SPAN_ARG(consequence));
    buf_add_text(&c->out, "  ");
    size_t before = c->out.n;
    clean_add(&c->out, name);
    size_t width = c->out.n - before;
    buf_addf(&c->out, "%*s", width < NAME_WIDTH ? (int)(NAME_WIDTH - width) : 1, "");
    command_say(c, effect_style(effect), buf_span(&line));
    buf_done(&line);
}

void plan_say(struct command *c, const json_t *plan)
{
    static const char *const kinds[] = {"connectors", "send-connectors"};
    const json_t *connector;
    size_t i;
    for (size_t kind = 0; kind < COUNT_OF(kinds); kind++)
        json_array_foreach(answer_of(plan, kinds[kind]), i, connector)
        {
            if (!span_eq(answer_text(connector, "effect"), SPAN("same")))
                say_connector(c, connector);
        }
}

int changes_refuse(struct command *c, const json_t *answer)
{
    const json_t *error = answer_of(answer, "error");
    struct span remedy = answer_text(error, "remedy");
    command_say(c, STYLE_BAD, SPAN("refused:"));
    plan_say(c, answer_of(answer, "plan"));
    command_flush(c); /* what follows goes to standard error, and is to stand below */
    return command_refuse(c, answer_text(error, "text"),
                          arena_printf(&c->arena, SPAN_FMT "%sor do it all the same: --force",
                                       SPAN_ARG(remedy), remedy.n ? "\n" : ""));
}

int changes_say(struct command *c, int code, json_t *answer, const char *done)
{
    if (answer && c->json) {
        command_print_json(c, answer);
    } else if (answer && code != CLI_DONE) {
        code = changes_refuse(c, answer);
    } else if (code == CLI_DONE) {
        const json_t *plan = answer_of(answer, "plan");
        struct span thumbprint = answer_text(answer, "thumbprint");
        plan_say(c, plan);
        if (answer_true(answer, "dry-run"))
            command_sayf(c, answer_true(plan, "refused")
                                ? "this would be refused without --force; nothing was changed"
                                : "nothing was changed (--dry-run)");
        else
            command_sayf(c, "certificate " SPAN_FMT " %s%s", SPAN_ARG(thumbprint), done,
                         answer_true(answer, "forced") ? " (forced, and recorded)" : "");
    }
    json_decref(answer);
    return code;
}
