/* server/worker/fan_out.h (internal to the worker): media packets of one receive batch, waiting to go to their tracks' subscribers.
 *
 * A frame comes as several packets. Sent packet by packet, every one of them fetches every receiver's state into the cache again:
 * a hundred receivers take more than the second-level cache holds. So the packets of a batch are noted by track, and at the end of
 * the batch each receiver gets all of its track's at once: its lines are fetched once a frame, and its run (egress_batch.h) is in one
 * piece.
 *
 * What waits points into the receive slab: it must be sent before the next batch is read, and before a stream, a track or a
 * subscriber that it could name is freed (fan_out_run()).
 */
#ifndef SERVER_WORKER_FAN_OUT_H
#define SERVER_WORKER_FAN_OUT_H

#include <stddef.h>

#include "rtp/media_packet.h"

#define FAN_OUT_PACKETS 64 /* as many as a receive batch holds; one more makes room by sending */

struct track;
struct engine;

struct fan_out_packet {
  struct rtp_media_packet media;
  struct fan_out_packet *next; /* of the same track */
  bool stripped;               /* it is RED, and `plain` is what a receiver without RED gets */
  struct rtp_media_packet plain;
};

struct fan_out {
  size_t count;
  struct track *first, *last; /* tracks that have something, in the order of arrival */
  struct fan_out_packet packets[FAN_OUT_PACKETS];
};

/* Room for the packet that is being received; the same place again until fan_out_add(). */
struct rtp_media_packet *fan_out_reserve(struct engine *engine, int64_t now_us);
/* The packet at the reserved place goes to the track's subscribers with the next run. */
void fan_out_add(struct track *track, struct rtp_media_packet *media);
/* Sends everything that waits. */
void fan_out_run(struct engine *engine, int64_t now_us);

#endif
