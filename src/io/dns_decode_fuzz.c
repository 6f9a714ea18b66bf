#include <stdint.h>
#include <stdlib.h>

#include "io/dns_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(struct span name)
{
    if (name.n > DNS_NAME_MAX)
        abort();
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || (name.p[i] >= 'A' && name.p[i] <= 'Z'))
            abort();
    if (name.n && (name.p[0] == '.' || name.p[name.n - 1] == '.'))
        abort();
}

/* The first byte is the type. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct arena arena = ARENA_INIT;
    struct dns_record record = {.preference = 1};
    struct span rdata = span_make((const char *)data + 1, size - 1);
    if (dns_decode(&arena, data[0], rdata, &record) == OK) {
        check_name(record.name);
        if (!span_eq(record.data, rdata))
            abort();
    } else if (record.preference != 1 || record.data.p || record.name.p) {
        abort();
    }
    arena_done(&arena);
    return 0;
}
