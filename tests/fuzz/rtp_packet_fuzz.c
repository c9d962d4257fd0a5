/* Fuzzes the RTP header, its extensions, and their writer. Input: a datagram. */
#include "rtp/extension.h"
#include "rtp/packet.h"
#include "tests/fuzz/rtp_fuzz.h"

/* Id n is extension n, and 15 and above the ones that are left. */
static const struct rtp_extension_map *all_extensions(void) {
  static struct rtp_extension_map map;
  for (int i = 1; i < RTP_EXTENSION_COUNT; i++) {
    HOLDS(rtp_extension_map_add(&map, (uint8_t)(i < 15 ? i : i + 1), (enum rtp_extension)i) == RTP_OK);
  }
  return &map;
}

static void check_layers(const struct rtp_bytes *raw) {
  struct rtp_layers_allocation v, back;
  uint8_t out[512];
  if (rtp_layers_decode(raw->data, raw->len, &v) != RTP_OK) return;
  HOLDS(v.count <= 16 && v.stream < v.stream_count);
  int n = rtp_layers_encode(out, sizeof out, &v);
  HOLDS(n > 0);
  if (v.count == 0) return; /* written as one zero byte */
  uint8_t again[sizeof out];
  HOLDS(rtp_layers_decode(out, (size_t)n, &back) == RTP_OK && back.count == v.count);
  HOLDS(rtp_layers_encode(again, sizeof again, &back) == n && memcmp(again, out, (size_t)n) == 0);
}

/* Copies the packet's elements into a fresh header, which must read back the same. */
static void check_writer(const struct rtp_packet *p) {
  static uint8_t out[70000];
  struct rtp_header h = {.timestamp = p->timestamp, .ssrc = p->ssrc, .seq = p->seq, .payload_type = p->payload_type};
  struct rtp_header_writer w;
  struct rtp_element_iterator it, it2;
  struct rtp_element e, e2;
  bool two_byte = p->extension_profile != 0xBEDE;
  h.marker = p->marker;
  HOLDS(rtp_header_begin(&w, out, sizeof out, &h, p->extension_len, two_byte) == RTP_OK);
  rtp_element_begin(&it, p);
  while (rtp_element_next(&it, &e)) {
    uint8_t *place = rtp_header_add(&w, e.id, e.len);
    HOLDS(place != NULL); /* they fitted before */
    memcpy(place, e.data, e.len);
  }
  size_t len = rtp_header_end(&w);
  struct rtp_packet q;
  HOLDS(rtp_packet_parse(&q, out, len) == RTP_OK);
  HOLDS(q.payload_len == 0 && q.header_len == len && q.extension_len == p->extension_len);
  HOLDS(q.seq == p->seq && q.ssrc == p->ssrc && q.timestamp == p->timestamp && q.marker == p->marker);
  rtp_element_begin(&it, p);
  rtp_element_begin(&it2, &q);
  while (rtp_element_next(&it, &e)) {
    HOLDS(rtp_element_next(&it2, &e2));
    HOLDS(e.id == e2.id && e.len == e2.len && memcmp(e.data, e2.data, e.len) == 0);
  }
  HOLDS(!rtp_element_next(&it2, &e2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const struct rtp_extension_map *map;
  if (!map) map = all_extensions();
  uint8_t *copy = malloc(size ? size : 1);
  HOLDS(copy != NULL);
  if (size > 0) memcpy(copy, data, size);
  struct rtp_packet p;
  enum rtp_kind kind = rtp_kind_of(copy, size);
  if (rtp_packet_parse(&p, copy, size) == RTP_OK) {
    HOLDS(kind != RTP_KIND_NONE);
    HOLDS(p.header_len + p.payload_len + p.padding_len == size && p.payload == copy + p.header_len);
    HOLDS(p.header_len >= RTP_HEADER_SIZE + 4U * p.csrc_count);
    struct rtp_extension_values v;
    rtp_extension_read(&p, map, &v);
    HOLDS((v.present & 1) == 0 && v.present >> RTP_EXTENSION_COUNT == 0);
    if (RTP_EXTENSION_HAS(&v, MID)) HOLDS(v.mid.len > 0 && memchr(v.mid.data, 0, v.mid.len) == NULL);
    if (RTP_EXTENSION_HAS(&v, VIDEO_LAYERS_ALLOCATION)) check_layers(&v.layers_allocation);
    check_writer(&p);
  }
  free(copy);
  return 0;
}
