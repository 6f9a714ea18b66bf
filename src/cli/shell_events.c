/* Get-EventLog and Get-WinEvent: what the daemon noticed, with the numbers that Exchange has for
 * the same. */
#include "base/text.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/shell_objects.h"
#include "cli/shell_parts.h"

enum { EVENTS_MAX = 10000 };

/* What an event must be to be put out; NULL: anything. */
struct wish {
    const struct shell_value *id, *level, *after, *before, *message;
    double most;
};

static json_t *fetch(struct shell *s)
{
    struct buf target;
    client_target(&target, "/v1/events");
    client_add_query(&target, "limit", arena_printf(s->arena, "%d", EVENTS_MAX));
    return objects_get(s, &target);
}

/* Exchange's sources are accepted, as the events are the same. */
static bool check_source(struct cmdlet_call *call, const struct shell_value *log,
                         const struct shell_value *source)
{
    struct shell *s = call->s;
    struct span log_name = log ? shell_text_of(s->arena, log) : SPAN_NONE;
    struct span name = source ? shell_text_of(s->arena, source) : SPAN_NONE;
    if (log_name.n && !span_ieq(log_name, SPAN("Application")) &&
        !span_ieq(log_name, SPAN("Sealpost")))
        return shell_fail(s, "-LogName Application", "there is no log " SPAN_FMT " here",
                          SPAN_ARG(log_name));
    if (name.n && !text_glob(name, SPAN("Sealpost")) && !span_istarts(name, SPAN("MSExchange")))
        return shell_fail(s, "-Source Sealpost, or MSExchangeTransport for the same",
                          "there are no events of the source " SPAN_FMT " here", SPAN_ARG(name));
    return true;
}

static const char *level_name(struct span level)
{
    if (span_eq(level, SPAN("error")))
        return "Error";
    return span_eq(level, SPAN("warning")) ? "Warning" : "Information";
}

/* Windows' numbers: 2 Error, 3 Warning, 4 Information. */
static double level_number(const char *name)
{
    return name[0] == 'E' ? 2 : name[0] == 'W' ? 3 : 4;
}

/* Any of a list will do. */
static bool is_among(const struct shell_value *wanted, const struct shell_value *value)
{
    if (!wanted || shell_compare(value, wanted) == 0)
        return true;
    for (size_t i = 0; i < wanted->list.count; i++)
        if (shell_compare(value, wanted->list.items[i]) == 0)
            return true;
    return false;
}

static struct span message_of(struct shell *s, const json_t *event)
{
    struct buf text = BUF_INIT(SHELL_TEXT_MAX);
    struct span consequence = answer_text(event, "consequence"),
                remedy = answer_text(event, "remedy");
    buf_addf(&text, SPAN_FMT ": " SPAN_FMT, SPAN_ARG(answer_text(event, "subject")),
             SPAN_ARG(answer_text(event, "text")));
    if (consequence.n)
        buf_addf(&text, "\nConsequence: " SPAN_FMT, SPAN_ARG(consequence));
    if (remedy.n)
        buf_addf(&text, "\nRemedy: " SPAN_FMT, SPAN_ARG(remedy));
    struct span copy = arena_copy(s->arena, buf_span(&text));
    buf_done(&text);
    return copy;
}

static bool is_wished(struct shell *s, const struct wish *wish, const json_t *event)
{
    const char *level = level_name(answer_text(event, "level"));
    const struct shell_value *time = shell_time(s->arena, answer_time(event, "time"));
    return is_among(wish->id, shell_number(s->arena, (double)answer_number(event, "id"))) &&
           (is_among(wish->level, shell_text(s->arena, span_of(level))) ||
            is_among(wish->level, shell_number(s->arena, level_number(level)))) &&
           (!wish->after || shell_compare(time, wish->after) >= 0) &&
           (!wish->before || shell_compare(time, wish->before) <= 0) &&
           (!wish->message ||
            text_glob(shell_text_of(s->arena, wish->message), message_of(s, event)));
}

static struct shell_value *log_entry(struct shell *s, const json_t *event)
{
    struct shell_value *o = shell_object(s->arena, "EventLogEntry");
    objects_set_number(s, o, "Index", (double)answer_number(event, "number"));
    objects_set_time(s, o, "TimeGenerated", answer_time(event, "time"));
    objects_set_text(s, o, "EntryType", span_of(level_name(answer_text(event, "level"))));
    objects_set_text(s, o, "Source", SPAN("Sealpost"));
    objects_set_number(s, o, "EventID", (double)answer_number(event, "id"));
    objects_set_number(s, o, "InstanceId", (double)answer_number(event, "id"));
    objects_set_text(s, o, "Category", answer_text(event, "name"));
    objects_set_text(s, o, "Message", message_of(s, event));
    return o;
}

static struct shell_value *record(struct shell *s, const json_t *event)
{
    struct shell_value *o = shell_object(s->arena, "EventRecord");
    const char *level = level_name(answer_text(event, "level"));
    objects_set_time(s, o, "TimeCreated", answer_time(event, "time"));
    objects_set_number(s, o, "Id", (double)answer_number(event, "id"));
    objects_set_text(s, o, "LevelDisplayName", span_of(level));
    objects_set_number(s, o, "Level", level_number(level));
    objects_set_text(s, o, "ProviderName", SPAN("Sealpost"));
    objects_set_text(s, o, "LogName", SPAN("Application"));
    objects_set_text(s, o, "MachineName", s->hostname);
    objects_set_text(s, o, "TaskDisplayName", answer_text(event, "name"));
    objects_set_number(s, o, "RecordId", (double)answer_number(event, "number"));
    objects_set_text(s, o, "Message", message_of(s, event));
    return o;
}

/* The newest first, as in Windows. */
static bool put(struct cmdlet_call *call, const struct wish *wish, bool is_record, bool oldest)
{
    struct shell *s = call->s;
    if (shell_server_name(s).n == 0)
        return false;
    json_t *answer = fetch(s);
    const json_t *events = answer_of(answer, "events");
    size_t count = json_array_size(events), before = call->out->count;
    for (size_t i = 0; i < count; i++) {
        const json_t *event = json_array_get(events, oldest ? i : count - 1 - i);
        if ((double)(call->out->count - before) >= wish->most)
            break;
        if (is_wished(s, wish, event))
            cmdlet_put(call, is_record ? record(s, event) : log_entry(s, event));
    }
    json_decref(answer);
    return answer != NULL;
}

bool cmdlet_get_event_log(struct cmdlet_call *call)
{
    struct wish wish = {.id = cmdlet_get(call, "InstanceId"),
                        .level = cmdlet_get(call, "EntryType"),
                        .after = cmdlet_get(call, "After"),
                        .before = cmdlet_get(call, "Before"),
                        .message = cmdlet_get(call, "Message")};
    if (!cmdlet_number(call, "Newest", EVENTS_MAX, EVENTS_MAX, &wish.most) ||
        !check_source(call, cmdlet_get(call, "LogName"), cmdlet_get(call, "Source")))
        return false;
    return put(call, &wish, false, false);
}

/* @{LogName='Application'; ProviderName='MSExchangeTransport'; Id=12014; Level=2; StartTime=...} */
static bool read_hash(struct cmdlet_call *call, const struct shell_value *hash, struct wish *wish)
{
    const struct shell_value *log = NULL, *provider = NULL;
    struct {
        const char *name;
        const struct shell_value **value;
    } const known[] = {{"LogName", &log},           {"ProviderName", &provider},
                       {"Id", &wish->id},           {"Level", &wish->level},
                       {"StartTime", &wish->after}, {"EndTime", &wish->before}};
    if (hash->kind != SHELL_HASH)
        return shell_fail(call->s, NULL,
                          "write -FilterHashtable @{LogName='Application'; Id=12014}");
    for (const struct shell_property *p = hash->properties; p; p = p->next) {
        size_t i = 0;
        while (i < COUNT_OF(known) && !span_ieq(p->name, span_of(known[i].name)))
            i++;
        if (i == COUNT_OF(known))
            return shell_fail(call->s,
                              "there are LogName, ProviderName, Id, Level, StartTime and EndTime",
                              "-FilterHashtable knows no " SPAN_FMT, SPAN_ARG(p->name));
        *known[i].value = p->value;
    }
    return check_source(call, log, provider);
}

bool cmdlet_get_win_event(struct cmdlet_call *call)
{
    struct wish wish = {0};
    const struct shell_value *hash = cmdlet_get(call, "FilterHashtable");
    if (!cmdlet_number(call, "MaxEvents", EVENTS_MAX, EVENTS_MAX, &wish.most) ||
        !check_source(call, cmdlet_get(call, "LogName"), cmdlet_get(call, "ProviderName")) ||
        (hash && !read_hash(call, hash, &wish)))
        return false;
    return put(call, &wish, true, cmdlet_switch(call, "Oldest"));
}
