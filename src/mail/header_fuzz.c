/* Any bytes as content: cuts change nothing, and the scan agrees with header_section. */
#include <assert.h>
#include <stdint.h>

#include "mail/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void scan(struct header_scan *h, struct span content, size_t cut)
{
    header_scan_init(h, 300);
    for (; content.n; content = span_skip(content, cut))
        header_scan_feed(h, span_head(content, cut));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span content = span_make((const char *)data, size);
    struct span section = header_section(content);
    struct header_scan whole;
    scan(&whole, content, SIZE_MAX);
    assert(section.n == whole.size && (section.n == 0 || section.p == content.p));
    assert(whole.over_limit == (whole.size > whole.limit));
    assert(header_section(section).n == section.n);
    for (size_t cut = 1; cut < 4; cut += 2) {
        struct header_scan pieces;
        scan(&pieces, content, cut);
        assert(pieces.size == whole.size && pieces.ended == whole.ended);
        assert(pieces.over_limit == whole.over_limit);
        assert(pieces.received_count == whole.received_count);
        assert(pieces.has_from == whole.has_from && pieces.has_date == whole.has_date);
        assert(span_eq(buf_span(&pieces.subject), buf_span(&whole.subject)));
        assert(span_eq(buf_span(&pieces.message_id), buf_span(&whole.message_id)));
        header_scan_done(&pieces);
    }
    header_scan_done(&whole);
    return 0;
}
