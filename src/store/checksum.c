#include "store/checksum.h"

#include <pthread.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

enum { SLICES = 8 };
static const uint32_t polynomial_reflected = 0x82f63b78;

/* table[k][b]: the checksum of byte b followed by k zero bytes. Filled once, read-only afterwards.
 */
static uint32_t table[SLICES][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void fill_table(void)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t c = b;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ polynomial_reflected : c >> 1;
        table[0][b] = c;
    }
    for (int k = 1; k < SLICES; k++)
        for (int b = 0; b < 256; b++)
            table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 255];
}

static uint32_t add_byte(uint32_t c, unsigned char byte)
{
    return c >> 8 ^ table[0][(c ^ byte) & 255];
}

/* Eight bytes a step ("slicing by 8"); the bytes are taken one by one, so the byte order of the
 * machine does not matter. */
uint32_t checksum_add_portable(uint32_t checksum, struct span bytes)
{
    pthread_once(&table_once, fill_table);
    const unsigned char *p = (const unsigned char *)bytes.p;
    size_t n = bytes.n;
    uint32_t c = ~checksum;
    for (; n >= 8; n -= 8, p += 8) {
        c ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        c = table[7][c & 255] ^ table[6][c >> 8 & 255] ^ table[5][c >> 16 & 255] ^
            table[4][c >> 24] ^ table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
    }
    for (; n > 0; n--, p++)
        c = add_byte(c, *p);
    return ~c;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t add_sse42(uint32_t checksum, struct span bytes)
{
    const char *p = bytes.p;
    size_t n = bytes.n;
    uint64_t c = (uint32_t)~checksum;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        c = _mm_crc32_u64(c, word);
    }
    for (; n > 0; n--, p++)
        c = _mm_crc32_u8((uint32_t)c, (unsigned char)*p);
    return ~(uint32_t)c;
}

uint32_t checksum_add(uint32_t checksum, struct span bytes)
{
    return __builtin_cpu_supports("sse4.2") ? add_sse42(checksum, bytes)
                                            : checksum_add_portable(checksum, bytes);
}
#else
uint32_t checksum_add(uint32_t checksum, struct span bytes)
{
    return checksum_add_portable(checksum, bytes);
}
#endif
