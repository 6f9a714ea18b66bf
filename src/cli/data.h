/* data: files that the program carries, as they stand in cli/data/; made by tools/embed. */
#ifndef CLI_DATA_H
#define CLI_DATA_H

#include <stddef.h>

extern const char data_collector[], data_example[];
extern const size_t data_collector_size, data_example_size;

#endif
