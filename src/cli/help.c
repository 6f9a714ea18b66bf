/* Help texts, made from the table of verbs. */
#include "cli/verbs.h"
#include "conf/document.h"

enum { NAME_WIDTH = 28 };

static void add_line(struct buf *out, const char *left, const char *right)
{
    buf_addf(out, "  %-*s  %s\n", NAME_WIDTH, left, right);
}

static void add_options(struct buf *out, const struct option_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct option *o = &table->items[i];
        struct buf left = BUF_INIT(BUF_UNLIMITED);
        if (o->letter)
            buf_addf(&left, "-%c, ", o->letter);
        buf_addf(&left, "--%s%s%s", o->name, o->argument ? " " : "",
                 o->argument ? o->argument : "");
        add_line(out, buf_text(&left), o->help);
        buf_done(&left);
    }
}

static void add_summary(struct buf *out, const struct verb *verb, bool with_words)
{
    struct buf left = BUF_INIT(BUF_UNLIMITED);
    buf_addf(&left, "%s%s%s", verb->name, verb->action ? " " : "",
             verb->action ? verb->action : "");
    if (with_words && *verb->words)
        buf_addf(&left, " %s", verb->words);
    add_line(out, buf_text(&left), verb->summary);
    buf_done(&left);
}

void help_add_overview(struct buf *out)
{
    buf_add_text(out, "sealpost: a mail transport server whose certificates never stop mail\n\n"
                      "usage: sealpost VERB [ACTION] [OPTIONS] [WORDS]\n\n");
    for (size_t i = 0; i < verb_count; i++)
        add_summary(out, &verbs[i], false);
    buf_add_text(out, "\noptions of every verb:\n");
    add_options(out, &global_options);
    buf_add_text(out, "\nexit codes: 0 done, 1 refused or findings, 2 wrong usage, 3 the daemon "
                      "cannot be reached\n"
                      "more: sealpost help VERB, man sealpost, man sealpost.yaml\n");
}

void help_add_verb(struct buf *out, const char *name)
{
    buf_addf(out, "usage: sealpost %s ACTION [OPTIONS] [WORDS]\n\n", name);
    for (size_t i = 0; i < verb_count; i++)
        if (strcmp(verbs[i].name, name) == 0)
            add_summary(out, &verbs[i], true);
    buf_addf(out, "\nmore: sealpost help %s ACTION, man sealpost\n", name);
}

void help_add_action(struct buf *out, const struct verb *verb)
{
    buf_addf(out, "usage: sealpost %s%s%s%s%s [OPTIONS]\n\n%s\n", verb->name,
             verb->action ? " " : "", verb->action ? verb->action : "", *verb->words ? " " : "",
             verb->words, verb->summary);
    if (verb->details)
        buf_addf(out, "\n%s\n", verb->details);
    buf_add_text(out, "\noptions:\n");
    for (size_t i = 0; i < COUNT_OF(verb->options); i++)
        if (verb->options[i])
            add_options(out, verb->options[i]);
    add_options(out, &global_options);
}

int run_help(struct command *c)
{
    size_t count = command_word_count(c);
    if (count == 0) {
        help_add_overview(&c->out);
        return CLI_DONE;
    }
    const char *name = c->options.words[0], *action = count > 1 ? c->options.words[1] : NULL;
    if (strcmp(name, "document") == 0 && !action) {
        schema_add_reference(&c->out);
        return CLI_DONE;
    }
    const struct verb *verb = verb_find(name, action);
    if (!verb)
        return command_usage(c, "there is no verb \"%s%s%s\"; sealpost help lists them", name,
                             action ? " " : "", action ? action : "");
    if (action || !verb->action)
        help_add_action(&c->out, verb);
    else
        help_add_verb(&c->out, name);
    return CLI_DONE;
}
