/* The parts that all handlers share: answers, parameters, values. */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/num.h"
#include "base/text.h"
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
    admin_set(error, "code", json_string(code));
    admin_set(error, "text", admin_text(text));
    admin_set(error, "remedy", admin_text_or_null(span_of(remedy)));
    admin_set(value, "error", error);
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

json_t *admin_text(struct span s)
{
    if (s.n == 0)
        return json_string("");
    json_t *value =
        text_is_utf8(s) && span_find(s, '\0') == s.n ? json_stringn_nocheck(s.p, s.n) : NULL;
    if (value)
        return value;
    struct buf quoted = BUF_INIT(BUF_UNLIMITED);
    encode_json(&quoted, s);
    value = json_loadb(quoted.p, quoted.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    buf_done(&quoted);
    assert(value);
    return value;
}

json_t *admin_text_or_null(struct span s)
{
    return s.n ? admin_text(s) : json_null();
}

json_t *admin_time(int64_t ms)
{
    if (ms == 0)
        return json_null();
    struct buf text = BUF_INIT(64);
    clock_add_iso(&text, ms);
    json_t *value = admin_text(buf_span(&text));
    buf_done(&text);
    return value;
}

json_t *admin_id(struct message_id id)
{
    char text[MESSAGE_ID_TEXT];
    message_id_format(id, text);
    return json_string(text);
}

json_t *admin_number(uint64_t n)
{
    return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

void admin_set(json_t *object, const char *key, json_t *value)
{
    int failed = json_object_set_new_nocheck(object, key, value);
    assert(!failed);
}

void admin_push(json_t *array, json_t *value)
{
    int failed = json_array_append_new(array, value);
    assert(!failed);
}

json_t *admin_problems(const struct problems *problems)
{
    json_t *array = json_array();
    for (size_t i = 0; problems && i < problems->count; i++) {
        const struct problem *p = &problems->items[i];
        json_t *object = json_object();
        admin_set(object, "warning", json_boolean(p->warning));
        admin_set(object, "line", admin_number(p->line));
        admin_set(object, "column", admin_number(p->column));
        admin_set(object, "path", admin_text(p->path));
        admin_set(object, "text", admin_text(p->text));
        admin_set(object, "remedy", admin_text_or_null(p->remedy));
        admin_push(array, object);
    }
    return array;
}

json_t *admin_event(const struct event *event)
{
    static const char *const levels[] = {"debug", "info", "warning", "error"};
    json_t *object = json_object();
    admin_set(object, "number", admin_number(event->number));
    admin_set(object, "time", admin_time(event->time_ms));
    admin_set(object, "id", admin_number(event->id));
    admin_set(object, "level", json_string(levels[event->level]));
    admin_set(object, "name", admin_text(event->name));
    admin_set(object, "subject", admin_text(event->subject));
    admin_set(object, "text", admin_text(event->text));
    admin_set(object, "consequence", admin_text_or_null(event->consequence));
    admin_set(object, "remedy", admin_text_or_null(event->remedy));
    return object;
}
