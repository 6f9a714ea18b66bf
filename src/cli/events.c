/* events: what the daemon noticed. */
#include "cli/events.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/human.h"
#include "cli/verbs.h"

enum { EVENTS_USUAL = 50, EVENTS_MAX = 10000, LINE_MAX_BYTES = 1024 * 1024, LEVEL_WIDTH = 9 };

enum style level_style(struct span level)
{
    if (span_eq(level, SPAN("error")))
        return STYLE_BAD;
    return span_eq(level, SPAN("warning")) ? STYLE_WARNING : STYLE_PLAIN;
}

static void say_part(struct command *c, const char *name, struct span text)
{
    if (text.n == 0)
        return;
    buf_addf(&c->out, "    %s: ", name);
    clean_add(&c->out, text);
    buf_add_char(&c->out, '\n');
}

/* Each command on a line of its own, to be pasted. */
static void say_remedy(struct command *c, struct span remedy)
{
    struct span line;
    for (bool first = true; span_cut(&remedy, '\n', &line); first = false)
        say_part(c, first ? "remedy" : "or", line);
}

static void say_event(struct command *c, const json_t *event)
{
    struct buf *out = &c->out;
    struct span level = answer_text(event, "level");
    human_add_time(out, answer_time(event, "time"));
    buf_add_text(out, "  ");
    terminal_add(out, &c->terminal, level_style(level), level);
    buf_addf(out, "%*s%lld ", level.n < LEVEL_WIDTH ? (int)(LEVEL_WIDTH - level.n) : 1, "",
             (long long)answer_number(event, "id"));
    clean_add(out, answer_text(event, "name"));
    buf_add_text(out, "  ");
    clean_add(out, answer_text(event, "subject"));
    buf_add_text(out, ": ");
    clean_add(out, answer_text(event, "text"));
    buf_add_char(out, '\n');
    say_part(c, "consequence", answer_text(event, "consequence"));
    say_remedy(c, answer_text(event, "remedy"));
}

static bool read_options(struct command *c, struct buf *target)
{
    static const char *const levels[] = {"debug", "info", "warning", "error"};
    struct span level = options_text(&c->options, "level");
    uint64_t limit = EVENTS_USUAL, after = 0;
    bool known = !options_has(&c->options, "level");
    for (size_t i = 0; i < COUNT_OF(levels); i++)
        known = known || span_eq(level, span_of(levels[i]));
    if (!known)
        command_usage(c, "--level is debug, info, warning or error, not " SPAN_FMT,
                      SPAN_ARG(level));
    if (!known || command_count(c, "limit", EVENTS_MAX, &limit) != OK ||
        command_count(c, "after", INT64_MAX, &after) != OK)
        return false;
    client_add_query(target, "level", level);
    client_add_query(target, "after", options_text(&c->options, "after"));
    client_add_query(
        target, "limit",
        arena_printf(&c->arena, "%llu", (unsigned long long)(limit ? limit : EVENTS_MAX)));
    return true;
}

/* ---- following ---- */

struct following {
    struct command *command;
    struct buf line;
};

static bool take_line(struct following *f, struct span line)
{
    struct command *c = f->command;
    line = span_trim(line);
    if (line.n == 0) /* the daemon's sign of life */
        return true;
    json_t *event = json_loadb(line.p, line.n, JSON_ALLOW_NUL, NULL);
    if (c->json) {
        buf_add(&c->out, line);
        buf_add_char(&c->out, '\n');
    } else if (event) {
        say_event(c, event);
    }
    json_decref(event);
    return command_flush(c) == CLI_DONE && !c->reader_gone;
}

static bool take_piece(void *context, struct span piece)
{
    struct following *f = context;
    if (buf_add(&f->line, piece) != OK)
        return false;
    for (;;) {
        struct span have = buf_span(&f->line);
        size_t end = span_find(have, '\n');
        if (end == have.n)
            return true;
        bool go_on = take_line(f, span_head(have, end));
        buf_consume(&f->line, end + 1);
        if (!go_on)
            return false;
    }
}

static int follow(struct command *c, struct buf *target)
{
    struct following f = {.command = c, .line = BUF_INIT(LINE_MAX_BYTES)};
    client_add_query(target, "follow", SPAN("1"));
    int code = client_stream(c, target, take_piece, &f);
    buf_done(&f.line);
    return code;
}

int run_events(struct command *c)
{
    struct buf target;
    json_t *answer = NULL;
    const json_t *event;
    size_t i;
    client_target(&target, "/v1/events");
    if (!read_options(c, &target)) {
        buf_done(&target);
        return CLI_USAGE;
    }
    if (options_has(&c->options, "follow"))
        return follow(c, &target);
    int code = client_get(c, &target, &answer);
    if (code == CLI_DONE && c->json) {
        command_print_json(c, answer);
    } else if (code == CLI_DONE) {
        json_array_foreach(answer_of(answer, "events"), i, event) say_event(c, event);
        if (answer_count(answer, "events") == 0)
            command_sayf(c, "no event matches");
    }
    json_decref(answer);
    return code;
}
