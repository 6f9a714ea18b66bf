/* The prompt: lines with history and completion by libedit; without a terminal, plain lines. */
#include <errno.h>
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/shell.h"
#include "cli/shell_cmdlets.h"

enum { HISTORY_LINES = 1000, CHOICES_MAX = 200, CHOICES_SHOWN = 60 };

struct prompt {
    struct shell *s;
    struct buf text; /* the lines of a statement that is not finished */
    EditLine *editor;
    History *history;
    char *history_file; /* NULL: none is kept */
};

/* ---- completion ---- */

struct choices {
    struct span begun;
    struct span items[CHOICES_MAX];
    size_t count;
};

static void offer(struct choices *choices, struct span item)
{
    if (span_istarts(item, choices->begun) && choices->count < CHOICES_MAX)
        choices->items[choices->count++] = item;
}

static bool offer_parameter(void *context, struct span name, int place, bool is_switch)
{
    (void)place, (void)is_switch;
    offer(context, name);
    return true;
}

/* The command that the word at the end belongs to: what follows the last "|", ";" or "(". */
static struct span command_before(struct span line)
{
    size_t at = line.n;
    while (at && !strchr("|;(={", line.p[at - 1]))
        at--;
    struct span rest = span_trim(span_skip(line, at));
    return span_head(rest, span_find(rest, ' '));
}

/* A word that begins with "-" is a parameter, any other one a cmdlet. */
static void gather(struct span line, struct span word, struct choices *choices)
{
    *choices = (struct choices){.begun = word};
    if (word.n && word.p[0] == '-') {
        const struct cmdlet *cmdlet = cmdlet_find(command_before(line));
        choices->begun = span_skip(word, 1);
        if (cmdlet)
            cmdlet_parameters(cmdlet, offer_parameter, choices);
        return;
    }
    for (size_t i = 0; i < cmdlet_count; i++)
        offer(choices, span_of(cmdlets[i].name));
}

static size_t common_length(const struct choices *choices)
{
    size_t n = choices->items[0].n;
    for (size_t i = 1; i < choices->count; i++)
        while (!span_ieq(span_head(choices->items[0], n), span_head(choices->items[i], n)))
            n--;
    return n;
}

static void show_choices(const struct choices *choices)
{
    fputc('\n', stderr);
    for (size_t i = 0; i < choices->count && i < CHOICES_SHOWN; i++)
        fprintf(stderr, SPAN_FMT "\n", SPAN_ARG(choices->items[i]));
}

static unsigned char complete(EditLine *editor, int key)
{
    const LineInfo *info = el_line(editor);
    struct span line = span_make(info->buffer, (size_t)(info->cursor - info->buffer));
    struct choices choices;
    size_t from = line.n;
    (void)key;
    while (from && !strchr(" \t|;(){}=,", line.p[from - 1]))
        from--;
    gather(line, span_skip(line, from), &choices);
    if (choices.count == 0)
        return CC_ERROR;
    struct buf text = BUF_INIT(1024);
    size_t n = common_length(&choices);
    bool longer = n > choices.begun.n;
    buf_add(&text, span_head(choices.items[0], n));
    if (choices.count == 1)
        buf_add_char(&text, ' ');
    if (longer || choices.count == 1) { /* the spelling of what was typed follows the name's */
        el_deletestr(editor, (int)choices.begun.n);
        el_insertstr(editor, buf_text(&text));
    }
    buf_done(&text);
    if (longer || choices.count == 1)
        return CC_REFRESH;
    show_choices(&choices);
    return CC_REDISPLAY;
}

/* ---- history ---- */

/* Lines with a password in them are not kept. */
static bool is_secret(struct span line)
{
    char lower[4096];
    size_t n = line.n < sizeof(lower) ? line.n : sizeof(lower);
    memcpy(lower, line.p, n);
    text_lower_all(lower, n);
    struct span text = span_make(lower, n);
    bool secret = line.n > sizeof(lower) || span_search(text, SPAN("securestring")) < n ||
                  span_search(text, SPAN("password")) < n;
    explicit_bzero(lower, sizeof(lower));
    return secret;
}

static void remember(struct prompt *p, const char *line)
{
    HistEvent event;
    if (!is_secret(span_of(line)) && span_trim(span_of(line)).n)
        history(p->history, &event, H_ENTER, line);
}

static void open_history(struct prompt *p)
{
    HistEvent event;
    const char *home = getenv("HOME");
    p->history = history_init();
    if (!p->history)
        abort();
    history(p->history, &event, H_SETSIZE, HISTORY_LINES);
    history(p->history, &event, H_SETUNIQUE, 1);
    if (!home || !*home)
        return;
    p->history_file =
        arena_text(p->s->arena, arena_printf(p->s->arena, "%s/.sealpost_history", home));
    history(p->history, &event, H_LOAD, p->history_file);
}

static void close_history(struct prompt *p)
{
    HistEvent event;
    if (p->history_file) {
        mode_t mask = umask(077);
        history(p->history, &event, H_SAVE, p->history_file);
        umask(mask);
    }
    history_end(p->history);
}

/* ---- the loop ---- */

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

/* Ctrl-C drops the line that is written, or ends the statement that runs; not the session. */
static void catch_interrupts(struct shell *s)
{
    struct sigaction action = {.sa_handler = interrupt};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    s->interrupted = &interrupted;
}

/* NULL: the input has ended. An interrupted line is empty. */
static const char *read_line(struct prompt *p, int *count)
{
    const char *line = el_gets(p->editor, count);
    if (!line && interrupted) {
        el_reset(p->editor);
        buf_reset(&p->text);
        fputc('\n', stdout);
        *count = 0;
        line = "";
    }
    interrupted = 0;
    return line;
}

static char *show_prompt(EditLine *editor)
{
    static char first[] = "[PS] > ", further[] = ">> ";
    struct prompt *p;
    el_get(editor, EL_CLIENTDATA, &p);
    return p->text.n ? further : first;
}

/* Runs the statement once it is whole; an empty line ends it in any case. */
static void take_line(struct prompt *p, struct span line)
{
    bool ends = span_trim(line).n == 0;
    if (buf_add(&p->text, line) != OK) {
        shell_fail(p->s, NULL, "longer than %d bytes", POWERSHELL_BYTES_MAX);
        buf_reset(&p->text);
        return;
    }
    if (!ends && powershell_is_unfinished(buf_span(&p->text)))
        return;
    shell_execute(p->s, buf_span(&p->text));
    explicit_bzero(p->text.p, p->text.n);
    buf_reset(&p->text);
}

static void edit_lines(struct prompt *p)
{
    int count;
    const char *line;
    p->editor = el_init("sealpost", stdin, stdout, stderr);
    if (!p->editor)
        abort();
    open_history(p);
    el_set(p->editor, EL_CLIENTDATA, p);
    el_set(p->editor, EL_PROMPT, show_prompt);
    el_set(p->editor, EL_EDITOR, "emacs");
    el_set(p->editor, EL_SIGNAL, 1);
    el_set(p->editor, EL_HIST, history, p->history);
    /* the wide form keeps the pointers; the other one would lose its copies */
    el_wset(p->editor, EL_ADDFN, L"sealpost-complete", L"Complete", complete);
    el_set(p->editor, EL_BIND, "\t", "sealpost-complete", NULL);
    catch_interrupts(p->s);
    while (!p->s->leaves && (line = read_line(p, &count)) != NULL) {
        remember(p, line);
        if (count > 0)
            take_line(p, span_make(line, (size_t)count));
    }
    el_end(p->editor);
    close_history(p);
}

static void read_lines(struct prompt *p)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    while (!p->s->leaves && (n = getline(&line, &room, stdin)) > 0)
        take_line(p, span_make(line, (size_t)n));
    if (p->text.n && !p->s->leaves)
        shell_execute(p->s, buf_span(&p->text));
    if (line)
        explicit_bzero(line, room);
    free(line);
}

void shell_interact(struct shell *s)
{
    struct prompt p = {.s = s, .text = BUF_INIT(POWERSHELL_BYTES_MAX)};
    s->interactive = isatty(STDIN_FILENO) == 1;
    if (s->interactive && isatty(STDOUT_FILENO) == 1)
        edit_lines(&p);
    else
        read_lines(&p);
    if (p.text.p)
        explicit_bzero(p.text.p, p.text.cap);
    buf_done(&p.text);
}
