/* Evaluates the tree of exchange/powershell: expressions, variables, pipelines, assignments. */
#include "base/text.h"
#include "cli/shell.h"
#include "cli/shell_cmdlets.h"

static bool step(struct shell *s)
{
    if (s->failed)
        return false;
    if (s->interrupted && *s->interrupted)
        return shell_fail(s, NULL, "interrupted");
    if (++s->steps > SHELL_STEPS_MAX)
        return shell_fail(s, "narrow it with Where-Object or -First",
                          "more than %d steps: this would not end", SHELL_STEPS_MAX);
    return true;
}

/* ---- variables ---- */

static struct shell_variable *find_variable(const struct shell *s, struct span name)
{
    for (struct shell_variable *v = s->variables; v; v = v->next)
        if (span_ieq(v->name, name))
            return v;
    return NULL;
}

/* A variable that nothing was assigned to is null, as in PowerShell. */
static struct shell_value *variable(struct shell *s, struct span name)
{
    const struct shell_variable *v;
    if (span_eq(name, SPAN("_")) || span_ieq(name, SPAN("PSItem")))
        return s->item ? s->item : shell_null();
    if (span_ieq(name, SPAN("true")) || span_ieq(name, SPAN("false")))
        return shell_bool(s->arena, text_lower(name.p[0]) == 't');
    if (span_ieq(name, SPAN("env:COMPUTERNAME"))) {
        struct span host = shell_server_name(s);
        return host.n ? shell_text(s->arena, host) : NULL;
    }
    v = find_variable(s, name);
    return v ? v->value : shell_null();
}

static bool assign(struct shell *s, const struct powershell_node *node)
{
    static const char *const fixed[] = {"true", "false", "null", "_", "PSItem"};
    struct shell_list out = {0};
    for (size_t i = 0; i < COUNT_OF(fixed); i++)
        if (span_ieq(node->text, span_of(fixed[i])))
            return shell_fail(s, NULL, "$" SPAN_FMT " cannot be assigned to", SPAN_ARG(node->text));
    if (!shell_run(s, node->left, &out))
        return false;
    struct shell_variable *v = find_variable(s, node->text);
    if (!v && s->variable_count == SHELL_VARIABLES_MAX)
        return shell_fail(s, NULL, "more than %d variables", SHELL_VARIABLES_MAX);
    if (!v) {
        v = ARENA_NEW(s->arena, struct shell_variable);
        v->name = arena_copy(s->arena, node->text);
        v->next = s->variables;
        s->variables = v;
        s->variable_count++;
    }
    v->value = shell_list_settle(s->arena, &out);
    return true;
}

/* ---- composed values ---- */

static struct shell_value *expand(struct shell *s, const struct powershell_node *node)
{
    struct buf text = BUF_INIT(SHELL_TEXT_MAX);
    struct shell_value *value = NULL;
    const struct powershell_node *item = node->items;
    for (; item; item = item->next) {
        value = shell_eval(s, item);
        if (!value)
            break;
        struct span part = shell_text_of(s->arena, value);
        if (buf_add(&text, part) != OK) {
            shell_fail(s, NULL, "a text of more than %d bytes", SHELL_TEXT_MAX);
            break;
        }
    }
    value = item ? NULL : shell_text(s->arena, buf_span(&text));
    buf_done(&text);
    return value;
}

static bool eval_items(struct shell *s, const struct powershell_node *items,
                       struct shell_list *list)
{
    for (const struct powershell_node *item = items; item; item = item->next) {
        struct shell_value *value = shell_eval(s, item);
        if (!value)
            return false;
        shell_list_add(s->arena, list, value);
    }
    return true;
}

/* @(Get-Queue) holds the queues; @(1,2) holds the numbers. */
static struct shell_value *eval_array(struct shell *s, const struct powershell_node *node)
{
    struct shell_value *array = shell_list_value(s->arena);
    if (node->items && !node->items->next) {
        struct shell_value *only = shell_eval(s, node->items);
        if (!only)
            return NULL;
        shell_list_spread(s->arena, &array->list, only);
        return array;
    }
    return eval_items(s, node->items, &array->list) ? array : NULL;
}

static struct shell_value *eval_hash(struct shell *s, const struct powershell_node *node)
{
    struct shell_value *hash = shell_object(s->arena, NULL);
    hash->kind = SHELL_HASH;
    for (const struct powershell_node *pair = node->items; pair; pair = pair->next) {
        struct shell_value *value = shell_eval(s, pair->left);
        if (!value)
            return NULL;
        shell_set(s->arena, hash, arena_text(s->arena, pair->text), value);
    }
    return hash;
}

static struct shell_value *eval_index(struct shell *s, const struct powershell_node *node)
{
    struct shell_value *left = shell_eval(s, node->left),
                       *right = left ? shell_eval(s, node->right) : NULL;
    double number;
    if (!right)
        return NULL;
    if (left->kind == SHELL_HASH || left->kind == SHELL_OBJECT)
        return shell_member(s, left, shell_text_of(s->arena, right));
    if (!shell_as_number(right, &number)) {
        shell_fail(s, NULL, "an index is a number");
        return NULL;
    }
    /* A single result stands for the list of one, as PowerShell 3 and later have it. */
    size_t count = left->kind == SHELL_LIST ? left->list.count : left->kind != SHELL_NULL;
    if (number < 0)
        number += (double)count;
    if (!(number >= 0 && number < (double)count))
        return shell_null();
    return left->kind == SHELL_LIST ? left->list.items[(size_t)number] : left;
}

static struct shell_value *eval_call(struct shell *s, const struct powershell_node *node)
{
    struct shell_list arguments = {0};
    if (!eval_items(s, node->items, &arguments))
        return NULL;
    if (node->left->kind == POWERSHELL_TYPE)
        return shell_static(s, node->left->text, node->text, &arguments);
    struct shell_value *left = shell_eval(s, node->left);
    return left ? shell_method(s, left, node->text, &arguments) : NULL;
}

static struct shell_value *eval_member(struct shell *s, const struct powershell_node *node)
{
    if (node->left->kind == POWERSHELL_TYPE)
        return shell_static(s, node->left->text, node->text, NULL);
    struct shell_value *left = shell_eval(s, node->left);
    return left ? shell_member(s, left, node->text) : NULL;
}

static struct shell_value *eval_operator(struct shell *s, const struct powershell_node *node)
{
    struct shell_value *left = shell_eval(s, node->left);
    if (!left)
        return NULL;
    bool and = span_ieq(node->text, SPAN("-and")), or = span_ieq(node->text, SPAN("-or"));
    if ((and&&!shell_is_true(left)) || (or &&shell_is_true(left)))
        return shell_bool(s->arena, or);
    struct shell_value *right = shell_eval(s, node->right);
    if (!right)
        return NULL;
    return and || or
               ? shell_bool(s->arena, shell_is_true(right))
               : shell_operate(s, node->text, left, right);
}

static struct shell_value *eval_unary(struct shell *s, const struct powershell_node *node)
{
    struct shell_value *value = shell_eval(s, node->left);
    double number;
    if (!value)
        return NULL;
    if (node->kind == POWERSHELL_NOT)
        return shell_bool(s->arena, !shell_is_true(value));
    if (shell_as_number(value, &number))
        return shell_number(s->arena, -number);
    shell_fail(s, NULL, "- stands before what is no number");
    return NULL;
}

static struct shell_value *eval_run(struct shell *s, const struct powershell_node *node)
{
    struct shell_list out = {0};
    return shell_run(s, node, &out) ? shell_list_settle(s->arena, &out) : NULL;
}

static struct shell_value *evaluate(struct shell *s, const struct powershell_node *node)
{
    struct shell_value *value;
    switch (node->kind) {
    case POWERSHELL_LITERAL: return shell_text(s->arena, node->text);
    case POWERSHELL_EXPAND: return expand(s, node);
    case POWERSHELL_NUMBER: return shell_written_number(s->arena, node->number, node->text);
    case POWERSHELL_VARIABLE: return variable(s, node->text);
    case POWERSHELL_MEMBER: return eval_member(s, node);
    case POWERSHELL_CALL: return eval_call(s, node);
    case POWERSHELL_INDEX: return eval_index(s, node);
    case POWERSHELL_ARRAY: return eval_array(s, node);
    case POWERSHELL_HASH: return eval_hash(s, node);
    case POWERSHELL_OPERATOR: return eval_operator(s, node);
    case POWERSHELL_NOT:
    case POWERSHELL_NEGATE: return eval_unary(s, node);
    case POWERSHELL_TYPE:
        value = shell_text(s->arena, node->text);
        value->kind = SHELL_TYPE_NAME;
        return value;
    case POWERSHELL_BLOCK:
        value = shell_text(s->arena, SPAN_NONE);
        value->kind = SHELL_BLOCK;
        value->block = (struct powershell_node *)(uintptr_t)node;
        return value;
    default: return eval_run(s, node);
    }
}

/* Texts count by their length as well, so that no loop fills the memory with copies. */
struct shell_value *shell_eval(struct shell *s, const struct powershell_node *node)
{
    struct shell_value *value = step(s) ? evaluate(s, node) : NULL;
    if (value && value->kind == SHELL_TEXT)
        s->steps += value->text.n / SHELL_BYTES_A_STEP;
    return value;
}

/* ---- running ---- */

static bool run_pipeline(struct shell *s, const struct powershell_node *pipeline,
                         struct shell_list *out)
{
    struct shell_list input = {0};
    bool first = true;
    for (const struct powershell_node *element = pipeline->items; element;
         element = element->next) {
        struct shell_list result = {0};
        if (!step(s))
            return false;
        if (element->kind == POWERSHELL_COMMAND) {
            if (!cmdlet_run(s, element, first ? NULL : &input, &result))
                return false;
        } else {
            struct shell_value *value = shell_eval(s, element);
            if (!value)
                return false;
            shell_list_spread(s->arena, &result, value);
        }
        if (result.count == SHELL_ITEMS_MAX)
            return shell_fail(s, "narrow it with Where-Object or -ResultSize",
                              "more than %d items in a pipeline", SHELL_ITEMS_MAX - 1);
        input = result;
        first = false;
    }
    for (size_t i = 0; i < input.count; i++)
        shell_list_add(s->arena, out, input.items[i]);
    return true;
}

static bool run_statements(struct shell *s, const struct powershell_node *items,
                           struct shell_list *out)
{
    if (++s->depth > SHELL_DEPTH_MAX)
        shell_fail(s, NULL, "blocks run more than %d deep in each other", SHELL_DEPTH_MAX);
    for (const struct powershell_node *item = items; item && !s->failed && !s->leaves;
         item = item->next)
        shell_run(s, item, out);
    s->depth--;
    return !s->failed;
}

bool shell_run(struct shell *s, const struct powershell_node *node, struct shell_list *out)
{
    if (!step(s))
        return false;
    switch (node->kind) {
    case POWERSHELL_ASSIGN: return assign(s, node);
    case POWERSHELL_PIPELINE: return run_pipeline(s, node, out);
    case POWERSHELL_SCRIPT: return run_statements(s, node->items, out);
    default: break;
    }
    struct shell_value *value = shell_eval(s, node);
    if (!value)
        return false;
    shell_list_spread(s->arena, out, value);
    return true;
}

bool shell_run_block(struct shell *s, const struct powershell_node *block, struct shell_value *item,
                     struct shell_list *out)
{
    struct shell_value *before = s->item;
    s->item = item;
    bool good = run_statements(s, block->items, out);
    s->item = before;
    return good;
}

struct shell_value *shell_pick(struct shell *s, struct shell_value *item, struct shell_value *by)
{
    struct shell_list out = {0};
    if (by->kind != SHELL_BLOCK)
        return shell_member(s, item, shell_text_of(s->arena, by));
    return shell_run_block(s, by->block, item, &out) ? shell_list_settle(s->arena, &out) : NULL;
}
