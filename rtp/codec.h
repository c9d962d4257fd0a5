/* rtp/codec.h: what an SFU must know of a payload, the same for every codec.
 *
 * rtp_codec_parse() reads only descriptors and the first header bytes, never decodes, and keeps no state: each packet is
 * judged alone. Fields that a codec does not carry stay 0. Everything is a hint from the publisher: a lie hurts that
 * publisher's picture and nothing else.
 *
 * Sources: RFC 7741 (VP8), RFC 9628 (VP9), RFC 6184 (H.264), AV1 RTP specification 1.0, RFC 7587 (Opus), RFC 2198 (RED).
 */
#ifndef RTP_CODEC_H
#define RTP_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtp/error.h"

enum rtp_codec {
  RTP_CODEC_NONE = 0,
  RTP_CODEC_OPUS,
  RTP_CODEC_RED, /* RFC 2198 with Opus inside ("red/48000/2") */
  RTP_CODEC_VP8,
  RTP_CODEC_VP9,
  RTP_CODEC_H264,
  RTP_CODEC_AV1,
  RTP_CODEC_COUNT,
};

/* The encoding name of a=rtpmap ("VP8"), any case; NONE when unknown ("rtx" and "ulpfec" are not codecs here). */
enum rtp_codec rtp_codec_from_name(const char *name, size_t len);
const char *rtp_codec_name(enum rtp_codec codec); /* "VP8"; "none" out of range      */
bool rtp_codec_is_video(enum rtp_codec codec);
uint32_t rtp_codec_clock_hz(enum rtp_codec codec); /* 48000, 90000; 0 out of range    */

struct rtp_codec_info {
  bool
      keyframe; /* a decoder may start with this packet: the first packet of a key frame, or its parameter sets. Not set on
                       the key frame's later packets (same timestamp). SVC: only on the lowest spatial layer. */
  bool frame_start; /* first packet of a (spatial layer's) frame; AV1 and H.264: only a guess, see the codec's notes */
  bool frame_end;   /* last packet of the picture: the marker bit, or VP9's E bit for a layer's frame  */
  bool discardable; /* nothing refers to this frame: dropping it hurts nothing else; never a keyframe */
  bool dtx;         /* Opus: silence, at most 2 bytes */

  bool has_temporal; /* temporal_id and switch_up are told by the payload */
  bool has_spatial;
  bool switch_up;                 /* from this frame on, a receiver of lower temporal layers may take temporal_id too */
  bool inter_layer;               /* VP9 D: predicted from the spatial layer below                       */
  bool inter_picture;             /* VP9 P: predicted from earlier pictures                              */
  bool not_inter_layer_reference; /* VP9 Z: upper spatial layers do not need this frame           */
  uint8_t temporal_id;            /* 0..7 */
  uint8_t spatial_id;             /* 0..7 */
  uint8_t spatial_layers;         /* VP9 scalability structure: how many; 0: not told in this packet     */
  uint16_t width, height;         /* of the key frame (VP9: of the largest layer); 0: not told            */

  uint8_t picture_id_bits; /* 0 (absent), 7 or 15 */
  bool has_tl0picidx;
  bool has_keyidx;
  uint8_t tl0picidx;
  uint8_t keyidx;             /* 0..31, VP8 */
  uint16_t picture_id;        /* 0..32767   */
  uint16_t picture_id_offset; /* in the payload; meaningful when present */
  uint16_t tl0picidx_offset;
  uint16_t descriptor_len; /* bytes in front of the codec's own data: VP8, VP9 descriptor; AV1 aggregation header */
};

/* Reads one payload (without RTP padding). `marker` is the RTP marker bit. An empty payload is SHORT: probes and keep-alives
 * carry no media. Errors: SHORT, VALUE, TOO_MANY; TYPE for a codec that is NONE. *out is always initialised. */
int rtp_codec_parse(enum rtp_codec codec, const uint8_t *payload, size_t len, bool marker, struct rtp_codec_info *out);

/* Overwrites picture id and TL0PICIDX where `info` says they lie (VP8 and VP9), keeping their widths: no length changes, and
 * absent fields stay absent. `info` is of this very payload. Idempotent: each subscriber overwrites the same bytes. */
static inline void rtp_codec_patch_picture(uint8_t *payload, const struct rtp_codec_info *info, uint16_t picture_id,
                                           uint8_t tl0picidx) {
  uint8_t *at = payload + info->picture_id_offset;
  if (__builtin_expect(info->picture_id_bits == 15, 1)) {
    at[0] = (uint8_t)(0x80 | picture_id >> 8);
    at[1] = (uint8_t)picture_id;
  } else if (info->picture_id_bits == 7) {
    at[0] = picture_id & 0x7F;
  }
  if (info->has_tl0picidx) payload[info->tl0picidx_offset] = tl0picidx;
}

/* ---- the parsers behind rtp_codec_parse(), one a file ---- */

int rtp_vp8_parse(const uint8_t *payload, size_t len, bool marker, struct rtp_codec_info *out);
int rtp_vp9_parse(const uint8_t *payload, size_t len, bool marker, struct rtp_codec_info *out);

/* Single NAL unit, STAP-A, FU-A. keyframe: an SPS, or the start of an IDR picture. Senders put SPS, PPS and IDR behind one
 * another under one timestamp: the first packet flagged is where to start. frame_start: SPS, access unit delimiter, or a slice
 * with first_mb_in_slice 0. discardable: nal_ref_idc 0. Other packetisation modes: VALUE. */
int rtp_h264_parse(const uint8_t *payload, size_t len, bool marker, struct rtp_codec_info *out);

/* Reads width and height of a sequence parameter set (the NAL unit with its header byte), cropping applied. */
int rtp_h264_parse_sps(const uint8_t *nal, size_t len, uint16_t *width, uint16_t *height);

/* keyframe: the N bit, or a sequence header. Layers come from the OBU extension header when there is one; better from the
 * dependency descriptor (rtp/dependency_descriptor.h). frame_start: no OBU is continued from the packet before (Z is 0). */
int rtp_av1_parse(const uint8_t *payload, size_t len, bool marker, struct rtp_codec_info *out);

/* ---- Opus and RED ---- */

int rtp_opus_parse(const uint8_t *payload, size_t len, bool marker, struct rtp_codec_info *out);

/* Samples at 48 kHz in an Opus packet (RFC 6716 §3.1, §3.2), 120..5760; 0 when malformed. */
uint32_t rtp_opus_duration(const uint8_t *payload, size_t len);

#define RTP_RED_MAX_BLOCKS 16    /* ours: the primary and older ones; Chromium sends 2 unless told otherwise */
#define RTP_RED_MAX_OFFSET 16383 /* 14 bits of timestamp offset */
#define RTP_RED_MAX_LENGTH 1023  /* 10 bits of block length     */

struct rtp_red_block {
  const uint8_t *data;
  uint16_t len;
  uint16_t timestamp_offset; /* this block's timestamp is the packet's minus this; 0 for the primary */
  uint8_t payload_type;
};

struct rtp_red {
  uint8_t count; /* the last block is the primary, the others are older, oldest first */
  struct rtp_red_block blocks[RTP_RED_MAX_BLOCKS];
};

/* Errors: SHORT, LENGTH (lengths exceed the payload), TOO_MANY. Blocks may be empty (Chromium: a lost redundancy slot). */
int rtp_red_parse(const uint8_t *payload, size_t len, struct rtp_red *out);

/* Writes headers and data; blocks as above. Returns the length, or NO_SPACE, VALUE (offset or length too large, no block). */
int rtp_red_write(uint8_t *out, size_t cap, const struct rtp_red *red);

#endif
