/* Any bytes: reading them does no harm, and what can be read can be written, read again as the same
 * document, edited and compared. */
#include "conf/document.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct document *parse(struct span yaml)
{
    struct problems problems = {0};
    struct document *d = NULL;
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    enum err err = document_parse(yaml, &problems, &d);
    assert((err == OK) == (problems.errors == 0) && (err == OK) == (d != NULL));
    for (size_t i = 0; i < problems.count; i++) {
        assert(problems.items[i].text.n);
        problem_add_text(&text, "f", &problems.items[i]);
    }
    buf_done(&text);
    problems_done(&problems);
    return d;
}

static void check_same(const struct document *d, struct span text)
{
    struct document *again = parse(text);
    struct buf diff = BUF_INIT(BUF_UNLIMITED);
    assert(again && span_eq(again->text, d->text));
    document_add_diff(&diff, d, again);
    assert(diff.n == 0);
    buf_done(&diff);
    document_free(again);
}

static void check_edit(struct span yaml, bool readable)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED), why = BUF_INIT(BUF_UNLIMITED);
    enum err err = document_edit(yaml, SPAN("hostname"), SPAN("mail.example.com"), &out, &why);
    assert((err == OK) == (why.n == 0));
    assert(!readable || err == OK);
    struct document *d = err == OK && readable ? parse(buf_span(&out)) : NULL;
    document_free(d);
    buf_done(&out);
    buf_done(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span yaml = {(const char *)data, size};
    struct document *d = parse(yaml);
    check_edit(yaml, d != NULL);
    if (!d)
        return 0;
    check_same(d, d->text);
    json_t *json = document_to_json(d);
    char *dump = json_dumps(json, JSON_INDENT(1));
    check_same(d, span_of(dump));
    free(dump);
    json_decref(json);
    document_free(d);
    return 0;
}
