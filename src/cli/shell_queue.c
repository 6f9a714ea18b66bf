/* Get-, Suspend-, Resume- and Retry-Queue. */
#include "cli/shell_queue.h"

#include "base/text.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/shell_objects.h"
#include "cli/shell_parts.h"

enum { PAGE = 1000, RESULTS_USUAL = 1000 };

/* ---- shared ---- */

static json_t *page(struct shell *s, const char *state, struct span after)
{
    struct buf target;
    client_target(&target, "/v1/queue/messages");
    client_add_query(&target, "limit", arena_printf(s->arena, "%d", PAGE));
    client_add_query(&target, "state", span_of(state));
    client_add_query(&target, "after", after);
    return objects_get(s, &target);
}

bool queue_messages(struct shell *s, const char *state, queue_message_fn *visit, void *context)
{
    struct span after = SPAN_NONE;
    bool more = true, wanted = true;
    while (more && wanted) {
        size_t i;
        const json_t *message;
        json_t *answer = page(s, state, after);
        if (!answer)
            return false;
        more = answer_true(answer, "more");
        after = arena_copy(s->arena, answer_text(answer, "next"));
        json_array_foreach(answer_of(answer, "messages"), i, message)
        {
            wanted = visit(context, message);
            if (!wanted)
                break;
        }
        json_decref(answer);
    }
    return !s->failed;
}

bool queue_change(struct shell *s, const char *action, json_t *filter, int64_t *count)
{
    struct buf target;
    json_t *answer = NULL, *body = json_object();
    json_object_set_new(body, "action", json_string(action));
    json_object_set_new(body, "filter", filter);
    client_target(&target, "/v1/queue/actions");
    int code = client_send(s->c, "POST", &target, body, &answer);
    *count += answer_number(answer, "recipients");
    json_decref(answer);
    return code == CLI_DONE || shell_failed_with(s, code);
}

static json_t *text_json(struct span text)
{
    return json_stringn_nocheck(text.n ? text.p : "", text.n);
}

static bool change_recipient(struct shell *s, const char *action, const json_t *message,
                             const json_t *recipient, int64_t *count)
{
    json_t *filter = json_object();
    json_object_set_new(filter, "id", text_json(answer_text(message, "id")));
    json_object_set_new(filter, "recipient", text_json(answer_text(recipient, "address")));
    return queue_change(s, action, filter, count);
}

bool queue_change_message(struct shell *s, const char *action, const json_t *message,
                          struct span hop, int64_t *count)
{
    size_t i;
    const json_t *recipient;
    json_array_foreach(answer_of(message, "recipients"), i, recipient)
    {
        if ((hop.n == 0 || span_ieq(answer_text(recipient, "next-hop"), hop)) &&
            !change_recipient(s, action, message, recipient, count))
            return false;
    }
    return true;
}

struct span queue_local_part(struct shell *s, struct span identity)
{
    struct span server = shell_server_name(s);
    if (server.n && span_istarts(identity, server) && identity.n > server.n &&
        identity.p[server.n] == '\\')
        return span_skip(identity, server.n + 1);
    return identity;
}

bool queue_result_size(struct cmdlet_call *call, size_t *count)
{
    double number = RESULTS_USUAL;
    if (span_ieq(cmdlet_text(call, "ResultSize"), SPAN("Unlimited")))
        number = SHELL_ITEMS_MAX;
    else if (!cmdlet_number(call, "ResultSize", SHELL_ITEMS_MAX, RESULTS_USUAL, &number))
        return false;
    *count = (size_t)number;
    return true;
}

/* ---- -Filter ---- */

/* The filter reads as a command: Status -eq "Retry" -and MessageCount -gt 5. */
static const struct powershell_node *filter_command(struct cmdlet_call *call)
{
    const struct shell_value *filter = cmdlet_get(call, "Filter");
    struct powershell_node *script = NULL;
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    if (filter->kind == SHELL_BLOCK)
        script = filter->block;
    else if (powershell_parse(call->s->arena, shell_text_of(call->s->arena, filter), &script,
                              &why) != OK)
        shell_fail(call->s, NULL, "-Filter: " SPAN_FMT, SPAN_ARG(buf_span(&why)));
    buf_done(&why);
    const struct powershell_node *pipeline = script ? script->items : NULL;
    const struct powershell_node *command = pipeline ? pipeline->items : NULL;
    if (command && !pipeline->next && !command->next && command->kind == POWERSHELL_COMMAND)
        return command;
    shell_fail(call->s, NULL, "write -Filter {Status -eq 'Retry'}");
    return NULL;
}

bool queue_passes(struct cmdlet_call *call, struct shell_value *object, bool *matches)
{
    struct shell *s = call->s;
    *matches = true;
    if (!cmdlet_get(call, "Filter"))
        return true;
    const struct powershell_node *command = filter_command(call);
    struct span property = command ? command->text : SPAN_NONE;
    bool by_or = false;
    for (const struct powershell_node *item = command ? command->items : NULL; item;
         item = item->next) {
        bool joins = span_ieq(item->text, SPAN("and")) || span_ieq(item->text, SPAN("or"));
        if (item->kind != POWERSHELL_PARAMETER || !item->left)
            return shell_fail(s, NULL, "write -Filter {Status -eq 'Retry'}");
        struct shell_value *value = shell_eval(s, item->left);
        if (!value)
            return false;
        if (joins) {
            property = shell_text_of(s->arena, value);
            by_or = span_ieq(item->text, SPAN("or"));
            continue;
        }
        struct shell_value *own = shell_get(object, property);
        if (!own)
            return shell_fail(s, NULL, "-Filter: there is no property " SPAN_FMT,
                              SPAN_ARG(property));
        struct shell_value *holds = shell_operate(
            s, arena_printf(s->arena, "-" SPAN_FMT, SPAN_ARG(item->text)), own, value);
        if (!holds)
            return false;
        *matches = by_or ? *matches || shell_is_true(holds) : *matches && shell_is_true(holds);
    }
    return command != NULL;
}

/* ---- queues ---- */

struct queue {
    struct span hop;
    double held;
    bool listed;
    struct queue *next;
};

struct queues {
    struct shell *s;
    struct queue *first;
    json_t *connectors;
};

static struct queue *queue_of(struct queues *queues, struct span hop)
{
    for (struct queue *q = queues->first; q; q = q->next)
        if (span_eq(q->hop, hop))
            return q;
    struct queue *q = ARENA_NEW(queues->s->arena, struct queue);
    q->hop = arena_copy(queues->s->arena, hop);
    q->next = queues->first;
    return queues->first = q;
}

static bool count_held(void *context, const json_t *message)
{
    size_t i;
    const json_t *recipient;
    json_array_foreach(answer_of(message, "recipients"), i, recipient)
    {
        struct span hop = answer_text(recipient, "next-hop");
        if (hop.n && span_eq(answer_text(recipient, "state"), SPAN("held")))
            queue_of(context, hop)->held++;
    }
    return true;
}

static const char *delivery_type(const struct queues *queues, struct span connector)
{
    static const struct {
        const char *by, *type;
    } types[] = {{"mx", "DnsConnectorDelivery"},
                 {"smart-host", "SmartHostConnectorDelivery"},
                 {"lmtp", "SmtpDeliveryToMailbox"},
                 {"maildir", "SmtpDeliveryToMailbox"}};
    size_t i;
    const json_t *item;
    json_array_foreach(answer_of(queues->connectors, "send-connectors"), i, item)
    {
        if (!span_eq(answer_text(item, "name"), connector))
            continue;
        for (size_t type = 0; type < COUNT_OF(types); type++)
            if (span_eq(answer_text(item, "deliver-by"), span_of(types[type].by)))
                return types[type].type;
    }
    return "Unreachable";
}

static const char *status_of(const json_t *hop, double moving, double held)
{
    struct span state = answer_text(hop, "state");
    if (held > 0 && moving == 0)
        return "Suspended";
    if (span_eq(state, SPAN("retry")))
        return "Retry";
    return span_eq(state, SPAN("active")) ? "Active" : "Ready";
}

/* `hop` has no members where all that waits for it is suspended and nothing was tried. */
static struct shell_value *queue_object(struct queues *queues, const json_t *hop, struct span key,
                                        double held)
{
    struct shell *s = queues->s;
    struct shell_value *o = shell_object(s->arena, "Queue");
    double moving = (double)(answer_number(hop, "waiting") + answer_number(hop, "in-flight"));
    size_t slash = span_find(key, '/');
    struct span connector = span_head(key, slash), domain = span_skip(key, slash + 1);
    objects_set_text(s, o, "Identity",
                     arena_printf(s->arena, SPAN_FMT "\\" SPAN_FMT, SPAN_ARG(shell_server_name(s)),
                                  SPAN_ARG(key)));
    objects_set_text(s, o, "DeliveryType", span_of(delivery_type(queues, connector)));
    objects_set_text(s, o, "Status", span_of(status_of(hop, moving, held)));
    objects_set_number(s, o, "MessageCount", moving + held);
    objects_set_number(s, o, "DeferredMessageCount", held);
    objects_set_text(s, o, "NextHopDomain", domain.n ? domain : key);
    objects_set_text(s, o, "NextHopConnector", domain.n ? connector : SPAN_NONE);
    objects_set_text(s, o, "LastError", answer_text(hop, "last-error"));
    objects_set_time(s, o, "LastRetryTime", answer_time(hop, "last-attempt"));
    objects_set_time(s, o, "NextRetryTime", answer_time(hop, "next-attempt"));
    objects_set_number(s, o, "ConnectionCount", (double)answer_number(hop, "connections"));
    objects_set_text(s, o, "NextHop", key);
    return o;
}

static bool put_queue(struct cmdlet_call *call, struct shell_value *object, size_t most)
{
    struct span wanted = queue_local_part(call->s, cmdlet_identity(call, "Identity"));
    bool matches;
    if (call->out->count >= most)
        return true;
    if (wanted.n && !text_glob(wanted, shell_get(object, SPAN("NextHop"))->text))
        return true;
    if (!queue_passes(call, object, &matches))
        return false;
    if (matches)
        cmdlet_put(call, object);
    return true;
}

static bool put_queues(struct cmdlet_call *call, struct queues *queues, const json_t *hops,
                       size_t most)
{
    size_t i;
    const json_t *hop;
    json_t *nothing = json_object();
    bool good = true;
    json_array_foreach(hops, i, hop)
    {
        struct span key = answer_text(hop, "next-hop");
        struct queue *q = queue_of(queues, key);
        q->listed = true;
        good = good && put_queue(call, queue_object(queues, hop, key, q->held), most);
    }
    for (const struct queue *q = queues->first; q && good; q = q->next)
        if (!q->listed)
            good = put_queue(call, queue_object(queues, nothing, q->hop, q->held), most);
    json_decref(nothing);
    return good;
}

bool cmdlet_get_queue(struct cmdlet_call *call)
{
    struct shell *s = call->s;
    struct queues queues = {.s = s};
    size_t most, before = call->out->count;
    struct span wanted = cmdlet_identity(call, "Identity");
    if (!queue_result_size(call, &most) || shell_server_name(s).n == 0 ||
        !queue_messages(s, "held", count_held, &queues))
        return false;
    queues.connectors = objects_get_path(s, "/v1/send-connectors");
    json_t *answer = queues.connectors ? objects_get_path(s, "/v1/queue/next-hops") : NULL;
    bool good = answer && put_queues(call, &queues, answer_of(answer, "next-hops"), most + before);
    json_decref(answer);
    json_decref(queues.connectors);
    if (good && wanted.n && call->out->count == before && span_find(wanted, '*') == wanted.n)
        return shell_fail(s, "Get-Queue lists them", "there is no queue \"" SPAN_FMT "\"",
                          SPAN_ARG(wanted));
    return good;
}

/* ---- actions ---- */

struct acting {
    struct shell *s;
    const char *action;
    struct span hop;
    int64_t count;
};

/* The filter knows next hops by the last attempt: what was not tried there yet is acted on one by
 * one. */
static bool act_on_untried(void *context, const json_t *message)
{
    struct acting *acting = context;
    struct span destination = span_skip(acting->hop, span_find(acting->hop, '/') + 1);
    size_t i;
    const json_t *recipient;
    json_array_foreach(answer_of(message, "recipients"), i, recipient)
    {
        bool here = span_eq(answer_text(recipient, "next-hop"), acting->hop),
             tried = destination.n && span_eq(answer_text(recipient, "last-next-hop"), destination);
        if (here && !tried &&
            !change_recipient(acting->s, acting->action, message, recipient, &acting->count))
            return false;
    }
    return true;
}

static bool act_on_queue(struct cmdlet_call *call, const char *action, struct span hop)
{
    struct acting acting = {call->s, action, hop, 0};
    size_t slash = span_find(hop, '/');
    json_t *filter = json_object();
    json_object_set_new(filter, "connector", text_json(span_head(hop, slash)));
    if (slash < hop.n)
        json_object_set_new(filter, "next-hop", text_json(span_skip(hop, slash + 1)));
    if (slash == hop.n)
        json_decref(filter); /* unreachable: no connector ever tried it */
    else if (!queue_change(call->s, action, filter, &acting.count))
        return false;
    return queue_messages(call->s, strcmp(action, "release") == 0 ? "held" : "queued",
                          act_on_untried, &acting);
}

static bool change_queues(struct cmdlet_call *call, const char *action)
{
    struct cmdlet_call get = *call;
    struct shell_list found = {0};
    if (!cmdlet_get(call, "Identity") && !cmdlet_get(call, "Filter") && !call->item)
        return shell_fail(call->s, NULL, "say which queue: -Identity, -Filter or Get-Queue |");
    get.out = &found;
    if (!cmdlet_get_queue(&get))
        return false;
    for (size_t i = 0; i < found.count; i++) {
        enum cmdlet_go go = cmdlet_go(call, shell_get(found.items[i], SPAN("Identity"))->text);
        if (go == CMDLET_YES &&
            !act_on_queue(call, action, shell_get(found.items[i], SPAN("NextHop"))->text))
            return false;
    }
    return !call->s->failed;
}

bool cmdlet_suspend_queue(struct cmdlet_call *call)
{
    return change_queues(call, "hold");
}

bool cmdlet_resume_queue(struct cmdlet_call *call)
{
    return change_queues(call, "release");
}

bool cmdlet_retry_queue(struct cmdlet_call *call)
{
    return change_queues(call, "retry");
}
