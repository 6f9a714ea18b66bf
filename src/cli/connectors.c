/* receive-connector and send-connector: one file, as they differ only in what is listed. */
#include "cli/connectors.h"

#include <stdlib.h>

#include "cli/answer.h"
#include "cli/changes.h"
#include "cli/client.h"
#include "cli/human.h"
#include "cli/problems.h"
#include "cli/table.h"
#include "cli/verbs.h"

static bool is_receive(const struct command *c)
{
    return strcmp(c->verb->name, "receive-connector") == 0;
}

static void target_of(struct command *c, struct buf *target, struct span name)
{
    client_target(target, is_receive(c) ? "/v1/receive-connectors" : "/v1/send-connectors");
    if (name.n)
        client_add_part(target, name);
}

/* ---- values as text ---- */

void value_add_text(struct buf *out, const json_t *value)
{
    size_t i = 0;
    const json_t *item;
    const char *key;
    if (json_is_string(value)) {
        buf_add(out, span_make(json_string_value(value), json_string_length(value)));
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, item)
        {
            buf_add_text(out, i ? ", " : "");
            value_add_text(out, item);
        }
    } else if (json_is_object(value)) {
        json_object_foreach((json_t *)(uintptr_t)value, key, item)
        {
            buf_addf(out, "%s%s: ", i++ ? " " : "", key);
            value_add_text(out, item);
        }
    } else if (!json_is_null(value)) {
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        buf_add_text(out, text);
        free(text);
    }
}

static void add_cell(struct table *t, enum style style, const json_t *value)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    value_add_text(&text, value);
    table_add(t, style, text.n ? buf_span(&text) : SPAN("-"));
    buf_done(&text);
}

void thumbprint_add(struct buf *out, struct span thumbprint)
{
    buf_addf(out, SPAN_FMT " " SPAN_FMT, SPAN_ARG(span_head(thumbprint, 4)),
             SPAN_ARG(span_head(span_skip(thumbprint, 4), 4)));
}

enum style presented_add(struct buf *out, const json_t *presents, int64_t now_ms)
{
    struct span thumbprint = answer_text(presents, "thumbprint");
    if (!json_is_object(presents)) {
        buf_add_text(out, "-");
        return STYLE_FAINT;
    }
    if (thumbprint.n == 0 || !answer_true(presents, "starttls-offered")) {
        buf_add_text(out, "none");
        return STYLE_BAD;
    }
    thumbprint_add(out, thumbprint);
    buf_add_text(out, " ");
    if (answer_true(presents, "expired") || answer_time(presents, "expires") <= now_ms) {
        buf_add_text(out, "expired");
        return STYLE_BAD;
    }
    if (!answer_true(presents, "name-covered")) {
        buf_add_text(out, "(fallback)");
        return STYLE_WARNING;
    }
    human_add_when(out, answer_time(presents, "expires"), now_ms);
    return STYLE_GOOD;
}

/* ---- list ---- */

static const struct column receive_columns[] = {
    {"NAME"}, {"BIND", .least = 10}, {"FROM", .least = 8, .leave = 2}, {"FQDN", .least = 10},
    {"TLS"},  {"RELAY", .leave = 3}, {"CERTIFICATE", .least = 9},
};

static void add_receive_row(struct command *c, struct table *t, const json_t *connector)
{
    struct buf presented = BUF_INIT(256);
    enum style style = presented_add(&presented, answer_of(connector, "presents"), c->now_ms);
    bool enabled = !json_is_false(answer_of(connector, "enabled"));
    table_add(t, enabled ? STYLE_BOLD : STYLE_FAINT, answer_text(connector, "name"));
    add_cell(t, STYLE_PLAIN, answer_of(connector, "bind"));
    if (answer_count(connector, "from"))
        add_cell(t, STYLE_PLAIN, answer_of(connector, "from"));
    else
        table_add(t, STYLE_PLAIN, SPAN("everyone"));
    add_cell(t, STYLE_PLAIN, answer_of(connector, "fqdn"));
    add_cell(t, STYLE_PLAIN, answer_of(connector, "tls"));
    add_cell(t, STYLE_PLAIN, answer_of(connector, "relay"));
    table_add(t, style, enabled ? buf_span(&presented) : SPAN("disabled"));
    buf_done(&presented);
}

static const struct column send_columns[] = {
    {"NAME"},
    {"ADDRESS SPACES", .least = 10},
    {"DELIVER BY"},
    {"NEXT HOPS", .least = 10, .leave = 1},
    {"TLS"},
    {"VERIFY", .leave = 2},
    {"ENABLED", .leave = 3},
};

static void add_send_row(struct table *t, const json_t *connector)
{
    const json_t *hosts = answer_of(connector, "smart-hosts");
    bool enabled = !json_is_false(answer_of(connector, "enabled"));
    table_add(t, enabled ? STYLE_BOLD : STYLE_FAINT, answer_text(connector, "name"));
    add_cell(t, STYLE_PLAIN, answer_of(connector, "address-spaces"));
    add_cell(t, STYLE_PLAIN, answer_of(connector, "deliver-by"));
    add_cell(t, STYLE_PLAIN, json_array_size(hosts) ? hosts : answer_of(connector, "maildir"));
    add_cell(t, STYLE_PLAIN, answer_of(connector, "tls"));
    add_cell(t, STYLE_PLAIN, answer_of(connector, "tls-verify"));
    table_add(t, enabled ? STYLE_PLAIN : STYLE_WARNING, enabled ? SPAN("yes") : SPAN("no"));
}

int run_connector_list(struct command *c)
{
    struct buf target;
    json_t *answer = NULL;
    bool receive = is_receive(c);
    size_t i;
    const json_t *connector;
    target_of(c, &target, SPAN_NONE);
    int code = client_get(c, &target, &answer);
    if (code == CLI_DONE && c->json) {
        command_print_json(c, answer);
    } else if (code == CLI_DONE) {
        struct table t;
        if (receive)
            table_init(&t, receive_columns, COUNT_OF(receive_columns));
        else
            table_init(&t, send_columns, COUNT_OF(send_columns));
        json_array_foreach(answer_of(answer, receive ? "receive-connectors" : "send-connectors"), i,
                           connector) receive
            ? add_receive_row(c, &t, connector)
            : add_send_row(&t, connector);
        table_print(&t, &c->terminal, 0, &c->out);
        table_done(&t);
    }
    json_decref(answer);
    return code;
}

/* ---- show ---- */

/* Times are for people here, so they are local, as everywhere but in JSON. */
static bool add_time(struct buf *out, const char *key, const json_t *object)
{
    static const char *const times[] = {"time",         "received",     "expires",
                                        "next-attempt", "last-attempt", "not-before"};
    for (size_t i = 0; i < COUNT_OF(times); i++)
        if (strcmp(key, times[i]) == 0 && answer_time(object, key)) {
            human_add_time(out, answer_time(object, key));
            return true;
        }
    return false;
}

void fields_say(struct command *c, const char *before, const json_t *object)
{
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        struct span name = arena_printf(&c->arena, "%s%s", before, key);
        if (json_is_object(value)) {
            fields_say(c, arena_printf(&c->arena, SPAN_FMT ".", SPAN_ARG(name)).p, value);
            continue;
        }
        struct buf line = BUF_INIT(BUF_UNLIMITED);
        if (!add_time(&line, key, object))
            value_add_text(&line, value);
        struct span clean_name = arena_printf(&c->arena, "%-30s ", name.p);
        terminal_add(&c->out, &c->terminal, STYLE_FAINT, clean_name);
        command_say(c, STYLE_PLAIN, line.n ? buf_span(&line) : SPAN("-"));
        buf_done(&line);
    }
}

int run_connector_show(struct command *c)
{
    struct buf target;
    json_t *answer = NULL;
    target_of(c, &target, command_word(c, 0));
    int code = client_get(c, &target, &answer);
    if (code == CLI_DONE && c->json)
        command_print_json(c, answer);
    else if (code == CLI_DONE)
        fields_say(c, "", answer);
    json_decref(answer);
    return code;
}

/* ---- changes ---- */

/* Reads KEY=VALUE words from `first` on. NULL: the message was given. */
static json_t *read_members(struct command *c, size_t first)
{
    json_t *members = json_object();
    for (size_t i = first; i < command_word_count(c); i++) {
        struct span word = command_word(c, i);
        size_t equals = span_find(word, '=');
        char *key = arena_text(&c->arena, span_head(word, equals));
        struct span text = span_skip(word, equals + 1);
        json_t *value = json_stringn(text.p ? text.p : "", text.n);
        const char *wrong = equals == word.n || equals == 0 ? "is not KEY=VALUE"
                            : json_object_get(members, key) ? "gives its key twice"
                            : !value                        ? "is not UTF-8"
                                                            : NULL;
        if (!wrong && json_object_set(members, key, value) != 0)
            wrong = "is not UTF-8";
        json_decref(value);
        if (!wrong)
            continue;
        command_usage(c, "\"" SPAN_FMT "\" %s", SPAN_ARG(word), wrong);
        json_decref(members);
        return NULL;
    }
    return members;
}

int run_connector_set(struct command *c)
{
    struct buf target;
    json_t *answer = NULL, *members = read_members(c, 1);
    if (!members)
        return CLI_USAGE;
    target_of(c, &target, command_word(c, 0));
    changes_add_query(c, &target);
    int code = client_send(c, "PATCH", &target, members, &answer);
    return change_say(c, SPAN_NONE, code, answer);
}

int run_connector_new(struct command *c)
{
    struct buf target;
    struct span name = command_word(c, 0);
    json_t *answer = NULL, *members = read_members(c, 1);
    if (!members)
        return CLI_USAGE;
    if (json_object_get(members, "name") ||
        json_object_set_new(members, "name", json_stringn(name.p, name.n)) != 0) {
        json_decref(members);
        return command_usage(c, "the name stands before the keys");
    }
    target_of(c, &target, SPAN_NONE);
    changes_add_query(c, &target);
    int code = client_send(c, "POST", &target, members, &answer);
    return change_say(c, SPAN_NONE, code, answer);
}

int run_connector_remove(struct command *c)
{
    struct buf target;
    json_t *answer = NULL;
    target_of(c, &target, command_word(c, 0));
    changes_add_query(c, &target);
    struct request request = {.method = "DELETE", .target = &target};
    int code = client_ask(c, &request, &answer);
    buf_done(&target);
    return change_say(c, SPAN_NONE, code, answer);
}
