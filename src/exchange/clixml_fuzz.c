#include <stdint.h>

#include "exchange/case.h"
#include "exchange/clixml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes as they are, behind the recogniser. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct exchange_case *c = exchange_case_new();
    clixml_read(c->reader, span_make((const char *)data, size), 1);
    exchange_case_finish(c);
    exchange_case_free(c);
    return 0;
}
