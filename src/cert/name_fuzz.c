#include <stdint.h>
#include <stdlib.h>

#include "cert/certificate_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 9525 section 6.3 once more, in other words: the first label may be a star, all others are
 * equal. */
static enum name_match expected(struct span pattern, struct span host)
{
    if (span_eq(pattern, host))
        return NAME_EXACT;
    struct span first = SPAN_NONE, star = SPAN_NONE;
    span_cut(&pattern, '.', &star);
    span_cut(&host, '.', &first);
    return span_eq(star, SPAN("*")) && pattern.n > 0 && span_eq(pattern, host) ? NAME_WILDCARD
                                                                               : NAME_NO_MATCH;
}

static void check_normal(struct arena *arena, struct span normal)
{
    struct span again;
    if (host_name_normalise(arena, normal, true, &again) != OK || !span_eq(again, normal))
        abort();
    for (size_t i = 0; i < normal.n; i++)
        if ((unsigned char)normal.p[i] <= ' ' || (unsigned char)normal.p[i] >= 127 ||
            (normal.p[i] >= 'A' && normal.p[i] <= 'Z'))
            abort();
}

/* The first line is the name in the certificate, the second the host that is asked for. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct span host = span_make((const char *)data, size), name = SPAN_NONE, pattern, normal;
    span_cut(&host, '\n', &name);
    bool has_pattern = host_name_normalise(&arena, name, true, &pattern) == OK;
    bool has_host = host_name_normalise(&arena, host, false, &normal) == OK;
    if (has_pattern)
        check_normal(&arena, pattern);
    if (has_host)
        check_normal(&arena, normal);
    struct certificate c = {.names = &pattern, .name_count = has_pattern};
    enum name_match match = certificate_covers(&c, host);
    if (match != (has_pattern && has_host ? expected(pattern, normal) : NAME_NO_MATCH))
        abort();
    arena_done(&arena);
    return 0;
}
