#include "present/json.h"

#include <assert.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/text.h"

static void wipe_and_free(void *memory)
{
    explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

void present_wipes(void)
{
    json_set_alloc_funcs(malloc, wipe_and_free);
}

json_t *present_text(struct span s)
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

json_t *present_text_or_null(struct span s)
{
    return s.n ? present_text(s) : json_null();
}

json_t *present_texts(const struct span *items, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        present_push(array, present_text(items[i]));
    return array;
}

json_t *present_time(int64_t ms)
{
    if (ms == 0)
        return json_null();
    struct buf text = BUF_INIT(64);
    clock_add_iso(&text, ms);
    json_t *value = present_text(buf_span(&text));
    buf_done(&text);
    return value;
}

json_t *present_number(uint64_t n)
{
    return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

void present_set(json_t *object, const char *key, json_t *value)
{
    int failed = json_object_set_new_nocheck(object, key, value);
    assert(!failed);
}

void present_push(json_t *array, json_t *value)
{
    int failed = json_array_append_new(array, value);
    assert(!failed);
}
