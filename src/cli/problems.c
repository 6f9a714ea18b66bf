#include "cli/problems.h"

#include "cli/answer.h"
#include "cli/changes.h"

static void say_problem(struct command *c, struct span file, const json_t *problem)
{
    struct buf *out = &c->out;
    bool warning = answer_true(problem, "warning");
    int64_t line = answer_number(problem, "line"), column = answer_number(problem, "column");
    struct span path = answer_text(problem, "path"), remedy = answer_text(problem, "remedy");
    clean_add(out, file);
    if (file.n && line)
        buf_addf(out, ":%lld", (long long)line);
    if (file.n && line && column)
        buf_addf(out, ":%lld", (long long)column);
    buf_add_text(out, file.n ? ": " : "");
    terminal_add(out, &c->terminal, warning ? STYLE_WARNING : STYLE_BAD,
                 warning ? SPAN("warning") : SPAN("error"));
    buf_add_text(out, ": ");
    if (path.n) {
        clean_add(out, path);
        buf_add_text(out, ": ");
    }
    clean_add(out, answer_text(problem, "text"));
    buf_add_char(out, '\n');
    if (remedy.n) {
        buf_add_text(out, "    ");
        clean_add(out, remedy);
        buf_add_char(out, '\n');
    }
}

void problems_say(struct command *c, struct span file, const json_t *problems)
{
    size_t i;
    const json_t *problem;
    json_array_foreach(problems, i, problem) say_problem(c, file, problem);
}

void diff_say(struct command *c, struct span diff)
{
    struct span line;
    while (span_cut(&diff, '\n', &line)) {
        if (line.n == 0)
            continue;
        enum style style = line.p[0] == '+'   ? STYLE_GOOD
                           : line.p[0] == '-' ? STYLE_BAD
                                              : STYLE_PLAIN;
        buf_add_text(&c->out, line.p[0] == ' ' ? "  " : "");
        command_say(c, style, line);
    }
}

static void say_end(struct command *c, const json_t *answer)
{
    long long revision = (long long)answer_number(answer, "revision");
    if (!answer_true(answer, "changed"))
        command_sayf(c, "nothing changes: revision %lld stays in force", revision);
    else if (answer_true(answer_of(answer, "plan"), "refused") && answer_true(answer, "dry-run"))
        command_sayf(c, "this would be refused without --force; nothing was changed");
    else if (answer_true(answer, "dry-run"))
        command_sayf(c, "this would change; nothing was changed (--dry-run)");
    else
        command_sayf(c, "revision %lld is in force%s", revision,
                     answer_true(answer, "forced") ? " (forced, and recorded)" : "");
}

int change_say(struct command *c, struct span file, int code, json_t *answer)
{
    struct span diff = answer_text(answer, "diff");
    if (answer && c->json) {
        command_print_json(c, answer);
    } else if (answer_count(answer, "plan") && code != CLI_DONE) {
        code = changes_refuse(c, answer);
    } else if (answer && code != CLI_DONE) {
        problems_say(c, file, answer_of(answer, "problems"));
        command_refuse(c, answer_text(answer_of(answer, "error"), "text"), SPAN_NONE);
    } else if (code == CLI_DONE) {
        problems_say(c, file, answer_of(answer, "problems"));
        diff_say(c, diff);
        plan_say(c, answer_of(answer, "plan"));
        say_end(c, answer);
    }
    json_decref(answer);
    return code;
}
