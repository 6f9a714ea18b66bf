#include "cli/shell_change.h"

#include "cli/answer.h"
#include "cli/changes.h"
#include "cli/client.h"
#include "cli/problems.h"

void change_add_dry_run(struct buf *target, enum cmdlet_go go)
{
    client_add_query(target, "dry-run", go == CMDLET_DRY_RUN ? SPAN("1") : SPAN_NONE);
}

static bool refused(struct cmdlet_call *call, const json_t *answer, const char *force)
{
    struct shell *s = call->s;
    const json_t *error = answer_of(answer, "error");
    struct span remedy = answer_text(error, "remedy");
    command_say(s->c, STYLE_BAD, SPAN("refused:"));
    plan_say(s->c, answer_of(answer, "plan"));
    const char *way = arena_printf(s->arena, SPAN_FMT "%sor do it all the same: %s",
                                   SPAN_ARG(remedy), remedy.n ? "\n" : "", force)
                          .p;
    return shell_fail(s, way, SPAN_FMT, SPAN_ARG(answer_text(error, "text")));
}

bool change_say_plan(struct cmdlet_call *call, int code, json_t *answer, const char *force)
{
    struct shell *s = call->s;
    const json_t *plan = answer_of(answer, "plan");
    bool good = code == CLI_DONE;
    if (!good && answer)
        refused(call, answer, force);
    else if (!good)
        shell_failed_with(s, code);
    else if (s->results && answer_true(answer, "dry-run"))
        json_array_append(s->results, answer);
    else if (!s->results)
        plan_say(s->c, plan);
    if (good && !s->results && answer_true(answer, "dry-run"))
        command_sayf(s->c, answer_true(plan, "refused")
                               ? "this would be refused; nothing was changed"
                               : "nothing was changed (-WhatIf)");
    if (!good)
        json_decref(answer);
    return good;
}

bool change_say_document(struct cmdlet_call *call, int code, json_t *answer)
{
    struct shell *s = call->s;
    bool dry = answer_true(answer, "dry-run");
    if (code != CLI_DONE && json_is_object(json_object_get(answer, "plan"))) {
        refused(call, answer,
                "the same by `sealpost receive-connector`, `send-connector` and --force");
    } else if (code != CLI_DONE && answer) {
        problems_say(s->c, SPAN_NONE, answer_of(answer, "problems"));
        shell_fail(s, NULL, SPAN_FMT, SPAN_ARG(answer_text(answer_of(answer, "error"), "text")));
    } else if (code != CLI_DONE) {
        shell_failed_with(s, code);
    } else if (s->results) {
        if (dry)
            json_array_append(s->results, answer);
    } else {
        problems_say(s->c, SPAN_NONE, answer_of(answer, "problems"));
        plan_say(s->c, answer_of(answer, "plan"));
        if (dry) {
            diff_say(s->c, answer_text(answer, "diff"));
            command_sayf(s->c, "nothing was changed (-WhatIf)");
        }
    }
    /* Exchange warns of the same, and for the same reason: a script may have expected a change. */
    if (code == CLI_DONE && !dry && !answer_true(answer, "changed"))
        shell_warn(s, "The command completed successfully but no settings were modified.");
    json_decref(answer);
    return code == CLI_DONE;
}
