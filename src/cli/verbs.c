#include "cli/verbs.h"

#include "cli/verbs_certificates.h"
#include "cli/verbs_exchange.h"
#include "cli/verbs_import.h"

#define TABLE(array)                                                                               \
    {                                                                                              \
        (array), COUNT_OF(array)                                                                   \
    }

static const struct option global_items[] = {
    {"data", "DIR", "the daemon's data folder (default: $SEALPOST_DATA, else /var/lib/sealpost)",
     'd'},
    {"json", NULL, "print the API's JSON instead of text", 'j'},
    {"color", "WHEN", "colours: auto (default), always or never", 0},
    {"help", NULL, "describe the verb and end", 'h'},
};
const struct option_table global_options = TABLE(global_items);

static const struct option serve_items[] = {
    {"config", "FILE", "the document to start with", 'c'},
    {"threads", "N", "threads that receive mail (default: one for each processor)", 't'},
    {"demo", NULL, "make and use a document that tries things out on loopback", 0},
};
static const struct option_table serve_options = TABLE(serve_items);

static const struct option check_items[] = {
    {"strict", NULL, "let warnings fail the check as well", 0},
};
static const struct option_table check_options = TABLE(check_items);

static const struct option change_items[] = {
    {"dry-run", NULL, "say what would change and change nothing", 'n'},
    {"force", NULL, "do it although connectors get worse; it is recorded", 0},
};
static const struct option_table change_options = TABLE(change_items);

static const struct option apply_items[] = {
    {"comment", "TEXT", "why, for the history", 'm'},
    {"if-revision", "REV", "refuse where another revision is in force", 0},
};
static const struct option_table apply_options = TABLE(apply_items);

static const struct option limit_items[] = {
    {"limit", "N", "how many at most; 0: all", 'l'},
};
static const struct option_table limit_options = TABLE(limit_items);

static const struct option filter_items[] = {
    {"domain", "PATTERN", "recipients of this domain", 0},
    {"sender", "PATTERN", "messages from this address", 0},
    {"recipient", "PATTERN", "recipients with this address", 0},
    {"older-than", "AGE", "accepted before: 30m, 2h, 3d, or a time", 0},
    {"newer-than", "AGE", "accepted since then", 0},
    {"state", "STATE", "queued or held", 0},
    {"connector", "PATTERN", "that go by this send connector", 0},
    {"next-hop", "PATTERN", "that go to this next hop, as listed: out/smart-hosts", 0},
    {"receive-connector", "PATTERN", "accepted by this receive connector", 0},
};
static const struct option_table filter_options = TABLE(filter_items);

static const struct option all_items[] = {
    {"all", NULL, "mean the whole queue", 0},
};
static const struct option_table all_options = TABLE(all_items);

static const struct option export_items[] = {
    {"output", "FILE", "write to this file, which must not exist", 'o'},
    {"directory", "DIR", "write each message to DIR/ID.eml", 'D'},
};
static const struct option_table export_options = TABLE(export_items);

static const struct option track_items[] = {
    {"id", "ID", "the queue id", 0},
    {"message-id", "PATTERN", "the Message-ID", 0},
    {"sender", "PATTERN", "the sender's address", 0},
    {"recipient", "PATTERN", "a recipient's address", 0},
    {"subject", "PATTERN", "the subject", 0},
    {"event", "EVENT", "RECEIVE, SEND, DELIVER, DEFER, FAIL, DSN ...", 0},
    {"since", "WHEN", "since then: 2h, 3d, or a time", 0},
    {"until", "WHEN", "until then", 0},
    {"full", NULL, "all fields of each record", 0},
};
static const struct option_table track_options = TABLE(track_items);

static const struct option events_items[] = {
    {"follow", NULL, "go on and print events as they happen", 'f'},
    {"level", "LEVEL", "at least info, warning or error", 0},
    {"after", "NUMBER", "those behind this event", 0},
};
static const struct option_table events_options = TABLE(events_items);

#define PATTERN_DETAILS "A PATTERN may hold * for any run of characters and ? for one."
#define KEY_DETAILS                                                                                \
    "KEY=VALUE as in the document: fqdn=mail.example.com, bind='[0.0.0.0:25, \"[::]:25\"]'. An "   \
    "empty\n"                                                                                      \
    "value gives the key its default back. `sealpost help document` lists the keys."

#define CONNECTOR_VERBS(verb, article, example)                                                    \
    {verb, "list", "", "list the " verb "s", NULL, {0}, 0, 0, run_connector_list},                 \
        {verb, "show", "NAME", "show all keys of " article, NULL, {0}, 1, 1, run_connector_show},  \
        {verb,                                                                                     \
         "set",                                                                                    \
         "NAME KEY=VALUE...",                                                                      \
         "change keys of " article,                                                                \
         KEY_DETAILS,                                                                              \
         {&change_options},                                                                        \
         2,                                                                                        \
         WORDS_MAX,                                                                                \
         run_connector_set},                                                                       \
        {verb,                                                                                     \
         "new",                                                                                    \
         "NAME KEY=VALUE...",                                                                      \
         "add " article,                                                                           \
         KEY_DETAILS "\n\nExample: sealpost " verb " new " example,                                \
         {&change_options},                                                                        \
         2,                                                                                        \
         WORDS_MAX,                                                                                \
         run_connector_new},                                                                       \
    {                                                                                              \
        verb, "remove", "NAME", "remove " article, NULL, {&change_options}, 1, 1,                  \
            run_connector_remove                                                                   \
    }

const struct verb verbs[] = {
    {"serve",
     NULL,
     "",
     "run the daemon in the foreground",
     "Listens as the document says, keeps what it accepts in the data folder and delivers it. "
     "Without\n"
     "--config it goes on with the revision that was in force. Stops on SIGINT and SIGTERM.",
     {&serve_options},
     0,
     0,
     NULL},
    {"check",
     NULL,
     "FILE",
     "judge a document without a daemon",
     "FILE may be - for standard input. Every error is named with line, column and remedy.",
     {&check_options},
     1,
     1,
     run_check},

    {"config",
     "show",
     "[REV]",
     "show the revision in force, or another",
     NULL,
     {0},
     0,
     1,
     run_config_show},
    {"config",
     "export",
     "",
     "print the document in force as YAML",
     NULL,
     {0},
     0,
     0,
     run_config_export},
    {"config",
     "apply",
     "FILE",
     "make a document the one in force",
     "Nothing changes unless all of it is good, and no connector gets worse by it. No connection "
     "is\n"
     "dropped.",
     {&change_options, &apply_options},
     1,
     1,
     run_config_apply},
    {"config",
     "diff",
     "FILE",
     "compare a document with the one in force",
     "Exits with 1 where they differ.",
     {0},
     1,
     1,
     run_config_diff},
    {"config",
     "history",
     "",
     "list revisions with time, author and comment",
     NULL,
     {&limit_options},
     0,
     0,
     run_config_history},
    {"config",
     "restore",
     "REV",
     "make an earlier revision the one in force again",
     NULL,
     {&change_options},
     1,
     1,
     run_config_restore},

    CONNECTOR_VERBS("receive-connector", "a receive connector",
                    "lan bind=192.0.2.1:25 from=192.0.2.0/24"),
    CONNECTOR_VERBS("send-connector", "a send connector",
                    "partner address-spaces=partner.example smart-hosts=mx.partner.example"),

    CERTIFICATE_VERBS,

    EXCHANGE_VERBS,

    IMPORT_VERBS,

    {"queue",
     "list",
     "[ID...]",
     "list messages: why each waits and what happens next",
     PATTERN_DETAILS,
     {&filter_options, &limit_options},
     0,
     WORDS_MAX,
     run_queue_list},
    {"queue",
     "show",
     "ID...",
     "show all that is known of messages",
     NULL,
     {0},
     1,
     WORDS_MAX,
     run_queue_show},
    {"queue",
     "hold",
     "[ID...]",
     "make no attempts until released",
     PATTERN_DETAILS,
     {&filter_options, &all_options},
     0,
     WORDS_MAX,
     run_queue_act},
    {"queue",
     "release",
     "[ID...]",
     "let held messages go, at once",
     PATTERN_DETAILS,
     {&filter_options, &all_options},
     0,
     WORDS_MAX,
     run_queue_act},
    {"queue",
     "retry",
     "[ID...]",
     "try now instead of later",
     PATTERN_DETAILS,
     {&filter_options, &all_options},
     0,
     WORDS_MAX,
     run_queue_act},
    {"queue",
     "remove",
     "[ID...]",
     "remove without notifying the sender",
     PATTERN_DETAILS,
     {&filter_options, &all_options},
     0,
     WORDS_MAX,
     run_queue_act},
    {"queue",
     "export",
     "ID...",
     "write messages as they would be sent",
     "One message goes to standard output unless --output or --directory is given.",
     {&export_options},
     1,
     WORDS_MAX,
     run_queue_export},
    {"queue",
     "summary",
     "",
     "list next hops with what waits for them",
     NULL,
     {0},
     0,
     0,
     run_queue_summary},

    {"track",
     NULL,
     "",
     "tell what became of messages",
     PATTERN_DETAILS,
     {&track_options, &limit_options},
     0,
     0,
     run_track},
    {"events",
     NULL,
     "",
     "list what the daemon noticed, with remedies",
     NULL,
     {&events_options, &limit_options},
     0,
     0,
     run_events},
    {"status",
     NULL,
     "",
     "show the state of everything on one screen",
     "Exits with 1 where health is red: something is wrong that stops mail, or will.",
     {0},
     0,
     0,
     run_status},
    {"version",
     NULL,
     "",
     "print the versions of this command and of the daemon",
     NULL,
     {0},
     0,
     0,
     run_version},
    {"help",
     NULL,
     "[VERB [ACTION]]",
     "describe a verb, or all",
     "`sealpost help document` prints the reference of the document's keys (scdoc).",
     {0},
     0,
     2,
     run_help},
};
const size_t verb_count = COUNT_OF(verbs);

const struct verb *verb_find(const char *name, const char *action)
{
    for (size_t i = 0; i < verb_count; i++)
        if (strcmp(verbs[i].name, name) == 0 &&
            (!action || (verbs[i].action && strcmp(verbs[i].action, action) == 0)))
            return &verbs[i];
    return NULL;
}

bool verb_has_actions(const char *name)
{
    const struct verb *verb = verb_find(name, NULL);
    return verb && verb->action;
}
