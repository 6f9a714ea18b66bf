/* The small cmdlets of PowerShell itself: files, dates, passwords, help. */
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/passphrase.h"
#include "cli/shell_format.h"
#include "cli/shell_parts.h"

/* ---- files ---- */

/* What is written is UTF-8, which ASCII is a part of. */
static bool check_encoding(struct cmdlet_call *call)
{
    struct span encoding = cmdlet_text(call, "Encoding");
    return encoding.n == 0 || span_ieq(encoding, SPAN("ascii")) ||
           span_istarts(encoding, SPAN("utf8")) ||
           shell_fail(call->s, "-Encoding ascii or utf8", "files are written in UTF-8");
}

bool cmdlet_get_content(struct cmdlet_call *call)
{
    struct shell *s = call->s;
    struct span path = cmdlet_text(call, "Path"), line;
    bool bytes = span_ieq(cmdlet_text(call, "Encoding"), SPAN("Byte")) ||
                 cmdlet_switch(call, "AsByteStream");
    double count;
    if (path.n == 0)
        return shell_fail(s, NULL, "name a file");
    if (!cmdlet_number(call, "ReadCount", 0, 0, &count) || (!bytes && !check_encoding(call)))
        return false;
    struct shell_value *content = shell_read_bytes(s, path);
    if (!content)
        return false;
    struct span rest = buf_span(content->held);
    if (bytes || cmdlet_switch(call, "Raw")) {
        cmdlet_put(call, bytes ? content : shell_text(s->arena, rest));
        return true;
    }
    while (span_cut(&rest, '\n', &line)) {
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        if (rest.p || line.n)
            cmdlet_put(call, shell_text(s->arena, line));
    }
    return true;
}

/* Bytes as they are; anything else as it would be shown. */
static bool write_values(struct cmdlet_call *call, struct span path, const struct shell_list *list,
                         bool append)
{
    struct buf out = BUF_INIT(SHELL_OUTPUT_MAX);
    bool good = list->count == 1 && list->items[0]->kind == SHELL_BYTES;
    if (path.n == 0)
        return shell_fail(call->s, NULL, "name a file");
    if (!check_encoding(call))
        return false;
    if (good)
        return shell_write(call->s, path, buf_span(list->items[0]->held), append);
    good =
        format_results(call->s, list, &out) && shell_write(call->s, path, buf_span(&out), append);
    passphrase_done(&out);
    return good;
}

bool cmdlet_set_content(struct cmdlet_call *call)
{
    struct shell_list list = {0};
    struct shell_value *value = cmdlet_get(call, "Value");
    if (value)
        shell_list_spread(call->s->arena, &list, value);
    return write_values(call, cmdlet_text(call, "Path"),
                        value || !call->input ? &list : call->input, false);
}

bool cmdlet_out_file(struct cmdlet_call *call)
{
    static const struct shell_list none = {0};
    unsigned width = call->s->c->terminal.width;
    call->s->c->terminal.width = 0; /* nothing is cut in a file */
    bool good = write_values(call, cmdlet_text(call, "FilePath"), call->input ? call->input : &none,
                             cmdlet_switch(call, "Append"));
    call->s->c->terminal.width = width;
    return good;
}

/* ---- dates and passwords ---- */

bool cmdlet_get_date(struct cmdlet_call *call)
{
    struct shell_value *date = shell_time(call->s->arena, clock_now_ms());
    struct shell_value *format = cmdlet_get(call, "Format");
    struct shell_list arguments = {0};
    if (format) {
        shell_list_add(call->s->arena, &arguments, format);
        date = shell_method(call->s, date, SPAN("ToString"), &arguments);
    }
    if (date)
        cmdlet_put(call, date);
    return date != NULL;
}

bool cmdlet_secure_string(struct cmdlet_call *call)
{
    struct shell_value *text = cmdlet_get(call, "String");
    if (!text || !cmdlet_switch(call, "AsPlainText"))
        return shell_fail(call->s, "ConvertTo-SecureString -String '...' -AsPlainText -Force",
                          "only plain text can be made a SecureString here");
    if (!cmdlet_switch(call, "Force"))
        return shell_fail(call->s, "add -Force, or ask: Read-Host -AsSecureString",
                          "a password in plain text needs -Force");
    cmdlet_put(call, shell_hold(call->s, SHELL_SECRET, shell_text_of(call->s->arena, text)));
    return true;
}

static bool read_line(struct cmdlet_call *call, struct span prompt)
{
    char line[PASSPHRASE_MAX];
    struct buf clean = BUF_INIT(BUF_UNLIMITED);
    clean_add(&clean, prompt);
    command_flush(call->s->c);
    fprintf(stderr, "%s", buf_text(&clean));
    buf_done(&clean);
    ssize_t n = read(STDIN_FILENO, line, sizeof(line));
    if (n <= 0)
        return shell_fail(call->s, NULL, "there is nobody to answer");
    cmdlet_put(call, shell_text(call->s->arena, span_trim(span_make(line, (size_t)n))));
    return true;
}

bool cmdlet_read_host(struct cmdlet_call *call)
{
    struct span prompt = cmdlet_text(call, "Prompt");
    struct buf secret = BUF_INIT(PASSPHRASE_MAX);
    struct span shown =
        arena_printf(call->s->arena, SPAN_FMT "%s", SPAN_ARG(prompt), prompt.n ? ": " : "");
    if (!cmdlet_switch(call, "AsSecureString"))
        return read_line(call, shown);
    bool good = passphrase_ask(shown.p, &secret) == OK;
    if (good)
        cmdlet_put(call, shell_hold(call->s, SHELL_SECRET, buf_span(&secret)));
    else
        shell_fail(call->s, "(ConvertTo-SecureString -String '...' -AsPlainText -Force)",
                   "there is no terminal to ask for it");
    passphrase_done(&secret);
    return good;
}

/* ---- help ---- */

bool cmdlet_get_command(struct cmdlet_call *call)
{
    struct shell *s = call->s;
    struct span pattern = cmdlet_text(call, "Name");
    for (size_t i = 0; i < cmdlet_count; i++) {
        if (pattern.n && !text_glob(pattern, span_of(cmdlets[i].name)))
            continue;
        struct shell_value *object = shell_object(s->arena, "Cmdlet");
        shell_set(s->arena, object, "Name", shell_text(s->arena, span_of(cmdlets[i].name)));
        shell_set(s->arena, object, "Synopsis", shell_text(s->arena, span_of(cmdlets[i].synopsis)));
        cmdlet_put(call, object);
    }
    return true;
}

static bool add_parameter(void *context, struct span name, int place, bool is_switch)
{
    struct buf *text = context;
    buf_addf(text, place >= 0 ? "    [-" SPAN_FMT "]%s\n" : "    -" SPAN_FMT "%s\n", SPAN_ARG(name),
             is_switch ? "" : " <value>");
    return true;
}

bool cmdlet_get_help(struct cmdlet_call *call)
{
    struct shell *s = call->s;
    struct span name = cmdlet_text(call, "Name");
    if (name.n == 0)
        return cmdlet_get_command(call);
    const struct cmdlet *cmdlet = cmdlet_find(name);
    if (!cmdlet)
        return cmdlet_unknown(s, name);
    struct buf text = BUF_INIT(SHELL_TEXT_MAX);
    buf_addf(&text, "\n%s\n    %s\n\nPARAMETERS\n", cmdlet->name, cmdlet->synopsis);
    cmdlet_parameters(cmdlet, add_parameter, &text);
    if (cmdlet->example)
        buf_addf(&text, "\nEXAMPLE\n    %s\n", cmdlet->example);
    buf_add_char(&text, '\n');
    struct shell_value *value = shell_text(s->arena, buf_span(&text));
    value->flag = true; /* our own text: printed as it is */
    buf_done(&text);
    cmdlet_put(call, value);
    return true;
}

bool cmdlet_exit(struct cmdlet_call *call)
{
    call->s->leaves = true;
    return true;
}
