/* mta_sts: SMTP MTA Strict Transport Security (RFC 8461) as values: the TXT record that announces a
 * policy, and the policy itself. */
#ifndef MAIL_MTA_STS_H
#define MAIL_MTA_STS_H

#include <stdint.h>

#include "base/arena.h"

enum {
    MTA_STS_POLICY_MAX = 64 * 1024, /* section 3.3: what a fetcher should read at most */
    MTA_STS_MX_MAX = 64,            /* patterns of one policy; more is ERR_LIMIT */
    MTA_STS_ID_MAX = 32,
};

enum mta_sts_mode { MTA_STS_NONE, MTA_STS_TESTING, MTA_STS_ENFORCE };

struct mta_sts_policy {
    enum mta_sts_mode mode;
    uint32_t max_age_s;
    struct span *mx; /* lower-case names, or "*.example.com"; one at least unless the mode is none
                      */
    size_t mx_count;
};

/* Section 3.1, over the character strings of one TXT record put together. False: this record is
 * none of MTA-STS, or a malformed one. *id is borrowed. */
bool mta_sts_parse_record(struct span text, struct span *id);

/* Section 3.2. ERR_SYNTAX: not a policy; ERR_LIMIT: it is too large. *why is one clause; both live
 * in the arena. */
enum err mta_sts_parse_policy(struct arena *arena, struct span text, struct mta_sts_policy *policy,
                              struct span *why) MUST_USE;

/* Section 4.1: equal, or a wildcard that stands for one label. */
bool mta_sts_lists(const struct mta_sts_policy *policy, struct span mx);

const char *mta_sts_mode_name(enum mta_sts_mode mode);

#endif
