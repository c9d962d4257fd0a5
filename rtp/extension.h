/* rtp/extension.h: the header extensions we know: URIs, a peer's negotiated ids, and the coding of each value.
 *
 * A map is filled from SDP once per media section; rtp_extension_read() then turns a packet's elements into values in one
 * walk. Values with a wrong length count as absent. Encoders write at the place rtp_header_add() gave; the sizes are fixed
 * and named below. Nothing here allocates.
 */
#ifndef RTP_EXTENSION_H
#define RTP_EXTENSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtp/packet.h"

enum rtp_extension {
  RTP_EXTENSION_NONE = 0,
  RTP_EXTENSION_MID,                     /* RFC 9143 §15                                              */
  RTP_EXTENSION_RID,                     /* RFC 8852 §3.1                                             */
  RTP_EXTENSION_REPAIRED_RID,            /* RFC 8852 §3.2                                             */
  RTP_EXTENSION_AUDIO_LEVEL,             /* RFC 6464                                                  */
  RTP_EXTENSION_TRANSPORT_SEQUENCE,      /* draft-holmer-rmcat-transport-wide-cc-extensions-01 §2     */
  RTP_EXTENSION_ABS_SEND_TIME,           /* webrtc.org: 24 bits, 6.18 fixed point seconds             */
  RTP_EXTENSION_PLAYOUT_DELAY,           /* webrtc.org: two times 12 bits, 10 ms                      */
  RTP_EXTENSION_VIDEO_ORIENTATION,       /* 3GPP TS 26.114 §7.4.5                                     */
  RTP_EXTENSION_TRANSMISSION_OFFSET,     /* RFC 5450                                                  */
  RTP_EXTENSION_DEPENDENCY_DESCRIPTOR,   /* AV1 RTP specification, appendix A                         */
  RTP_EXTENSION_ABS_CAPTURE_TIME,        /* webrtc.org: 64-bit NTP time, optional clock offset        */
  RTP_EXTENSION_VIDEO_CONTENT_TYPE,      /* webrtc.org: 1 = screen share                              */
  RTP_EXTENSION_VIDEO_TIMING,            /* webrtc.org: encoder and pacer times                       */
  RTP_EXTENSION_VIDEO_LAYERS_ALLOCATION, /* webrtc.org: bitrate and size of each layer                */
  RTP_EXTENSION_COUNT,
};

/* The URI that SDP's a=extmap carries; NULL for NONE and out of range. Static storage. */
const char *rtp_extension_uri(enum rtp_extension extension);

/* The extension of a URI (exact match); RTP_EXTENSION_NONE when unknown. */
enum rtp_extension rtp_extension_from_uri(const char *uri, size_t len);

/* ---- a peer's ids ---- */

struct rtp_extension_map {
  uint8_t id_of[RTP_EXTENSION_COUNT]; /* 0: not negotiated                 */
  uint8_t extension_of[256];          /* enum rtp_extension, 0: unknown id */
};

void rtp_extension_map_init(struct rtp_extension_map *map);

/* Binds an id. Errors: VALUE for id 0 and 15 (RFC 8285 §4.2 reserves it) and for an unknown extension; TOO_MANY when the id
 * or the extension is bound already to something else (RFC 8285 §5: ids are unique within a section). */
int rtp_extension_map_add(struct rtp_extension_map *map, uint8_t id, enum rtp_extension extension);

/* ---- values ---- */

struct rtp_audio_level {
  uint8_t level; /* -dBov: 0 is the loudest, 127 is silence */
  bool voice;
};

struct rtp_playout_delay {
  uint16_t min_ms, max_ms; /* 0..40950, steps of 10 */
};

struct rtp_video_orientation {
  uint16_t rotation; /* degrees clockwise the receiver must turn: 0, 90, 180, 270 */
  bool flip;         /* mirrored horizontally                                     */
  bool back_camera;
};

struct rtp_capture_time {
  uint64_t ntp;         /* Q32.32 seconds since 1900, clock of the capture system */
  int64_t clock_offset; /* Q32.32 seconds; 0 when has_offset is false             */
  bool has_offset;
};

struct rtp_video_timing {
  uint16_t encode_start_ms, encode_finish_ms, packetized_ms, pacer_exit_ms, network_ms, network2_ms; /* after capture */
  uint8_t flags; /* 1: sent by timer, 2: sent because of the frame's size */
};

/* Text of the SDES kind: mid, rid, repaired rid. Points into the packet; not terminated. Only [A-Za-z0-9_-] for rids. */
struct rtp_text {
  const char *data;
  uint8_t len; /* 0: absent */
};

struct rtp_bytes {
  const uint8_t *data;
  size_t len; /* 0: absent */
};

/* Every value of one packet. A field counts only when its extension's bit is set: RTP_EXTENSION_HAS(v, MID). */
struct rtp_extension_values {
  uint32_t present;  /* bit n: enum rtp_extension n */
  uint8_t malformed; /* known elements that were refused: wrong length or value */
  struct rtp_text mid, rid, repaired_rid;
  struct rtp_audio_level audio_level;
  uint16_t transport_sequence;
  uint32_t abs_send_time; /* 24 bits, 6.18 s */
  struct rtp_playout_delay playout_delay;
  struct rtp_video_orientation orientation;
  int32_t transmission_offset; /* RTP clock units */
  struct rtp_capture_time capture_time;
  uint8_t content_type;                   /* 0 unspecified, 1 screen share (lowest bit) */
  struct rtp_bytes dependency_descriptor; /* raw: rtp/dependency_descriptor.h */
  struct rtp_bytes video_timing;          /* raw: rtp_video_timing_decode()    */
  struct rtp_bytes layers_allocation;     /* raw: rtp_layers_decode()          */
};

#define RTP_EXTENSION_HAS(values, NAME) ((((values)->present) >> RTP_EXTENSION_##NAME) & 1U)

/* Decodes all elements the map knows, in one walk. The first of two equal ids counts. Cannot fail. */
void rtp_extension_read(const struct rtp_packet *p, const struct rtp_extension_map *map,
                        struct rtp_extension_values *out);
/* The same for some of them, `wanted` bit n: enum rtp_extension n. The others are neither present nor malformed. Of what is not present
 * nothing is written but the lengths of texts, 0. */
void rtp_extension_read_some(const struct rtp_packet *p, const struct rtp_extension_map *map, uint32_t wanted,
                             struct rtp_extension_values *out);

/* ---- coding of each value: encoders write exactly SIZE bytes; decoders return 0, LENGTH or VALUE ---- */

#define RTP_AUDIO_LEVEL_SIZE         1
#define RTP_TRANSPORT_SEQUENCE_SIZE  2
#define RTP_ABS_SEND_TIME_SIZE       3
#define RTP_PLAYOUT_DELAY_SIZE       3
#define RTP_VIDEO_ORIENTATION_SIZE   1
#define RTP_TRANSMISSION_OFFSET_SIZE 3
#define RTP_CAPTURE_TIME_SIZE        8 /* 16 with the clock offset */
#define RTP_CAPTURE_TIME_LONG_SIZE   16
#define RTP_CONTENT_TYPE_SIZE        1
#define RTP_VIDEO_TIMING_SIZE        13

void rtp_audio_level_encode(uint8_t *at, struct rtp_audio_level v);
int rtp_audio_level_decode(const uint8_t *data, size_t len,
                           struct rtp_audio_level *out); /* also RFC 6464's two-byte padded form */

void rtp_transport_sequence_encode(uint8_t *at, uint16_t v);
int rtp_transport_sequence_decode(const uint8_t *data, size_t len, uint16_t *out);

void rtp_abs_send_time_encode(uint8_t *at, uint32_t v);
int rtp_abs_send_time_decode(const uint8_t *data, size_t len, uint32_t *out);
uint32_t rtp_abs_send_time_from_us(int64_t now_us);         /* wraps every 64 s                                    */
int64_t rtp_abs_send_time_delta_us(uint32_t a, uint32_t b); /* a - b on the 64 s circle, -32 s..32 s, microseconds */

void rtp_playout_delay_encode(uint8_t *at, struct rtp_playout_delay v); /* clamps to 40950 ms */
int rtp_playout_delay_decode(const uint8_t *data, size_t len, struct rtp_playout_delay *out);

void rtp_video_orientation_encode(uint8_t *at, struct rtp_video_orientation v);
int rtp_video_orientation_decode(const uint8_t *data, size_t len, struct rtp_video_orientation *out);

void rtp_transmission_offset_encode(uint8_t *at, int32_t v);
int rtp_transmission_offset_decode(const uint8_t *data, size_t len, int32_t *out);

size_t rtp_capture_time_encode(uint8_t *at, struct rtp_capture_time v); /* returns 8 or 16 */
int rtp_capture_time_decode(const uint8_t *data, size_t len, struct rtp_capture_time *out);

void rtp_content_type_encode(uint8_t *at, uint8_t v);
int rtp_content_type_decode(const uint8_t *data, size_t len, uint8_t *out);

void rtp_video_timing_encode(uint8_t *at, const struct rtp_video_timing *v);
int rtp_video_timing_decode(const uint8_t *data, size_t len, struct rtp_video_timing *out);

/* Text is copied as it is; mid and rid are 1..16 bytes in the one-byte form. Decoding checks the characters. */
int rtp_text_decode(const uint8_t *data, size_t len, bool rid, struct rtp_text *out);

/* ---- video-layers-allocation00 ---- */

#define RTP_LAYERS_MAX_STREAMS  4
#define RTP_LAYERS_MAX_SPATIAL  4
#define RTP_LAYERS_MAX_TEMPORAL 4

struct rtp_layer_allocation {
  uint8_t stream; /* index of the simulcast stream              */
  uint8_t spatial_id;
  uint8_t temporal_count;                         /* 1..4                                       */
  uint32_t bitrate_kbps[RTP_LAYERS_MAX_TEMPORAL]; /* each includes the layers below it */
  uint16_t width, height;                         /* 0 when the packet does not say             */
  uint8_t max_fps;
};

struct rtp_layers_allocation {
  uint8_t stream;       /* the stream this packet belongs to */
  uint8_t stream_count; /* 1..4                              */
  uint8_t count;        /* active spatial layers, all streams; 0: nothing is being sent */
  bool has_resolution;
  struct rtp_layer_allocation layers[RTP_LAYERS_MAX_STREAMS * RTP_LAYERS_MAX_SPATIAL];
};

/* Errors: SHORT, VALUE. *out is complete only on success. */
int rtp_layers_decode(const uint8_t *data, size_t len, struct rtp_layers_allocation *out);

/* Layers must be in order of stream, then spatial id. Returns the length or NO_SPACE, VALUE. */
int rtp_layers_encode(uint8_t *out, size_t cap, const struct rtp_layers_allocation *v);

#endif
