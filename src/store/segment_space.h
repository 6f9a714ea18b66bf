/* segment_space: which parts of a segment are dead, and how their space comes back. Private to
 * segments. */
#ifndef STORE_SEGMENT_SPACE_H
#define STORE_SEGMENT_SPACE_H

#include "store/segments.h"

enum { SEGMENT_NAME_TEXT = 32 };
void segment_name(uint64_t number, char name[SEGMENT_NAME_TEXT]);

/* Adds a range; those that touch or overlap become one. */
void segment_space_add(struct segment *segment, uint64_t offset, uint64_t length);
/* Turns the ranges into what lies between them, up to the segment's end; all of it counts as newly
 * dead. */
void segment_space_invert(struct segment *segment);
void segment_space_forget(struct segment *segment);

/* Removes it, file and all. */
void segment_unlink(struct segments *s, struct segment *segment);

/* Notes the segment for segments_do_chore where there is something to win. */
void segments_judge(struct segments *s, struct segment *segment);

#endif
