/* queue: actions, export and the summary of next hops. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cli/answer.h"
#include "cli/client.h"
#include "cli/human.h"
#include "cli/queue_filter.h"
#include "cli/table.h"
#include "cli/verbs.h"

/* ---- actions ---- */

struct tally {
    json_int_t messages, recipients;
};

static int act_on(struct command *c, json_t *filter, bool all, struct tally *tally)
{
    struct buf target;
    json_t *answer = NULL, *body = json_object();
    json_object_set_new(body, "action", json_string(c->verb->action));
    json_object_set_new(body, "filter", filter);
    json_object_set_new(body, "all", json_boolean(all));
    client_target(&target, "/v1/queue/actions");
    int code = client_send(c, "POST", &target, body, &answer);
    tally->messages += answer_number(answer, "messages");
    tally->recipients += answer_number(answer, "recipients");
    json_decref(answer);
    return code;
}

/* Each id narrows the filter to one message. Ids that match nothing are named; the others are done
 * all the same. */
static int act_on_ids(struct command *c, const json_t *filter, struct tally *tally)
{
    int code = CLI_DONE;
    for (size_t i = 0; i < command_word_count(c); i++) {
        struct tally one = {0};
        struct span id = command_word(c, i);
        json_t *narrowed = json_copy((json_t *)(uintptr_t)filter);
        json_object_set_new(narrowed, "id", json_stringn(id.p, id.n));
        int this_code = act_on(c, narrowed, false, &one);
        if (this_code == CLI_UNREACHABLE || this_code == CLI_USAGE)
            return this_code;
        if (this_code == CLI_DONE && one.recipients == 0)
            this_code = command_refusef(c, "sealpost queue list shows what there is",
                                        SPAN_FMT " is not in the queue, or nothing of it matches",
                                        SPAN_ARG(id));
        if (this_code != CLI_DONE)
            code = this_code;
        tally->messages += one.messages;
        tally->recipients += one.recipients;
    }
    return code;
}

static void say_tally(struct command *c, const struct tally *tally)
{
    static const struct {
        const char *action, *done;
    } words[] = {
        {"hold", "held"}, {"release", "released"}, {"retry", "due now"}, {"remove", "removed"}};
    const char *done = "";
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcmp(words[i].action, c->verb->action) == 0)
            done = words[i].done;
    if (c->json) {
        json_t *value = json_pack("{s:s, s:I, s:I}", "action", c->verb->action, "messages",
                                  tally->messages, "recipients", tally->recipients);
        command_print_json(c, value);
        json_decref(value);
        return;
    }
    command_sayf(c, "%s: %lld message%s, %lld recipient%s", done, (long long)tally->messages,
                 tally->messages == 1 ? "" : "s", (long long)tally->recipients,
                 tally->recipients == 1 ? "" : "s");
}

int run_queue_act(struct command *c)
{
    struct tally tally = {0};
    size_t ids = command_word_count(c);
    bool all = options_has(&c->options, "all");
    json_t *filter = queue_ids_check(c) ? queue_filter_read(c) : NULL;
    if (!filter)
        return CLI_USAGE;
    bool narrows = json_object_size(filter) > 0;
    int code;
    if (all && (ids || narrows))
        code =
            command_usage(c, "--all means the whole queue; leave it out, or the ids and filters");
    else if (!all && !ids && !narrows)
        code = command_usage(c, "name messages or a filter, or say --all for the whole queue");
    else if (ids)
        code = act_on_ids(c, filter, &tally);
    else
        code = act_on(c, json_incref(filter), all, &tally);
    json_decref(filter);
    if (code == CLI_DONE || tally.recipients)
        say_tally(c, &tally);
    return code == CLI_DONE && tally.recipients == 0 && narrows ? CLI_REFUSED : code;
}

/* ---- export ---- */

struct export
{
    struct command *command;
    int fd;
    int64_t written;
    int failure; /* errno */
};

static bool write_piece(void *context, struct span piece)
{
    struct export *export = context;
    while (piece.n) {
        ssize_t n = write(export->fd, piece.p, piece.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            export->failure = errno;
            return false;
        }
        export->written += n;
        piece = span_skip(piece, (size_t)n);
    }
    return true;
}

/* The size comes first: a content that breaks off would look whole. */
static int ask_size(struct command *c, struct span id, int64_t *size)
{
    struct buf target;
    json_t *answer = NULL;
    client_target(&target, "/v1/queue/messages");
    client_add_part(&target, id);
    int code = client_get(c, &target, &answer);
    *size = answer_number(answer, "size");
    json_decref(answer);
    return code;
}

static int copy_content(struct command *c, struct span id, int fd, const char *name, int64_t size)
{
    struct export export = {.command = c, .fd = fd};
    struct buf target;
    client_target(&target, "/v1/queue/messages");
    client_add_part(&target, id);
    buf_add_text(&target, "/content");
    int code = client_stream(c, &target, write_piece, &export);
    if (code != CLI_DONE || export.failure == EPIPE)
        return code;
    if (export.failure)
        return command_refusef(c, NULL, "%s cannot be written: %s", name, strerror(export.failure));
    if (export.written != size)
        return command_refusef(c, "see the daemon's log; what was written is not the whole message",
                               "%lld of %lld bytes of " SPAN_FMT " came", (long long)export.written,
                               (long long)size, SPAN_ARG(id));
    return CLI_DONE;
}

static int export_to_file(struct command *c, struct span id, const char *path)
{
    int64_t size;
    int code = ask_size(c, id, &size);
    if (code != CLI_DONE)
        return code;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return command_refusef(c, errno == EEXIST ? "name another file, or remove this one" : NULL,
                               "%s cannot be made: %s", path, strerror(errno));
    code = copy_content(c, id, fd, path, size);
    if (close(fd) != 0 && code == CLI_DONE)
        code = command_refusef(c, NULL, "%s cannot be written: %s", path, strerror(errno));
    if (code != CLI_DONE)
        unlink(path);
    return code;
}

static int export_to_stdout(struct command *c, struct span id)
{
    int64_t size;
    int code = ask_size(c, id, &size);
    return code == CLI_DONE ? copy_content(c, id, STDOUT_FILENO, "standard output", size) : code;
}

int run_queue_export(struct command *c)
{
    struct span output = options_text(&c->options, "output"),
                directory = options_text(&c->options, "directory");
    size_t count = command_word_count(c);
    int code = CLI_DONE;
    if (!queue_ids_check(c))
        return CLI_USAGE;
    if (output.n && directory.n)
        return command_usage(c, "--output and --directory exclude each other");
    if (count > 1 && directory.n == 0)
        return command_usage(c, "several messages need --directory");
    if (directory.n == 0 && output.n == 0)
        return export_to_stdout(c, command_word(c, 0));
    if (output.n)
        return export_to_file(c, command_word(c, 0), arena_text(&c->arena, output));
    for (size_t i = 0; i < count; i++) {
        struct span id = command_word(c, i);
        struct span path = arena_printf(&c->arena, SPAN_FMT "/" SPAN_FMT ".eml",
                                        SPAN_ARG(directory), SPAN_ARG(id));
        int this_code = export_to_file(c, id, path.p);
        code = this_code == CLI_DONE ? code : this_code;
    }
    return code;
}

/* ---- summary ---- */

static enum style style_of(struct span state)
{
    if (span_eq(state, SPAN("active")))
        return STYLE_GOOD;
    return span_eq(state, SPAN("idle")) ? STYLE_PLAIN : STYLE_WARNING;
}

static void add_hop(struct command *c, struct table *t, const json_t *hop)
{
    struct buf next = BUF_INIT(64);
    struct span state = answer_text(hop, "state"), error = answer_text(hop, "last-error");
    if (answer_time(hop, "next-attempt") > c->now_ms)
        human_add_when(&next, answer_time(hop, "next-attempt"), c->now_ms);
    table_add(t, STYLE_BOLD, answer_text(hop, "next-hop"));
    table_add(t, style_of(state), state);
    table_addf(t, STYLE_PLAIN, "%lld", (long long)answer_number(hop, "waiting"));
    table_addf(t, STYLE_PLAIN, "%lld", (long long)answer_number(hop, "in-flight"));
    table_addf(t, STYLE_PLAIN, "%lld", (long long)answer_number(hop, "connections"));
    table_add(t, STYLE_PLAIN, next.n ? buf_span(&next) : SPAN("-"));
    table_add(t, STYLE_PLAIN, error.n ? error : SPAN("-"));
    buf_done(&next);
}

int run_queue_summary(struct command *c)
{
    static const struct column columns[] = {
        {"NEXT HOP", .least = 16},
        {"STATE"},
        {"WAITING", .right = true},
        {"IN FLIGHT", .right = true, .leave = 2},
        {"CONNECTIONS", .right = true, .leave = 3},
        {"NEXT TRY"},
        {"LAST ERROR", .least = 12, .leave = 1},
    };
    struct buf target;
    json_t *answer = NULL;
    const json_t *hop;
    size_t i;
    client_target(&target, "/v1/queue/next-hops");
    int code = client_get(c, &target, &answer);
    if (code == CLI_DONE && c->json) {
        command_print_json(c, answer);
    } else if (code == CLI_DONE && answer_count(answer, "next-hops") == 0) {
        command_sayf(c, "nothing waits");
    } else if (code == CLI_DONE) {
        struct table t;
        table_init(&t, columns, COUNT_OF(columns));
        json_array_foreach(answer_of(answer, "next-hops"), i, hop) add_hop(c, &t, hop);
        table_print(&t, &c->terminal, 0, &c->out);
        table_done(&t);
    }
    json_decref(answer);
    return code;
}
