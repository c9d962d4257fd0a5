/* The RTP header of an outgoing slot: see rtp/outgoing_internal.h.
 *
 * Everything that never changes is laid out once, in a template; a packet costs one fixed-size copy and a few stores. Elements
 * that a packet lacks stay zero, which RFC 8285 §4.1.2 reads as padding, so that all packets of a frame have headers of equal
 * length and can leave as one UDP segmentation run.
 */
#include <string.h>

#include "rtp/outgoing_internal.h"

#define BLOCK_HEADER 4 /* profile and length */

static void put16(uint8_t *at, uint32_t v) {
  at[0] = (uint8_t)(v >> 8);
  at[1] = (uint8_t)v;
}

/* RFC 8285 §4.2 (id and length minus one in a byte) and §4.3 (a byte each). Returns where the value goes. */
static uint8_t *put_element(uint8_t *at, bool two_byte, uint8_t id, size_t len) {
  if (two_byte) {
    at[0] = id;
    at[1] = (uint8_t)len;
    return at + 2;
  }
  at[0] = (uint8_t)(id << 4 | (len - 1));
  return at + 1;
}

static void put_block_len(uint8_t *header, size_t header_len) {
  put16(header + RTP_HEADER_SIZE + 2, (uint32_t)((header_len - RTP_HEADER_SIZE - BLOCK_HEADER) / 4));
}

/* Lays out one element; `fixed` ones have their element header in the template, the others get it per packet. */
static uint8_t *reserve(struct header_template *t, uint8_t id, size_t len, bool fixed) {
  uint8_t *element = t->bytes + t->len;
  size_t element_header = t->two_byte ? 2 : 1;
  if (fixed) put_element(element, t->two_byte, id, len);
  t->len = (uint8_t)(t->len + element_header + len);
  return element + element_header;
}

static uint8_t offset_in(const struct header_template *t, const uint8_t *at) {
  return (uint8_t)(at - t->bytes);
}

static void lay_out(struct header_template *t, const struct rtp_outgoing_config *c, bool two_byte) {
  static const struct rtp_extension_map none;
  const uint8_t *id = c->extensions ? c->extensions->id_of : none.id_of;
  memset(t, 0, sizeof *t);
  t->two_byte = two_byte;
  t->bytes[0] = 2 << 6;
  const uint32_t ssrc = htobe32(c->ssrc);
  memcpy(t->bytes + 8, &ssrc, sizeof ssrc);
  t->len = RTP_HEADER_SIZE;
  bool block = false;
  for (size_t i = 0; i < RTP_EXTENSION_COUNT; i++)
    block |= id[i] != 0;
  if (!block) return;
  t->bytes[0] |= 0x10;
  /* RFC 8285 §4.2: 0xBEDE; §4.3: 0x100 followed by four application bits */
  put16(t->bytes + RTP_HEADER_SIZE, two_byte ? 0x1000 : 0xBEDE);
  t->len = RTP_HEADER_SIZE + BLOCK_HEADER;
  size_t element_header = two_byte ? 2 : 1;
  size_t mid_len = c->mid ? strlen(c->mid) : 0;
  uint8_t i;
  if ((i = id[RTP_EXTENSION_MID]) && mid_len) memcpy(reserve(t, i, mid_len, true), c->mid, mid_len);
  if ((i = id[RTP_EXTENSION_TRANSPORT_SEQUENCE])) {
    t->transport_seq = offset_in(t, reserve(t, i, RTP_TRANSPORT_SEQUENCE_SIZE, true));
  }
  if ((i = id[RTP_EXTENSION_ABS_SEND_TIME]))
    t->abs_send_time = offset_in(t, reserve(t, i, RTP_ABS_SEND_TIME_SIZE, true));
  if (!c->video && (i = id[RTP_EXTENSION_AUDIO_LEVEL])) {
    t->audio_level = (uint8_t)(offset_in(t, reserve(t, i, RTP_AUDIO_LEVEL_SIZE, false)) - element_header);
  }
  if (c->video && (i = id[RTP_EXTENSION_VIDEO_ORIENTATION])) {
    t->orientation = (uint8_t)(offset_in(t, reserve(t, i, RTP_VIDEO_ORIENTATION_SIZE, false)) - element_header);
  }
  if (c->video && (i = id[RTP_EXTENSION_PLAYOUT_DELAY])) {
    t->playout_delay = (uint8_t)(offset_in(t, reserve(t, i, RTP_PLAYOUT_DELAY_SIZE, false)) - element_header);
  }
  t->len = (uint8_t)((t->len + 3U) & ~3U);
  put_block_len(t->bytes, t->len);
}

void outgoing_header_prepare(struct rtp_outgoing_stream *s, const struct rtp_outgoing_config *c) {
  bool large_id = false; /* RFC 8285 §4.2: the one-byte form has ids up to 14 */
  if (c->extensions) {
    const uint8_t *id = c->extensions->id_of;
    for (size_t i = 0; i < RTP_EXTENSION_COUNT; i++)
      large_id |= id[i] > 14;
    s->dependency_id = c->video ? id[RTP_EXTENSION_DEPENDENCY_DESCRIPTOR] : 0;
    s->capture_id = id[RTP_EXTENSION_ABS_CAPTURE_TIME];
    s->level_id = id[RTP_EXTENSION_AUDIO_LEVEL];
    s->orientation_id = id[RTP_EXTENSION_VIDEO_ORIENTATION];
    s->playout_id = id[RTP_EXTENSION_PLAYOUT_DELAY];
  }
  s->allow_two_byte = c->two_byte || large_id;
  lay_out(&s->templates[0], c, large_id);
  lay_out(&s->templates[1], c, true);
}

void outgoing_header_playout(struct rtp_outgoing_stream *s, struct rtp_playout_delay delay) {
  for (size_t i = 0; i < 2; i++) {
    struct header_template *t = &s->templates[i];
    if (!t->playout_delay) continue;
    rtp_playout_delay_encode(
        put_element(t->bytes + t->playout_delay, t->two_byte, s->playout_id, RTP_PLAYOUT_DELAY_SIZE), delay);
  }
}

/* Dependency descriptor and capture time: their lengths vary, so they go behind the fixed block. Returns the header's length. */
static size_t append_variable(const struct rtp_outgoing_stream *s, const struct header_template *t, bool dependency,
                              bool capture, const struct rtp_media_packet *m, uint16_t frame_number, uint8_t *header) {
  uint8_t *at = header + t->len;
  if (dependency) {
    at = put_element(at, t->two_byte, s->dependency_id, m->dependency_descriptor_len);
    memcpy(at, m->dependency_descriptor, m->dependency_descriptor_len);
    put16(at + 1, frame_number); /* AV1 RTP A.8.2: frame_number is bits 8 to 23 of every descriptor */
    at += m->dependency_descriptor_len;
  }
  if (capture) {
    size_t len = m->capture_time.has_offset ? RTP_CAPTURE_TIME_LONG_SIZE : RTP_CAPTURE_TIME_SIZE;
    at = put_element(at, t->two_byte, s->capture_id, len);
    at += rtp_capture_time_encode(at, m->capture_time);
  }
  while ((at - header) & 3)
    *at++ = 0;
  put_block_len(header, (size_t)(at - header));
  return (size_t)(at - header);
}

static void put_optional(const struct rtp_outgoing_stream *s, const struct header_template *t,
                         const struct rtp_media_packet *m, uint8_t *header) {
  if (t->audio_level && m->has_audio_level) {
    rtp_audio_level_encode(put_element(header + t->audio_level, t->two_byte, s->level_id, RTP_AUDIO_LEVEL_SIZE),
                           m->audio_level);
  }
  if (t->orientation && m->has_orientation) {
    rtp_video_orientation_encode(
        put_element(header + t->orientation, t->two_byte, s->orientation_id, RTP_VIDEO_ORIENTATION_SIZE),
        m->orientation);
  }
  if (t->playout_delay && m->has_playout_delay) {
    rtp_playout_delay_encode(put_element(header + t->playout_delay, t->two_byte, s->playout_id, RTP_PLAYOUT_DELAY_SIZE),
                             m->playout_delay);
  }
}

struct header_place outgoing_header_write(const struct rtp_outgoing_stream *s, const struct header_fields *f,
                                          const struct rtp_media_packet *m, int64_t now_us, uint8_t *header) {
  bool plain = !m || m->plain;
  bool dependency = !plain && m->dependency_descriptor_len && s->dependency_id;
  bool large = dependency && m->dependency_descriptor_len > 16;
  if (large && !s->allow_two_byte) dependency = large = false;
  const struct header_template *t = &s->templates[large];
  outgoing_header_put(header, t, f->marker, f->seq);
  const uint32_t words[2] = {htobe32(f->timestamp), htobe32(f->ssrc)};
  memcpy(header + 4, words, sizeof words);
  header[1] = (uint8_t)(f->marker << 7 | f->payload_type);
  if (f->padding) header[0] |= 0x20;
  struct header_place place = {.len = t->len, .transport_seq = t->transport_seq, .abs_send_time = t->abs_send_time};
  if (t->abs_send_time) rtp_abs_send_time_encode(header + t->abs_send_time, rtp_abs_send_time_from_us(now_us));
  if (plain) return place;
  put_optional(s, t, m, header);
  bool capture = m->has_capture_time && s->capture_id;
  if (dependency || capture) {
    place.len = (uint16_t)append_variable(s, t, dependency, capture, m, f->frame_number, header);
  }
  return place;
}
