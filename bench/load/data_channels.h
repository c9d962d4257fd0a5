/* bench/load/data_channels.h: the two data channels of one participant (signaling/PROTOCOL.md §11), over the server's DTLS.
 *
 * Bytes in and out, no socket, no clock: the caller moves SCTP packets, and ticks the stack that all participants share. Messages
 * carry a stamp, so that a receiver on the same machine knows how long one took, and which measurement it belongs to.
 */
#ifndef BENCH_LOAD_DATA_CHANNELS_H
#define BENCH_LOAD_DATA_CHANNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ice/sctp_association.h"

#define DATA_MESSAGE_BYTES 64 /* of one of ours, the receiver's field included: a cursor, a chat line */

struct data_stamp {
  int64_t sent_us; /* CLOCK_MONOTONIC */
  uint32_t window; /* of the measurement it was sent in */
};

/* None may free the channels. */
struct data_channels_listener {
  void *arg;
  void (*send)(void *arg, const uint8_t *packet, size_t len); /* into DTLS */
  void (*opened)(void *arg);                                  /* both channels are open, once */
  void (*message)(void *arg, const struct data_stamp *stamp); /* one of ours, from another participant */
};

struct data_channels;

/* Connects and opens `reliable` and `lossy`. `server_port`: a=sctp-port of the answer. 0, or an enum sctp_result. */
int data_channels_create(struct data_channels **out, struct sctp_stack *stack, uint16_t server_port,
                         const struct data_channels_listener *listener);
void data_channels_free(struct data_channels *d); /* sends an ABORT; accepts NULL */

/* Application data of the DTLS connection. */
void data_channels_receive(struct data_channels *d, const uint8_t *packet, size_t len);

bool data_channels_open(const struct data_channels *d);
/* To everybody in the room, by turns over `reliable` and `lossy`. False when it was not taken. */
bool data_channels_say(struct data_channels *d, const struct data_stamp *stamp);

#endif
