/* checksum: CRC-32C (Castagnoli), which finds every burst of up to 32 bits and is one instruction
 * on common processors. It guards against damage, not against forgery. */
#ifndef STORE_CHECKSUM_H
#define STORE_CHECKSUM_H

#include <stdint.h>

#include "base/span.h"

/* The checksum of what came before (0 at the start) continued over `bytes`. */
uint32_t checksum_add(uint32_t checksum, struct span bytes);
/* The same without special instructions; tests compare the two. */
uint32_t checksum_add_portable(uint32_t checksum, struct span bytes);

#endif
