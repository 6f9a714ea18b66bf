/* The cmdlets that work on what comes through the pipeline. */
#include <stdlib.h>

#include "base/text.h"
#include "cli/shell_format.h"
#include "cli/shell_parts.h"

static const struct shell_list *input_of(const struct cmdlet_call *call)
{
    static const struct shell_list none = {0};
    return call->input ? call->input : &none;
}

/* ---- Format-List, Format-Table ---- */

/* With --json the objects themselves are wanted, with the properties that were named. */
static bool put_objects(struct cmdlet_call *call, const struct shell_value *wanted)
{
    struct select_columns *columns = ARENA_NEW(call->s->arena, struct select_columns);
    const struct shell_list *input = input_of(call);
    if (wanted && !select_read(call->s, wanted, input, columns))
        return false;
    for (size_t i = 0; i < input->count; i++) {
        struct shell_value *item = input->items[i];
        if (wanted && !(item = select_project(call->s, item, columns)))
            return false;
        cmdlet_put(call, item);
    }
    return true;
}

static bool format(struct cmdlet_call *call, bool table)
{
    struct buf out = BUF_INIT(SHELL_OUTPUT_MAX);
    const struct shell_value *wanted = cmdlet_get(call, "Property");
    if (call->s->results)
        return put_objects(call, wanted);
    bool good = table ? format_table(call->s, input_of(call), wanted, &out)
                      : format_list(call->s, input_of(call), wanted, &out);
    if (good && out.n) {
        struct shell_value *text = shell_text(call->s->arena, buf_span(&out));
        text->flag = true;
        cmdlet_put(call, text);
    }
    buf_done(&out);
    return good;
}

bool cmdlet_format_list(struct cmdlet_call *call)
{
    return format(call, false);
}

bool cmdlet_format_table(struct cmdlet_call *call)
{
    return format(call, true);
}

/* ---- Where-Object ---- */

static bool where_property(struct cmdlet_call *call, struct shell_value *item,
                           struct shell_value *property, bool *keeps)
{
    static const char *const names[] = {"EQ",       "NE",          "GT",      "GE",    "LT",
                                        "LE",       "Like",        "NotLike", "Match", "NotMatch",
                                        "Contains", "NotContains", "In",      "NotIn"};
    struct shell *s = call->s;
    struct shell_value *left = shell_pick(s, item, property), *right = NULL;
    *keeps = left && shell_is_true(left);
    for (size_t i = 0; i < COUNT_OF(names) && left; i++) {
        if (!(right = cmdlet_get(call, names[i])))
            continue;
        struct shell_value *holds =
            shell_operate(s, arena_printf(s->arena, "-%s", names[i]), left, right);
        *keeps = holds && shell_is_true(holds);
        return holds != NULL;
    }
    return left != NULL;
}

bool cmdlet_where(struct cmdlet_call *call)
{
    const struct shell_list *input = input_of(call);
    struct shell_value *property = cmdlet_get(call, "Property");
    if (!property)
        property = cmdlet_get(call, "FilterScript");
    if (!property)
        return shell_fail(call->s, NULL, "write Where-Object {$_.Property -eq 'value'}");
    for (size_t i = 0; i < input->count; i++) {
        bool keeps = false;
        if (!where_property(call, input->items[i], property, &keeps))
            return false;
        if (keeps)
            cmdlet_put(call, input->items[i]);
    }
    return true;
}

/* ---- Select-Object ---- */

static bool expand(struct cmdlet_call *call, struct shell_value *item, struct shell_value *by)
{
    struct shell_value *value = shell_pick(call->s, item, by);
    if (value)
        shell_list_spread(call->s->arena, call->out, value);
    return value != NULL;
}

bool cmdlet_select(struct cmdlet_call *call)
{
    const struct shell_list *input = input_of(call);
    struct select_columns *columns = ARENA_NEW(call->s->arena, struct select_columns);
    struct shell_value *wanted = cmdlet_get(call, "Property"),
                       *expands = cmdlet_get(call, "ExpandProperty");
    double first, last, skip, max = SHELL_ITEMS_MAX;
    if (!cmdlet_number(call, "First", max, max, &first) ||
        !cmdlet_number(call, "Last", max, max, &last) ||
        !cmdlet_number(call, "Skip", max, 0, &skip) ||
        (wanted && !select_read(call->s, wanted, input, columns)))
        return false;
    size_t end = input->count, from = skip < (double)end ? (size_t)skip : end;
    if (end - from > first)
        end = from + (size_t)first;
    if (end - from > last)
        from = end - (size_t)last;
    for (size_t i = from; input->items && i < end; i++) {
        struct shell_value *item = input->items[i];
        if (expands && !expand(call, item, expands))
            return false;
        if (!expands && wanted && !(item = select_project(call->s, item, columns)))
            return false;
        if (!expands)
            cmdlet_put(call, item);
    }
    return true;
}

/* ---- Sort-Object ---- */

struct sorted {
    struct shell_value *item;
    struct shell_list keys;
    size_t at; /* equal ones keep their order */
    bool descending;
};

static int compare_sorted(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    for (size_t i = 0; i < x->keys.count && i < y->keys.count; i++) {
        int order = shell_compare(x->keys.items[i], y->keys.items[i]);
        if (order)
            return x->descending ? -order : order;
    }
    return x->at < y->at ? -1 : 1;
}

bool cmdlet_sort(struct cmdlet_call *call)
{
    const struct shell_list *input = input_of(call);
    struct shell *s = call->s;
    struct shell_list by = {0};
    struct sorted *sorted = ARENA_ARRAY(s->arena, struct sorted, input->count + 1);
    if (cmdlet_get(call, "Property"))
        shell_list_spread(s->arena, &by, cmdlet_get(call, "Property"));
    for (size_t i = 0; i < input->count; i++) {
        sorted[i] = (struct sorted){
            .item = input->items[i], .at = i, .descending = cmdlet_switch(call, "Descending")};
        for (size_t k = 0; k < by.count; k++) {
            struct shell_value *key = shell_pick(s, input->items[i], by.items[k]);
            if (!key)
                return false;
            shell_list_add(s->arena, &sorted[i].keys, key);
        }
        if (by.count == 0)
            shell_list_add(s->arena, &sorted[i].keys, input->items[i]);
    }
    qsort(sorted, input->count, sizeof(*sorted), compare_sorted);
    for (size_t i = 0; i < input->count; i++)
        if (i == 0 || !cmdlet_switch(call, "Unique") ||
            shell_compare(sorted[i].keys.items[0], sorted[i - 1].keys.items[0]) != 0)
            cmdlet_put(call, sorted[i].item);
    return true;
}

/* ---- Measure-Object, Group-Object ---- */

bool cmdlet_measure(struct cmdlet_call *call)
{
    const struct shell_list *input = input_of(call);
    struct shell *s = call->s;
    struct shell_value *by = cmdlet_get(call, "Property"), *result = shell_object(s->arena, NULL);
    double sum = 0, least = 0, most = 0, number;
    size_t numbers = 0;
    for (size_t i = 0; i < input->count && by; i++) {
        struct shell_value *value = shell_pick(s, input->items[i], by);
        if (!value)
            return false;
        if (!shell_as_number(value, &number))
            continue;
        sum += number;
        least = numbers == 0 || number < least ? number : least;
        most = numbers == 0 || number > most ? number : most;
        numbers++;
    }
    const struct {
        const char *name;
        double value;
    } wished[] = {{"Average", numbers ? sum / (double)numbers : 0},
                  {"Sum", sum},
                  {"Maximum", most},
                  {"Minimum", least}};
    shell_set(s->arena, result, "Count", shell_number(s->arena, (double)input->count));
    for (size_t i = 0; i < COUNT_OF(wished); i++)
        if (cmdlet_switch(call, wished[i].name))
            shell_set(s->arena, result, wished[i].name,
                      numbers ? shell_number(s->arena, wished[i].value) : shell_null());
    if (by)
        shell_set(s->arena, result, "Property", by);
    cmdlet_put(call, result);
    return true;
}

static struct shell_value *find_group(const struct shell_list *groups,
                                      const struct shell_value *key)
{
    for (size_t i = 0; i < groups->count; i++)
        if (shell_compare(shell_get(groups->items[i], SPAN("Key")), key) == 0)
            return shell_get(groups->items[i], SPAN("Group"));
    return NULL;
}

bool cmdlet_group(struct cmdlet_call *call)
{
    const struct shell_list *input = input_of(call);
    struct shell *s = call->s;
    struct shell_value *by = cmdlet_get(call, "Property");
    struct shell_list groups = {0};
    for (size_t i = 0; i < input->count; i++) {
        struct shell_value *key = by ? shell_pick(s, input->items[i], by) : input->items[i];
        struct shell_value *members = key ? find_group(&groups, key) : NULL;
        if (!key)
            return false;
        if (!members) {
            struct shell_value *group = shell_object(s->arena, NULL);
            members = shell_list_value(s->arena);
            shell_set(s->arena, group, "Key", key);
            shell_set(s->arena, group, "Group", members);
            shell_list_add(s->arena, &groups, group);
        }
        shell_list_add(s->arena, &members->list, input->items[i]);
    }
    for (size_t i = 0; i < groups.count; i++) {
        struct shell_value *members = shell_get(groups.items[i], SPAN("Group")),
                           *group = shell_object(s->arena, NULL);
        struct buf name = BUF_INIT(SHELL_TEXT_MAX);
        shell_add_text(&name, shell_get(groups.items[i], SPAN("Key")));
        shell_set(s->arena, group, "Count", shell_number(s->arena, (double)members->list.count));
        shell_set(s->arena, group, "Name", shell_text(s->arena, buf_span(&name)));
        if (!cmdlet_switch(call, "NoElement"))
            shell_set(s->arena, group, "Group", members);
        cmdlet_put(call, group);
        buf_done(&name);
    }
    return true;
}

/* ---- ForEach-Object and the rest ---- */

bool cmdlet_for_each(struct cmdlet_call *call)
{
    const struct shell_list *input = input_of(call);
    struct shell_value *process = cmdlet_get(call, "Process");
    if (!process)
        return shell_fail(call->s, NULL, "write ForEach-Object {...$_...}");
    for (size_t i = 0; i < input->count; i++) {
        if (process->kind == SHELL_BLOCK) {
            if (!shell_run_block(call->s, process->block, input->items[i], call->out))
                return false;
        } else if (!expand(call, input->items[i], process)) {
            return false;
        }
    }
    return true;
}

bool cmdlet_to_json(struct cmdlet_call *call)
{
    struct shell_value *value = shell_list_settle(call->s->arena, input_of(call));
    json_t *json = shell_to_json(value);
    char *text = json_dumps(
        json, JSON_ENCODE_ANY | (cmdlet_switch(call, "Compress") ? JSON_COMPACT : JSON_INDENT(2)));
    struct shell_value *result = shell_text(call->s->arena, span_of(text));
    free(text);
    json_decref(json);
    cmdlet_put(call, result);
    return true;
}

bool cmdlet_write_output(struct cmdlet_call *call)
{
    const struct shell_value *value = cmdlet_get(call, "InputObject");
    if (value)
        shell_list_spread(call->s->arena, call->out, (struct shell_value *)(uintptr_t)value);
    for (size_t i = 0; i < input_of(call)->count; i++)
        cmdlet_put(call, input_of(call)->items[i]);
    return true;
}

/* What came through the pipeline ends here. */
bool cmdlet_out_null(struct cmdlet_call *call)
{
    (void)call;
    return true;
}
