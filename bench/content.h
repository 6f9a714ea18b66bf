/* content: what follows 354 (RFC 5321 sections 4.1.1.4 and 4.5.2): takes the stuffed dots away and
 * finds the end, in any cuts. Only CRLF ends a line. */
#ifndef BENCH_CONTENT_H
#define BENCH_CONTENT_H

#include <stdbool.h>

#include "base/span.h"

struct content {
    enum {
        CONTENT_LINE_START,
        CONTENT_LINE,
        CONTENT_CR,
        CONTENT_DOT,
        CONTENT_DOT_CR,
        CONTENT_END
    } state;
};

/* Takes the next piece off *input; what stands behind the end stays there. False when the end or
 * the end of the input was reached and there is no piece. */
bool content_next(struct content *c, struct span *input, struct span *piece);

#endif
