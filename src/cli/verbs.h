/* verbs: the table of all verbs, and the functions that run them. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli/command.h"

extern const struct verb verbs[];
extern const size_t verb_count;
extern const struct option_table global_options;

/* The first row of a verb, or of a verb with that action; NULL: there is none. */
const struct verb *verb_find(const char *name, const char *action);
/* Whether the verb is followed by an action. */
bool verb_has_actions(const char *name);

/* Help as text: all verbs, one verb with its actions, one line of the table. */
void help_add_overview(struct buf *out);
void help_add_verb(struct buf *out, const char *name);
void help_add_action(struct buf *out, const struct verb *verb);

verb_fn run_help, run_version, run_check;
verb_fn run_config_show, run_config_export, run_config_apply, run_config_diff, run_config_history,
    run_config_restore;
verb_fn run_connector_list, run_connector_show, run_connector_set, run_connector_new,
    run_connector_remove;
verb_fn run_cert_list, run_cert_show, run_cert_import, run_cert_new, run_cert_services,
    run_cert_set, run_cert_remove, run_cert_renew, run_cert_export, run_cert_request,
    run_cert_requests;
verb_fn run_explain, run_doctor, run_sentinel, run_diagnose, run_shell;
verb_fn run_import_exchange, run_import_postfix;
verb_fn run_queue_list, run_queue_show, run_queue_act, run_queue_export, run_queue_summary;
verb_fn run_track, run_events, run_status;

#endif
