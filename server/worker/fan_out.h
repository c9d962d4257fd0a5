/* server/worker/fan_out.h (internal to the worker): media packets of one receive batch, waiting to go to their tracks' subscribers.
 *
 * A frame comes as several packets. Sent packet by packet, every one of them fetches every receiver's state into the cache again:
 * a hundred receivers take more than the second-level cache holds. So the packets of a batch are noted by track, and at the end of
 * the batch each receiver gets all of its track's at once: its lines are fetched once a frame, and its run (egress_batch.h) is in one
 * piece.
 *
 * What waits points into the receive slab: it must be sent before the next batch is read, and before a stream, a track or a
 * subscriber that it could name is freed (fan_out_run()).
 *
 * Frames may be kept whole (gather.h says how long): no receiver shows a frame before it has the last packet, so the earlier ones
 * lose nothing by leaving with it, and a frame is one UDP_SEGMENT message instead of six of its own. Kept packets are read from
 * their stream's history later, so the slab is free. A frame whose last packet does not come leaves when its time is over, and a
 * source whose frames take longer than that (a slow link, a paced key frame) is not waited for at all.
 */
#ifndef SERVER_WORKER_FAN_OUT_H
#define SERVER_WORKER_FAN_OUT_H

#include <stddef.h>
#include <stdint.h>

#include "rtp/media_packet.h"

#define FAN_OUT_PACKETS \
  192 /* a receive batch holds 64, and as many again may be kept twice; one more makes room by sending */

struct track;
struct engine;

struct fan_out_packet {
  struct rtp_media_packet media;
  struct fan_out_packet *next; /* of the same track */
  uint8_t layer;
  bool kept;     /* its batch is over: its bytes are in its stream's history */
  bool stripped; /* it is RED, and `plain` is what a receiver without RED gets */
  struct rtp_media_packet plain;
};

/* The newest frame of one layer of a video track. */
struct fan_out_frame {
  uint32_t timestamp;
  bool begun, open; /* its last packet has not come */
  int64_t began_us;
  int64_t took_us; /* from the first packet to the last, of the frame before */
};

struct fan_out {
  size_t count;
  int64_t due_us;             /* of what the last run has kept */
  struct track *first, *last; /* tracks that have something, in the order of arrival */
  size_t touched;             /* packets that were ever used: those behind are */
  struct fan_out_packet *unused;
  struct fan_out_packet packets[FAN_OUT_PACKETS];
};

/* Room for the packet that is being received; the same place again until fan_out_add(). */
struct rtp_media_packet *fan_out_reserve(struct engine *engine, int64_t now_us);
/* The packet at the reserved place goes to the track's subscribers with the next run; `layer` is the track's. */
void fan_out_add(struct track *track, uint8_t layer, struct rtp_media_packet *media);
/* Sends everything that waits. */
void fan_out_run(struct engine *engine, int64_t now_us);
/* Keeps frames of which more is to come, unless they have been kept long enough; sends all else. The slab is free then. */
void fan_out_run_whole(struct engine *engine, int64_t now_us);

/* When fan_out_run_whole() must be called again; INT64_MAX: nothing is kept. */
static inline int64_t fan_out_due_us(const struct fan_out *f) {
  return f->count ? f->due_us : INT64_MAX;
}

#endif
