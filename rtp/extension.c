/* Which header extensions we know, and the ids a peer gave them. */
#include "rtp/extension.h"

#include <string.h>

static const char *const uris[RTP_EXTENSION_COUNT] = {
    [RTP_EXTENSION_MID] = "urn:ietf:params:rtp-hdrext:sdes:mid",
    [RTP_EXTENSION_RID] = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    [RTP_EXTENSION_REPAIRED_RID] = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    [RTP_EXTENSION_AUDIO_LEVEL] = "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    [RTP_EXTENSION_TRANSPORT_SEQUENCE] = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    [RTP_EXTENSION_ABS_SEND_TIME] = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    [RTP_EXTENSION_PLAYOUT_DELAY] = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    [RTP_EXTENSION_VIDEO_ORIENTATION] = "urn:3gpp:video-orientation",
    [RTP_EXTENSION_TRANSMISSION_OFFSET] = "urn:ietf:params:rtp-hdrext:toffset",
    [RTP_EXTENSION_DEPENDENCY_DESCRIPTOR] =
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    [RTP_EXTENSION_ABS_CAPTURE_TIME] = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    [RTP_EXTENSION_VIDEO_CONTENT_TYPE] = "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type",
    [RTP_EXTENSION_VIDEO_TIMING] = "http://www.webrtc.org/experiments/rtp-hdrext/video-timing",
    [RTP_EXTENSION_VIDEO_LAYERS_ALLOCATION] = "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00",
};

const char *rtp_extension_uri(enum rtp_extension extension) {
  if ((unsigned)extension >= RTP_EXTENSION_COUNT) return NULL;
  return uris[extension];
}

enum rtp_extension rtp_extension_from_uri(const char *uri, size_t len) {
  for (int i = 1; i < RTP_EXTENSION_COUNT; i++) {
    if (strlen(uris[i]) == len && memcmp(uris[i], uri, len) == 0) return (enum rtp_extension)i;
  }
  return RTP_EXTENSION_NONE;
}

void rtp_extension_map_init(struct rtp_extension_map *map) {
  *map = (struct rtp_extension_map){0};
}

int rtp_extension_map_add(struct rtp_extension_map *map, uint8_t id, enum rtp_extension extension) {
  if (id == 0 || id == 15 || extension == RTP_EXTENSION_NONE || !rtp_extension_uri(extension)) return RTP_ERROR_VALUE;
  bool id_taken = map->extension_of[id] != 0 && map->extension_of[id] != (uint8_t)extension;
  bool extension_taken = map->id_of[extension] != 0 && map->id_of[extension] != id;
  if (id_taken || extension_taken) return RTP_ERROR_TOO_MANY;
  map->extension_of[id] = (uint8_t)extension;
  map->id_of[extension] = id;
  return RTP_OK;
}

static int read_value(enum rtp_extension kind, const struct rtp_element *e, struct rtp_extension_values *v) {
  const struct rtp_bytes raw = {.data = e->data, .len = e->len};
  switch (kind) {
    case RTP_EXTENSION_MID:
      return rtp_text_decode(e->data, e->len, false, &v->mid);
    case RTP_EXTENSION_RID:
      return rtp_text_decode(e->data, e->len, true, &v->rid);
    case RTP_EXTENSION_REPAIRED_RID:
      return rtp_text_decode(e->data, e->len, true, &v->repaired_rid);
    case RTP_EXTENSION_AUDIO_LEVEL:
      return rtp_audio_level_decode(e->data, e->len, &v->audio_level);
    case RTP_EXTENSION_TRANSPORT_SEQUENCE:
      return rtp_transport_sequence_decode(e->data, e->len, &v->transport_sequence);
    case RTP_EXTENSION_ABS_SEND_TIME:
      return rtp_abs_send_time_decode(e->data, e->len, &v->abs_send_time);
    case RTP_EXTENSION_PLAYOUT_DELAY:
      return rtp_playout_delay_decode(e->data, e->len, &v->playout_delay);
    case RTP_EXTENSION_VIDEO_ORIENTATION:
      return rtp_video_orientation_decode(e->data, e->len, &v->orientation);
    case RTP_EXTENSION_TRANSMISSION_OFFSET:
      return rtp_transmission_offset_decode(e->data, e->len, &v->transmission_offset);
    case RTP_EXTENSION_ABS_CAPTURE_TIME:
      return rtp_capture_time_decode(e->data, e->len, &v->capture_time);
    case RTP_EXTENSION_VIDEO_CONTENT_TYPE:
      return rtp_content_type_decode(e->data, e->len, &v->content_type);
    case RTP_EXTENSION_DEPENDENCY_DESCRIPTOR:
      v->dependency_descriptor = raw;
      return raw.len > 0 ? RTP_OK : RTP_ERROR_LENGTH;
    case RTP_EXTENSION_VIDEO_TIMING:
      v->video_timing = raw;
      return raw.len == RTP_VIDEO_TIMING_SIZE ? RTP_OK : RTP_ERROR_LENGTH;
    case RTP_EXTENSION_VIDEO_LAYERS_ALLOCATION:
      v->layers_allocation = raw;
      return raw.len > 0 ? RTP_OK : RTP_ERROR_LENGTH;
    default:
      return RTP_ERROR_VALUE;
  }
}

static inline void take(unsigned kind, const struct rtp_element *e, struct rtp_extension_values *out) {
  if (read_value((enum rtp_extension)kind, e, out) == RTP_OK) {
    out->present |= 1U << kind;
  } else if (out->malformed < UINT8_MAX) {
    out->malformed++;
  }
}

/* What rtp_element_next() does, for the form that nearly all packets have (RFC 8285 §4.2). */
static inline void read_one_byte(const uint8_t *at, const uint8_t *end, const struct rtp_extension_map *map,
                                 uint32_t wanted, struct rtp_extension_values *out) {
  while (at < end) {
    const unsigned head = *at, id = head >> 4, len = (head & 0x0F) + 1;
    if (head == 0) {
      at = rtp_skip_padding(at, end);
      continue;
    }
    if (id == 0 || id == 15 || len >= (size_t)(end - at)) return;
    const unsigned kind = map->extension_of[id];
    if (kind == RTP_EXTENSION_TRANSPORT_SEQUENCE && len == RTP_TRANSPORT_SEQUENCE_SIZE &&
        wanted & ~out->present & 1U << RTP_EXTENSION_TRANSPORT_SEQUENCE) { /* every packet has it */
      (void)rtp_transport_sequence_decode(at + 1, len, &out->transport_sequence);
      out->present |= 1U << RTP_EXTENSION_TRANSPORT_SEQUENCE;
    } else if ((wanted & ~out->present) >> kind & 1U)
      take(kind, &(struct rtp_element){.data = at + 1, .len = (uint8_t)len, .id = (uint8_t)id}, out);
    at += 1 + len;
  }
}

void rtp_extension_read(const struct rtp_packet *p, const struct rtp_extension_map *map,
                        struct rtp_extension_values *out) {
  *out = (struct rtp_extension_values){0};
  rtp_extension_read_some(p, map, UINT32_MAX, out);
}

void rtp_extension_read_some(const struct rtp_packet *p, const struct rtp_extension_map *map, uint32_t wanted,
                             struct rtp_extension_values *out) {
  struct rtp_element_iterator it;
  struct rtp_element e;
  out->present = 0;
  out->malformed = 0;
  out->mid.len = out->rid.len = out->repaired_rid.len = 0;
  wanted &= ~(1U << RTP_EXTENSION_NONE);
  rtp_element_begin(&it, p);
  if (!it.two_byte) {
    read_one_byte(it.at, it.end, map, wanted, out);
    return;
  }
  while (rtp_element_next(&it, &e)) {
    const unsigned kind = map->extension_of[e.id];
    if ((wanted & ~out->present) >> kind & 1U) take(kind, &e, out);
  }
}
