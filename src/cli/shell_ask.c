/* -WhatIf, -Confirm, and the question that PowerShell asks before something is removed. */
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/shell_cmdlets.h"

enum { ANSWER_BYTES = 64 };

static bool read_answer(char answer[ANSWER_BYTES])
{
    ssize_t n = read(STDIN_FILENO, answer, ANSWER_BYTES - 1);
    if (n <= 0)
        return false;
    answer[n] = 0;
    return true;
}

/* The default is Yes, as in PowerShell. */
static enum cmdlet_go ask(struct shell *s, const char *cmdlet, struct span target)
{
    struct buf clean = BUF_INIT(BUF_UNLIMITED);
    enum cmdlet_go go = CMDLET_NO;
    bool answered = false;
    clean_add(&clean, target);
    while (!answered) {
        char answer[ANSWER_BYTES];
        command_flush(s->c);
        fprintf(stderr,
                "\nConfirm\nAre you sure you want to perform this action?\n%s on \"%s\".\n"
                "[Y] Yes  [A] Yes to All  [N] No  [L] No to All  [?] Help (default is \"Y\"): ",
                cmdlet, buf_text(&clean));
        if (!read_answer(answer))
            break;
        char letter = text_lower(answer[0] ? answer[0] : '\n');
        answered = letter == '\n' || strchr("yanl", letter);
        s->yes_to_all |= letter == 'a';
        s->no_to_all |= letter == 'l';
        if (letter == '\n' || letter == 'y' || letter == 'a')
            go = CMDLET_YES;
        else if (!answered)
            fprintf(stderr, "Y does it, N leaves it out; A and L answer so to all that follow.\n");
    }
    buf_done(&clean);
    return go;
}

static void say_what_if(struct shell *s, const char *cmdlet, struct span target)
{
    if (s->results)
        json_array_append_new(
            s->results, json_pack("{s:s, s:s%}", "WhatIf", cmdlet, "Target", target.p, target.n));
    else
        command_sayf(s->c, "What if: %s on \"" SPAN_FMT "\".", cmdlet, SPAN_ARG(target));
}

enum cmdlet_go cmdlet_go(const struct cmdlet_call *call, struct span target)
{
    struct shell *s = call->s;
    const struct shell_value *confirm = cmdlet_get(call, "Confirm");
    bool asks = confirm ? shell_is_true(confirm)
                        : (call->cmdlet->flags & CMDLET_ASKS) != 0 && !cmdlet_switch(call, "Force");
    if (cmdlet_switch(call, "WhatIf")) {
        say_what_if(s, call->cmdlet->name, target);
        return CMDLET_DRY_RUN;
    }
    if (!asks || s->yes_to_all)
        return CMDLET_YES;
    if (s->no_to_all)
        return CMDLET_NO;
    if (s->can_ask)
        return ask(s, call->cmdlet->name, target);
    shell_fail(s, "add -Confirm:$false, or -WhatIf to see what it would do",
               "\"" SPAN_FMT "\" needs a confirmation, and there is no terminal to ask",
               SPAN_ARG(target));
    return CMDLET_NO;
}
