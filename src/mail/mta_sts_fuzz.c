/* A TXT record and a policy of anybody: whatever is taken is within bounds and lists what it names.
 */
#include <assert.h>

#include "mail/mta_sts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_make((const char *)data, size), id, why = SPAN_NONE;
    struct arena arena = ARENA_INIT;
    struct mta_sts_policy policy;
    if (mta_sts_parse_record(input, &id))
        assert(id.n > 0 && id.n <= MTA_STS_ID_MAX);
    if (mta_sts_parse_policy(&arena, input, &policy, &why) == OK) {
        assert(policy.mx_count <= MTA_STS_MX_MAX);
        assert(policy.mode == MTA_STS_NONE || policy.mx_count > 0);
        for (size_t i = 0; i < policy.mx_count; i++)
            if (policy.mx[i].p[0] != '*')
                assert(mta_sts_lists(&policy, policy.mx[i]));
    } else {
        assert(why.n > 0);
    }
    arena_done(&arena);
    return 0;
}
