/* Get-, Suspend-, Resume- and Remove-Message. */
#include "base/text.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/shell_objects.h"
#include "cli/shell_parts.h"
#include "cli/shell_queue.h"

/* ---- objects ---- */

static struct shell_value *recipients_of(struct shell *s, const json_t *message, struct span hop)
{
    struct shell_value *list = shell_list_value(s->arena);
    size_t i;
    const json_t *r;
    json_array_foreach(answer_of(message, "recipients"), i, r)
    {
        if (!span_eq(answer_text(r, "next-hop"), hop))
            continue;
        struct span text = arena_printf(
            s->arena, SPAN_FMT ";" SPAN_FMT ";" SPAN_FMT, SPAN_ARG(answer_text(r, "address")),
            SPAN_ARG(answer_text(r, "state")), SPAN_ARG(answer_text(r, "last-reply")));
        shell_list_add(s->arena, &list->list, shell_text(s->arena, text));
    }
    return list;
}

static const char *status_of(const json_t *recipient)
{
    if (span_eq(answer_text(recipient, "state"), SPAN("held")))
        return "Suspended";
    return answer_number(recipient, "attempts") ? "Retry" : "Ready";
}

/* A message as it stands in one queue: with those of its recipients that wait there. */
static struct shell_value *message_object(struct shell *s, const json_t *m, const json_t *r)
{
    struct shell_value *o = shell_object(s->arena, "Message");
    struct span hop = answer_text(r, "next-hop"), id = answer_text(m, "id"),
                queue =
                    arena_printf(s->arena, SPAN_FMT "\\" SPAN_FMT, SPAN_ARG(shell_server_name(s)),
                                 SPAN_ARG(hop.n ? hop : SPAN("Submission")));
    objects_set_text(s, o, "Identity",
                     arena_printf(s->arena, SPAN_FMT "\\" SPAN_FMT, SPAN_ARG(queue), SPAN_ARG(id)));
    objects_set_text(s, o, "FromAddress",
                     answer_text(m, "sender").n ? answer_text(m, "sender") : SPAN("<>"));
    objects_set_text(s, o, "Status", span_of(status_of(r)));
    objects_set_number(s, o, "Size", (double)answer_number(m, "size"));
    objects_set_text(s, o, "Subject", answer_text(m, "subject"));
    objects_set_text(s, o, "InternetMessageId", answer_text(m, "message-id"));
    objects_set_time(s, o, "DateReceived", answer_time(m, "received"));
    objects_set_time(s, o, "ExpirationTime", answer_time(r, "expires"));
    objects_set_text(s, o, "SourceIP", answer_text(m, "client-ip"));
    objects_set_text(
        s, o, "MessageSourceName",
        arena_printf(s->arena, "SMTP:" SPAN_FMT, SPAN_ARG(answer_text(m, "receive-connector"))));
    objects_set_text(s, o, "LastError", answer_text(r, "last-reply"));
    objects_set_text(s, o, "DeferReason", answer_text(r, "why"));
    objects_set_number(s, o, "RetryCount", (double)answer_number(r, "attempts"));
    objects_set_text(s, o, "Queue", queue);
    shell_set(s->arena, o, "Recipients", recipients_of(s, m, hop));
    return o;
}

/* ---- Get-Message ---- */

struct listing {
    struct cmdlet_call *call;
    struct span queue; /* the next hop; empty: any */
    struct span id;    /* of the message; empty: any */
    size_t most;
    bool more;
};

/* Has an earlier recipient of the message the same next hop? */
static bool is_repeated(const json_t *recipients, size_t at)
{
    struct span hop = answer_text(json_array_get(recipients, at), "next-hop");
    for (size_t i = 0; i < at; i++)
        if (span_eq(answer_text(json_array_get(recipients, i), "next-hop"), hop))
            return true;
    return false;
}

static bool put_message(void *context, const json_t *message)
{
    struct listing *l = context;
    const json_t *recipients = answer_of(message, "recipients"), *r;
    size_t i;
    bool matches;
    if (l->id.n && !span_istarts(answer_text(message, "id"), l->id))
        return true;
    json_array_foreach(recipients, i, r)
    {
        if (is_repeated(recipients, i) ||
            (l->queue.n && !text_glob(l->queue, answer_text(r, "next-hop"))))
            continue;
        struct shell_value *object = message_object(l->call->s, message, r);
        if (!queue_passes(l->call, object, &matches))
            return false;
        if (!matches)
            continue;
        l->more = l->call->out->count >= l->most;
        if (l->more)
            return false;
        cmdlet_put(l->call, object);
    }
    return true;
}

/* "SERVER\connector/destination\id": either part may be missing. */
static void split_identity(struct cmdlet_call *call, struct listing *l)
{
    struct span queue = cmdlet_text(call, "Queue"), identity = cmdlet_text(call, "Identity");
    if (call->item && call->item->type && strcmp(call->item->type, "Queue") == 0)
        queue = cmdlet_identity(call, "Identity");
    else if (call->item && identity.n == 0)
        identity = cmdlet_identity(call, "Identity");
    l->queue = queue_local_part(call->s, queue);
    if (identity.n == 0)
        return;
    identity = queue_local_part(call->s, identity);
    size_t slash = span_rfind(identity, '\\');
    l->id = slash < identity.n ? span_skip(identity, slash + 1) : identity;
    if (slash < identity.n && !span_eq(span_head(identity, slash), SPAN("*")))
        l->queue = span_head(identity, slash);
}

bool cmdlet_get_message(struct cmdlet_call *call)
{
    struct listing l = {.call = call};
    size_t before = call->out->count;
    if (!queue_result_size(call, &l.most) || shell_server_name(call->s).n == 0)
        return false;
    l.most += before;
    split_identity(call, &l);
    if (!queue_messages(call->s, NULL, put_message, &l))
        return false;
    if (l.more)
        shell_warn(call->s, "There are more results. To see them all: -ResultSize Unlimited.");
    if (l.id.n && call->out->count == before)
        return shell_fail(call->s, "Get-Message lists them",
                          "there is no message \"" SPAN_FMT "\" in the queue", SPAN_ARG(l.id));
    return true;
}

/* ---- changes ---- */

static bool act(struct cmdlet_call *call, const char *action, const struct shell_value *object)
{
    struct shell *s = call->s;
    struct span identity = queue_local_part(s, shell_get(object, SPAN("Identity"))->text);
    size_t slash = span_rfind(identity, '\\');
    struct buf target;
    int64_t count = 0;
    client_target(&target, "/v1/queue/messages");
    client_add_part(&target, span_skip(identity, slash + 1));
    json_t *message = objects_get(s, &target);
    if (!message)
        return false;
    struct span queue = span_head(identity, slash);
    bool good = queue_change_message(
        s, action, message, span_eq(queue, SPAN("Submission")) ? SPAN_NONE : queue, &count);
    json_decref(message);
    return good;
}

static bool change_messages(struct cmdlet_call *call, const char *action)
{
    struct cmdlet_call get = *call;
    struct shell_list found = {0};
    if (!cmdlet_get(call, "Identity") && !cmdlet_get(call, "Filter") && !call->item)
        return shell_fail(call->s, NULL, "say which: -Identity, -Filter or Get-Message |");
    get.out = &found;
    if (!cmdlet_get_message(&get))
        return false;
    for (size_t i = 0; i < found.count; i++) {
        enum cmdlet_go go = cmdlet_go(call, shell_get(found.items[i], SPAN("Identity"))->text);
        if (go == CMDLET_YES && !act(call, action, found.items[i]))
            return false;
    }
    return !call->s->failed;
}

bool cmdlet_suspend_message(struct cmdlet_call *call)
{
    return change_messages(call, "hold");
}

bool cmdlet_resume_message(struct cmdlet_call *call)
{
    return change_messages(call, "release");
}

/* Exchange notifies the sender unless told otherwise; Sealpost cannot on demand, so this must be
 * said. */
bool cmdlet_remove_message(struct cmdlet_call *call)
{
    const struct shell_value *notify = cmdlet_get(call, "WithNDR");
    if (!notify || shell_is_true(notify))
        return shell_fail(call->s, "add -WithNDR $false; Suspend-Message keeps it instead",
                          "a message is removed without notice to its sender here, which has to "
                          "be said");
    return change_messages(call, "remove");
}
