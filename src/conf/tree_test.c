#include "conf/tree.h"

#include "conf/parse_script.h"
#include "conf/problem.h"

/* The tree in one line: {a: [b, "c"], d: {}}; quoted scalars in quotes. */
static void add_tree(struct buf *out, const struct node *node)
{
    if (node->kind == NODE_SCALAR) {
        buf_addf(out, node->plain ? SPAN_FMT : "\"" SPAN_FMT "\"", SPAN_ARG(node->text));
        return;
    }
    buf_add_char(out, node->kind == NODE_LIST ? '[' : '{');
    for (const struct node *child = node->first; child; child = child->next) {
        buf_add_text(out, child == node->first ? "" : ", ");
        if (node->kind == NODE_MAP)
            buf_addf(out, SPAN_FMT ": ", SPAN_ARG(child->name));
        add_tree(out, child);
    }
    buf_add_char(out, node->kind == NODE_LIST ? ']' : '}');
}

static void check_tree(const char *yaml, const char *expected)
{
    struct arena arena = ARENA_INIT;
    struct problems problems = {0};
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    struct node *root = tree_parse(&arena, &problems, span_of(yaml));
    assert_non_null(root);
    assert_int_equal(problems.count, 0);
    add_tree(&text, root);
    assert_string_equal(buf_text(&text), expected);
    buf_done(&text);
    arena_done(&arena);
}

static void test_shapes(void **state)
{
    (void)state;
    check_tree("", "{}");
    check_tree("# nothing but words\n", "{}");
    check_tree("a: b", "{a: b}");
    check_tree("a: 'b'\nc:\n- d\n- {e: f}\n", "{a: \"b\", c: [d, {e: f}]}");
    check_tree("{\"a\": [1, true, \"x\"], \"b\": {}}", "{a: [1, true, \"x\"], b: {}}");
    check_tree("a:\nb: ~\n", "{a: , b: ~}");
    check_tree("a: \xC3\xA4\n", "{a: \xC3\xA4}");
    check_tree("\xEF\xBB\xBF"
               "a: b\n",
               "{a: b}");
    check_tree("--- \na: b\n...\n", "{a: b}");
}

static void check_problem(struct span yaml, unsigned line, unsigned column, const char *part)
{
    struct arena arena = ARENA_INIT;
    struct problems problems = {0};
    tree_parse(&arena, &problems, yaml);
    if (problems.errors == 0)
        fail_msg("no error, but: %s", part);
    struct problem *p = &problems.items[0];
    assert_has(p->text.p, part);
    if (p->line != line || p->column != column)
        fail_msg("%s: %u:%u", part, p->line, p->column);
    problems_done(&problems);
    arena_done(&arena);
}

static void test_refusals(void **state)
{
    (void)state;
    check_problem(SPAN("a: &x b\nc: *x\n"), 1, 4, "anchors (\"&x\")");
    check_problem(SPAN("c: *x\n"), 1, 4, "aliases (\"*x\")");
    check_problem(SPAN("a: !!int 5\n"), 1, 4, "tags (\"tag:yaml.org,2002:int\")");
    check_problem(SPAN("a: b\nc: d\na: e\n"), 3, 1, "\"a\" stands in line 1 already");
    check_problem(SPAN("a: {b: 1, b: 2}\n"), 1, 11, "\"b\" stands in line 1 already");
    check_problem(SPAN("a: b\n---\nc: d\n"), 2, 1, "a second document");
    check_problem(SPAN("- a\n"), 1, 1, "not a map");
    check_problem(SPAN("just words\n"), 1, 1, "not a map");
    check_problem(SPAN("? [a]\n: b\n"), 1, 3, "a key is a list or a map");
    check_problem(SPAN("a: b\n  c: d\n"), 2, 4, "mapping values are not allowed");
    check_problem(SPAN("a: [b\n"), 2, 1, "flow sequence");
    check_problem(SPAN("a: \"b\\nc\"\n"), 1, 4, "control character");
    check_problem(SPAN("a: \"b\\0c\"\n"), 1, 4, "control character");
    check_problem(SPAN("a: \"b\\u0085c\"\n"), 1, 4, "control character");
    check_problem(SPAN("a: \"b\\u2028c\"\n"), 1, 4, "control character");
    check_problem(SPAN("\"a\\e\": b\n"), 1, 1, "control character");
    check_problem(SPAN("a: |\n  b\n  c\n"), 1, 4, "control character");
    check_problem(SPAN("a: b\nc: \xFF\n"), 2, 4, "UTF-8");
    check_problem(SPAN("a: b\nc: \0\n"), 2, 4, "UTF-8");
}

static char *repeat(const char *head, const char *part, size_t count, const char *tail)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    buf_add_text(&text, head);
    for (size_t i = 0; i < count; i++)
        buf_add_text(&text, part);
    buf_add_text(&text, tail);
    return buf_take(&text);
}

static void check_repeated(const char *head, const char *part, size_t count, unsigned column,
                           const char *expected)
{
    char *yaml = repeat(head, part, count, "");
    check_problem(span_of(yaml), column ? 1 : 0, column, expected);
    free(yaml);
}

static void test_limits(void **state)
{
    (void)state;
    check_repeated("a: ", "[", 16, 19, "nested deeper");
    check_repeated("a: ", "[", 100000, 19, "nested deeper");
    check_repeated("a: ", "b", 4097, 4, "a value of 4097 bytes");
    check_repeated("", "# some words that nobody reads, again and again, until it is long\n", 70000,
                   0, "are the most");
    check_repeated("a: [", "b,", TREE_NODES_MAX, 4 + 2 * (TREE_NODES_MAX - 2) + 1,
                   "more than 500000 values");
    char *deep = repeat("a: ", "[", 15, "]]]]]]]]]]]]]]]\n");
    check_tree(deep, "{a: [[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}");
    free(deep);
}

static void test_many_keys_take_little_time(void **state)
{
    (void)state;
    struct buf yaml = BUF_INIT(BUF_UNLIMITED);
    struct arena arena = ARENA_INIT;
    struct problems problems = {0};
    for (unsigned i = 0; i < 50000; i++)
        buf_addf(&yaml, "key-%u: value\n", i);
    buf_add_text(&yaml, "key-77: again\n");
    struct node *root = tree_parse(&arena, &problems, buf_span(&yaml));
    assert_int_equal(root->count, 50000);
    assert_int_equal(problems.errors, 1);
    assert_int_equal(problems.items[0].line, 50001);
    problems_done(&problems);
    arena_done(&arena);
    buf_done(&yaml);
}

static void test_paths_and_places(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct problems problems = {0};
    struct buf path = BUF_INIT(BUF_UNLIMITED);
    struct node *root =
        tree_parse(&arena, &problems, SPAN("a:\n  \"b.c\":\n    - x\n    - d: y\n"));
    struct node *list = tree_get(tree_get(root, SPAN("a")), SPAN("b.c"));
    struct node *y = tree_get(tree_at(list, 1), SPAN("d"));
    tree_add_path(&path, y);
    assert_string_equal(buf_text(&path), "a.\"b.c\"[1].d");
    assert_int_equal(y->line, 4);
    assert_int_equal(y->column, 10);
    assert_int_equal(y->key_column, 7);
    assert_null(tree_at(list, 2));
    assert_null(tree_get(list, SPAN("d")));
    tree_remove(tree_at(list, 0));
    assert_int_equal(list->count, 1);
    assert_ptr_equal(tree_get(tree_at(list, 0), SPAN("d")), y);
    tree_remove(tree_at(list, 0));
    assert_null(list->first);
    assert_null(list->last);
    buf_done(&path);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),           cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_limits),           cmocka_unit_test(test_many_keys_take_little_time),
        cmocka_unit_test(test_paths_and_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
