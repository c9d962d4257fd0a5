/* tests/server/worker/scalable_test.c: a camera that sends all its sizes in one stream (AV1, L3T1_KEY, with dependency descriptors): each
 * receiver gets the one that its window and its link take, and is never sent what it cannot decode.
 * Covers: server/worker/layers.c */
#include "tests/server/worker/engine_harness.h"

#define LAYERS        3
#define FRAMES        4096
#define PICTURE_US    (35 * MILLISECOND)
#define RESOLUTION(i) (uint16_t)(320 << (i)), (uint16_t)(180 << (i))

/* Of each layer, for a picture: about 120, 430 and 1200 kbit/s. */
static const uint16_t packets_of[LAYERS] = {1, 2, 5}, bytes_of[LAYERS] = {500, 900, 1000};

struct stage {
  struct harness *h;
  struct browser *a, *b, *c;
  char camera[ROOM_ID_BYTES];
  struct source source;
  bool wants_key;
  size_t asked; /* key frames */
  uint16_t number;
  struct rtp_dependency_structure seen_by_b; /* as it reads the descriptors */
  bool decoded[FRAMES];
  size_t filmed, pictures, undecodable, unmarked;
  int top; /* of b's newest picture */
  uint32_t b_timestamp;
};

/* ---- the publisher ---- */

struct bits {
  uint8_t bytes[64];
  size_t count;
};

static void put(struct bits *b, unsigned count, unsigned value) {
  for (unsigned i = count; i-- > 0; b->count++)
    if (value >> i & 1) b->bytes[b->count / 8] |= (uint8_t)(0x80 >> b->count % 8);
}

/* AV1 RTP specification A.8.2: two templates a layer, for key frames and the others; one decode target and one chain a layer. */
static void put_structure(struct bits *b) {
  static const unsigned key_chains[LAYERS][LAYERS] = {{0, 0, 0}, {1, 1, 1}, {2, 1, 1}};
  static const unsigned other_chains[LAYERS][LAYERS] = {{3, 2, 1}, {1, 3, 2}, {2, 1, 3}};
  put(b, 6, 0);
  put(b, 5, LAYERS - 1);
  for (int i = 0; i < LAYERS; i++) {
    put(b, 2, 0);
    put(b, 2, i + 1 < LAYERS ? 2 : 3);
  }
  for (int i = 0; i < LAYERS; i++) {
    for (int t = 0; t < LAYERS; t++)
      put(b, 2, t >= i ? RTP_DTI_SWITCH : RTP_DTI_NOT_PRESENT);
    for (int t = 0; t < LAYERS; t++)
      put(b, 2, t == i ? RTP_DTI_SWITCH : RTP_DTI_NOT_PRESENT);
  }
  for (int i = 0; i < LAYERS; i++) {
    if (i > 0) put(b, 5, 1 << 4 | 0); /* one before: the layer below */
    put(b, 1, 0);
    put(b, 5, 1 << 4 | 2); /* three before: the picture before */
    put(b, 1, 0);
  }
  put(b, 2, LAYERS); /* ns(4) */
  put(b, 1, 0);      /* ns(3): 0, 10, 11 */
  put(b, 2, 2);
  put(b, 2, 3);
  for (int i = 0; i < LAYERS; i++) {
    for (int c = 0; c < LAYERS; c++)
      put(b, 4, key_chains[i][c]);
    for (int c = 0; c < LAYERS; c++)
      put(b, 4, other_chains[i][c]);
  }
  put(b, 1, 1);
  for (int i = 0; i < LAYERS; i++) {
    put(b, 16, (320U << i) - 1);
    put(b, 16, (180U << i) - 1);
  }
}

static void send_packet(struct stage *s, int layer, int packet, bool key) {
  const bool first = packet == 0, last = packet + 1 == packets_of[layer];
  struct bits d = {.count = 0};
  put(&d, 1, first);
  put(&d, 1, last);
  put(&d, 6, (unsigned)(2 * layer + !key));
  put(&d, 16, s->number);
  if (key && layer == 0 && first) {
    put(&d, 5, 1 << 4); /* a structure, nothing else out of order */
    put_structure(&d);
  }
  uint8_t payload[1100] = {(uint8_t)(first ? 0x10 : 0x90), 0x30}; /* one element: an OBU of a frame */
  if (key && layer == 0 && first) payload[0] |= 0x08;
  const struct shot shot = {.ssrc = s->source.ssrc,
                            .timestamp = s->source.timestamp,
                            .seq = s->source.seq++,
                            .pt = s->source.pt,
                            .marker = last && layer + 1 == LAYERS,
                            .mid = s->source.mid,
                            .rid = s->source.rid,
                            .level = -1,
                            .transport_seq = -1,
                            .payload = payload,
                            .len = bytes_of[layer],
                            .dependency = d.bytes,
                            .dependency_len = (d.count + 7) / 8};
  browser_send_shot(s->a, &shot);
}

static void send_picture(struct stage *s) {
  const bool key = s->wants_key;
  s->wants_key = false;
  for (int layer = 0; layer < LAYERS; layer++) {
    s->number++;
    for (int packet = 0; packet < packets_of[layer]; packet++)
      send_packet(s, layer, packet, key);
  }
  s->source.timestamp += 3000;
  s->filmed++;
  harness_pump(s->h);
}

static void look_for_requests(struct stage *s) {
  struct rtcp_packet packet;
  for (size_t n = 0; browser_find_rtcp(s->a, RTCP_PSFB, RTCP_PSFB_PLI, n, &packet); n++) {
    s->asked++;
    s->wants_key = true;
  }
  browser_forget(s->a);
}

/* ---- the receiver ---- */

/* A frame can be decoded when all that it refers to came; the last one of a picture carries the marker. */
static void watch(struct stage *s, uint32_t slot_ssrc) {
  bool marked = true;
  for (size_t i = 0; i < s->b->rtp_count; i++) {
    const struct got *got = &s->b->rtp[i];
    if (got->p.ssrc != slot_ssrc || !RTP_EXTENSION_HAS(&got->x, DEPENDENCY_DESCRIPTOR)) continue;
    struct rtp_dependency_descriptor d;
    if (rtp_dependency_parse(&s->seen_by_b, got->x.dependency_descriptor.data, got->x.dependency_descriptor.len, &d)) {
      s->undecodable++;
      continue;
    }
    if (got->p.timestamp != s->b_timestamp) {
      s->unmarked += !marked;
      s->pictures++;
    }
    s->b_timestamp = got->p.timestamp;
    marked = got->p.marker;
    if (!d.frame_start) continue;
    bool whole = true;
    for (unsigned k = 0; k < d.fdiff_count; k++)
      whole &= s->decoded[(uint16_t)(d.frame_number - d.fdiffs[k]) % FRAMES];
    s->decoded[d.frame_number % FRAMES] = whole;
    s->decoded[(uint16_t)(d.frame_number + FRAMES / 2) % FRAMES] = false;
    s->undecodable += !whole;
    s->top = d.spatial_id;
  }
  browser_forget(s->b);
  browser_forget(s->c);
}

static struct browser *connect_member(struct harness *h, const char *role) {
  struct browser *b = harness_join(h, role);
  browser_offer(b, "chromium");
  browser_connect(b);
  harness_advance(h, 5 * MILLISECOND);
  return b;
}

static struct stage open_stage(uint64_t b_bps) {
  struct stage s = {.h = harness_new_governed_with("AV1"), .wants_key = true, .top = -1};
  s.a = connect_member(s.h, "doctor");
  s.b = connect_member(s.h, "patient");
  s.c = connect_member(s.h, "interpreter");
  browser_link(s.b, b_bps, 300 * MILLISECOND, 20 * MILLISECOND);
  browser_link(s.c, NO_LIMIT_BPS, SECOND, 20 * MILLISECOND);
  snprintf(s.camera, sizeof s.camera, "%s", browser_publish(s.a, "1", "camera"));
  s.source = source_video(s.a, "1", "q", RESOLUTION(2));
  s.source.pt = browser_pt(s.a, "1", "AV1");
  return s;
}

static struct slot *slot_of(struct browser *b, const struct stage *s) {
  return browser_section(b, browser_slot_of(b, s->camera))->slot;
}

static int spatial_of(struct browser *b, const struct stage *s) {
  return rtp_outgoing_stream_spatial(slot_of(b, s)->out);
}

/* Films for so long; returns how often b's size changed. */
static int film(struct stage *s, int64_t us) {
  const uint32_t ssrc = browser_slot_ssrc(s->b, browser_slot_of(s->b, s->camera)).ssrc;
  int changes = 0, last = spatial_of(s->b, s);
  for (int64_t end_us = s->h->now_us + us; s->h->now_us < end_us;) {
    send_picture(s);
    harness_advance(s->h, PICTURE_US);
    look_for_requests(s);
    changes += spatial_of(s->b, s) != last;
    last = spatial_of(s->b, s);
    watch(s, ssrc);
  }
  return changes;
}

/* ---- tests ---- */

static void a_link_gets_the_size_that_it_carries(void **state) {
  (void)state;
  struct stage s = open_stage(700000);
  film(&s, 8 * SECOND);
  assert_int_equal(s.top, 1);
  assert_int_equal(spatial_of(s.c, &s), 2); /* nobody else's business */
  const size_t asked = s.asked;
  assert_int_equal(film(&s, 10 * SECOND), 0);
  assert_int_equal(s.asked, asked); /* nothing changes: no key frame is asked for */
  browser_link(s.b, 200000, 300 * MILLISECOND, 20 * MILLISECOND);
  film(&s, 6 * SECOND);
  assert_int_equal(s.top, 0);
  browser_link(s.b, 10000000, 300 * MILLISECOND, 20 * MILLISECOND);
  film(&s, 12 * SECOND);
  assert_int_equal(s.top, 2);
  harness_free(s.h);
}

static void a_window_gets_the_size_that_it_shows(void **state) {
  (void)state;
  struct stage s = open_stage(NO_LIMIT_BPS);
  film(&s, 4 * SECOND);
  assert_int_equal(s.top, 2);
  const size_t asked = s.asked, missing = s.filmed - s.pictures;
  for (int i = 0; i < 3; i++) {
    browser_view(s.b, s.camera, 320, 180);
    assert_int_equal(film(&s, 3 * SECOND), 1);
    assert_int_equal(s.top, 0);
    browser_view(s.b, s.camera, 1280, 720);
    assert_int_equal(film(&s, 3 * SECOND), 1);
    assert_int_equal(s.top, 2);
  }
  assert_in_range(s.asked - asked, 1, 6); /* one for each change */
  assert_int_equal(spatial_of(s.c, &s), 2);
  /* Not one picture was missing, or could not be decoded, or had no end. */
  assert_int_equal(s.filmed - s.pictures, missing);
  assert_int_equal(s.undecodable, 0);
  assert_int_equal(s.unmarked, 0);
  harness_free(s.h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_window_gets_the_size_that_it_shows),
      cmocka_unit_test(a_link_gets_the_size_that_it_carries),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
