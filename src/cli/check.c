/* check, version: what needs no daemon. */
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/problems.h"
#include "cli/verbs.h"
#include "conf/document.h"

static json_t *span_value(struct span s)
{
    json_t *value = json_stringn(s.p ? s.p : "", s.n);
    return value ? value : json_string("?"); /* not UTF-8: the document's own error says so */
}

static json_t *problem_value(const struct problem *p)
{
    json_t *value = json_object();
    json_object_set_new(value, "warning", json_boolean(p->warning));
    json_object_set_new(value, "line", json_integer(p->line));
    json_object_set_new(value, "column", json_integer(p->column));
    json_object_set_new(value, "path", span_value(p->path));
    json_object_set_new(value, "text", span_value(p->text));
    json_object_set_new(value, "remedy", p->remedy.n ? span_value(p->remedy) : json_null());
    return value;
}

/* In the form of the API's answers, so that both are shown and printed in one way. */
static json_t *check_value(struct span file, const struct problems *problems)
{
    json_t *value = json_object(), *array = json_array();
    for (size_t i = 0; i < problems->count; i++)
        json_array_append_new(array, problem_value(&problems->items[i]));
    json_object_set_new(value, "file", span_value(file));
    json_object_set_new(value, "errors", json_integer((json_int_t)problems->errors));
    json_object_set_new(value, "warnings",
                        json_integer((json_int_t)(problems->count - problems->errors)));
    json_object_set_new(value, "problems", array);
    return value;
}

static void say_verdict(struct command *c, struct span file, int64_t errors, int64_t warnings)
{
    struct span verdict =
        arena_printf(&c->arena, SPAN_FMT ": %s, %lld error%s, %lld warning%s", SPAN_ARG(file),
                     errors ? "cannot be used" : "good", (long long)errors, errors == 1 ? "" : "s",
                     (long long)warnings, warnings == 1 ? "" : "s");
    command_say(c, errors ? STYLE_BAD : warnings ? STYLE_WARNING : STYLE_GOOD, verdict);
}

int run_check(struct command *c)
{
    struct span file = command_word(c, 0);
    struct buf yaml = BUF_INIT(BUF_UNLIMITED);
    struct problems problems = {0};
    struct document *document = NULL;
    int code = CLI_REFUSED;
    if (command_read_file(c, file, DOCUMENT_BYTES_MAX, &yaml) == OK) {
        enum err err = document_parse(buf_span(&yaml), &problems, &document);
        json_t *value = check_value(file, &problems);
        bool fails = err != OK || (options_has(&c->options, "strict") && problems.count);
        code = fails ? CLI_REFUSED : CLI_DONE;
        if (c->json) {
            command_print_json(c, value);
        } else {
            problems_say(c, file, answer_of(value, "problems"));
            say_verdict(c, file, answer_number(value, "errors"), answer_number(value, "warnings"));
        }
        json_decref(value);
        if (err == OK)
            document_free(document);
    }
    problems_done(&problems);
    buf_done(&yaml);
    return code;
}

int run_version(struct command *c)
{
    json_t *value = json_object(), *answer = NULL;
    struct buf target;
    json_object_set_new(value, "version", json_string(SEALPOST_VERSION));
    json_object_set_new(value, "daemon", json_null());
    if (client_is_reachable(c)) {
        client_target(&target, "/v1/version");
        if (client_get(c, &target, &answer) == CLI_DONE)
            json_object_set(value, "daemon", answer);
    }
    struct span daemon = answer_text(answer, "version");
    if (c->json)
        command_print_json(c, value);
    else if (daemon.n)
        command_sayf(c, "sealpost %s, daemon " SPAN_FMT, SEALPOST_VERSION, SPAN_ARG(daemon));
    else
        command_sayf(c, "sealpost %s, no daemon at " SPAN_FMT, SEALPOST_VERSION, SPAN_ARG(c->data));
    json_decref(answer);
    json_decref(value);
    return CLI_DONE;
}
