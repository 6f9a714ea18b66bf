/* cert request, requests: keys whose certificate has not come yet. */
#include <stdio.h>

#include "cli/answer.h"
#include "cli/changes.h"
#include "cli/client.h"
#include "cli/connectors.h"
#include "cli/human.h"
#include "cli/table.h"
#include "cli/verbs.h"

/* The published TLSA records name other keys: later the plan could only refuse. */
static void say_publish_first(const json_t *request)
{
    struct span rest = answer_text(request, "publish-first"), line;
    if (rest.n == 0)
        return;
    fputs("  this key is new to the published TLSA records; before its certificate serves, "
          "publish:\n",
          stderr);
    while (span_cut(&rest, '\n', &line)) {
        struct buf clean = BUF_INIT(BUF_UNLIMITED);
        clean_add(&clean, line);
        fprintf(stderr, "    %s\n", buf_text(&clean));
        buf_done(&clean);
    }
}

static void say_request(struct command *c, const json_t *request)
{
    struct buf names = BUF_INIT(BUF_UNLIMITED);
    struct span id = answer_text(request, "id"), csr = answer_text(request, "csr"), line;
    value_add_text(&names, answer_of(request, "names"));
    while (span_cut(&csr, '\n', &line))
        if (line.n)
            command_say(c, STYLE_PLAIN, line);
    command_flush(c); /* the request alone is on standard output, to be redirected */
    struct span said =
        arena_printf(&c->arena, "request " SPAN_FMT " for %s\n", SPAN_ARG(id), buf_text(&names));
    struct buf clean = BUF_INIT(BUF_UNLIMITED);
    clean_add(&clean, said);
    fprintf(stderr, "%s\n  send it to your authority, then: sealpost cert complete FILE\n",
            buf_text(&clean));
    buf_done(&clean);
    buf_done(&names);
    say_publish_first(request);
}

int run_cert_request(struct command *c)
{
    struct buf target;
    json_t *answer = NULL, *body = json_object(), *names = json_array();
    for (size_t i = 0; i < command_word_count(c); i++)
        json_array_append_new(names, json_stringn(command_word(c, i).p, command_word(c, i).n));
    json_object_set_new(body, "names", names);
    changes_set_list(c, body, "add", "add");
    changes_set_text(c, body, "renew", "renew");
    changes_set_text(c, body, "key", "key");
    changes_set_text(c, body, "existing", "existing");
    changes_set_text(c, body, "friendly-name", "friendly-name");
    client_target(&target, "/v1/certificates/requests");
    int code = client_send(c, "POST", &target, body, &answer);
    if (code == CLI_DONE && c->json)
        command_print_json(c, answer);
    else if (code == CLI_DONE)
        say_request(c, answer);
    json_decref(answer);
    return code;
}

static void say_requests(struct command *c, const json_t *answer)
{
    static const struct column columns[] = {
        {"ID"}, {"NAMES", .least = 14}, {"KEY", .leave = 1}, {"MADE"}};
    const json_t *request;
    struct table t;
    size_t i;
    table_init(&t, columns, COUNT_OF(columns));
    json_array_foreach(answer_of(answer, "requests"), i, request)
    {
        struct buf text = BUF_INIT(BUF_UNLIMITED);
        table_add(&t, STYLE_BOLD, answer_text(request, "id"));
        value_add_text(&text, answer_of(request, "names"));
        table_add(&t, STYLE_PLAIN, buf_span(&text));
        table_add(&t, STYLE_PLAIN, answer_text(request, "key-type"));
        buf_reset(&text);
        human_add_when(&text, answer_time(request, "made"), c->now_ms);
        table_add(&t, STYLE_PLAIN, buf_span(&text));
        buf_done(&text);
    }
    table_print(&t, &c->terminal, 0, &c->out);
    table_done(&t);
}

static int ask_one(struct command *c, json_t **answer)
{
    struct buf target;
    bool removes = options_has(&c->options, "remove");
    client_target(&target, "/v1/certificates/requests");
    client_add_part(&target, command_word(c, 0));
    struct request request = {.method = removes ? "DELETE" : "GET", .target = &target};
    int code = client_ask(c, &request, answer);
    buf_done(&target);
    return code;
}

int run_cert_requests(struct command *c)
{
    struct buf target;
    json_t *answer = NULL;
    bool one = command_word_count(c) == 1, removes = options_has(&c->options, "remove");
    if (removes && !one)
        return command_usage(c, "name the request to remove");
    client_target(&target, "/v1/certificates/requests");
    int code = one ? ask_one(c, &answer) : client_get(c, &target, &answer);
    if (one)
        buf_done(&target);
    if (code == CLI_DONE && c->json)
        command_print_json(c, answer);
    else if (code == CLI_DONE && removes)
        command_sayf(c, "the request and its key are removed");
    else if (code == CLI_DONE && one)
        say_request(c, answer);
    else if (code == CLI_DONE)
        say_requests(c, answer);
    json_decref(answer);
    return code;
}
