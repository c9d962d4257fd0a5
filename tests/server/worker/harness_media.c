/* tests/server/worker/harness_media.c: packets that scripted browsers send, and a look at those they received. */
#include <stdio.h>
#include <strings.h>

#include "signaling/sdp_json.h"
#include "tests/server/worker/harness_internal.h"

#define EXTENSION_BYTES 48
#define ORIGIN_BYTES    6

static void put32(uint8_t *at, uint32_t v) {
  for (int i = 0; i < 4; i++)
    at[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* ---- RTP ---- */

static void add_text(const struct browser *m, struct rtp_header_writer *w, enum rtp_extension x, const char *text) {
  if (!text || !m->extensions.id_of[x]) return;
  uint8_t *at = rtp_header_add(w, m->extensions.id_of[x], strlen(text));
  assert_non_null(at);
  memcpy(at, text, strlen(text)); /* NOLINT(bugprone-not-null-terminated-result): bytes, not a string */
}

size_t browser_write_rtp(const struct browser *m, const struct shot *shot, uint8_t *out) {
  const struct rtp_header header = {.timestamp = shot->timestamp,
                                    .ssrc = shot->ssrc,
                                    .seq = shot->seq,
                                    .payload_type = shot->pt,
                                    .marker = shot->marker,
                                    .padding = shot->padding > 0};
  struct rtp_header_writer w;
  const uint8_t *id = m->extensions.id_of;
  assert_int_equal(
      rtp_header_begin(&w, out, 200, &header, shot->dependency_len ? 128 : EXTENSION_BYTES, shot->dependency_len > 16),
      RTP_OK);
  add_text(m, &w, RTP_EXTENSION_MID, shot->mid);
  add_text(m, &w, RTP_EXTENSION_RID, shot->rid);
  add_text(m, &w, RTP_EXTENSION_REPAIRED_RID, shot->repaired_rid);
  if (shot->level >= 0 && id[RTP_EXTENSION_AUDIO_LEVEL]) {
    rtp_audio_level_encode(rtp_header_add(&w, id[RTP_EXTENSION_AUDIO_LEVEL], RTP_AUDIO_LEVEL_SIZE),
                           (struct rtp_audio_level){.level = (uint8_t)shot->level, .voice = true});
  }
  if (shot->transport_seq >= 0 && id[RTP_EXTENSION_TRANSPORT_SEQUENCE]) {
    rtp_transport_sequence_encode(rtp_header_add(&w, id[RTP_EXTENSION_TRANSPORT_SEQUENCE], RTP_TRANSPORT_SEQUENCE_SIZE),
                                  (uint16_t)shot->transport_seq);
  }
  if (shot->dependency) {
    uint8_t *at = rtp_header_add(&w, id[RTP_EXTENSION_DEPENDENCY_DESCRIPTOR], shot->dependency_len);
    memcpy(at, shot->dependency, shot->dependency_len);
  }
  const size_t len = rtp_header_end(&w);
  if (shot->len) memcpy(out + len, shot->payload, shot->len);
  if (shot->padding) {
    memset(out + len + shot->len, 0, shot->padding);
    out[len + shot->len + shot->padding - 1] = shot->padding;
  }
  return len + shot->len + shot->padding;
}

void browser_send_rtp(struct browser *m, const uint8_t *packet, size_t len) {
  uint8_t data[2048];
  int total = (int)len;
  memcpy(data, packet, len);
  assert_int_equal(srtp_protect(m->media.out, data, &total), srtp_err_status_ok);
  browser_send_datagram(m, data, (size_t)total);
}

void browser_send_rtcp(struct browser *m, const uint8_t *packet, size_t len) {
  uint8_t data[2048];
  int total = (int)len;
  memcpy(data, packet, len);
  assert_int_equal(srtp_protect_rtcp(m->media.out, data, &total), srtp_err_status_ok);
  browser_send_datagram(m, data, (size_t)total);
}

void browser_send_shot(struct browser *m, const struct shot *shot) {
  uint8_t packet[1600];
  browser_send_rtp(m, packet, browser_write_rtp(m, shot, packet));
}

void browser_send_nack(struct browser *m, uint32_t media_ssrc, const uint16_t *seqs, size_t count) {
  uint8_t packet[1400];
  const int len = rtcp_write_nack(packet, sizeof packet, 1, media_ssrc, seqs, count, NULL);
  assert_true(len > 0);
  browser_send_rtcp(m, packet, (size_t)len);
  harness_pump(m->harness);
}

void browser_send_pli(struct browser *m, uint32_t media_ssrc) {
  uint8_t packet[64];
  browser_send_rtcp(m, packet, (size_t)rtcp_write_pli(packet, sizeof packet, 1, media_ssrc));
  harness_pump(m->harness);
}

/* ---- sources ---- */

static const json_t *find_codec(const struct browser *m, const char *mid, const char *codec) {
  size_t i;
  json_t *c;
  json_array_foreach(json_object_get(offer_media(m->offer, mid), "codecs"), i, c) {
    if (strcasecmp(json_string_value(json_object_get(c, "name")), codec) == 0) return c;
  }
  fail_msg("%s is not offered on %s", codec, mid);
  return NULL;
}

uint8_t browser_pt(const struct browser *m, const char *mid, const char *codec) {
  return (uint8_t)json_integer_value(json_object_get(find_codec(m, mid, codec), "pt"));
}

static struct source make_source(struct browser *m, const char *mid, const char *rid, const char *codec) {
  const json_t *c = find_codec(m, mid, codec);
  static uint32_t ssrc = 0x10000000;
  ssrc += 0x101;
  return (struct source){.member = m,
                         .mid = mid,
                         .rid = rid,
                         .ssrc = ssrc,
                         .rtx_ssrc = ssrc + 1,
                         .timestamp = ssrc * 7,
                         .seq = 1000,
                         .rtx_seq = 1,
                         .pt = (uint8_t)json_integer_value(json_object_get(c, "pt")),
                         .rtx_pt = (uint8_t)json_integer_value(json_object_get(c, "rtxPt")),
                         .level = -1,
                         .transport_seq = -1};
}

struct source source_audio(struct browser *m, const char *mid) {
  return make_source(m, mid, NULL, "opus");
}

struct source source_video(struct browser *m, const char *mid, const char *rid, uint16_t width, uint16_t height) {
  struct source s = make_source(m, mid, rid, "VP8");
  s.video = true;
  s.width = width;
  s.height = height;
  return s;
}

/* RFC 7741 §4.2: X, S | I, L, T | 15-bit picture id | TL0PICIDX | TID, Y | frame tag; key frames with start code and size. */
static size_t write_vp8(const struct source *s, bool keyframe, uint8_t *out) {
  static const uint8_t temporal[] = {0, 2, 1, 2};
  size_t len = 0;
  out[len++] = s->frame_at ? 0x80 : 0x90;
  out[len++] = s->temporal_layers ? 0xe0 : 0xc0;
  out[len++] = (uint8_t)(0x80 | s->picture_id >> 8);
  out[len++] = (uint8_t)s->picture_id;
  out[len++] = (uint8_t)s->picture_id;
  if (s->temporal_layers) out[len++] = (uint8_t)(keyframe ? 0x20 : temporal[s->picture_id % 4] << 6 | 0x20);
  out[len++] = keyframe ? 0x10 : 0x11;
  out[len++] = 0;
  out[len++] = 0;
  if (!keyframe || s->frame_at) return len;
  const uint8_t size[] = {
      0x9d, 0x01, 0x2a, (uint8_t)s->width, (uint8_t)(s->width >> 8), (uint8_t)s->height, (uint8_t)(s->height >> 8)};
  memcpy(out + len, size, sizeof size);
  return len + sizeof size;
}

void source_seal(struct source *s, bool keyframe, struct datagram *out) {
  int len = (int)source_write(s, keyframe, out->data);
  assert_int_equal(srtp_protect(s->member->media.out, out->data, &len), srtp_err_status_ok);
  out->len = (size_t)len;
}

size_t source_write(struct source *s, bool keyframe, uint8_t *out) {
  uint8_t payload[1100];
  size_t len = 0;
  memset(payload, 0x55, sizeof payload);
  if (s->video) {
    len = write_vp8(s, keyframe, payload);
    len += s->packet_bytes ? s->packet_bytes : 800;
  } else {
    payload[len++] = 0x78; /* Opus TOC: CELT, 20 ms, mono */
    len += 80;
  }
  put32(payload + len, s->ssrc);
  payload[len + 4] = (uint8_t)(s->seq >> 8);
  payload[len + 5] = (uint8_t)s->seq;
  const bool frame_ends = s->frame_at + 1 >= s->frame_packets;
  const struct shot shot = {.ssrc = s->ssrc,
                            .timestamp = s->timestamp,
                            .seq = s->seq++,
                            .pt = s->pt,
                            .marker = s->video && frame_ends,
                            .mid = s->mid,
                            .rid = s->rid,
                            .level = s->level,
                            .transport_seq = s->transport_seq < 0 ? -1 : s->transport_seq++,
                            .payload = payload,
                            .len = len + ORIGIN_BYTES};
  s->frame_at = frame_ends ? 0 : (uint8_t)(s->frame_at + 1);
  if (frame_ends) {
    s->timestamp += s->video ? 3000 : 960;
    s->picture_id = (uint16_t)((s->picture_id + 1) & 0x7fff);
  }
  return browser_write_rtp(s->member, &shot, out);
}

void source_send(struct source *s, bool keyframe) {
  uint8_t packet[1600];
  browser_send_rtp(s->member, packet, source_write(s, keyframe, packet));
  harness_pump(s->member->harness);
}

/* ---- what came ---- */

uint32_t got_ssrc(const struct got *got) {
  assert_true(got->p.payload_len >= ORIGIN_BYTES);
  const uint8_t *at = got->p.payload + got->p.payload_len - ORIGIN_BYTES;
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

uint16_t got_seq(const struct got *got) {
  assert_true(got->p.payload_len >= ORIGIN_BYTES);
  const uint8_t *at = got->p.payload + got->p.payload_len - 2;
  return (uint16_t)(at[0] << 8 | at[1]);
}

size_t browser_count_ssrc(const struct browser *m, uint32_t ssrc) {
  size_t count = 0;
  for (size_t i = 0; i < m->rtp_count; i++)
    count += m->rtp[i].p.ssrc == ssrc;
  return count;
}

const struct got *browser_nth(const struct browser *m, uint32_t ssrc, size_t n) {
  for (size_t i = 0; i < m->rtp_count; i++) {
    if (m->rtp[i].p.ssrc == ssrc && n-- == 0) return &m->rtp[i];
  }
  return NULL;
}

bool browser_find_rtcp(const struct browser *m, uint8_t type, uint8_t format, size_t n, struct rtcp_packet *out) {
  for (size_t i = 0; i < m->rtcp_count; i++) {
    struct rtcp_iterator it;
    assert_int_equal(rtcp_begin(&it, m->rtcp[i].data, m->rtcp[i].len), RTP_OK);
    while (rtcp_next(&it, out)) {
      if (out->type == type && (format == 0 || out->count == format) && n-- == 0) return true;
    }
  }
  return false;
}

struct sdp_ssrc browser_slot_ssrc(const struct browser *m, const char *mid) {
  const struct sdp_answer_media *media = sdp_answer_find(m->answer, mid);
  assert_non_null(media);
  return media->ssrc;
}
