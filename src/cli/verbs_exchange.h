/* The rows of the verb table, and the options, that are about Exchange. Private to verbs.c. */
#ifndef CLI_VERBS_EXCHANGE_H
#define CLI_VERBS_EXCHANGE_H

#include "cli/verbs.h"

static const struct option diagnose_items[] = {
    {"connect", "HOST:PORT", "look at this server's SMTP port as well", 0},
    {"html", "FILE", "write the answer as a page to attach to a ticket", 0},
    {"redact", NULL, "with stand-ins for names, addresses and numbers", 0},
    {"at", "DATE", "judge as of this day: 2027-03-01", 0},
    {"example", NULL, "show a case in full", 0},
    {"collector", NULL, "print a PowerShell script that gathers what is needed", 0},
};
static const struct option_table diagnose_options = {diagnose_items, COUNT_OF(diagnose_items)};

static const struct option shell_items[] = {
    {"command", "TEXT", "run these statements and end", 'c'},
    {"file", "FILE", "run the statements of a file and end", 'f'},
};
static const struct option_table shell_options = {shell_items, COUNT_OF(shell_items)};

#define EXCHANGE_VERBS                                                                             \
    {"shell",                                                                                      \
     NULL,                                                                                         \
     "",                                                                                           \
     "administer this server with Exchange's cmdlets",                                             \
     "Get-Command lists them. The published procedures for Exchange certificates, connectors and " \
     "queues\nrun as they are written; changes are planned and refused as with the other verbs.",  \
     {&shell_options},                                                                             \
     0,                                                                                            \
     0,                                                                                            \
     run_shell},                                                                                   \
    {                                                                                              \
        "diagnose", NULL, "[FILE...]", "find what is wrong with an Exchange server",               \
            "Reads any mixture of what its administrator has at hand: events, output of "          \
            "Get-ExchangeCertificate,\n"                                                           \
            "Get-ReceiveConnector and Get-SendConnector, cmdlet errors, protocol logs, EHLO "      \
            "replies, bounces,\n"                                                                  \
            "certificates; - or nothing is standard input. Works without a daemon; nothing "       \
            "leaves this\n"                                                                        \
            "machine. Exits with 1 where anything is red.",                                        \
            {&diagnose_options}, 0, WORDS_MAX, run_diagnose                                        \
    }

#endif
