/* Redundant audio towards one receiver: what is repeated, what is carried, what stays as it is. */
#include "tests/rtp/stream_fixture.h"

#define RED_FORMAT 3
#define RED_PT     63
#define OPUS_PT    109
#define STEP_US    20000

struct line {
  struct rtp_incoming_stream *in;
  struct rtp_outgoing_stream *out;
  struct fixture_source source;
  int64_t now_us;
  uint8_t header[RTP_OUTGOING_HEADER_MAX];
  struct rtp_forward_result result;
  struct rtp_packet packet; /* the header as sent */
  struct rtp_red red;
  uint16_t first; /* our first number */
};

static struct rtp_outgoing_stream *opus_slot(bool red, bool video) {
  struct rtp_outgoing_config c = {.ssrc = 0xAAAA0001, .video = video, .first_seq = 65534, .first_timestamp = 77};
  c.formats[OPUS_FORMAT].payload_type = OPUS_PT;
  c.formats[VP8_FORMAT].payload_type = 96;
  if (red) c.formats[RED_FORMAT].payload_type = RED_PT;
  c.red_format = RED_FORMAT;
  c.red_inner = OPUS_FORMAT;
  struct rtp_outgoing_stream *s = NULL;
  assert_int_equal(rtp_outgoing_stream_create(&s, &c), RTP_OK);
  return s;
}

static void line_open(struct line *l, bool red) {
  *l = (struct line){.in = fixture_incoming(false, 500, 0, NULL), .out = opus_slot(red, false)};
  l->source = (struct fixture_source){.stream = l->in, .ssrc = 500, .seq = 65533, .timestamp = 0xFFFFF000};
  rtp_outgoing_stream_select(l->out, l->in);
}

static void line_close(struct line *l) {
  rtp_outgoing_stream_free(l->out);
  rtp_incoming_stream_free(l->in);
}

/* Hands one packet on. True: it became RED, l->red is what the receiver reads. */
static bool pass(struct line *l, struct fixture_packet *p) {
  struct rtp_media_packet m;
  assert_int_equal(rtp_incoming_stream_receive(l->in, &p->packet, NULL, l->now_us, &m), RTP_DROP_NONE);
  assert_int_equal(rtp_outgoing_stream_forward(l->out, &m, l->now_us, l->header, &l->result), RTP_DROP_NONE);
  assert_int_equal(rtp_packet_parse(&l->packet, l->header, l->result.header_len), RTP_OK);
  l->now_us += STEP_US;
  bool red = l->packet.payload_type == RED_PT;
  assert_int_equal(l->packet.payload_type, red ? RED_PT : OPUS_PT);
  if (!red) {
    assert_memory_equal(l->result.payload, p->packet.payload, p->packet.payload_len);
    return false;
  }
  assert_int_equal(rtp_red_parse(l->result.payload, l->result.payload_len, &l->red), RTP_OK);
  const struct rtp_red_block *primary = &l->red.blocks[l->red.count - 1];
  assert_int_equal(primary->len, p->packet.payload_len);
  assert_memory_equal(primary->data, p->packet.payload, primary->len);
  for (unsigned i = 0; i < l->red.count; i++)
    assert_int_equal(l->red.blocks[i].payload_type, OPUS_PT);
  return true;
}

static void assert_block(const struct line *l, unsigned index, const struct fixture_packet *old, uint16_t back) {
  assert_true(index + 1U < l->red.count);
  assert_int_equal(l->red.blocks[index].timestamp_offset, back * 960);
  assert_int_equal(l->red.blocks[index].len, old->packet.payload_len);
  assert_memory_equal(l->red.blocks[index].data, old->packet.payload, old->packet.payload_len);
}

static void each_packet_repeats_those_before_it(void **state) {
  (void)state;
  struct line l;
  struct fixture_packet p[6];
  line_open(&l, true);
  for (int i = 0; i < 6; i++)
    fixture_opus(&l.source, &p[i]);
  assert_false(pass(&l, &p[0])); /* nobody asked yet */
  rtp_outgoing_stream_set_redundancy(l.out, 1);
  assert_true(pass(&l, &p[1]));
  assert_int_equal(l.red.count, 2);
  assert_block(&l, 0, &p[0], 1);
  rtp_outgoing_stream_set_redundancy(l.out, 9); /* as much as there is */
  assert_true(pass(&l, &p[2]));
  assert_true(pass(&l, &p[3]));
  assert_int_equal(l.red.count, 1 + RTP_REDUNDANCY_MAX);
  assert_block(&l, 0, &p[1], 2); /* RFC 2198 §4: oldest first */
  assert_block(&l, 1, &p[2], 1);
  assert_int_equal((uint16_t)(l.packet.seq - 65534), 3);
  rtp_outgoing_stream_set_redundancy(l.out, 0);
  assert_false(pass(&l, &p[4]));
  struct rtp_outgoing_stats stats;
  rtp_outgoing_stream_stats(l.out, l.now_us, &stats);
  assert_int_equal(stats.red_packets, 3);
  assert_int_equal(stats.red_blocks, 1 + 2 + 2);
  line_close(&l);
}

static void receivers_without_red_and_pictures_get_none(void **state) {
  (void)state;
  struct line l;
  struct fixture_packet p[3];
  line_open(&l, false);
  rtp_outgoing_stream_set_redundancy(l.out, 2);
  for (int i = 0; i < 3; i++) {
    fixture_opus(&l.source, &p[i]);
    assert_false(pass(&l, &p[i]));
    assert_false(rtp_outgoing_stream_carry(l.out, l.result.seq, l.now_us));
  }
  line_close(&l);
  struct rtp_outgoing_stream *video = opus_slot(true, true);
  rtp_outgoing_stream_set_redundancy(video, 2);
  assert_false(rtp_outgoing_stream_carry(video, 65534, 0));
  rtp_outgoing_stream_free(video);
}

static void a_hole_of_the_source_is_not_repeated(void **state) {
  (void)state;
  struct line l;
  struct fixture_packet p[5];
  line_open(&l, true);
  rtp_outgoing_stream_set_redundancy(l.out, 2);
  for (int i = 0; i < 5; i++)
    fixture_opus(&l.source, &p[i]);
  pass(&l, &p[0]);
  assert_true(pass(&l, &p[2]));
  assert_int_equal(l.red.count, 2);
  assert_block(&l, 0, &p[0], 2);
  assert_false(pass(&l, &p[1])); /* late: under its own number, alone */
  assert_int_equal((uint16_t)(l.packet.seq - 65534), 1);
  assert_true(pass(&l, &p[3]));
  assert_int_equal(l.red.count, 3);
  assert_block(&l, 0, &p[1], 2);
  line_close(&l);
}

static void a_missing_frame_goes_along_once_a_round_trip(void **state) {
  (void)state;
  struct line l;
  struct fixture_packet p[24];
  line_open(&l, true);
  rtp_outgoing_stream_set_rtt(l.out, 100000);
  for (int i = 0; i < 24; i++)
    fixture_opus(&l.source, &p[i]);
  for (int i = 0; i < 6; i++)
    assert_false(pass(&l, &p[i]));
  uint16_t second = (uint16_t)(65534 + 1), fourth = (uint16_t)(65534 + 3);
  assert_true(rtp_outgoing_stream_carry(l.out, fourth, l.now_us));
  assert_true(rtp_outgoing_stream_carry(l.out, second, l.now_us));
  assert_false(rtp_outgoing_stream_carry(l.out, second, l.now_us)); /* asked for twice */
  assert_false(rtp_outgoing_stream_carry(l.out, 12345, l.now_us));  /* never sent */
  assert_true(pass(&l, &p[6]));
  assert_int_equal(l.red.count, 3);
  assert_block(&l, 0, &p[1], 5);
  assert_block(&l, 1, &p[3], 3);
  assert_false(pass(&l, &p[7])); /* once */
  for (int i = 8; i < 12; i++)
    assert_false(pass(&l, &p[i]));
  assert_true(rtp_outgoing_stream_carry(l.out, second, l.now_us)); /* a round trip later */
  assert_true(pass(&l, &p[12]));
  assert_block(&l, 0, &p[1], 11);
  /* 14 bits of timestamp offset end at 341 ms: 17 packets. */
  for (int i = 13; i < 18; i++)
    assert_false(pass(&l, &p[i]));
  assert_true(rtp_outgoing_stream_carry(l.out, second, l.now_us));
  assert_true(pass(&l, &p[18]));
  assert_block(&l, 0, &p[1], 17);
  for (int i = 19; i < 23; i++)
    assert_false(pass(&l, &p[i]));
  l.now_us += 100000;
  assert_true(rtp_outgoing_stream_carry(l.out, second, l.now_us));
  assert_false(pass(&l, &p[23]));
  line_close(&l);
}

static void what_goes_with_the_next_packet_anyway_is_not_carried(void **state) {
  (void)state;
  struct line l;
  struct fixture_packet p[3];
  line_open(&l, true);
  rtp_outgoing_stream_set_redundancy(l.out, 1);
  for (int i = 0; i < 3; i++) {
    fixture_opus(&l.source, &p[i]);
    pass(&l, &p[i]);
  }
  assert_false(rtp_outgoing_stream_carry(l.out, l.result.seq, l.now_us));
  assert_true(rtp_outgoing_stream_carry(l.out, (uint16_t)(l.result.seq - 1), l.now_us));
  line_close(&l);
}

static void frames_that_do_not_fit_are_left_out(void **state) {
  (void)state;
  struct rtp_incoming_stream *in = fixture_incoming(false, 500, 0, NULL);
  struct rtp_outgoing_stream *out = opus_slot(true, false);
  rtp_outgoing_stream_select(out, in);
  rtp_outgoing_stream_set_redundancy(out, 2);
  static uint8_t bytes[4][RTP_HEADER_SIZE + 1200];
  static const size_t lens[4] = {1100, 700, 600, 120}; /* the first: longer than RED's 10 bits of length */
  static const unsigned blocks[4] = {0, 0, 1, 2};
  for (uint16_t i = 0; i < 4; i++) {
    uint8_t header[RTP_OUTGOING_HEADER_MAX];
    struct rtp_forward_result r;
    struct rtp_media_packet m;
    bytes[i][RTP_HEADER_SIZE] = 0x78;
    struct rtp_packet p = {.data = bytes[i],
                           .len = RTP_HEADER_SIZE + lens[i],
                           .payload = bytes[i] + RTP_HEADER_SIZE,
                           .payload_len = lens[i],
                           .timestamp = 960U * i,
                           .ssrc = 500,
                           .seq = i,
                           .header_len = RTP_HEADER_SIZE,
                           .payload_type = 111};
    assert_int_equal(rtp_incoming_stream_receive(in, &p, NULL, i * STEP_US, &m), RTP_DROP_NONE);
    assert_int_equal(rtp_outgoing_stream_forward(out, &m, i * STEP_US, header, &r), RTP_DROP_NONE);
    assert_true(r.payload_len <= RTP_MEDIA_MAX_PAYLOAD);
    struct rtp_red red = {.count = 1};
    if ((header[1] & 0x7f) == RED_PT) assert_int_equal(rtp_red_parse(r.payload, r.payload_len, &red), RTP_OK);
    assert_int_equal(red.count - 1, blocks[i]);
  }
  rtp_outgoing_stream_free(out);
  rtp_incoming_stream_free(in);
}

/* Whatever is lost at random at 10 %, twice repeated almost everything arrives. */
static void one_loss_in_ten_leaves_one_frame_in_a_thousand(void **state) {
  (void)state;
  struct line l;
  line_open(&l, true);
  rtp_outgoing_stream_set_redundancy(l.out, 2);
  static bool have[20003];
  uint64_t random = 7;
  for (int i = 0; i < 20000; i++) {
    struct fixture_packet p;
    fixture_opus(&l.source, &p);
    bool red = pass(&l, &p);
    if (fixture_random(&random) % 10 == 0) continue;
    have[i] = true;
    for (unsigned k = 0; red && k < l.red.count; k++)
      have[i - l.red.blocks[k].timestamp_offset / 960] = true;
  }
  int missing = 0;
  for (int i = 0; i < 20000; i++)
    missing += !have[i];
  assert_in_range(missing, 1, 40);
  line_close(&l);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_packet_repeats_those_before_it),
      cmocka_unit_test(receivers_without_red_and_pictures_get_none),
      cmocka_unit_test(a_hole_of_the_source_is_not_repeated),
      cmocka_unit_test(a_missing_frame_goes_along_once_a_round_trip),
      cmocka_unit_test(what_goes_with_the_next_packet_anyway_is_not_carried),
      cmocka_unit_test(frames_that_do_not_fit_are_left_out),
      cmocka_unit_test(one_loss_in_ten_leaves_one_frame_in_a_thousand),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
