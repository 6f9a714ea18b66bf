/* The parts that all handlers share: answers, parameters, values. */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/num.h"
#include "service/admin_call.h"
#include "store/events.h"

void admin_answer(struct admin_call *call, int status, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    if (!text)
        abort();
    http_respond(call->request, status, "application/json", span_of(text));
    free(text);
    json_decref(value);
}

void admin_fail(struct admin_call *call, int status, const char *code, struct span text,
                const char *remedy)
{
    json_t *error = json_object(), *value = json_object();
    present_set(error, "code", json_string(code));
    present_set(error, "text", present_text(text));
    present_set(error, "remedy", present_text_or_null(span_of(remedy)));
    present_set(value, "error", error);
    admin_answer(call, status, value);
}

void admin_failf(struct admin_call *call, int status, const char *code, const char *remedy,
                 const char *format, ...)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    va_list args;
    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    admin_fail(call, status, code, buf_span(&text), remedy);
    buf_done(&text);
}

void admin_fail_err(struct admin_call *call, enum err err, const char *what)
{
    static const struct {
        enum err err;
        int status;
        const char *code, *remedy;
    } known[] = {
        {ERR_NOT_FOUND, 404, "not-found", NULL},
        {ERR_EXISTS, 409, "exists", NULL},
        {ERR_BUSY, 503, "busy", "try again in a moment"},
        {ERR_CORRUPT, 500, "corrupt",
         "look at the data folder's disk: what was read is not what was written"},
        {ERR_FULL, 507, "full", "free space on the disk of the data folder"},
    };
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (known[i].err == err) {
            admin_failf(call, known[i].status, known[i].code, known[i].remedy, "%s: %s", what,
                        err_text(err));
            return;
        }
    admin_failf(call, 500, "failed", "see the daemon's log", "%s: %s", what, err_text(err));
}

struct span admin_query(struct admin_call *call, const char *name)
{
    return http_request_query(call->request, name);
}

bool admin_query_number(struct admin_call *call, const char *name, uint64_t max, uint64_t *value)
{
    struct span text = admin_query(call, name);
    if (text.n == 0 || num_parse(text, max, value) == OK)
        return true;
    admin_failf(call, 400, "bad-parameter", NULL, "%s=" SPAN_FMT " is no number from 0 to %llu",
                name, SPAN_ARG(text), (unsigned long long)max);
    return false;
}

bool admin_query_time(struct admin_call *call, const char *name, int64_t *ms)
{
    struct span text = admin_query(call, name);
    if (text.n == 0 || clock_parse_iso(text, ms) == OK)
        return true;
    admin_failf(call, 400, "bad-parameter", "write it as 2026-11-22 or 2026-11-22T18:00:00Z",
                "%s=" SPAN_FMT " is no time", name, SPAN_ARG(text));
    return false;
}

bool admin_query_switch(struct admin_call *call, const char *name)
{
    struct span text = admin_query(call, name);
    return span_eq(text, SPAN("1")) || span_eq(text, SPAN("true"));
}

json_t *admin_body(struct admin_call *call)
{
    struct span body = http_request_body(call->request);
    json_error_t error;
    json_t *value = json_loadb(body.p ? body.p : "", body.n, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(value))
        return value;
    admin_failf(call, 400, "bad-body", "send one JSON object", "the body is no JSON object: %s",
                value ? "it is of another type" : error.text);
    json_decref(value);
    return NULL;
}

json_t *admin_id(struct message_id id)
{
    char text[MESSAGE_ID_TEXT];
    message_id_format(id, text);
    return json_string(text);
}

json_t *admin_problems(const struct problems *problems)
{
    json_t *array = json_array();
    for (size_t i = 0; problems && i < problems->count; i++) {
        const struct problem *p = &problems->items[i];
        json_t *object = json_object();
        present_set(object, "warning", json_boolean(p->warning));
        present_set(object, "line", present_number(p->line));
        present_set(object, "column", present_number(p->column));
        present_set(object, "path", present_text(p->path));
        present_set(object, "text", present_text(p->text));
        present_set(object, "remedy", present_text_or_null(p->remedy));
        present_push(array, object);
    }
    return array;
}

json_t *admin_event(const struct event *event)
{
    static const char *const levels[] = {"debug", "info", "warning", "error"};
    json_t *object = json_object();
    present_set(object, "number", present_number(event->number));
    present_set(object, "time", present_time(event->time_ms));
    present_set(object, "id", present_number(event->id));
    present_set(object, "level", json_string(levels[event->level]));
    present_set(object, "name", present_text(event->name));
    present_set(object, "subject", present_text(event->subject));
    present_set(object, "text", present_text(event->text));
    present_set(object, "consequence", present_text_or_null(event->consequence));
    present_set(object, "remedy", present_text_or_null(event->remedy));
    return object;
}
