/* The rows of the verb table, and the options, that are about import. Private to verbs.c. */
#ifndef CLI_VERBS_IMPORT_H
#define CLI_VERBS_IMPORT_H

#include "cli/verbs.h"

static const struct option import_items[] = {
    {"output", "FILE", "write the document there; the file must not exist", 'o'},
    {"hostname", "NAME", "the full name of this server", 0},
};
static const struct option_table import_options = {import_items, COUNT_OF(import_items)};

static const struct option import_exchange_items[] = {
    {"server", "NAME", "whose receive connectors, where the dump holds several servers", 0},
    {"mailboxes", "HOST:PORT", "who takes mail for the authoritative domains", 0},
};
static const struct option_table import_exchange_options = {import_exchange_items,
                                                            COUNT_OF(import_exchange_items)};

#define IMPORT_VERBS                                                                               \
    {"import",                                                                                     \
     "exchange",                                                                                   \
     "DUMP...",                                                                                    \
     "make a document from an Exchange server's connectors",                                       \
     "Reads what Get-ReceiveConnector | FL *, Get-SendConnector | FL * and "                       \
     "Get-AcceptedDomain | FL *\n"                                                                 \
     "print, Export-Clixml, ConvertTo-Json or sealpost diagnose --collector. The document "        \
     "goes to standard\n"                                                                          \
     "output, and to standard error what was translated, approximated or left out, line "          \
     "by line.",                                                                                   \
     {&import_options, &import_exchange_options},                                                  \
     1,                                                                                            \
     WORDS_MAX,                                                                                    \
     run_import_exchange},                                                                         \
    {                                                                                              \
        "import", "postfix", "DIR", "make a document from Postfix's main.cf and master.cf",        \
            "DIR is /etc/postfix or a copy of it. Tables are read in their text form; no command " \
            "is run. The\n"                                                                        \
            "document goes to standard output, and to standard error what became of each "         \
            "parameter.",                                                                          \
            {&import_options}, 1, 1, run_import_postfix                                            \
    }

#endif
