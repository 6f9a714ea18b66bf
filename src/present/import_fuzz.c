/* A whole import. "main.cf", "master.cf" and tables follow each other, each behind a line "----
 * NAME" that names its file in /etc/postfix; without such a line the input is a dump of Exchange.
 * What comes out must pass the check or be refused as a whole, and no parameter of main.cf may go
 * unnoted. */
#include <assert.h>

#include "policy/import_exchange.h"
#include "policy/import_postfix.h"
#include "present/import_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct span mark = {"---- ", 5};

static bool read_part(void *context, struct span path, struct arena *arena, struct span *content,
                      struct buf *why)
{
    struct span rest = *(const struct span *)context, line;
    (void)arena;
    while (span_cut(&rest, '\n', &line)) {
        struct span name = span_skip(line, mark.n);
        if (!span_starts(line, mark) || name.n == 0 || !span_iends(path, name))
            continue;
        size_t end = span_search(rest, SPAN("\n---- "));
        *content = span_head(rest, end < rest.n ? end + 1 : rest.n);
        return true;
    }
    buf_add_text(why, "no such file");
    return false;
}

static bool import_whole(struct import *im, struct span text, struct exchange_case *c)
{
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    struct span remedy;
    enum err err;
    if (span_search(text, mark) < text.n) {
        struct import_postfix_wishes wishes = {.folder = SPAN("/etc/postfix"),
                                               .host = SPAN("mx.example.test"),
                                               .read = read_part,
                                               .context = &text};
        err = import_postfix(im, &wishes, &why, &remedy);
    } else {
        struct import_exchange_wishes wishes = {.mailboxes = SPAN("mbx.example.test:25")};
        (void)!exchange_case_read(c, SPAN("dump.txt"), text, &why);
        exchange_case_finish(c);
        err = import_exchange(im, c, &wishes, &why, &remedy);
    }
    assert(err == OK || why.n);
    buf_done(&why);
    return err == OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct import im;
    struct exchange_case *c = exchange_case_new();
    struct buf yaml = BUF_INIT(BUF_UNLIMITED);
    struct problems problems = {0};
    import_init(&im, &arena);
    if (import_whole(&im, span_make((const char *)data, size), c)) {
        enum err err = import_write(&im, &yaml, &problems);
        assert((err == OK) == (problems.errors == 0));
        json_decref(import_to_json(&im, buf_span(&yaml)));
    }
    problems_done(&problems);
    buf_done(&yaml);
    exchange_case_free(c);
    arena_done(&arena);
    return 0;
}
