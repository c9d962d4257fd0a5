/* bench/floor/seal_part.h: what sealing one packet costs by itself: AEAD_AES_128_GCM, a fan-out of 32 keys in turn. */
#ifndef BENCH_FLOOR_SEAL_PART_H
#define BENCH_FLOOR_SEAL_PART_H

#include <stddef.h>

enum seal_method { SEAL_IPSEC_MB, SEAL_EVP, SEAL_LIBSRTP2, SEAL_METHODS };

/* Nanoseconds per packet, the median of `rounds` batches; NAN when this machine has not got it. */
double seal_part_measure(enum seal_method method, size_t bytes, unsigned rounds);

#endif
