/* bench/load/media_sender.h: the microphone and camera of one participant: what leaves when.
 *
 * Audio: a packet every 20 ms. Video: frames at a rate, cut into packets as libwebrtc cuts them and spaced as Chromium's
 * pacer spaces them, or evenly; a key frame first and on PLI. Every packet has its intended time; those that are due are
 * handed to `emit` as header and payload. No socket, no clock, no cipher.
 *
 * Chromium's spacing, as bench/spacing.mjs captures it (Chromium 156, 1280 x 720 in three layers, loopback, nothing else on the machine,
 * 2026-11-22: 722 frames of 3.3 packets): the packets of a frame leave in one burst, half of them less than 74 us after the one before,
 * a twentieth more than 353; 71 % of the steps between equal sizes, 29 % to one byte more. What exceeds the pacer's burst goes on at
 * 2.5 times the bitrate. Gaps are drawn from the captured distribution.
 */
#ifndef BENCH_LOAD_MEDIA_SENDER_H
#define BENCH_LOAD_MEDIA_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/load/description.h"
#include "rtp/rtcp.h"

enum media_spacing { SPACING_CHROMIUM, SPACING_EVEN };

struct media_plan {
  bool microphone, camera;
  enum media_spacing spacing;
  unsigned layers;
  unsigned fps;
  uint32_t video_bps; /* of the largest layer, payload bytes */
  uint32_t audio_bps;
  unsigned audio_ms;        /* of one packet: 20 (also 0), 40 or 60 */
  uint16_t width, height;   /* of the largest layer */
  uint16_t packet_bytes;    /* most payload of one packet */
  unsigned keyframe_factor; /* how many times the mean frame a key frame is */
  unsigned microphone_mid, camera_mid;
  uint32_t audio_ssrc, video_ssrc[LOAD_MAX_LAYERS], rtx_ssrc[LOAD_MAX_LAYERS];
};

enum media_stream { MEDIA_AUDIO = 0, MEDIA_VIDEO = 1 /* + layer */, MEDIA_RTX = MEDIA_VIDEO + LOAD_MAX_LAYERS };
#define MEDIA_STREAMS (MEDIA_RTX + LOAD_MAX_LAYERS)

struct media_packet {
  unsigned stream; /* enum media_stream */
  const uint8_t *header, *payload;
  size_t header_len, payload_len;
  int64_t intended_us;
};
typedef void media_emit_h(void *arg, const struct media_packet *packet, int64_t now_us);

struct media_sender;

/* `seed` places its frames within the interval and varies their sizes. 0, or -1. */
int media_sender_create(struct media_sender **out, const struct media_plan *plan, uint32_t seed);
void media_sender_free(struct media_sender *s);

/* Media flows from now on. */
void media_sender_start(struct media_sender *s, int64_t now_us);
int64_t media_sender_deadline(const struct media_sender *s);
void media_sender_run(struct media_sender *s, media_emit_h *emit, void *arg, int64_t now_us);

/* RFC 6464 level of the microphone: 0 loudest, 127 silence. */
void media_sender_set_level(struct media_sender *s, uint8_t level);
/* layersWanted. */
void media_sender_set_active(struct media_sender *s, unsigned layer, bool active);

/* The stream of an SSRC; -1 when it is none of ours. */
int media_sender_stream_of(const struct media_sender *s, uint32_t ssrc);
uint32_t media_sender_ssrc(const struct media_sender *s, unsigned stream);
/* PLI. */
void media_sender_want_keyframe(struct media_sender *s, unsigned stream);
/* NACK: emits the packet as RTX if it is still known. True when it was. */
bool media_sender_resend(struct media_sender *s, unsigned stream, uint16_t seq, media_emit_h *emit, void *arg,
                         int64_t now_us);
/* The server has reported on a stream: it knows it, mid and rid may be left out. */
void media_sender_acknowledged(struct media_sender *s, unsigned stream);

/* Fills a sender report about a stream; false when nothing was sent. `ntp` Q32.32 of now. */
bool media_sender_report(const struct media_sender *s, unsigned stream, uint64_t ntp, int64_t now_us,
                         struct rtcp_sender_info *out);

uint64_t media_sender_frames(const struct media_sender *s);
uint64_t media_sender_keyframes(const struct media_sender *s);

#endif
