#include "cli/shell_select.h"

#include "base/text.h"

static bool add_column(struct shell *s, struct select_columns *columns, struct span name,
                       struct shell_value *by)
{
    for (size_t i = 0; i < columns->count; i++)
        if (span_ieq(columns->items[i].name, name))
            return true;
    if (columns->count == SELECT_COLUMNS_MAX)
        return shell_fail(s, NULL, "more than %d properties", SELECT_COLUMNS_MAX);
    columns->items[columns->count++] = (struct select_column){name, by};
    return true;
}

/* As the first item that has it spells it. */
static struct span spelling(const struct shell_list *items, struct span name)
{
    for (size_t i = 0; i < items->count; i++)
        for (const struct shell_property *p = items->items[i]->properties; p; p = p->next)
            if (span_ieq(p->name, name))
                return p->name;
    return name;
}

static bool add_matches(struct shell *s, struct select_columns *columns,
                        const struct shell_list *items, struct span pattern)
{
    for (size_t i = 0; i < items->count; i++)
        for (const struct shell_property *p = items->items[i]->properties; p; p = p->next)
            if (text_glob(pattern, p->name) &&
                !add_column(s, columns, p->name, shell_text(s->arena, p->name)))
                return false;
    return true;
}

static bool add_calculated(struct shell *s, struct select_columns *columns,
                           const struct shell_value *hash)
{
    struct shell_value *name = NULL, *by = NULL;
    for (const struct shell_property *p = hash->properties; p; p = p->next) {
        if (span_istarts(SPAN("name"), p->name) || span_istarts(SPAN("label"), p->name))
            name = p->value;
        else if (span_istarts(SPAN("expression"), p->name))
            by = p->value;
        else
            return shell_fail(s, "write @{n='Name'; e={$_.Property}}",
                              "a calculated property has no \"" SPAN_FMT "\"", SPAN_ARG(p->name));
    }
    if (!name || !by)
        return shell_fail(s, "write @{n='Name'; e={$_.Property}}",
                          "a calculated property needs a name and an expression");
    return add_column(s, columns, shell_text_of(s->arena, name), by);
}

bool select_read(struct shell *s, const struct shell_value *wanted, const struct shell_list *items,
                 struct select_columns *columns)
{
    struct shell_list list = {0};
    columns->count = 0;
    shell_list_spread(s->arena, &list, (struct shell_value *)(uintptr_t)wanted);
    for (size_t i = 0; i < list.count; i++) {
        struct shell_value *one = list.items[i];
        bool good;
        if (one->kind == SHELL_HASH) {
            good = add_calculated(s, columns, one);
        } else if (one->kind == SHELL_BLOCK) {
            good = add_column(s, columns, SPAN("Value"), one);
        } else {
            struct span name = shell_text_of(s->arena, one);
            bool wild = span_find(name, '*') < name.n || span_find(name, '?') < name.n;
            good = wild ? add_matches(s, columns, items, name)
                        : add_column(s, columns, spelling(items, name), one);
        }
        if (!good)
            return false;
    }
    return true;
}

void select_usual(struct shell *s, const char *words, struct select_columns *columns)
{
    struct span rest = span_of(words), word;
    columns->count = 0;
    while (span_cut(&rest, ' ', &word)) {
        size_t equals = span_find(word, '=');
        struct span by = equals < word.n ? span_skip(word, equals + 1) : word;
        if (!add_column(s, columns, span_head(word, equals), shell_text(s->arena, by)))
            return;
    }
}

struct shell_value *select_project(struct shell *s, struct shell_value *item,
                                   const struct select_columns *columns)
{
    struct shell_value *object = shell_object(s->arena, NULL);
    for (size_t i = 0; i < columns->count; i++) {
        struct shell_value *value = shell_pick(s, item, columns->items[i].by);
        if (!value)
            return NULL;
        shell_set(s->arena, object, arena_text(s->arena, columns->items[i].name), value);
    }
    return object;
}
