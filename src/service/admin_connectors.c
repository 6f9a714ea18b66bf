/* /v1/receive-connectors and /v1/send-connectors: connectors as objects of their own, each change a
 * revision. */
#include <stdlib.h>

#include "base/encode.h"
#include "base/text.h"
#include "service/admin_call.h"
#include "service/admin_certificates.h"

static const char *kind_name(bool receive)
{
    return receive ? "receive-connector" : "send-connector";
}

static bool exists(const struct document *d, bool receive, struct span name)
{
    return receive ? document_receive_connector(d, name) != NULL
                   : document_send_connector(d, name) != NULL;
}

static json_t *connector_value(const struct snapshot *s, bool receive, struct span name)
{
    json_t *value = json_object();
    present_set(value, "name", present_text(name));
    json_t *keys = document_connector_to_json(s->document, receive, name);
    json_object_update_missing(value, keys);
    json_decref(keys);
    if (receive) {
        const struct receive_connector *connector = document_receive_connector(s->document, name);
        present_set(value, "presents", admin_presented(snapshot_receive_tls(s, connector)));
    }
    return value;
}

static void list(struct admin_call *call, bool receive)
{
    struct snapshot *s = snapshot_current(call->admin->world);
    const struct document *d = s->document;
    json_t *array = json_array(), *value = json_object();
    size_t count = receive ? d->receive_connector_count : d->send_connector_count;
    for (size_t i = 0; i < count; i++)
        present_push(array, connector_value(s, receive,
                                            receive ? d->receive_connectors[i].name
                                                    : d->send_connectors[i].name));
    present_set(value, "revision", present_number(s->revision));
    present_set(value, receive ? "receive-connectors" : "send-connectors", array);
    snapshot_release(s);
    admin_answer(call, 200, value);
}

static void fail_unknown(struct admin_call *call, bool receive, struct span name)
{
    struct span remedy =
        arena_printf(call->arena, "list them with: sealpost %s list", kind_name(receive));
    admin_failf(call, 404, "not-found", remedy.p, "there is no %s " SPAN_FMT, kind_name(receive),
                SPAN_ARG(name));
}

static void get(struct admin_call *call, bool receive)
{
    struct span name = call->parameters[0];
    struct snapshot *s = snapshot_current(call->admin->world);
    if (exists(s->document, receive, name))
        admin_answer(call, 200, connector_value(s, receive, name));
    else
        fail_unknown(call, receive, name);
    snapshot_release(s);
}

/* ---- changes ---- */

static bool is_within(struct span text, char first, char last)
{
    return text.n >= 2 && text.p[0] == first && text.p[text.n - 1] == last;
}

/* Lists, maps and quoted scalars stay as they are; anything else, also "[::]:25", is one scalar,
 * quoted, so that no
 * "#" or ": " in it means more than itself. */
static void add_value_text(struct buf *out, struct span text)
{
    if (is_within(text, '[', ']') || is_within(text, '{', '}') || is_within(text, '"', '"') ||
        is_within(text, '\'', '\''))
        buf_add(out, text);
    else
        encode_json(out, text);
}

/* A member of the request as YAML: text as it would stand in the document, or JSON of any type
 * (which is YAML). */
static void add_member(struct buf *out, const json_t *value)
{
    if (json_is_string(value)) {
        add_value_text(out, span_make(json_string_value(value), json_string_length(value)));
        return;
    }
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    if (!text)
        abort();
    buf_add_text(out, text);
    free(text);
}

/* Keys go into paths of the document, values onto one line: neither may smuggle in more than it
 * says. */
static bool member_is_sane(struct admin_call *call, const char *key, const json_t *value)
{
    bool sane = *key != '\0';
    for (const char *p = key; *p; p++)
        sane = sane && (text_is_alnum(*p) || *p == '-' || *p == '_');
    struct span text = span_make(json_string_value(value), json_string_length(value));
    for (size_t i = 0; i < text.n; i++)
        sane = sane && (unsigned char)text.p[i] >= 32 && text.p[i] != 127;
    if (!sane)
        admin_failf(call, 400, "bad-body", "keys are words like max-message-size, values one line",
                    "\"%s\" or its value has characters that a key or value cannot have", key);
    return sane;
}

/* Applies every member of the object to the text; null and "" remove the key. False: the answer was
 * given. */
static bool edit_members(struct admin_call *call, struct span prefix, json_t *members,
                         struct buf *text)
{
    const char *key;
    json_t *member;
    bool good = true;
    struct buf value = BUF_INIT(BUF_UNLIMITED), next = BUF_INIT(DOCUMENT_BYTES_MAX),
               why = BUF_INIT(1024);
    json_object_foreach(members, key, member)
    {
        good = member_is_sane(call, key, member);
        if (!good)
            break;
        buf_reset(&value);
        buf_reset(&next);
        bool remove =
            json_is_null(member) || (json_is_string(member) && json_string_length(member) == 0);
        if (!remove)
            add_member(&value, member);
        struct span path = arena_printf(call->arena, SPAN_FMT ".%s", SPAN_ARG(prefix), key);
        enum err err = document_edit(buf_span(text), path, buf_span(&value), &next, &why);
        good = err == OK || (err == ERR_NOT_FOUND && remove); /* it had its default already */
        if (!good) {
            admin_failf(call, 400, "bad-body", "sealpost help document lists the keys",
                        SPAN_FMT ": " SPAN_FMT, SPAN_ARG(path), SPAN_ARG(buf_span(&why)));
            break;
        }
        if (err == OK) {
            buf_reset(text);
            buf_add(text, buf_span(&next));
        }
    }
    buf_done(&value);
    buf_done(&next);
    buf_done(&why);
    return good;
}

/* A name with a dot or quote in it is quoted in paths. */
static struct span path_of(struct admin_call *call, bool receive, struct span name)
{
    struct buf path = BUF_INIT(BUF_UNLIMITED);
    buf_addf(&path, "%ss.", kind_name(receive));
    if (span_find(name, '.') < name.n || span_find(name, '"') < name.n)
        encode_json(&path, name);
    else
        buf_add(&path, name);
    struct span copy = arena_copy(call->arena, buf_span(&path));
    buf_done(&path);
    return copy;
}

static void patch(struct admin_call *call, bool receive)
{
    struct span name = call->parameters[0];
    json_t *members = admin_body(call);
    if (!members)
        return;
    struct snapshot *s = snapshot_current(call->admin->world);
    struct buf text = BUF_INIT(DOCUMENT_BYTES_MAX);
    buf_add(&text, s->document->text);
    if (!exists(s->document, receive, name))
        fail_unknown(call, receive, name);
    else if (edit_members(call, path_of(call, receive, name), members, &text))
        admin_change(
            call, buf_span(&text),
            arena_printf(call->arena, "%s set " SPAN_FMT, kind_name(receive), SPAN_ARG(name)));
    buf_done(&text);
    snapshot_release(s);
    json_decref(members);
}

/* A flow map of the members, "{bind: [...], fqdn: ...}". False: the answer was given. */
static bool add_map(struct admin_call *call, json_t *members, struct buf *out)
{
    const char *key;
    json_t *member;
    buf_add_char(out, '{');
    json_object_foreach(members, key, member)
    {
        if (!member_is_sane(call, key, member))
            return false;
        if (json_is_null(member))
            continue;
        buf_addf(out, "%s%s: ", out->n > 1 ? ", " : "", key);
        add_member(out, member);
    }
    buf_add_char(out, '}');
    return true;
}

static bool name_is_new(struct admin_call *call, const struct document *d, bool receive,
                        struct span name)
{
    if (name.n == 0)
        admin_fail(call, 400, "bad-body", SPAN("the connector has no name"),
                   "give it one: \"name\": \"...\"");
    else if (exists(d, receive, name))
        admin_failf(call, 409, "exists", "change it instead, or choose another name",
                    "there is a %s " SPAN_FMT " already", kind_name(receive), SPAN_ARG(name));
    else
        return true;
    return false;
}

static void add(struct admin_call *call, bool receive)
{
    json_t *members = admin_body(call);
    if (!members)
        return;
    const json_t *given = json_object_get(members, "name");
    struct span name =
        arena_copy(call->arena, span_make(json_string_value(given), json_string_length(given)));
    bool sane = member_is_sane(call, "name", given);
    json_object_del(members, "name");
    struct snapshot *s = snapshot_current(call->admin->world);
    struct buf map = BUF_INIT(DOCUMENT_BYTES_MAX), text = BUF_INIT(DOCUMENT_BYTES_MAX),
               why = BUF_INIT(1024);
    if (sane && name_is_new(call, s->document, receive, name) && add_map(call, members, &map)) {
        enum err err = document_edit(s->document->text, path_of(call, receive, name),
                                     buf_span(&map), &text, &why);
        if (err != OK)
            admin_failf(call, 400, "bad-body", "sealpost help document lists the keys",
                        "the %s cannot be added: " SPAN_FMT, kind_name(receive),
                        SPAN_ARG(buf_span(&why)));
        else
            admin_change(
                call, buf_span(&text),
                arena_printf(call->arena, "%s new " SPAN_FMT, kind_name(receive), SPAN_ARG(name)));
    }
    buf_done(&map);
    buf_done(&text);
    buf_done(&why);
    snapshot_release(s);
    json_decref(members);
}

static void remove_connector(struct admin_call *call, bool receive)
{
    struct span name = call->parameters[0];
    struct snapshot *s = snapshot_current(call->admin->world);
    struct buf text = BUF_INIT(DOCUMENT_BYTES_MAX), why = BUF_INIT(1024);
    if (!exists(s->document, receive, name))
        fail_unknown(call, receive, name);
    else if (document_edit(s->document->text, path_of(call, receive, name), SPAN_NONE, &text,
                           &why) != OK)
        admin_failf(call, 400, "failed", NULL, "the %s cannot be removed: " SPAN_FMT,
                    kind_name(receive), SPAN_ARG(buf_span(&why)));
    else
        admin_change(
            call, buf_span(&text),
            arena_printf(call->arena, "%s remove " SPAN_FMT, kind_name(receive), SPAN_ARG(name)));
    buf_done(&text);
    buf_done(&why);
    snapshot_release(s);
}

void admin_list_receive_connectors(struct admin_call *call)
{
    list(call, true);
}
void admin_get_receive_connector(struct admin_call *call)
{
    get(call, true);
}
void admin_patch_receive_connector(struct admin_call *call)
{
    patch(call, true);
}
void admin_add_receive_connector(struct admin_call *call)
{
    add(call, true);
}
void admin_remove_receive_connector(struct admin_call *call)
{
    remove_connector(call, true);
}
void admin_list_send_connectors(struct admin_call *call)
{
    list(call, false);
}
void admin_get_send_connector(struct admin_call *call)
{
    get(call, false);
}
void admin_patch_send_connector(struct admin_call *call)
{
    patch(call, false);
}
void admin_add_send_connector(struct admin_call *call)
{
    add(call, false);
}
void admin_remove_send_connector(struct admin_call *call)
{
    remove_connector(call, false);
}
