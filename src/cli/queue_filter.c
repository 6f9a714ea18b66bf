#include "cli/queue_filter.h"

#include "cli/client.h"
#include "mail/ids.h"

static const char *const text_filters[] = {"domain",   "sender", "recipient",        "connector",
                                           "next-hop", "state",  "receive-connector"};

/* An age as the moment of acceptance. False: the message was given. */
static bool read_age(struct command *c, const char *option, const char *member, json_t *filter)
{
    int64_t ms = 0;
    if (command_moment(c, option, &ms) != OK)
        return false;
    if (!options_has(&c->options, option))
        return true;
    struct buf iso = BUF_INIT(64);
    clock_add_iso(&iso, ms);
    json_object_set_new(filter, member, json_string(buf_text(&iso)));
    buf_done(&iso);
    return true;
}

static bool read_text(struct command *c, const char *name, json_t *filter)
{
    struct span text = options_text(&c->options, name);
    if (!options_has(&c->options, name))
        return true;
    bool is_state = strcmp(name, "state") == 0;
    if (text.n == 0) /* would silently match everything */
        command_usage(c, "--%s is empty", name);
    else if (is_state && !span_eq(text, SPAN("queued")) && !span_eq(text, SPAN("held")))
        command_usage(c, "--state is queued or held, not " SPAN_FMT, SPAN_ARG(text));
    else if (json_object_set_new(filter, name, json_stringn(text.p, text.n)) != 0)
        command_usage(c, "--%s is not UTF-8", name);
    else
        return true;
    return false;
}

json_t *queue_filter_read(struct command *c)
{
    json_t *filter = json_object();
    bool good = read_age(c, "older-than", "received-before", filter) &&
                read_age(c, "newer-than", "received-after", filter);
    for (size_t i = 0; i < COUNT_OF(text_filters) && good; i++)
        good = read_text(c, text_filters[i], filter);
    if (good)
        return filter;
    json_decref(filter);
    return NULL;
}

bool queue_ids_check(struct command *c)
{
    struct message_id id;
    for (size_t i = 0; i < command_word_count(c); i++)
        if (message_id_parse(command_word(c, i), &id) != OK) {
            command_usage(c, "\"" SPAN_FMT "\" is no queue id; copy it from sealpost queue list",
                          SPAN_ARG(command_word(c, i)));
            return false;
        }
    return true;
}

void queue_filter_add_query(struct buf *target, const json_t *filter)
{
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)(uintptr_t)filter, key, value) client_add_query(
        target, key, span_make(json_string_value(value), json_string_length(value)));
}
