#include "cli/command.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/num.h"
#include "cli/human.h"

struct span command_word(const struct command *c, size_t at)
{
    assert(at < c->options.word_count);
    return span_of(c->options.words[at]);
}

size_t command_word_count(const struct command *c)
{
    return c->options.word_count;
}

int command_flush(struct command *c)
{
    size_t written = 0;
    while (written < c->out.n) {
        ssize_t n = write(STDOUT_FILENO, c->out.p + written, c->out.n - written);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            int failure = errno;
            buf_reset(&c->out);
            c->reader_gone = failure == EPIPE;
            if (c->reader_gone)
                return CLI_DONE;
            return command_refusef(c, NULL, "standard output cannot be written: %s",
                                   strerror(failure));
        }
        written += (size_t)n;
    }
    buf_reset(&c->out);
    return CLI_DONE;
}

void command_print_json(struct command *c, const json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);
    if (!text)
        abort();
    buf_add_text(&c->out, text);
    buf_add_char(&c->out, '\n');
    free(text);
}

static void add_verb(const struct command *c, struct buf *out)
{
    buf_add_text(out, "sealpost");
    if (c->verb || c->verb_name)
        buf_addf(out, " %s", c->verb ? c->verb->name : c->verb_name);
    if (c->verb && c->verb->action)
        buf_addf(out, " %s", c->verb->action);
}

static void complain(struct buf *text)
{
    fwrite(text->p, 1, text->n, stderr);
    buf_done(text);
}

int command_usage(struct command *c, const char *format, ...)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED), raw = BUF_INIT(BUF_UNLIMITED);
    add_verb(c, &text);
    buf_add_text(&text, ": ");
    va_list args;
    va_start(args, format);
    buf_vaddf(&raw, format, args);
    va_end(args);
    clean_add(&text, buf_span(&raw));
    buf_done(&raw);
    buf_add_text(&text, "\n  try: ");
    add_verb(c, &text);
    buf_add_text(&text, " --help\n");
    complain(&text);
    return CLI_USAGE;
}

int command_refuse(struct command *c, struct span what, struct span remedy)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    add_verb(c, &text);
    buf_add_text(&text, ": ");
    clean_add(&text, what);
    buf_add_char(&text, '\n');
    struct span line;
    while (span_cut(&remedy, '\n', &line)) {
        buf_add_text(&text, "  ");
        clean_add(&text, line);
        buf_add_char(&text, '\n');
    }
    complain(&text);
    return CLI_REFUSED;
}

int command_refusef(struct command *c, const char *remedy, const char *format, ...)
{
    struct buf what = BUF_INIT(BUF_UNLIMITED);
    va_list args;
    va_start(args, format);
    buf_vaddf(&what, format, args);
    va_end(args);
    int code = command_refuse(c, buf_span(&what), span_of(remedy));
    buf_done(&what);
    return code;
}

static enum err read_all(int fd, size_t max, struct buf *content)
{
    for (;;) {
        char piece[16384];
        ssize_t n = read(fd, piece, sizeof(piece));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        if (n == 0)
            return OK;
        if (content->n + (size_t)n > max)
            return ERR_LIMIT;
        buf_add(content, span_make(piece, (size_t)n));
    }
}

enum err command_read_file(struct command *c, struct span path, size_t max, struct buf *content)
{
    bool from_stdin = span_eq(path, SPAN("-"));
    const char *name = arena_text(&c->arena, path);
    int fd = from_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    enum err err = fd < 0 ? ERR_IO : read_all(fd, max, content);
    int failure = errno;
    if (fd >= 0 && !from_stdin)
        close(fd);
    if (err == ERR_LIMIT)
        command_refusef(c, NULL, "%s is larger than %zu bytes, the most that is read", name, max);
    else if (err != OK)
        command_refusef(c, NULL, "%s cannot be read: %s", name, strerror(failure));
    return err;
}

enum err command_moment(struct command *c, const char *option, int64_t *ms)
{
    struct span text = options_text(&c->options, option);
    if (!options_has(&c->options, option) || human_parse_moment(text, c->now_ms, ms) == OK)
        return OK;
    command_usage(c,
                  "--%s " SPAN_FMT " is neither a duration (30m, 2h, 3d) nor a time (2026-11-22, "
                  "2026-11-22T18:00:00Z)",
                  option, SPAN_ARG(text));
    return ERR_SYNTAX;
}

enum err command_count(struct command *c, const char *option, uint64_t max, uint64_t *count)
{
    struct span text = options_text(&c->options, option);
    if (!options_has(&c->options, option) || num_parse(text, max, count) == OK)
        return OK;
    command_usage(c, "--%s " SPAN_FMT " is no number from 0 to %llu", option, SPAN_ARG(text),
                  (unsigned long long)max);
    return ERR_SYNTAX;
}

void command_say(struct command *c, enum style style, struct span text)
{
    struct buf clean = BUF_INIT(BUF_UNLIMITED);
    clean_add(&clean, text);
    terminal_add(&c->out, &c->terminal, style, buf_span(&clean));
    buf_add_char(&c->out, '\n');
    buf_done(&clean);
}

void command_sayf(struct command *c, const char *format, ...)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    va_list args;
    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    command_say(c, STYLE_PLAIN, buf_span(&text));
    buf_done(&text);
}
