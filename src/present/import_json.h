/* import_json: what was imported as a document that passes its check, and as JSON. */
#ifndef PRESENT_IMPORT_JSON_H
#define PRESENT_IMPORT_JSON_H

#include <jansson.h>

#include "policy/import.h"

/* Writes the document as YAML and checks it; what the check refuses is taken back (policy/import)
 * and checked again. ERR_REFUSED where something is refused that cannot be taken back; problems are
 * of the last check in either case (zeroed before, freed by the caller with problems_done). */
enum err import_write(struct import *im, struct buf *yaml, struct problems *problems) MUST_USE;

/* {"document": {...}, "yaml": "...", "translated": 3, "approximated": 0, "left-out": 1, "notes":
 * [{"fate": "translated", "file", "line", "what", "became", "why"}]} */
json_t *import_to_json(const struct import *im, struct span yaml);

/* "translated", "approximated", "left out" */
const char *import_fate_text(enum import_fate fate);

#endif
