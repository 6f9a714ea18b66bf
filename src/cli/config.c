/* config: the document of the running daemon. */
#include "base/num.h"
#include "cli/answer.h"
#include "cli/changes.h"
#include "cli/client.h"
#include "cli/human.h"
#include "cli/problems.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "conf/document.h"

/* A revision on the command line; on failure the message was given. */
static bool read_revision(struct command *c, struct span word)
{
    uint64_t number;
    if (num_parse(word, INT64_MAX, &number) == OK && number > 0)
        return true;
    command_usage(c, "a revision is a number as in sealpost config history, not " SPAN_FMT,
                  SPAN_ARG(word));
    return false;
}

static void say_when(struct command *c, const json_t *revision)
{
    struct buf line = BUF_INIT(BUF_UNLIMITED);
    buf_addf(&line, "revision %lld", (long long)answer_number(revision, "revision"));
    if (answer_time(revision, "time")) {
        struct span author = answer_text(revision, "author"),
                    comment = answer_text(revision, "comment");
        buf_add_text(&line, " of ");
        human_add_time(&line, answer_time(revision, "time"));
        buf_addf(&line, " by " SPAN_FMT ": " SPAN_FMT, SPAN_ARG(author), SPAN_ARG(comment));
    }
    command_say(c, STYLE_BOLD, buf_span(&line));
    buf_done(&line);
}

/* The document is the administrator's own text, so it is printed as it is. */
static void add_document(struct command *c, const json_t *answer)
{
    struct span text = answer_text(answer, "text");
    buf_add(&c->out, text);
    if (text.n && text.p[text.n - 1] != '\n')
        buf_add_char(&c->out, '\n');
}

int run_config_show(struct command *c)
{
    struct buf target;
    json_t *answer = NULL;
    bool earlier = command_word_count(c) == 1;
    if (earlier && !read_revision(c, command_word(c, 0)))
        return CLI_USAGE;
    client_target(&target, earlier ? "/v1/config/revisions" : "/v1/config");
    if (earlier)
        client_add_part(&target, command_word(c, 0));
    int code = client_get(c, &target, &answer);
    if (code == CLI_DONE && c->json) {
        command_print_json(c, answer);
    } else if (code == CLI_DONE) {
        say_when(c, answer);
        if (earlier)
            diff_say(c, answer_text(answer, "diff"));
        buf_add_char(&c->out, '\n');
        add_document(c, answer);
    }
    json_decref(answer);
    return code;
}

int run_config_export(struct command *c)
{
    struct buf target;
    json_t *answer = NULL;
    client_target(&target, "/v1/config");
    int code = client_get(c, &target, &answer);
    if (code == CLI_DONE && c->json)
        command_print_json(c, answer_of(answer, "document"));
    else if (code == CLI_DONE)
        add_document(c, answer);
    json_decref(answer);
    return code;
}

/* Sends a file as a document; the answer is the caller's, as after client_ask. */
static int send_document(struct command *c, const char *method, struct buf *target, json_t **answer)
{
    struct buf yaml = BUF_INIT(BUF_UNLIMITED);
    int code = CLI_REFUSED;
    if (command_read_file(c, command_word(c, 0), DOCUMENT_BYTES_MAX, &yaml) == OK) {
        struct request request = {method, target, "application/yaml", buf_span(&yaml)};
        code = client_ask(c, &request, answer);
    }
    buf_done(&yaml);
    buf_done(target);
    return code;
}

int run_config_apply(struct command *c)
{
    struct buf target;
    json_t *answer = NULL;
    struct span comment = options_text(&c->options, "comment"), file = command_word(c, 0);
    struct span expected = options_text(&c->options, "if-revision");
    if (options_has(&c->options, "if-revision") && !read_revision(c, expected))
        return CLI_USAGE;
    client_target(&target, "/v1/config");
    changes_add_query(c, &target);
    client_add_query(&target, "if-revision", expected);
    client_add_query(&target, "comment",
                     comment.n ? comment
                               : arena_printf(&c->arena, "apply " SPAN_FMT, SPAN_ARG(file)));
    int code = send_document(c, "PUT", &target, &answer);
    return change_say(c, file, code, answer);
}

int run_config_diff(struct command *c)
{
    struct buf target;
    json_t *answer = NULL;
    struct span file = command_word(c, 0);
    client_target(&target, "/v1/config/diff");
    int code = send_document(c, "POST", &target, &answer);
    bool changed = answer_true(answer, "changed");
    if (code == CLI_DONE && !c->json) {
        problems_say(c, file, answer_of(answer, "problems"));
        diff_say(c, answer_text(answer, "diff"));
        json_decref(answer);
    } else {
        code = change_say(c, file, code, answer);
    }
    return code == CLI_DONE && changed ? CLI_REFUSED : code;
}

int run_config_history(struct command *c)
{
    static const struct column columns[] = {{"REVISION", .right = true},
                                            {"TIME"},
                                            {"BY", .least = 6, .leave = 1},
                                            {"COMMENT", .least = 12}};
    struct buf target;
    json_t *answer = NULL;
    const json_t *revision;
    size_t i;
    struct span limit = options_text(&c->options, "limit");
    uint64_t count = 0;
    if (command_count(c, "limit", 1000, &count) != OK)
        return CLI_USAGE;
    client_target(&target, "/v1/config/revisions");
    client_add_query(&target, "limit",
                     count                               ? limit
                     : options_has(&c->options, "limit") ? SPAN("1000")
                                                         : SPAN_NONE);
    int code = client_get(c, &target, &answer);
    if (code == CLI_DONE && c->json) {
        command_print_json(c, answer);
    } else if (code == CLI_DONE) {
        struct table t;
        table_init(&t, columns, COUNT_OF(columns));
        json_array_foreach(answer_of(answer, "revisions"), i, revision)
        {
            struct buf when = BUF_INIT(64);
            human_add_time(&when, answer_time(revision, "time"));
            table_addf(&t, STYLE_BOLD, "%lld", (long long)answer_number(revision, "revision"));
            table_add(&t, STYLE_PLAIN, buf_span(&when));
            table_add(&t, STYLE_PLAIN, answer_text(revision, "author"));
            table_add(&t, STYLE_PLAIN, answer_text(revision, "comment"));
            buf_done(&when);
        }
        table_print(&t, &c->terminal, 0, &c->out);
        table_done(&t);
    }
    json_decref(answer);
    return code;
}

int run_config_restore(struct command *c)
{
    struct buf target;
    json_t *answer = NULL;
    if (!read_revision(c, command_word(c, 0)))
        return CLI_USAGE;
    client_target(&target, "/v1/config/revisions");
    client_add_part(&target, command_word(c, 0));
    buf_add_text(&target, "/restore");
    changes_add_query(c, &target);
    int code = client_send(c, "POST", &target, NULL, &answer);
    return change_say(c, SPAN_NONE, code, answer);
}
