/* The rows of the verb table, and the options, that are about certificates. Private to verbs.c. */
#ifndef CLI_VERBS_CERTIFICATES_H
#define CLI_VERBS_CERTIFICATES_H

#include "cli/verbs.h"

static const struct option cert_items[] = {
    {"offline", NULL, "read the files instead of asking the daemon", 0},
    {"config", "FILE", "offline: for the connectors of this document", 'c'},
};
static const struct option_table cert_options = {cert_items, COUNT_OF(cert_items)};

static const struct option cert_import_items[] = {
    {"services", "LIST", "what it is for: smtp (default), http, client, edge", 0},
    {"friendly-name", "TEXT", "a name for people", 0},
    {"notes", "TEXT", "a line to remember", 0},
    {"passphrase-file", "FILE", "its first line is the passphrase; else it is asked for", 0},
};
static const struct option_table cert_import_options = {cert_import_items,
                                                        COUNT_OF(cert_import_items)};

static const struct option cert_new_items[] = {
    {"days", "N", "how long it is valid (default: 3650)", 0},
    {"services", "LIST", "what it is for: smtp (default), http, client, edge", 0},
    {"friendly-name", "TEXT", "a name for people", 0},
    {"notes", "TEXT", "a line to remember", 0},
};
static const struct option_table cert_new_options = {cert_new_items, COUNT_OF(cert_new_items)};

static const struct option cert_services_items[] = {
    {"services", "LIST", "smtp (default), http, client, edge", 0},
};
static const struct option_table cert_services_options = {cert_services_items,
                                                          COUNT_OF(cert_services_items)};

static const struct option cert_set_items[] = {
    {"services", "LIST", "exactly these: smtp, http, client, edge", 0},
    {"friendly-name", "TEXT", "a name for people", 0},
    {"notes", "TEXT", "a line to remember", 0},
};
static const struct option_table cert_set_options = {cert_set_items, COUNT_OF(cert_set_items)};

static const struct option cert_request_items[] = {
    {"add", "NAMES", "further names, with commas between them", 0},
    {"renew", "THUMBPRINT", "the names of this certificate", 0},
    {"key", "KIND", "a new key: p256 (default), p384, rsa2048, rsa3072, rsa4096", 0},
    {"existing", "THUMBPRINT", "the key of this certificate instead of a new one", 0},
    {"friendly-name", "TEXT", "a name for people", 0},
};
static const struct option_table cert_request_options = {cert_request_items,
                                                         COUNT_OF(cert_request_items)};

static const struct option cert_requests_items[] = {
    {"remove", NULL, "give the request up, and its key", 0},
};
static const struct option_table cert_requests_options = {cert_requests_items,
                                                          COUNT_OF(cert_requests_items)};

static const struct option cert_renew_items[] = {
    {"force", NULL, "make a key although published TLSA records name another", 0},
};
static const struct option_table cert_renew_options = {cert_renew_items,
                                                       COUNT_OF(cert_renew_items)};

static const struct option cert_export_items[] = {
    {"pkcs12", NULL, "with the private key, as PKCS#12", 0},
    {"passphrase-file", "FILE", "its first line is the passphrase; else it is asked for", 0},
    {"output", "FILE", "write to this file, which must not exist", 'o'},
};
static const struct option_table cert_export_options = {cert_export_items,
                                                        COUNT_OF(cert_export_items)};

static const struct option explain_items[] = {
    {"kind", "KIND", "only connectors that receive, or that send", 0},
    {"sni", "NAME", "for a client that asks for this name", 0},
    {"at", "DATE", "as it will be then: 2027-03-01", 0},
    {"if-removed", "THUMBPRINT", "as it would be without this certificate", 0},
    {"if-imported", "FILE", "as it would be with the certificate in this file", 0},
};
static const struct option_table explain_options = {explain_items, COUNT_OF(explain_items)};

static const struct option doctor_items[] = {
    {"fix", NULL, "apply the remedies that are safe, after showing them", 0},
};
static const struct option_table doctor_options = {doctor_items, COUNT_OF(doctor_items)};

#define THUMBPRINT_DETAILS                                                                         \
    "Of the thumbprint the first digits are enough, at least four, where they are unique."
#define OFFLINE_DETAILS                                                                            \
    "Works without a daemon: with --config FILE and --data DIR it reads the files."

#define CERTIFICATE_VERBS                                                                          \
    {"cert",                                                                                       \
     "renew",                                                                                      \
     "[THUMBPRINT]",                                                                               \
     "renew the certificate by ACME, now",                                                         \
     "Once the new certificate is in force the command ends. With a thumbprint, only a "           \
     "certificate that\nACME brought.",                                                            \
     {&cert_renew_options},                                                                        \
     0,                                                                                            \
     1,                                                                                            \
     run_cert_renew},                                                                              \
        {"cert",          "list",          "", "list certificates and which connector uses them",  \
         OFFLINE_DETAILS, {&cert_options}, 0,  0,                                                  \
         run_cert_list},                                                                           \
        {"cert",                                                                                   \
         "show",                                                                                   \
         "THUMBPRINT",                                                                             \
         "show a certificate and why it is chosen or not",                                         \
         THUMBPRINT_DETAILS,                                                                       \
         {&cert_options},                                                                          \
         1,                                                                                        \
         1,                                                                                        \
         run_cert_show},                                                                           \
        {"cert",                                                                                   \
         "new",                                                                                    \
         "[NAME...]",                                                                              \
         "make a self-signed certificate",                                                         \
         "Without names, for those of the receive connectors.",                                    \
         {&cert_new_options, &change_options},                                                     \
         0,                                                                                        \
         64,                                                                                       \
         run_cert_new},                                                                            \
        {"cert",                                                                                   \
         "request",                                                                                \
         "[NAME...]",                                                                              \
         "make a key and a request for an authority",                                              \
         "Without names, for those of the receive connectors. The request goes to standard "       \
         "output.",                                                                                \
         {&cert_request_options},                                                                  \
         0,                                                                                        \
         64,                                                                                       \
         run_cert_request},                                                                        \
        {"cert",                                                                                   \
         "requests",                                                                               \
         "[ID]",                                                                                   \
         "list pending requests, or print one again",                                              \
         NULL,                                                                                     \
         {&cert_requests_options},                                                                 \
         0,                                                                                        \
         1,                                                                                        \
         run_cert_requests},                                                                       \
        {"cert",                                                                                   \
         "complete",                                                                               \
         "FILE...",                                                                                \
         "import the certificate that an authority made for a request",                            \
         "The key is the one that was made with the request. Refused where none is pending for "   \
         "it.",                                                                                    \
         {&cert_import_options, &change_options},                                                  \
         1,                                                                                        \
         16,                                                                                       \
         run_cert_import},                                                                         \
        {"cert",                                                                                   \
         "import",                                                                                 \
         "FILE...",                                                                                \
         "add a certificate with its chain and key",                                               \
         "PEM in any order, PKCS#12, PKCS#7 or DER. Several PEM files are taken as one.",          \
         {&cert_import_options, &change_options},                                                  \
         1,                                                                                        \
         16,                                                                                       \
         run_cert_import},                                                                         \
        {"cert",                                                                                   \
         "export",                                                                                 \
         "THUMBPRINT",                                                                             \
         "print a certificate and its chain",                                                      \
         "PEM without the key; with --pkcs12 the key as well, behind a passphrase.",               \
         {&cert_export_options},                                                                   \
         1,                                                                                        \
         1,                                                                                        \
         run_cert_export},                                                                         \
        {"cert",                                                                                   \
         "enable",                                                                                 \
         "THUMBPRINT",                                                                             \
         "let a certificate be used for services",                                                 \
         THUMBPRINT_DETAILS,                                                                       \
         {&cert_services_options, &change_options},                                                \
         1,                                                                                        \
         1,                                                                                        \
         run_cert_services},                                                                       \
        {"cert",                                                                                   \
         "disable",                                                                                \
         "THUMBPRINT",                                                                             \
         "take services away from a certificate",                                                  \
         THUMBPRINT_DETAILS,                                                                       \
         {&cert_services_options, &change_options},                                                \
         1,                                                                                        \
         1,                                                                                        \
         run_cert_services},                                                                       \
        {"cert",                                                                                   \
         "set",                                                                                    \
         "THUMBPRINT",                                                                             \
         "change services, friendly name or notes",                                                \
         THUMBPRINT_DETAILS,                                                                       \
         {&cert_set_options, &change_options},                                                     \
         1,                                                                                        \
         1,                                                                                        \
         run_cert_set},                                                                            \
        {"cert",                                                                                   \
         "remove",                                                                                 \
         "THUMBPRINT",                                                                             \
         "remove a certificate that no connector needs",                                           \
         "Refused where a connector would get worse. It stays in certificates/removed/ of the "    \
         "data folder.",                                                                           \
         {&change_options},                                                                        \
         1,                                                                                        \
         1,                                                                                        \
         run_cert_remove},                                                                         \
        {"explain",                                                                                \
         NULL,                                                                                     \
         "[CONNECTOR]",                                                                            \
         "tell why connectors present what they present",                                          \
         "Of a send connector it is the client certificate. Without a name, all of "               \
         "them. " OFFLINE_DETAILS,                                                                 \
         {&cert_options, &explain_options},                                                        \
         0,                                                                                        \
         1,                                                                                        \
         run_explain},                                                                             \
        {"doctor",                                                                                 \
         NULL,                                                                                     \
         "",                                                                                       \
         "find what is wrong with certificates, and what helps",                                   \
         "Exits with 1 where anything is red. Works without a daemon, with --config FILE and "     \
         "--data DIR.",                                                                            \
         {&cert_options, &doctor_options},                                                         \
         0,                                                                                        \
         0,                                                                                        \
         run_doctor},                                                                              \
    {                                                                                              \
        "sentinel", NULL, "", "connect to every own listener and compare",                         \
            "Exits with 1 where what listens is not what was chosen, and that is grave.", {0}, 0,  \
            0, run_sentinel                                                                        \
    }

#endif
