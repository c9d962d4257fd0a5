/* rtp/incoming_internal.h: the layout of struct rtp_incoming_stream, for its two source files and their tests. */
#ifndef RTP_INCOMING_INTERNAL_H
#define RTP_INCOMING_INTERNAL_H

#include "rtp/dependency_descriptor.h"
#include "rtp/incoming_stream.h"
#include "rtp/keyframe_requests.h"
#include "rtp/nack_requester.h"
#include "rtp/packet_history.h"
#include "rtp/rate_window.h"
#include "rtp/receive_statistics.h"

struct rtp_incoming_stream {
  struct rtp_incoming_config config;
  uint32_t clock_hz;
  struct rtp_receive_statistics statistics;
  struct packet_history *history;
  struct keyframe_requests keyframes;
  /* The newest frame, by timestamp. */
  bool has_frame;
  uint32_t frame_timestamp, frame_step;
  uint32_t keyframe_timestamp;
  struct rtp_rate_window frame_rate; /* one "byte" a frame */
  uint64_t frames, keyframes_seen, retransmitted, duplicates, padding_only, unopened;
  int64_t last_packet_us;
  uint16_t width, height;
  uint8_t temporal_top,
      temporal_top_before; /* highest id since the last key frame, and between it and the one before */
  uint8_t codec;
  uint8_t media_format[128], rtx_format[128];              /* payload type → index in config.formats + 1 */
  struct rtp_rate_window spatial_rate[RTP_DD_MAX_SPATIAL]; /* of what a receiver of so many spatial layers gets */
  uint64_t spatial_bytes[RTP_DD_MAX_SPATIAL];
  struct nack_requester nack;
  /* Last, and set by the stream's first descriptor: most streams never touch the page it ends in. */
  struct rtp_dependency_structure dependency;
};

#endif
