/* track: what became of messages. */
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/connectors.h"
#include "cli/human.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "mail/ids.h"

enum { RECORDS_USUAL = 100, RECORDS_MAX = 10000 };

static const struct column columns[] = {
    {"TIME"},
    {"EVENT"},
    {"ID", .leave = 5},
    {"SENDER", .least = 12, .leave = 2},
    {"RECIPIENTS", .least = 14},
    {"CONNECTOR", .least = 8, .leave = 3},
    {"PEER", .least = 10, .leave = 4},
    {"STATUS", .least = 14},
};

static enum style style_of(struct span event)
{
    if (span_eq(event, SPAN("FAIL")) || span_eq(event, SPAN("DROP")))
        return STYLE_BAD;
    if (span_eq(event, SPAN("SEND")) || span_eq(event, SPAN("DELIVER")))
        return STYLE_GOOD;
    return span_eq(event, SPAN("DEFER")) ? STYLE_WARNING : STYLE_PLAIN;
}

/* The other side: the client of a RECEIVE by its address, as its name is what it claims to be; of
 * everything else the server by its name. */
static struct span peer_of(const json_t *record)
{
    bool received = span_eq(answer_text(record, "event"), SPAN("RECEIVE"));
    struct span usual = answer_text(record, received ? "client-ip" : "server-name");
    struct span other = answer_text(record, received ? "client-name" : "server-ip");
    return usual.n ? usual : other.n ? other : SPAN("-");
}

static void add_record(struct table *t, const json_t *record)
{
    struct buf when = BUF_INIT(64);
    struct span event = answer_text(record, "event"),
                status = answer_text(record, "recipient-status");
    struct span sender = answer_text(record, "sender"), info = answer_text(record, "info");
    human_add_time(&when, answer_time(record, "time"));
    table_add(t, STYLE_PLAIN, buf_span(&when));
    table_add(t, style_of(event), event);
    table_add(t, STYLE_PLAIN, answer_text(record, "id"));
    table_add(t, STYLE_PLAIN, sender.n ? sender : SPAN("<>"));
    table_add(t, STYLE_PLAIN, answer_text(record, "recipients"));
    table_add(t, STYLE_PLAIN, answer_text(record, "connector"));
    table_add(t, STYLE_PLAIN, peer_of(record));
    table_add(t, STYLE_PLAIN, status.n ? status : info.n ? info : SPAN("-"));
    buf_done(&when);
}

/* One message: every record in full, as that is what was asked for. */
static void say_records(struct command *c, const json_t *records)
{
    size_t i;
    const json_t *record;
    json_array_foreach(records, i, record)
    {
        buf_add_text(&c->out, i ? "\n" : "");
        fields_say(c, "", record);
    }
}

static void say_answer(struct command *c, const json_t *answer)
{
    const json_t *records = answer_of(answer, "records"), *record;
    size_t i;
    if (json_array_size(records) == 0) {
        command_sayf(c, "no record matches");
    } else if (options_has(&c->options, "full")) {
        say_records(c, records);
    } else {
        struct table t;
        table_init(&t, columns, COUNT_OF(columns));
        json_array_foreach(records, i, record) add_record(&t, record);
        table_print(&t, &c->terminal, 0, &c->out);
        table_done(&t);
    }
    if (answer_true(answer, "more"))
        command_sayf(c,
                     "these are the newest; there are more: narrow with filters or raise --limit");
}

static bool add_moment(struct command *c, struct buf *target, const char *option)
{
    int64_t ms = 0;
    struct buf iso = BUF_INIT(64);
    if (command_moment(c, option, &ms) != OK)
        return false;
    if (options_has(&c->options, option))
        clock_add_iso(&iso, ms);
    client_add_query(target, option, buf_span(&iso));
    buf_done(&iso);
    return true;
}

static bool check_id(struct command *c)
{
    struct message_id id;
    if (!options_has(&c->options, "id") ||
        message_id_parse(options_text(&c->options, "id"), &id) == OK)
        return true;
    command_usage(
        c, "--id is no queue id; copy it from a Received field, a reply or sealpost queue list");
    return false;
}

int run_track(struct command *c)
{
    static const char *const texts[] = {"id",        "message-id", "sender",
                                        "recipient", "subject",    "event"};
    struct buf target;
    json_t *answer = NULL;
    uint64_t limit = RECORDS_USUAL;
    client_target(&target, "/v1/track");
    if (!check_id(c) || command_count(c, "limit", RECORDS_MAX, &limit) != OK ||
        !add_moment(c, &target, "since") || !add_moment(c, &target, "until")) {
        buf_done(&target);
        return CLI_USAGE;
    }
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        client_add_query(&target, texts[i], options_text(&c->options, texts[i]));
    client_add_query(
        &target, "limit",
        arena_printf(&c->arena, "%llu", (unsigned long long)(limit ? limit : RECORDS_MAX)));
    int code = client_get(c, &target, &answer);
    if (code == CLI_DONE && c->json)
        command_print_json(c, answer);
    else if (code == CLI_DONE)
        say_answer(c, answer);
    json_decref(answer);
    return code;
}
