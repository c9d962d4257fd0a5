/* rtp/media_packet.h: one media packet between the incoming stream that received it and the slots it is forwarded to.
 *
 * rtp_incoming_stream_receive() fills it; rtp_outgoing_stream_forward() reads it once per subscriber. It also is what the
 * history keeps, then with `payload` and `dependency_descriptor` pointing into the history's own memory. Pointers given by
 * receive() point into the datagram and live as long as it does. RTX is unwrapped already.
 */
#ifndef RTP_MEDIA_PACKET_H
#define RTP_MEDIA_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "rtp/codec.h"
#include "rtp/extension.h"
#include "rtp/layer_filter.h"

#define RTP_MEDIA_MAX_PAYLOAD    1440 /* larger would not fit a 1500-byte datagram with our header, RTX and SRTP's tag */
#define RTP_MEDIA_MAX_DEPENDENCY 128  /* longest dependency descriptor passed on: L3T3's structure takes about 100    */
#define RTP_MAX_FORMATS          16   /* codec formats of a room, see `format`                                        */

struct rtp_incoming_stream;

struct rtp_media_packet {
  struct rtp_incoming_stream *stream; /* where it came from */
  uint8_t *payload;                   /* mutable: forward() patches the picture id in place */
  const uint8_t *dependency_descriptor;
  int64_t arrival_us;
  uint32_t seq;       /* extended (rtp/receive_statistics.h); compare by int32_t(a - b)   */
  uint32_t timestamp; /* the publisher's                                                  */
  uint16_t payload_len;
  uint8_t dependency_descriptor_len; /* 0: none */
  uint8_t payload_type;              /* the publisher's */
  /* Room-wide number of codec + fmtp (0..RTP_MAX_FORMATS-1), given by the room: equal formats have equal numbers whatever
   * payload type each peer negotiated, and two H.264 profiles have different ones. */
  uint8_t format;
  uint8_t codec; /* enum rtp_codec */
  bool marker;
  bool
      padding_only; /* nothing to forward, only its sequence number matters: forward() closes the hole and says `hole` */
  /* What the forwarding of a plain video packet depends on besides its number and timestamp, in one word: layers, picture, format.
   * The next packet of a frame with an equal word is treated like the one before. 0: must be looked at by itself. */
  uint64_t alike;
  uint8_t hole; /* enum rtp_drop_reason: padding_only, unknown_payload_type, bad_payload or oversized; else none    */
  bool retransmitted; /* came as RTX */
  bool plain; /* none of the following and no dependency descriptor: the usual packet, one test instead of five */
  bool has_audio_level, has_orientation, has_playout_delay, has_capture_time;
  struct rtp_audio_level audio_level;
  struct rtp_video_orientation orientation;
  struct rtp_playout_delay playout_delay;
  struct rtp_capture_time capture_time;
  struct rtp_frame_marks marks; /* of a stream with spatial layers: rtp/layer_filter.h */
  struct rtp_codec_info info;   /* layers from the dependency descriptor where the payload does not tell them */
};

#endif
