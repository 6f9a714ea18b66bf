/* certificate_json: certificates, requests and unusable files as JSON. */
#ifndef PRESENT_CERTIFICATE_JSON_H
#define PRESENT_CERTIFICATE_JSON_H

#include <jansson.h>

#include "present/view.h"

/* "active" where a connector presents it; else the first that holds of "key-missing",
 * "key-mismatch", "expired", "not-yet-valid" (these also where it is presented), "superseded",
 * "weak-signature", "chain-incomplete", "untrusted"; else "standby". */
const char *certificate_status_name(const struct view *view, size_t at);

json_t *certificate_to_json(const struct view *view, size_t at);
/* The same with "verdicts": what each receive connector thinks of it. */
json_t *certificate_to_json_in_full(const struct view *view, size_t at);
/* {"certificates", "requests", "faults"} */
json_t *certificates_to_json(const struct view *view);
/* A request whose certificate has not come yet; status "pending". */
json_t *request_to_json(const struct certificate_request *request, bool with_csr);

json_t *services_to_json(unsigned services);
/* Services as a list of names; ERR_RANGE where one is none. */
enum err services_from_json(const json_t *value, unsigned *services) MUST_USE;

#endif
