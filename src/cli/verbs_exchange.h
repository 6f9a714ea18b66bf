/* verbs_exchange: the verbs that speak of Exchange servers, as rows of the verb table. */
#ifndef CLI_VERBS_EXCHANGE_H
#define CLI_VERBS_EXCHANGE_H

#include "cli/verbs.h"

static const struct option diagnose_items[] = {
    {"at", "DATE", "judge as of this day: 2027-03-01", 0},
};
static const struct option_table diagnose_options = {diagnose_items, COUNT_OF(diagnose_items)};

#define EXCHANGE_VERBS                                                                             \
    {                                                                                              \
        "diagnose", NULL, "[FILE...]", "find what is wrong with an Exchange server",               \
            "Reads any mixture of what its administrator has at hand: events, output of "          \
            "Get-ExchangeCertificate,\n"                                                           \
            "Get-ReceiveConnector and Get-SendConnector, cmdlet errors, protocol logs, EHLO "      \
            "replies, bounces,\n"                                                                  \
            "certificates; - or nothing is standard input. Exits with 1 where anything is red.",   \
            {&diagnose_options}, 0, WORDS_MAX, run_diagnose                                        \
    }

#endif
