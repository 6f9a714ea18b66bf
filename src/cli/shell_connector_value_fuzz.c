/* A key ("r:max-message-size", "s:address-spaces") in the first line, and a value for it. What is
 * taken comes back as a property, and that property is taken again. */
#include "cli/shell_connector_value.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct schema_key *key_of(struct span name)
{
    bool receive = span_starts(name, SPAN("r:"));
    return schema_find(receive ? &schema_receive_connector : &schema_send_connector,
                       span_skip(name, 2));
}

static bool has_fixed_form(const struct schema_key *key)
{
    return key->type == VALUE_SIZE || key->type == VALUE_DURATION || key->type == VALUE_BOOL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct span rest = span_make((const char *)data, size), name;
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    json_t *member = NULL, *again = NULL;
    if (!span_cut(&rest, '\n', &name))
        return 0;
    const struct schema_key *key = key_of(name);
    if (key && connector_member(&arena, key, shell_text(&arena, rest), NULL, &member, &why) == OK) {
        struct shell_value *property = connector_property(&arena, key, member);
        if (has_fixed_form(key) && property->kind != SHELL_NULL) {
            assert(connector_member(&arena, key, property, NULL, &again, &why) == OK);
            assert(json_equal(member, again));
        }
    }
    json_decref(member);
    json_decref(again);
    buf_done(&why);
    arena_done(&arena);
    return 0;
}
