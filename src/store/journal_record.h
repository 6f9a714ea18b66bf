/* journal_record: a commit as the octets of a record in the journal, and back. One list of fields
 * serves both ways. A form that changes gets another kind of record (store/segments.h). */
#ifndef STORE_JOURNAL_RECORD_H
#define STORE_JOURNAL_RECORD_H

#include "store/queue.h"
#include "store/segments.h"

/* `contents`, one for each arrival: its size and, where it has a file to itself, its segment, else
 * 0 for a content that stands before the record. Both stay as they are. */
void journal_record_encode(struct buf *out, struct queue_commit *commit, struct place *contents);

/* Fills arrivals, updates, tracks, events and contents, as they were encoded; texts are borrowed
 * from the record, arrays are in the arena. ERR_CORRUPT: it was not made by the above. */
enum err journal_record_decode(struct span record, struct arena *arena, struct queue_commit *commit,
                               struct place **contents) MUST_USE;

#endif
