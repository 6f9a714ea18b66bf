/* exchange_json: the diagnosis of an Exchange server as JSON; text, report and --json show the same
 * value. */
#ifndef PRESENT_EXCHANGE_JSON_H
#define PRESENT_EXCHANGE_JSON_H

#include <jansson.h>

#include "exchange/redact.h"
#include "policy/diagnose_exchange.h"

/* {"health", "findings": [a finding's members, and "certainty" ("certain", "probable", "possible"),
 * "evidence": [{"file", "line", "quote", "says"}], "steps": [{"command", "why", "answer"}],
 * "verify": [{"command", "expect"}]], "unknown": [{"unknown", "command"}], "selections":
 * [{"connector", "name", "certificate", "certain", "candidates": [{"certificate", "verdict"}]}],
 * "read": {"certificates", "receive-connectors", ...}, "unread": [{"file", "line", "last-line",
 * "reason"}]} */
json_t *exchange_diagnosis_to_json(const struct exchange_diagnosis *d,
                                   const struct exchange_case *c);
/* The same value with stand-ins for what identifies an organisation (exchange/redact). */
json_t *exchange_redacted(const json_t *value, struct redaction *redaction);

#endif
