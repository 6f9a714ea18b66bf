#include "conf/yaml_out.h"

#include <assert.h>
#include <yaml.h>

#include "base/span.h"

/* Longer lists stand one item in a line, so that a change of one item is a change of one line. */
enum { FLOW_ITEMS_MAX = 4, FLOW_LETTERS_MAX = 80 };

static int write_bytes(void *context, unsigned char *bytes, size_t n)
{
    buf_add(context, span_make((const char *)bytes, n));
    return 1;
}

/* Emitting fails for want of memory, or because the events are in a wrong order; both are ours. */
static void emit(yaml_emitter_t *emitter, yaml_event_t *event)
{
    int emitted = yaml_emitter_emit(emitter, event);
    assert(emitted);
}

/* What a reader of YAML would not take as this text without quotes. */
static bool needs_quotes(struct span s)
{
    return s.n == 0 || span_eq(s, SPAN("~")) || span_ieq(s, SPAN("null"));
}

static void emit_scalar(yaml_emitter_t *emitter, struct span text, bool quoted)
{
    yaml_event_t event;
    int made = yaml_scalar_event_initialize(
        &event, NULL, NULL, (const yaml_char_t *)text.p, (int)text.n, 1, 1,
        quoted ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_ANY_SCALAR_STYLE);
    assert(made);
    emit(emitter, &event);
}

static void emit_string(yaml_emitter_t *emitter, struct span text)
{
    emit_scalar(emitter, text, needs_quotes(text));
}

static void emit_value(yaml_emitter_t *emitter, const json_t *value, bool in_list);

static bool fits_on_a_line(const json_t *list)
{
    size_t letters = 0, i;
    const json_t *item;
    if (json_array_size(list) > FLOW_ITEMS_MAX)
        return false;
    json_array_foreach(list, i, item) letters +=
        json_is_string(item) ? json_string_length(item) : 20;
    return letters <= FLOW_LETTERS_MAX;
}

static void emit_list(yaml_emitter_t *emitter, const json_t *list)
{
    yaml_event_t event;
    size_t i;
    const json_t *item;
    int made = yaml_sequence_start_event_initialize(
        &event, NULL, NULL, 1,
        fits_on_a_line(list) ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE);
    assert(made);
    emit(emitter, &event);
    json_array_foreach(list, i, item) emit_value(emitter, item, true);
    made = yaml_sequence_end_event_initialize(&event);
    assert(made);
    emit(emitter, &event);
}

static void emit_map(yaml_emitter_t *emitter, const json_t *map, bool in_list)
{
    yaml_event_t event;
    const char *name;
    json_t *value;
    int made = yaml_mapping_start_event_initialize(
        &event, NULL, NULL, 1, in_list ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE);
    assert(made);
    emit(emitter, &event);
    json_object_foreach((json_t *)map, name, value)
    {
        emit_string(emitter, span_of(name));
        emit_value(emitter, value, false);
    }
    made = yaml_mapping_end_event_initialize(&event);
    assert(made);
    emit(emitter, &event);
}

static void emit_value(yaml_emitter_t *emitter, const json_t *value, bool in_list)
{
    char number[32];
    switch (json_typeof(value)) {
    case JSON_OBJECT: emit_map(emitter, value, in_list); break;
    case JSON_ARRAY: emit_list(emitter, value); break;
    case JSON_STRING:
        emit_string(emitter, span_make(json_string_value(value), json_string_length(value)));
        break;
    case JSON_INTEGER:
        snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
        emit_scalar(emitter, span_of(number), false);
        break;
    case JSON_TRUE: emit_scalar(emitter, SPAN("true"), false); break;
    case JSON_FALSE: emit_scalar(emitter, SPAN("false"), false); break;
    case JSON_NULL: emit_scalar(emitter, SPAN("null"), false); break;
    case JSON_REAL: assert(!"the document has no such number");
    }
}

void yaml_write(struct buf *out, const json_t *value)
{
    yaml_emitter_t emitter;
    yaml_event_t event;
    int made = yaml_emitter_initialize(&emitter);
    assert(made);
    yaml_emitter_set_output(&emitter, write_bytes, out);
    yaml_emitter_set_encoding(&emitter, YAML_UTF8_ENCODING);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    made = yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
    assert(made);
    emit(&emitter, &event);
    made = yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1);
    assert(made);
    emit(&emitter, &event);
    emit_value(&emitter, value, false);
    made = yaml_document_end_event_initialize(&event, 1);
    assert(made);
    emit(&emitter, &event);
    made = yaml_stream_end_event_initialize(&event);
    assert(made);
    emit(&emitter, &event);
    yaml_emitter_delete(&emitter);
}
