#include "cli/cli.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/verbs.h"

static const char DATA_DEFAULT[] = "/var/lib/sealpost";

/* Names of verbs, or of one verb's actions, without repetition. */
static const char *suggestion(const char *word, const char *verb)
{
    const char *names[64];
    size_t count = 0;
    for (size_t i = 0; i < verb_count && count < COUNT_OF(names); i++)
        if (!verb)
            names[count++] = verbs[i].name;
        else if (strcmp(verbs[i].name, verb) == 0)
            names[count++] = verbs[i].action;
    return options_nearest(word, names, count);
}

static int unknown_verb(struct command *c, const char *word)
{
    const char *near = suggestion(word, NULL);
    if (near)
        return command_usage(c, "there is no verb \"%s\"; did you mean \"%s\"?", word, near);
    return command_usage(c, "there is no verb \"%s\"", word);
}

/* action: NULL: there is none. */
static int wrong_action(struct command *c, const char *name, const char *action)
{
    struct buf actions = BUF_INIT(BUF_UNLIMITED);
    const char *near = action ? suggestion(action, name) : NULL;
    int code;
    c->verb_name = name;
    for (size_t i = 0; i < verb_count; i++)
        if (strcmp(verbs[i].name, name) == 0)
            buf_addf(&actions, "%s%s", actions.n ? ", " : "", verbs[i].action);
    if (near)
        code = command_usage(c, "there is no action \"%s\"; did you mean \"%s\"?", action, near);
    else if (action)
        code =
            command_usage(c, "there is no action \"%s\"; there are %s", action, buf_text(&actions));
    else
        code = command_usage(c, "name an action: %s", buf_text(&actions));
    buf_done(&actions);
    return code;
}

/* Finds the verb and its action in the words; *used says how many arguments were read. */
static int find_verb(struct command *c, char *const *args, size_t count, size_t *used,
                     struct buf *why)
{
    size_t taken = 0;
    const char *name, *action = NULL;
    if (options_parse(&c->options, args, count, true, used, why) != OK)
        return command_usage(c, SPAN_FMT, SPAN_ARG(buf_span(why)));
    if (c->options.word_count == 0)
        return CLI_DONE;
    name = c->options.words[0];
    if (!verb_find(name, NULL))
        return unknown_verb(c, name);
    if (verb_has_actions(name)) {
        if (options_parse(&c->options, args + *used, count - *used, true, &taken, why) != OK)
            return command_usage(c, "name the action of %s first; " SPAN_FMT, name,
                                 SPAN_ARG(buf_span(why)));
        *used += taken;
        action = c->options.word_count > 1 ? c->options.words[1] : NULL;
        if (action ? !verb_find(name, action) : !options_has(&c->options, "help"))
            return wrong_action(c, name, action);
    }
    c->verb = verb_find(name, action);
    return CLI_DONE;
}

static int settle_globals(struct command *c)
{
    static const char *const wishes[] = {"auto", "always", "never"};
    struct span colour = options_text(&c->options, "color");
    const char *data = getenv("SEALPOST_DATA");
    size_t wish = 0;
    while (colour.n && wish < COUNT_OF(wishes) && !span_eq(colour, span_of(wishes[wish])))
        wish++;
    if (wish == COUNT_OF(wishes))
        return command_usage(c, "--color is auto, always or never");
    c->terminal = terminal_of(STDOUT_FILENO, (enum colour_wish)wish);
    c->json = options_has(&c->options, "json");
    c->data = options_text(&c->options, "data");
    if (options_has(&c->options, "data") && c->data.n == 0)
        return command_usage(c, "--data names no folder");
    if (c->data.n == 0)
        c->data = span_of(data && *data ? data : DATA_DEFAULT);
    c->now_ms = clock_now_ms();
    return CLI_DONE;
}

static int run(struct command *c, char *const *args, size_t count, struct buf *why)
{
    size_t used = 0, taken = 0;
    int code = find_verb(c, args, count, &used, why);
    if (code != CLI_DONE)
        return code;
    bool help = options_has(&c->options, "help");
    if (!c->verb) {
        help_add_overview(&c->out);
        return help ? CLI_DONE : CLI_USAGE;
    }
    if (c->verb->action && c->options.word_count == 1) { /* "queue --help" */
        help_add_verb(&c->out, c->verb->name);
        return CLI_DONE;
    }
    c->options.word_count = 0; /* the words that follow are the verb's own */
    for (size_t i = 0; i < COUNT_OF(c->verb->options); i++)
        if (c->verb->options[i])
            options_know(&c->options, c->verb->options[i]);
    if (options_parse(&c->options, args + used, count - used, false, &taken, why) != OK)
        return command_usage(c, SPAN_FMT, SPAN_ARG(buf_span(why)));
    if ((code = settle_globals(c)) != CLI_DONE)
        return code;
    if (options_has(&c->options, "help") || !c->verb->run) {
        help_add_action(&c->out, c->verb);
        return CLI_DONE;
    }
    size_t words = command_word_count(c);
    if (words < c->verb->least_words || words > c->verb->most_words)
        return command_usage(c, "too %s words: it takes %s",
                             words < c->verb->least_words ? "few" : "many",
                             *c->verb->words ? c->verb->words : "none");
    return c->verb->run(c);
}

int cli_main(int argc, char **argv)
{
    struct command c = {.out = BUF_INIT(BUF_UNLIMITED)};
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    options_init(&c.options);
    options_know(&c.options, &global_options);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    static char version[] = "version";
    char *const only_version[] = {version};
    char *const *args = argc > 0 ? argv + 1 : argv;
    size_t count = argc > 0 ? (size_t)argc - 1 : 0;
    if (count == 1 && strcmp(args[0], "--version") == 0)
        args = only_version;
    int code = run(&c, args, count, &why);
    int written = command_flush(&c);
    curl_global_cleanup();
    options_done(&c.options);
    arena_done(&c.arena);
    buf_done(&c.out);
    buf_done(&why);
    return code == CLI_DONE ? written : code;
}
