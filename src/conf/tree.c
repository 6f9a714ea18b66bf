#include "conf/tree.h"

#include <assert.h>
#include <yaml.h>

#include "base/map.h"
#include "base/text.h"
#include "conf/problem.h"

/* No honest value comes near; it keeps problems and listings readable. */
enum { TREE_SCALAR_MAX = 4096 };

struct builder {
    struct arena *arena;
    struct problems *problems;
    yaml_parser_t *parser;
    struct node *root, *at; /* the container that is open */
    unsigned depth;
    size_t nodes;
    bool has_key;
    struct span key;
    unsigned key_line, key_column;
    struct map seen; /* container and key, for duplicates */
    bool skip;       /* the value of a key that stood there before: read, but not kept */
    bool stop, done;
};

static unsigned line_of(yaml_mark_t mark)
{
    return (unsigned)mark.line + 1;
}

static unsigned column_of(yaml_mark_t mark)
{
    return (unsigned)mark.column + 1;
}

#define SYNTAX(builder, mark, remedy, ...)                                                         \
    problem_syntax((builder)->problems, line_of(mark), column_of(mark), SPAN(remedy), __VA_ARGS__)

static struct node *node_new(struct arena *arena, struct node *up, struct span name)
{
    struct node *node = ARENA_NEW(arena, struct node);
    node->name = name;
    node->up = up;
    if (!up)
        return node;
    node->index = up->count++;
    if (up->last)
        up->last->next = node;
    else
        up->first = node;
    up->last = node;
    return node;
}

struct node *tree_add(struct arena *arena, struct node *up, struct span name)
{
    return node_new(arena, up, name);
}

void tree_remove(struct node *child)
{
    struct node *up = child->up, *before = NULL;
    for (struct node *node = up->first; node != child; node = node->next)
        before = node;
    if (before)
        before->next = child->next;
    else
        up->first = child->next;
    if (up->last == child)
        up->last = before;
    up->count--;
    for (struct node *node = child->next; node; node = node->next)
        node->index--;
}

/* U+0080 to U+009F, U+2028, U+2029, U+FEFF and the ASCII controls: nothing that a value needs, and
 * a way to forge log lines and listings. */
static bool has_control(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 32 || c == 127)
            return true;
        struct span rest = span_skip(s, i);
        if (c == 0xC2 && rest.n > 1 && (unsigned char)rest.p[1] < 0xA0)
            return true;
        if (span_starts(rest, SPAN("\xE2\x80\xA8")) || span_starts(rest, SPAN("\xE2\x80\xA9")) ||
            span_starts(rest, SPAN("\xEF\xBB\xBF")))
            return true;
    }
    return false;
}

bool tree_text_is_fit(struct span text)
{
    return text.n <= TREE_SCALAR_MAX && text_is_utf8(text) && !has_control(text);
}

/* Whether the text of a scalar can be taken. */
static bool scalar_is_fit(struct builder *b, const yaml_event_t *event)
{
    struct span text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    if (text.n > TREE_SCALAR_MAX) {
        SYNTAX(b, event->start_mark, "shorten it", "a value of %zu bytes; %d are the most", text.n,
               TREE_SCALAR_MAX);
        return false;
    }
    if (has_control(text)) {
        SYNTAX(b, event->start_mark, "write the value on one line, without \\n, \\0 and the like",
               "a value holds a line break or another control character");
        return false;
    }
    return true;
}

static void refuse_decoration(struct builder *b, const yaml_event_t *event,
                              const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor)
        SYNTAX(b, event->start_mark, "write the value out where it is needed",
               "anchors (\"&%s\") are not supported", (const char *)anchor);
    if (tag)
        SYNTAX(b, event->start_mark, "leave the tag away: each key knows its type",
               "tags (\"%s\") are not supported", (const char *)tag);
}

static void take_key(struct builder *b, const yaml_event_t *event)
{
    struct span text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    b->has_key = true;
    b->key_line = line_of(event->start_mark);
    b->key_column = column_of(event->start_mark);
    b->key = SPAN_NONE;
    b->skip = !scalar_is_fit(b, event);
    if (b->skip)
        return;
    b->key = arena_copy(b->arena, text);
    struct buf id = BUF_INIT(BUF_UNLIMITED);
    uintptr_t container = (uintptr_t)b->at;
    buf_add(&id, span_make((const char *)&container, sizeof(container)));
    buf_add(&id, text);
    uintptr_t before = (uintptr_t)map_get(&b->seen, buf_span(&id));
    if (before) {
        SYNTAX(b, event->start_mark, "keep one of them",
               "\"" SPAN_FMT "\" stands in line %u already", SPAN_ARG(text), (unsigned)before);
        b->skip = true;
    } else {
        /* A line number is never 0, so it serves as the pointer. */
        map_set(&b->seen, buf_span(&id),
                (void *)(uintptr_t)b->key_line); // NOLINT(performance-no-int-to-ptr)
    }
    buf_done(&id);
}

/* Makes the node for a value that begins; where it is to be skipped, one that hangs nowhere. */
static struct node *begin_value(struct builder *b, const yaml_event_t *event, enum node_kind kind)
{
    if (++b->nodes > TREE_NODES_MAX) {
        SYNTAX(b, event->start_mark, "split it or use larger ranges", "more than %d values",
               TREE_NODES_MAX);
        b->stop = true;
        return NULL;
    }
    bool in_map = b->at && b->at->kind == NODE_MAP;
    struct node *up = b->skip ? NULL : b->at;
    struct node *node = node_new(b->arena, up, in_map ? b->key : SPAN_NONE);
    node->up = b->at;
    node->kind = kind;
    node->line = line_of(event->start_mark);
    node->column = column_of(event->start_mark);
    if (in_map) {
        node->key_line = b->key_line;
        node->key_column = b->key_column;
    }
    if (!b->root)
        b->root = node;
    b->has_key = b->skip = false;
    return node;
}

static void on_scalar(struct builder *b, const yaml_event_t *event)
{
    refuse_decoration(b, event, event->data.scalar.anchor, event->data.scalar.tag);
    if (b->at && b->at->kind == NODE_MAP && !b->has_key) {
        take_key(b, event);
        return;
    }
    struct span text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    if (!scalar_is_fit(b, event))
        text = SPAN_NONE;
    struct node *node = begin_value(b, event, NODE_SCALAR);
    if (!node)
        return;
    node->text = arena_copy(b->arena, text);
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static void on_container(struct builder *b, const yaml_event_t *event, enum node_kind kind)
{
    if (b->at && b->at->kind == NODE_MAP && !b->has_key) {
        SYNTAX(b, event->start_mark, "write the key as plain text", "a key is a list or a map");
        b->stop = true;
        return;
    }
    if (b->depth == DOCUMENT_DEPTH_MAX) {
        SYNTAX(b, event->start_mark, "no key needs this depth", "nested deeper than %d levels",
               DOCUMENT_DEPTH_MAX);
        b->stop = true;
        return;
    }
    struct node *node = begin_value(b, event, kind);
    if (!node)
        return;
    b->at = node;
    b->depth++;
}

static void on_container_end(struct builder *b)
{
    b->at = b->at->up;
    b->depth--;
}

static void on_alias(struct builder *b, const yaml_event_t *event)
{
    SYNTAX(b, event->start_mark, "write the value out where it is needed",
           "aliases (\"*%s\") are not supported", (const char *)event->data.alias.anchor);
    b->stop = true;
}

static void on_document(struct builder *b, const yaml_event_t *event)
{
    if (!b->root)
        return;
    SYNTAX(b, event->start_mark, "keep one document in the file", "a second document begins");
    b->stop = true;
}

static void on_event(struct builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT: on_scalar(b, event); break;
    case YAML_SEQUENCE_START_EVENT:
        refuse_decoration(b, event, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag);
        on_container(b, event, NODE_LIST);
        break;
    case YAML_MAPPING_START_EVENT:
        refuse_decoration(b, event, event->data.mapping_start.anchor,
                          event->data.mapping_start.tag);
        on_container(b, event, NODE_MAP);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: on_container_end(b); break;
    case YAML_ALIAS_EVENT: on_alias(b, event); break;
    case YAML_DOCUMENT_START_EVENT: on_document(b, event); break;
    case YAML_STREAM_END_EVENT: b->done = true; break;
    default: break;
    }
}

/* libyaml knows only an offset where the bytes themselves are wrong. */
static void report_bytes(struct builder *b, struct span yaml)
{
    unsigned line = 1, column = 1;
    struct span before = span_head(yaml, b->parser->problem_offset), part;
    while (span_cut(&before, '\n', &part)) {
        line += before.p != NULL;
        column = (unsigned)part.n + 1;
    }
    problem_syntax(b->problems, line, column, SPAN("save the file as UTF-8 text"),
                   "not readable as UTF-8 text: %s", b->parser->problem);
}

static void report_parser(struct builder *b, struct span yaml)
{
    const yaml_parser_t *p = b->parser;
    if (p->error == YAML_MEMORY_ERROR)
        abort();
    if (p->error == YAML_READER_ERROR) {
        report_bytes(b, yaml);
        return;
    }
    problem_syntax(b->problems, line_of(p->problem_mark), column_of(p->problem_mark),
                   SPAN("correct the YAML: check indentation, quotes and brackets here and above"),
                   "%s%s%s", p->context ? p->context : "", p->context ? ": " : "",
                   p->problem ? p->problem : "not YAML");
}

static void run(struct builder *b, struct span yaml)
{
    while (!b->stop && !b->done) {
        yaml_event_t event;
        if (!yaml_parser_parse(b->parser, &event)) {
            report_parser(b, yaml);
            b->stop = true;
            return;
        }
        on_event(b, &event);
        yaml_event_delete(&event);
    }
}

struct node *tree_parse_value(struct arena *arena, struct problems *problems, struct span yaml)
{
    if (yaml.n > DOCUMENT_BYTES_MAX) {
        problem_syntax(problems, 0, 0, SPAN("split it or use larger ranges"),
                       "the document has %zu bytes; %d are the most", yaml.n, DOCUMENT_BYTES_MAX);
        return NULL;
    }
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        abort();
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(yaml.p ? yaml.p : ""), yaml.n);
    struct builder b = {.arena = arena, .problems = problems, .parser = &parser};
    map_init(&b.seen);
    run(&b, yaml);
    map_done(&b.seen);
    yaml_parser_delete(&parser);
    if (b.stop)
        return NULL;
    if (!b.root) {
        b.root = node_new(arena, NULL, SPAN_NONE);
        b.root->plain = true;
    }
    return b.root;
}

struct node *tree_parse(struct arena *arena, struct problems *problems, struct span yaml)
{
    struct node *root = tree_parse_value(arena, problems, yaml);
    if (!root || root->kind == NODE_MAP)
        return root;
    if (tree_is_empty(root)) {
        root->kind = NODE_MAP;
        return root;
    }
    problem_syntax(problems, root->line, root->column,
                   SPAN("begin with lines like \"hostname: mail.example.com\""),
                   "the document is not a map of keys");
    return NULL;
}

struct node *tree_get(const struct node *map, struct span name)
{
    if (!map || map->kind != NODE_MAP)
        return NULL;
    for (struct node *child = map->first; child; child = child->next)
        if (span_eq(child->name, name))
            return child;
    return NULL;
}

struct node *tree_at(const struct node *list, size_t index)
{
    if (!list || list->kind != NODE_LIST)
        return NULL;
    struct node *child = list->first;
    while (child && child->index != index)
        child = child->next;
    return child;
}

bool tree_is_empty(const struct node *node)
{
    if (node->kind != NODE_SCALAR || !node->plain)
        return false;
    return node->text.n == 0 || span_eq(node->text, SPAN("~")) ||
           span_ieq(node->text, SPAN("null"));
}

void tree_add_name(struct buf *out, struct span name)
{
    bool quote = name.n == 0 || span_find(name, '.') < name.n || span_find(name, '"') < name.n;
    if (!quote) {
        buf_add(out, name);
        return;
    }
    buf_add_char(out, '"');
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '"' || name.p[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, name.p[i]);
    }
    buf_add_char(out, '"');
}

void tree_add_path(struct buf *out, const struct node *node)
{
    /* Depth is limited, so a small stack holds the way up. */
    const struct node *way[DOCUMENT_DEPTH_MAX + 1];
    size_t n = 0;
    for (; node && node->up; node = node->up) {
        assert(n < COUNT_OF(way));
        way[n++] = node;
    }
    for (size_t i = n; i-- > 0;) {
        if (way[i]->up->kind == NODE_LIST) {
            buf_addf(out, "[%zu]", way[i]->index);
            continue;
        }
        if (i + 1 < n)
            buf_add_char(out, '.');
        tree_add_name(out, way[i]->name);
    }
}
