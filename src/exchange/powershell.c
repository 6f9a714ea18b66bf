#include "exchange/powershell.h"

#include "base/text.h"
#include "exchange/powershell_read.h"

static bool enter(struct powershell_reader *r)
{
    if (++r->depth > POWERSHELL_DEPTH_MAX)
        powershell_fail(r, "nested more than %d deep", POWERSHELL_DEPTH_MAX);
    return !r->failed;
}

/* ---- values ---- */

static struct powershell_node *read_expression(struct powershell_reader *r);
static struct powershell_node *read_pipeline(struct powershell_reader *r);

static void expect(struct powershell_reader *r, const char *token, const char *of)
{
    powershell_skip(r, true);
    if (!r->failed && !powershell_take(r, token))
        powershell_fail(r, "%s needs \"%s\"", of, token);
}

static struct powershell_node *read_items(struct powershell_reader *r, enum powershell_kind kind,
                                          char end, const char *of)
{
    struct powershell_node *list = powershell_node(r, kind, SPAN_NONE);
    struct powershell_node **last = &list->items;
    powershell_skip(r, true);
    while (!r->failed && powershell_peek(r, 0) != end) {
        struct powershell_node *item = read_expression(r);
        if (item->kind == POWERSHELL_ARRAY)
            for (struct powershell_node *each = item->items, *next; each; each = next) {
                next = each->next;
                each->next = NULL;
                powershell_append(&last, each);
            }
        else
            powershell_append(&last, item);
        powershell_skip(r, true);
        if (!powershell_take(r, ","))
            break;
    }
    expect(r, (char[]){end, 0}, of);
    return list;
}

static struct powershell_node *read_hash(struct powershell_reader *r)
{
    struct powershell_node *hash = powershell_node(r, POWERSHELL_HASH, SPAN_NONE);
    struct powershell_node **last = &hash->items;
    powershell_skip(r, true);
    while (!r->failed && powershell_peek(r, 0) != '}') {
        struct powershell_node *quoted = powershell_quoted(r);
        struct span name = quoted ? quoted->text : powershell_name(r);
        struct powershell_node *pair = powershell_node(r, POWERSHELL_PARAMETER, name);
        if (!name.n)
            powershell_fail(r, "in @{ } stands no key");
        expect(r, "=", "a key of @{ }");
        powershell_skip(r, true);
        pair->left = r->failed ? NULL : read_expression(r);
        powershell_append(&last, pair);
        powershell_skip(r, true);
    }
    expect(r, "}", "@{");
    return hash;
}

static struct powershell_node *read_parenthesised(struct powershell_reader *r)
{
    powershell_skip(r, true);
    struct powershell_node *inner = read_pipeline(r);
    expect(r, ")", "an opening parenthesis");
    return inner;
}

static struct powershell_node *read_type(struct powershell_reader *r)
{
    size_t from = r->at;
    while (text_is_alnum(powershell_peek(r, 0)) || powershell_peek(r, 0) == '.')
        r->at++;
    struct powershell_node *type =
        powershell_node(r, POWERSHELL_TYPE, span_make(r->text.p + from, r->at - from));
    if (powershell_take(r, "[]"))
        powershell_skip(r, false);
    expect(r, "]", "the name of a type");
    return type;
}

static struct powershell_node *read_dollar(struct powershell_reader *r)
{
    if (powershell_peek(r, 1) != '(')
        return powershell_variable(r);
    r->at += 2;
    struct powershell_node *inner = powershell_statements(r, ')');
    expect(r, ")", "$(");
    return inner;
}

static struct powershell_node *read_block(struct powershell_reader *r)
{
    struct powershell_node *block = powershell_statements(r, '}');
    block->kind = POWERSHELL_BLOCK;
    expect(r, "}", "a script block");
    return block;
}

/* A value that stands by itself in an expression or as an argument; NULL: none begins here. */
static struct powershell_node *read_primary(struct powershell_reader *r)
{
    struct powershell_node *node = powershell_quoted(r);
    if (node)
        return powershell_postfix(r, node);
    if (powershell_peek(r, 0) == '$')
        return powershell_postfix(r, read_dollar(r));
    if (powershell_take(r, "@{"))
        return powershell_postfix(r, read_hash(r));
    if (powershell_take(r, "@("))
        return powershell_postfix(r, read_items(r, POWERSHELL_ARRAY, ')', "@("));
    if (powershell_take(r, "("))
        return powershell_postfix(r, read_parenthesised(r));
    if (powershell_take(r, "{"))
        return read_block(r);
    if (powershell_take(r, "["))
        return powershell_postfix(r, read_type(r));
    return NULL;
}

struct powershell_node *powershell_postfix(struct powershell_reader *r,
                                           struct powershell_node *node)
{
    while (!r->failed) {
        bool is_static = node->kind == POWERSHELL_TYPE && powershell_take(r, "::");
        bool dot = powershell_peek(r, 0) == '.' && text_is_alpha(powershell_peek(r, 1));
        if (is_static || dot) {
            r->at += dot && !is_static;
            struct powershell_node *member =
                powershell_node(r, POWERSHELL_MEMBER, powershell_name(r));
            member->left = node;
            node = member;
            if (powershell_take(r, "(")) {
                struct powershell_node *arguments =
                    read_items(r, POWERSHELL_ARRAY, ')', "the arguments of a method");
                node->kind = POWERSHELL_CALL;
                node->items = arguments->items;
            }
        } else if (node->kind != POWERSHELL_TYPE && powershell_take(r, "[")) {
            struct powershell_node *index = powershell_node(r, POWERSHELL_INDEX, SPAN_NONE);
            powershell_skip(r, true);
            index->left = node;
            index->right = read_expression(r);
            expect(r, "]", "an index");
            node = index;
        } else if (node->kind == POWERSHELL_TYPE) {
            /* A cast: the value behind it, which the cmdlets convert themselves. */
            struct powershell_node *value = read_primary(r);
            if (!value)
                powershell_fail(r, "after [" SPAN_FMT "] stands no value", SPAN_ARG(node->text));
            return value ? value : node;
        } else {
            break;
        }
    }
    return node;
}

/* ---- expressions ---- */

/* From those that bind last to those that bind first; all of a level bind to the left. */
enum { JOINS, COMPARES, ADDS, MULTIPLIES, FORMATS, LEVELS };

static const struct {
    const char *name;
    int level;
} operators[] = {{"-and", JOINS},
                 {"-or", JOINS},
                 {"-eq", COMPARES},
                 {"-ne", COMPARES},
                 {"-like", COMPARES},
                 {"-notlike", COMPARES},
                 {"-gt", COMPARES},
                 {"-ge", COMPARES},
                 {"-lt", COMPARES},
                 {"-le", COMPARES},
                 {"-contains", COMPARES},
                 {"-notcontains", COMPARES},
                 {"-in", COMPARES},
                 {"-notin", COMPARES},
                 {"-match", COMPARES},
                 {"-notmatch", COMPARES},
                 {"-replace", COMPARES},
                 {"-join", COMPARES},
                 {"-split", COMPARES},
                 {"+", ADDS},
                 {"-", ADDS},
                 {"*", MULTIPLIES},
                 {"/", MULTIPLIES},
                 {"-f", FORMATS}};

/* NULL: at the place stands no operator of this level. */
static const char *take_operator(struct powershell_reader *r, int level)
{
    powershell_skip(r, false);
    struct span rest = span_skip(r->text, r->at);
    for (size_t i = 0; i < COUNT_OF(operators); i++) {
        size_t n = strlen(operators[i].name);
        bool word = operators[i].name[0] == '-';
        if (operators[i].level == level && span_istarts(rest, span_of(operators[i].name)) &&
            !(word && rest.n > n && text_is_alpha(rest.p[n]))) {
            r->at += n;
            return operators[i].name;
        }
    }
    return NULL;
}

static struct powershell_node *read_operand(struct powershell_reader *r)
{
    powershell_skip(r, false);
    struct span rest = span_skip(r->text, r->at);
    bool no = span_istarts(rest, SPAN("-not")) || span_starts(rest, SPAN("!"));
    if (no) {
        r->at += rest.p[0] == '!' ? 1 : 4;
        struct powershell_node *node = powershell_node(r, POWERSHELL_NOT, SPAN_NONE);
        if (enter(r))
            node->left = read_operand(r);
        r->depth--;
        return node;
    }
    struct powershell_node *node = read_primary(r);
    if (node)
        return node;
    /* A word or a number; in an expression a number ends where its digits do. */
    size_t from = r->at;
    while (text_is_alnum(powershell_peek(r, 0)) ||
           strchr("_.-", powershell_peek(r, 0) ? powershell_peek(r, 0) : ' '))
        r->at++;
    struct span word = span_make(r->text.p + from, r->at - from);
    node = powershell_node(r, POWERSHELL_NUMBER, word);
    if (!word.n)
        powershell_fail(r, "a value is missing");
    else if (!powershell_number(word, &node->number))
        node->kind = POWERSHELL_LITERAL;
    return node;
}

static struct powershell_node *read_list(struct powershell_reader *r)
{
    struct powershell_node *first = read_operand(r);
    powershell_skip(r, false);
    if (r->failed || powershell_peek(r, 0) != ',')
        return first;
    struct powershell_node *array = powershell_node(r, POWERSHELL_ARRAY, SPAN_NONE);
    struct powershell_node **last = &array->items;
    powershell_append(&last, first);
    while (!r->failed && powershell_take(r, ",")) {
        powershell_skip(r, true);
        powershell_append(&last, read_operand(r));
        powershell_skip(r, false);
    }
    return array;
}

static struct powershell_node *read_level(struct powershell_reader *r, int level)
{
    if (level == LEVELS)
        return read_list(r);
    struct powershell_node *left = read_level(r, level + 1);
    for (const char *name; !r->failed && (name = take_operator(r, level));) {
        struct powershell_node *node = powershell_node(r, POWERSHELL_OPERATOR, span_of(name));
        powershell_skip(r, true);
        node->left = left;
        node->right = read_level(r, level + 1);
        left = node;
    }
    return left;
}

static struct powershell_node *read_expression(struct powershell_reader *r)
{
    struct powershell_node *whole =
        enter(r) ? read_level(r, JOINS) : powershell_node(r, POWERSHELL_LITERAL, SPAN_NONE);
    r->depth--;
    return whole;
}

/* ---- commands ---- */

static bool ends_command(char c)
{
    return c == 0 || strchr("|;\n)}", c) != NULL;
}

/* One value of a command, or several between commas. */
static struct powershell_node *read_argument(struct powershell_reader *r)
{
    struct powershell_node *first = read_primary(r);
    if (!first)
        first = powershell_bare(r);
    powershell_skip(r, false);
    if (r->failed || powershell_peek(r, 0) != ',')
        return first;
    struct powershell_node *array = powershell_node(r, POWERSHELL_ARRAY, SPAN_NONE);
    struct powershell_node **last = &array->items;
    powershell_append(&last, first);
    while (!r->failed && powershell_take(r, ",")) {
        powershell_skip(r, true);
        struct powershell_node *item = read_primary(r);
        powershell_append(&last, item ? item : powershell_bare(r));
        powershell_skip(r, false);
    }
    return array;
}

static bool at_parameter(const struct powershell_reader *r)
{
    return powershell_peek(r, 0) == '-' && text_is_alpha(powershell_peek(r, 1));
}

static struct powershell_node *read_parameter(struct powershell_reader *r)
{
    r->at++; /* '-' */
    struct powershell_node *node = powershell_node(r, POWERSHELL_PARAMETER, SPAN_NONE);
    node->text = powershell_name(r);
    node->bound = powershell_take(r, ":");
    powershell_skip(r, false);
    if (node->bound || (!ends_command(powershell_peek(r, 0)) && !at_parameter(r)))
        node->left = read_argument(r);
    return node;
}

/* "Where Services -like *SMTP*" and "Where-Object {...}": the operators of the short form read as
 * parameters. */
static struct powershell_node *read_command(struct powershell_reader *r)
{
    struct powershell_node *command = powershell_node(r, POWERSHELL_COMMAND, SPAN_NONE);
    struct powershell_node **last = &command->items;
    struct powershell_node *name = powershell_bare(r);
    command->text = name->text;
    powershell_skip(r, false);
    while (!r->failed && !ends_command(powershell_peek(r, 0))) {
        powershell_append(&last, at_parameter(r) ? read_parameter(r) : read_argument(r));
        powershell_skip(r, false);
    }
    return command;
}

static bool begins_expression(const struct powershell_reader *r)
{
    char c = powershell_peek(r, 0);
    struct span rest = span_skip(r->text, r->at);
    return c == '$' || c == '"' || c == '\'' || c == '(' || c == '@' || c == '[' || c == '!' ||
           text_is_digit(c) || span_istarts(rest, SPAN("-not")) ||
           span_starts(rest, SPAN("\u201c")) || span_starts(rest, SPAN("\u2018"));
}

static struct powershell_node *read_pipeline(struct powershell_reader *r)
{
    struct powershell_node *pipeline = powershell_node(r, POWERSHELL_PIPELINE, SPAN_NONE);
    struct powershell_node **last = &pipeline->items;
    bool more = enter(r);
    for (bool first = true; more && !r->failed; first = false) {
        bool value = first && begins_expression(r);
        struct powershell_node *element = value ? read_expression(r) : read_command(r);
        powershell_append(&last, element);
        powershell_skip(r, false);
        more = powershell_take(r, "|");
        powershell_skip(r, more);
        if (more && !powershell_peek(r, 0))
            powershell_fail(r, "behind | stands no command");
    }
    r->depth--;
    return pipeline;
}

/* $name = pipeline; anything else is a pipeline. */
static struct powershell_node *read_statement(struct powershell_reader *r)
{
    size_t start = r->at;
    if (powershell_peek(r, 0) == '$' && powershell_peek(r, 1) != '(') {
        struct powershell_node *variable = powershell_variable(r);
        powershell_skip(r, false);
        if (powershell_peek(r, 0) == '=' && powershell_peek(r, 1) != '=') {
            r->at++;
            powershell_skip(r, true);
            struct powershell_node *assign = powershell_node(r, POWERSHELL_ASSIGN, variable->text);
            assign->left = read_pipeline(r);
            return assign;
        }
        r->at = start;
    }
    return read_pipeline(r);
}

struct powershell_node *powershell_statements(struct powershell_reader *r, char end)
{
    struct powershell_node *script = powershell_node(r, POWERSHELL_SCRIPT, SPAN_NONE);
    struct powershell_node **last = &script->items;
    bool go = enter(r);
    powershell_skip(r, true);
    while (go && !r->failed && powershell_peek(r, 0) && powershell_peek(r, 0) != end) {
        powershell_append(&last, read_statement(r));
        powershell_skip(r, false);
        char c = powershell_peek(r, 0);
        if (!r->failed && c && c != ';' && c != '\n' && c != end)
            powershell_fail(r, "\"%c\" is not expected here", c);
        powershell_skip(r, true);
    }
    r->depth--;
    return script;
}

static void begin(struct powershell_reader *r, struct arena *arena, struct span text,
                  struct buf *why)
{
    *r = (struct powershell_reader){.arena = arena, .text = text, .why = why};
}

enum err powershell_parse(struct arena *arena, struct span text, struct powershell_node **script,
                          struct buf *why)
{
    struct powershell_reader r;
    if (text.n > POWERSHELL_BYTES_MAX) {
        buf_addf(why, "longer than %d bytes", POWERSHELL_BYTES_MAX);
        return ERR_LIMIT;
    }
    begin(&r, arena, text, why);
    struct powershell_node *read = powershell_statements(&r, 0);
    if (!r.failed && r.at < text.n)
        powershell_fail(&r, "a character that ends the text stands in it");
    if (r.failed)
        return ERR_SYNTAX;
    *script = read;
    return OK;
}

bool powershell_is_unfinished(struct span text)
{
    struct arena arena = ARENA_INIT;
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    struct powershell_reader r;
    bool unfinished = span_iends(span_trim(text), SPAN("`"));
    if (text.n <= POWERSHELL_BYTES_MAX) {
        begin(&r, &arena, text, &why);
        powershell_statements(&r, 0);
        unfinished |= r.failed && r.unfinished;
    }
    buf_done(&why);
    arena_done(&arena);
    return unfinished;
}
