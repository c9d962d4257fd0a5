/* tests/sim/video_buffer.h: a browser's way from packets to pictures: frames are put together, wait for what they refer to and for
 * their time, and are shown. Freezes are counted as W3C's statistics define them (webrtc-stats, freezeCount): a picture that
 * comes later than max(3 * average, average + 150 ms) after the one before.
 *
 * The delay follows libwebrtc: what jitter asks for, measured on frames that needed no repair; nine tenths of a round trip more
 * (at most 200 ms) for a minute after three frames needed one; and never less than the sender's playout delay says. A frame
 * is whole in time when nothing of it is missing at its turn. */
#ifndef TESTS_SIM_VIDEO_BUFFER_H
#define TESTS_SIM_VIDEO_BUFFER_H

#include <stdbool.h>
#include <stdint.h>

#include "rtp/codec.h"

#define VIDEO_PACKETS 8192
#define VIDEO_FRAMES  256
#define VIDEO_FREEZES 64

struct video_packet {
  uint32_t seq; /* extended, + 1; 0: empty */
  uint32_t timestamp;
  bool start, marker, key, sync, repaired;
  uint8_t tid, tl0;
  uint16_t picture_id, width;
};

struct video_frame {
  uint32_t seq; /* of its first packet */
  uint32_t timestamp;
  bool key, sync, repaired;
  uint8_t tid, tl0;
  uint16_t picture_id, width;
  int64_t complete_us;
};

struct video_buffer {
  struct video_packet *packets;            /* VIDEO_PACKETS, from the first one on */
  struct video_frame frames[VIDEO_FRAMES]; /* whole, not shown; by sequence number */
  size_t frame_count;
  bool started, decoded;
  uint32_t highest;
  /* references */
  uint8_t last_tl0;
  uint16_t last_picture;
  uint32_t last_seq, last_timestamp;
  bool t1_decoded;
  /* the clock: local time of a timestamp without delay, and the delay on top */
  int64_t base_us;
  uint32_t base_timestamp;
  double delay_us;
  int64_t rtt_us, repaired_us,
      minimum_us; /* repaired: last frame that needed RTX; minimum: the sender's playout delay */
  uint32_t repaired_frames;
  /* what was shown */
  int64_t shown_us, since_us, first_us; /* first: of those counted */
  double average_us;
  bool paused;
  uint64_t frames_shown, frames_in_time, freezes;
  int64_t frozen_us, longest_us;
  uint16_t width;
  struct {
    int64_t from_us, until_us;
  } freeze[VIDEO_FREEZES]; /* the first ones */
};

/* `v` is zeros. */
void video_buffer_init(struct video_buffer *v, int64_t rtt_us);
void video_buffer_close(struct video_buffer *v);

/* One packet of the slot, RTX unwrapped (`repaired`): its extended number and what its payload says; NULL: nothing inside. Returns
 * whether a frame was completed. */
bool video_buffer_packet(struct video_buffer *v, uint32_t seq, uint32_t timestamp, bool marker, bool repaired,
                         const struct rtp_codec_info *info, int64_t now_us);

/* Shows what can be shown now. When to call it next: INT64_MAX, nothing is whole. */
int64_t video_buffer_show(struct video_buffer *v, int64_t now_us);

/* The server said that no picture flows, or that it does again: silence is not a freeze. */
void video_buffer_pause(struct video_buffer *v, bool paused, int64_t now_us);

/* A browser asks for a key frame: nothing could be decoded for 3 s; 200 ms at the beginning. */
bool video_buffer_wants_keyframe(const struct video_buffer *v, int64_t now_us);

#endif
