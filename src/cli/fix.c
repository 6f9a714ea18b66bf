#include "cli/fix.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/answer.h"

enum { FIX_WORDS_MAX = 64, ROOM_FOR_OPTIONS = 3 };

/* One word into `out`; false where a quote does not end. */
static bool take_word(struct span *rest, struct buf *out)
{
    const struct span special = SPAN("\"$`;&|<>()#*?");
    bool quoted = false;
    while (rest->n && (quoted || rest->p[0] != ' ')) {
        char c = rest->p[0];
        *rest = span_skip(*rest, 1);
        if (c == '\'') {
            quoted = !quoted;
        } else if (!quoted && c == '\\' && rest->n) {
            buf_add_char(out, rest->p[0]);
            *rest = span_skip(*rest, 1);
        } else if (!quoted && span_find(special, c) < special.n) {
            return false;
        } else {
            buf_add_char(out, c);
        }
    }
    return !quoted;
}

char **fix_words(struct arena *arena, struct span command, size_t *count)
{
    char **words = ARENA_ARRAY(arena, char *, FIX_WORDS_MAX + ROOM_FOR_OPTIONS);
    size_t n = 0;
    bool good = true;
    command = span_trim(command);
    while (good && command.n && n < FIX_WORDS_MAX) {
        struct buf word = BUF_INIT(BUF_UNLIMITED);
        good = take_word(&command, &word);
        if (good)
            words[n++] = arena_text(arena, buf_span(&word));
        buf_done(&word);
        while (command.n && command.p[0] == ' ')
            command = span_skip(command, 1);
    }
    *count = n;
    return good && n && command.n == 0 ? words : NULL;
}

/* ---- one command ---- */

static int run_self(struct command *c, char **words, size_t count)
{
    static char data_option[] = "--data";
    words[count] = data_option;
    words[count + 1] = arena_text(&c->arena, c->data);
    pid_t child = fork();
    if (child < 0)
        return command_refusef(c, NULL, "no process can be started: %s", strerror(errno));
    if (child == 0) {
        if (c->json) /* standard output is for one value */
            dup2(STDERR_FILENO, STDOUT_FILENO);
        execv("/proc/self/exe", words);
        _exit(CLI_REFUSED);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? CLI_DONE : CLI_REFUSED;
}

static int protect_file(struct command *c, const char *path)
{
    if (chmod(path, 0600) == 0)
        return CLI_DONE;
    return command_refusef(c, NULL, "the mode of %s cannot be changed: %s", path, strerror(errno));
}

static int run_one(struct command *c, struct span line)
{
    size_t count;
    char **words = fix_words(&c->arena, line, &count);
    if (words && strcmp(words[0], "sealpost") == 0)
        return run_self(c, words, count);
    if (words && count == 3 && strcmp(words[0], "chmod") == 0 && strcmp(words[1], "600") == 0)
        return protect_file(c, words[2]);
    return command_refusef(c, NULL, "this has to be done by hand: " SPAN_FMT, SPAN_ARG(line));
}

/* ---- all ---- */

/* The first command of the remedy; the others are alternatives. */
static struct span command_of(const json_t *finding)
{
    struct span remedy = answer_text(finding, "remedy"), line;
    if (!answer_true(finding, "safe-fix") || !span_cut(&remedy, '\n', &line))
        return SPAN_NONE;
    return line;
}

/* Several findings can have one remedy. */
static bool is_first(const json_t *findings, size_t place)
{
    struct span own = command_of(json_array_get(findings, place));
    for (size_t i = 0; i < place; i++)
        if (span_eq(command_of(json_array_get(findings, i)), own))
            return false;
    return own.n > 0;
}

size_t fix_plan_say(struct command *c, const json_t *findings)
{
    size_t fixes = 0;
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        struct span subject = answer_text(finding, "subject"), line = command_of(finding);
        if (!is_first(findings, i))
            continue;
        fixes++;
        if (!c->json)
            command_sayf(c, "will run: " SPAN_FMT "  (" SPAN_FMT ")", SPAN_ARG(line),
                         SPAN_ARG(subject));
    }
    if (fixes == 0 && !c->json)
        command_sayf(c, "nothing can be mended without you");
    return fixes;
}

int fix_apply(struct command *c, const json_t *findings)
{
    int code = CLI_DONE;
    for (size_t i = 0; i < json_array_size(findings); i++)
        if (is_first(findings, i) &&
            run_one(c, command_of(json_array_get(findings, i))) != CLI_DONE)
            code = CLI_REFUSED;
    return code;
}
