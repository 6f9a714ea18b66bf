#include "cli/answer.h"

#include "base/clock.h"

struct span answer_text(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return span_make(json_string_value(value), json_string_length(value));
}

int64_t answer_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_real(value) ? (int64_t)json_real_value(value)
                               : (int64_t)json_integer_value(value);
}

bool answer_true(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

int64_t answer_time(const json_t *object, const char *key)
{
    int64_t ms = 0;
    struct span text = answer_text(object, key);
    if (text.n && clock_parse_iso(text, &ms) != OK)
        return 0;
    return ms;
}

const json_t *answer_of(const json_t *object, const char *key)
{
    return json_object_get(object, key);
}

size_t answer_count(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_object(value) ? json_object_size(value) : json_array_size(value);
}
