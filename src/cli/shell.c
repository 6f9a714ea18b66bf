#include "cli/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/passphrase.h"
#include "cli/shell_format.h"
#include "cli/verbs.h"

/* ---- messages ---- */

static void add_place(struct shell *s, struct buf *text)
{
    if (s->source.n)
        buf_addf(text, SPAN_FMT ": ", SPAN_ARG(s->source));
    if (!s->at)
        return;
    if (s->source.n || s->at->line > 1)
        buf_addf(text, "line %u, column %u: ", s->at->line, s->at->column);
    buf_addf(text, SPAN_FMT ": ", SPAN_ARG(s->at->text));
}

bool shell_fail(struct shell *s, const char *remedy, const char *format, ...)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    va_list args;
    if (s->failed)
        return false;
    add_place(s, &text);
    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    command_flush(s->c); /* what was printed before stands above */
    command_refuse(s->c, buf_span(&text), span_of(remedy));
    buf_done(&text);
    return shell_failed_with(s, CLI_REFUSED);
}

bool shell_failed_with(struct shell *s, int code)
{
    s->failed = true;
    s->code = code == CLI_UNREACHABLE ? code : CLI_REFUSED;
    return false;
}

void shell_warn(struct shell *s, const char *format, ...)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED), clean = BUF_INIT(BUF_UNLIMITED);
    va_list args;
    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    clean_add(&clean, buf_span(&text));
    command_flush(s->c);
    fprintf(stderr, "WARNING: %s\n", buf_text(&clean));
    buf_done(&text);
    buf_done(&clean);
}

struct span shell_server_name(struct shell *s)
{
    if (s->hostname.n == 0) {
        struct buf target;
        json_t *answer = NULL;
        client_target(&target, "/v1/status");
        int code = client_get(s->c, &target, &answer);
        s->hostname = arena_copy(s->arena, answer_text(answer, "hostname"));
        json_decref(answer);
        if (code != CLI_DONE) {
            shell_failed_with(s, code);
            return SPAN_NONE;
        }
    }
    char *name = arena_text(s->arena, span_head(s->hostname, span_find(s->hostname, '.')));
    for (char *p = name; *p; p++)
        *p = text_upper(*p);
    return span_of(name);
}

/* ---- running ---- */

static void keep_results(struct shell *s, const struct shell_list *out)
{
    for (size_t i = 0; i < out->count; i++)
        json_array_append_new(s->results, shell_to_json(out->items[i]));
}

static void run_statement(struct shell *s, const struct powershell_node *statement)
{
    struct shell_list out = {0};
    if (!shell_run(s, statement, &out))
        return;
    if (s->results)
        keep_results(s, &out);
    else
        format_results(s, &out, &s->c->out);
    s->printed += s->c->out.n;
    command_flush(s->c);
    if (s->printed > SHELL_OUTPUT_MAX)
        shell_fail(s, "narrow it with Where-Object or Select-Object -First",
                   "more than %d bytes of output", SHELL_OUTPUT_MAX);
}

void shell_execute(struct shell *s, struct span text)
{
    struct powershell_node *script = NULL;
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    s->steps = s->printed = s->depth = 0;
    s->failed = false;
    s->at = NULL;
    /* the tree refers to the text */
    if (powershell_parse(s->arena, arena_copy(s->arena, text), &script, &why) != OK)
        shell_fail(s, NULL, SPAN_FMT, SPAN_ARG(buf_span(&why)));
    buf_done(&why);
    for (const struct powershell_node *item = script ? script->items : NULL;
         item && !s->failed && !s->leaves && !s->c->reader_gone; item = item->next)
        run_statement(s, item);
    s->at = NULL;
}

void shell_done(struct shell *s)
{
    while (s->held) {
        struct shell_held *next = s->held->next;
        passphrase_done(&s->held->bytes);
        free(s->held);
        s->held = next;
    }
    json_decref(s->results);
    arena_wipe(s->arena);
}

/* A script that another program wrote may begin with a byte order mark. */
static void run_file(struct shell *s, struct span file)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    s->source = file;
    if (command_read_file(s->c, file, POWERSHELL_BYTES_MAX, &text) != OK)
        shell_failed_with(s, CLI_REFUSED);
    else
        shell_execute(s, span_skip(buf_span(&text),
                                   span_starts(buf_span(&text), SPAN("\xEF\xBB\xBF")) ? 3 : 0));
    passphrase_done(&text);
}

int run_shell(struct command *c)
{
    struct arena arena = {0};
    struct shell s = {.c = c, .arena = &arena, .results = c->json ? json_array() : NULL};
    bool command = options_has(&c->options, "command"), file = options_has(&c->options, "file");
    if (command && file) {
        json_decref(s.results);
        return command_usage(c, "-c and -f exclude each other");
    }
    s.can_ask = isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
    if (command)
        shell_execute(&s, options_text(&c->options, "command"));
    else if (file)
        run_file(&s, options_text(&c->options, "file"));
    else
        shell_interact(&s);
    if (s.results)
        command_print_json(c, s.results);
    shell_done(&s);
    return s.interactive ? CLI_DONE : s.code;
}
