/* bench/floor/parts.h: the physical parts of forwarding, each timed alone: what no server on this machine can undercut.
 *
 * Every figure is nanoseconds per packet, the median of many batches. Datagrams go over the loopback interface to sockets that a
 * process on the other core empties; only the system calls are timed, and a batch begins when the one before has been read.
 */
#ifndef BENCH_FLOOR_PARTS_H
#define BENCH_FLOOR_PARTS_H

#include <stddef.h>

enum part {
  PART_RECEIVE,       /* recvmmsg of 64                                 */
  PART_RECEIVE_GRO,   /* … by UDP_GRO, when the sender sent runs of four */
  PART_SEAL_IPSEC_MB, /* AEAD_AES_128_GCM, out of place                 */
  PART_SEAL_EVP,
  PART_SEAL_LIBSRTP2, /* in place, with the copy that fan-out needs     */
  PART_SEND_1,        /* sendmmsg of 64 packets, one message each       */
  PART_SEND_2,        /* … as UDP_SEGMENT runs of two                   */
  PART_SEND_4,
  PART_SEND_8,
  PART_SEND_16,
  PART_COPY, /* memcpy                                         */
  PART_COUNT
};

const char *part_name(enum part part);

/* Fills ns[part]; NAN where this machine cannot. `bytes`: payload of a packet; `cpu` of the process that reads, -1 any.
 * 0, or -errno. */
int parts_measure(double ns[PART_COUNT], size_t bytes, unsigned rounds, int cpu);

#endif
