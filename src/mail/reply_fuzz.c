/* Any bytes as replies: cuts change nothing, limits hold, and what was read can be written and read
 * again. */
#include <assert.h>
#include <stdint.h>

#include "mail/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_written(const struct reply *reply)
{
    struct buf wire = BUF_INIT(BUF_UNLIMITED);
    assert(reply_format(&wire, reply) == OK);
    for (size_t i = 0; i < wire.n; i++)
        assert(wire.p[i] != '\n' || (i > 0 && wire.p[i - 1] == '\r'));
    struct reply_parser p;
    reply_parser_init(&p);
    size_t used;
    bool complete;
    /* Long lines became more lines, so it may be too much now. */
    if (reply_parser_feed(&p, buf_span(&wire), &used, &complete) == OK) {
        assert(complete && used == wire.n);
        assert(reply_parser_reply(&p).code == reply->code);
        if (reply->enhanced[0])
            assert(span_eq(span_of(reply_parser_reply(&p).enhanced), span_of(reply->enhanced)));
    }
    reply_parser_done(&p);
    buf_done(&wire);
}

static void read_all(struct span input, size_t cut, struct buf *seen)
{
    struct reply_parser p;
    reply_parser_init(&p);
    while (input.n) {
        size_t used;
        bool complete;
        enum err err = reply_parser_feed(&p, span_head(input, cut), &used, &complete);
        if (err != OK) {
            buf_add_text(seen, err_text(err));
            break;
        }
        input = span_skip(input, used);
        if (!complete)
            continue;
        struct reply reply = reply_parser_reply(&p);
        assert(reply.code >= 200 && reply.code < 600 && reply.text.n <= REPLY_TEXT_MAX);
        buf_addf(seen, "%d %s ", reply.code, reply.enhanced);
        buf_add(seen, reply.text);
        check_written(&reply);
    }
    reply_parser_done(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_make((const char *)data, size);
    struct buf whole = BUF_INIT(BUF_UNLIMITED);
    read_all(input, SIZE_MAX, &whole);
    for (size_t cut = 1; cut < 4; cut += 2) {
        struct buf pieces = BUF_INIT(BUF_UNLIMITED);
        read_all(input, cut, &pieces);
        assert(span_eq(buf_span(&whole), buf_span(&pieces)));
        buf_done(&pieces);
    }
    buf_done(&whole);
    return 0;
}
