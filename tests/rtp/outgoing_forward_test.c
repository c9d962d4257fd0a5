/* What a receiver sees through any mix of switches, layers, loss and padding: one continuous stream. */
#include "rtp/outgoing_internal.h"
#include "tests/rtp/outgoing_fixture.h"

#define FRAME_PACKETS 3

static struct fixture_packet frame[FRAME_PACKETS];

static struct fixture_source source(uint32_t ssrc, uint8_t layer, const void *track) {
  return (struct fixture_source){.stream = fixture_incoming(true, ssrc, layer, track),
                                 .ssrc = ssrc,
                                 .seq = (uint16_t)(ssrc * 77),
                                 .timestamp = ssrc * 123456789,
                                 .picture_id = (uint16_t)(ssrc * 999 & 0x7fff),
                                 .tl0 = (uint8_t)(ssrc * 31)};
}

/* One frame from publisher to slot. Returns how many packets were forwarded. */
static int pass_frame(struct receiver *r, struct fixture_source *s, bool keyframe, int64_t now) {
  int forwarded = 0;
  fixture_vp8_frame(s, frame, FRAME_PACKETS, keyframe);
  for (int i = 0; i < FRAME_PACKETS; i++)
    forwarded += fixture_pass(r, s, &frame[i], now) == RTP_DROP_NONE;
  return forwarded;
}

/* Numbers without gaps; a new frame's picture id is the next one, its timestamp newer; TL0PICIDX counts base frames. */
static void assert_continuous(const struct receiver *r) {
  assert_int_equal(fixture_holes(r), 0);
  const struct received *last = NULL;
  for (uint32_t i = r->first; i != r->highest + 1; i++) {
    const struct received *n = &r->received[i & 0xffff];
    if (n->filler) continue;
    if (last && n->timestamp == last->timestamp) {
      assert_int_equal(n->picture_id, last->picture_id);
    } else if (last) {
      assert_true((int32_t)(n->timestamp - last->timestamp) > 0);
      assert_int_equal(n->picture_id, (last->picture_id + 1) & 0x7fff);
      assert_int_equal(n->tl0, (uint8_t)(last->tl0 + (n->temporal_id == 0)));
      assert_true(last->marker);
    }
    last = n;
  }
}

static void the_old_source_flows_until_the_new_ones_keyframe(void **state) {
  (void)state;
  int track = 0;
  struct fixture_source a = source(1000, 0, &track), b = source(2000, 0, NULL);
  struct receiver *r = fixture_receiver(true, NULL);
  int64_t now = 1000000;
  assert_int_equal(pass_frame(r, &a, true, now), 0); /* not selected */
  rtp_outgoing_stream_select(r->out, a.stream);
  assert_ptr_equal(rtp_outgoing_stream_needs_keyframe(r->out), a.stream);
  assert_int_equal(pass_frame(r, &a, false, now), 0); /* waits */
  assert_int_equal(pass_frame(r, &a, true, now += FRAME_US), 3);
  assert_null(rtp_outgoing_stream_needs_keyframe(r->out));
  rtp_outgoing_stream_select(r->out, b.stream);
  assert_ptr_equal(rtp_outgoing_stream_wanted(r->out), b.stream);
  assert_ptr_equal(rtp_outgoing_stream_current(r->out), a.stream);
  for (int i = 0; i < 10; i++) {
    assert_int_equal(pass_frame(r, &b, false, now += FRAME_US), 0);
    assert_int_equal(pass_frame(r, &a, false, now), 3);
  }
  now += FRAME_US;
  fixture_vp8_frame(&b, frame, 3, true);
  assert_int_equal(fixture_pass(r, &b, &frame[0], now), RTP_DROP_NONE);
  assert_true(r->result.switched);
  assert_int_equal(fixture_pass(r, &b, &frame[1], now), RTP_DROP_NONE);
  assert_false(r->result.switched);
  assert_int_equal(fixture_pass(r, &b, &frame[2], now), RTP_DROP_NONE);
  assert_int_equal(pass_frame(r, &a, false, now), 0);
  for (int i = 0; i < 10; i++)
    assert_int_equal(pass_frame(r, &b, false, now += FRAME_US), 3);
  assert_continuous(r);
  /* selecting what flows withdraws the pending switch */
  rtp_outgoing_stream_select(r->out, a.stream);
  rtp_outgoing_stream_select(r->out, b.stream);
  assert_null(rtp_outgoing_stream_needs_keyframe(r->out));
  assert_int_equal(pass_frame(r, &a, true, now), 0);
  /* empty at once */
  rtp_outgoing_stream_select(r->out, NULL);
  assert_int_equal(pass_frame(r, &b, true, now), 0);
  fixture_receiver_free(r);
  rtp_incoming_stream_free(a.stream);
  rtp_incoming_stream_free(b.stream);
}

/* Without loss, but with everything else at random: nothing may be missing and everything must count on. */
static void random_switching_is_continuous(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 40; seed++) {
    uint64_t random = seed;
    int track = 0;
    struct fixture_source s[4] = {source(1000, 0, &track), source(2000, 1, &track), source(3000, 2, &track),
                                  source(4000, 0, NULL)};
    struct receiver *r = fixture_receiver(true, NULL);
    int64_t now = 1000000;
    for (int i = 0; i < 600; i++, now += FRAME_US) {
      if (fixture_random(&random) % 12 == 0) rtp_outgoing_stream_select(r->out, s[fixture_random(&random) % 4].stream);
      if (fixture_random(&random) % 20 == 0)
        rtp_outgoing_stream_set_temporal(r->out, (uint8_t)(fixture_random(&random) % 4));
      if (fixture_random(&random) % 60 == 0) rtp_outgoing_stream_pause(r->out, true);
      if (fixture_random(&random) % 10 == 0) rtp_outgoing_stream_pause(r->out, false);
      for (int k = 0; k < 4; k++) {
        if (i % 90 == 5 * k) { /* sender reports: one clock for the track, layers with random timestamp origins */
          struct rtcp_sender_info sr = {.ntp = rtcp_ntp_from_us(now), .rtp_timestamp = s[k].timestamp};
          rtp_incoming_stream_sender_report(s[k].stream, &sr, now);
        }
        struct fixture_packet padding;
        if (fixture_random(&random) % 5 == 0) {
          fixture_padding(&s[k], &padding);
          assert_int_not_equal(fixture_pass(r, &s[k], &padding, now), RTP_DROP_NONE);
        }
        int forwarded = pass_frame(r, &s[k], i == 0 || fixture_random(&random) % 25 == 0, now);
        assert_true(forwarded == 0 || forwarded == FRAME_PACKETS); /* never half a frame */
      }
    }
    assert_true(r->packets > 100);
    assert_continuous(r);
    struct rtp_outgoing_stats stats;
    rtp_outgoing_stream_stats(r->out, now, &stats);
    assert_int_equal(stats.fillers, 0);
    assert_true(stats.switches > 5);
    fixture_receiver_free(r);
    for (int k = 0; k < 4; k++)
      rtp_incoming_stream_free(s[k].stream);
  }
}

/* Reordering, duplicates and loss that RTX repairs, with temporal layers and padding left out: in the end no hole remains, the
 * late ones that are not wanted having become fillers. */
static void repaired_loss_leaves_no_holes(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 40; seed++) {
    uint64_t random = seed * 7919;
    struct fixture_source s = source(1000, 0, NULL);
    struct receiver *r = fixture_receiver(true, NULL);
    rtp_outgoing_stream_select(r->out, s.stream);
    static struct fixture_packet late[8];
    size_t late_count = 0;
    int64_t now = 1000000;
    for (int i = 0; i < 800; i++, now += FRAME_US) {
      if (fixture_random(&random) % 20 == 0)
        rtp_outgoing_stream_set_temporal(r->out, (uint8_t)(fixture_random(&random) % 3));
      struct fixture_packet packets[FRAME_PACKETS + 1];
      fixture_vp8_frame(&s, packets, FRAME_PACKETS, i == 0);
      int count = FRAME_PACKETS;
      if (i % 3 == 1) fixture_padding(&s, &packets[count++]);
      for (int k = 0; k < count; k++) {
        if (i > 0 && i < 790 && late_count < 8 && fixture_random(&random) % 8 == 0) {
          late[late_count] = packets[k];
          late[late_count++].packet.payload = NULL; /* set again below: the struct moved */
          continue;
        }
        fixture_pass(r, &s, &packets[k], now);
        if (fixture_random(&random) % 30 == 0)
          assert_int_not_equal(fixture_pass(r, &s, &packets[k], now), RTP_DROP_NONE);
      }
      /* within a second: later than the window is too late */
      while (late_count > 0 && (i >= 790 || i % 30 == 0 || fixture_random(&random) % 3 == 0)) {
        struct fixture_packet *p = &late[--late_count];
        p->packet.payload = p->bytes + RTP_HEADER_SIZE;
        if (p->packet.payload_len > 0 && fixture_random(&random) % 2) {
          struct fixture_packet rtx;
          fixture_to_rtx(&rtx, p, (uint16_t)i);
          fixture_pass(r, &s, &rtx, now);
        } else {
          fixture_pass(r, &s, p, now);
        }
      }
    }
    assert_int_equal(fixture_holes(r), 0);
    struct rtp_outgoing_stats stats;
    rtp_outgoing_stream_stats(r->out, now, &stats);
    assert_true(stats.fillers > 0);
    fixture_receiver_free(r);
    rtp_incoming_stream_free(s.stream);
  }
}

/* Three packets a millisecond: the window must grow to what it may be, and what it forgot before stays forgotten. */
static void the_window_grows_with_the_rate(void **state) {
  (void)state;
  struct fixture_source s = source(1000, 0, NULL);
  struct receiver *r = fixture_receiver(true, NULL);
  rtp_outgoing_stream_select(r->out, s.stream);
  assert_int_equal(r->out->window_mask, VIDEO_WINDOW_FIRST - 1);
  int64_t now = 1000000;
  struct fixture_packet packets[FRAME_PACKETS], late = {0};
  uint32_t passed = 0, window = VIDEO_WINDOW_FIRST;
  for (int i = 0; i < 900; i++, now += 1000) {
    fixture_vp8_frame(&s, packets, FRAME_PACKETS, i == 0);
    for (int k = 0; k < FRAME_PACKETS; k++) {
      if (i == 500 && k == 1) {
        late = packets[k];
        late.packet.payload = late.bytes + RTP_HEADER_SIZE;
        continue;
      }
      assert_int_equal(fixture_pass(r, &s, &packets[k], now), RTP_DROP_NONE);
      /* Whatever the window held, each number of ours is found again, unless it is older than the window. */
      const struct sent *sent =
          outgoing_sent(r->out, r->out->highest_out - (passed < window / 2 ? passed : window / 2));
      assert_true(sent->used &&
                  sent->seq == (uint16_t)(r->out->highest_out - (passed < window / 2 ? passed : window / 2)));
      passed++;
      window = r->out->window_mask + 1;
    }
    if (i == 600) {
      assert_int_equal(fixture_pass(r, &s, &late, now), RTP_DROP_NONE);
      assert_int_equal(fixture_pass(r, &s, &late, now), RTP_DROP_DUPLICATE);
    }
  }
  assert_int_equal(r->out->window_mask, VIDEO_WINDOW - 1);
  fixture_receiver_free(r);
  rtp_incoming_stream_free(s.stream);
}

static void late_packets_from_before_the_switch_are_dropped_by_name(void **state) {
  (void)state;
  struct fixture_source s = source(1000, 0, NULL);
  struct receiver *r = fixture_receiver(true, NULL);
  struct fixture_packet before[3], key[3];
  fixture_vp8_frame(&s, before, 3, false);
  fixture_vp8_frame(&s, key, 3, true);
  rtp_outgoing_stream_select(r->out, s.stream);
  assert_int_equal(fixture_pass(r, &s, &before[0], 0), RTP_DROP_WAITING_KEYFRAME);
  assert_int_equal(fixture_pass(r, &s, &key[0], 0), RTP_DROP_NONE);
  assert_int_equal(fixture_pass(r, &s, &key[2], 0), RTP_DROP_NONE);
  assert_int_equal(fixture_pass(r, &s, &before[1], 0), RTP_DROP_BEFORE_SWITCH);
  assert_int_equal(fixture_pass(r, &s, &key[1], 0), RTP_DROP_NONE);
  assert_int_equal(r->last.seq, 65531); /* first_seq 65530, in its place */
  assert_int_equal(fixture_holes(r), 0);
  fixture_receiver_free(r);
  rtp_incoming_stream_free(s.stream);
}

static void layers_of_one_camera_are_aligned_by_ntp(void **state) {
  (void)state;
  int track = 0;
  struct fixture_source q = source(1000, 0, &track), f = source(2000, 2, &track);
  struct receiver *r = fixture_receiver(true, NULL);
  int64_t now = 10000000;
  struct rtcp_sender_info sr = {.ntp = rtcp_ntp_from_us(now), .rtp_timestamp = q.timestamp};
  rtp_incoming_stream_sender_report(q.stream, &sr, now + 20000);
  sr.rtp_timestamp = f.timestamp;
  rtp_incoming_stream_sender_report(f.stream, &sr, now + 90000); /* arrival is jittery; NTP is not */
  rtp_outgoing_stream_select(r->out, q.stream);
  for (int i = 0; i < 30; i++, now += FRAME_US) {
    pass_frame(r, &q, i == 0, now + 20000);
    pass_frame(r, &f, false, now + 90000);
  }
  uint32_t first = r->received[r->first & 0xffff].timestamp;
  rtp_outgoing_stream_select(r->out, f.stream);
  pass_frame(r, &f, true, now + 130000); /* same instant as q's frame number 30, far later by arrival */
  assert_int_equal(r->last.timestamp - first, 30 * VIDEO_STEP);
  pass_frame(r, &q, false, now + 20000);
  now += FRAME_US;
  /* back to a frame of an instant that was shown already: one step forward, never back; then on the line again */
  q.timestamp -= VIDEO_STEP;
  rtp_outgoing_stream_select(r->out, q.stream);
  pass_frame(r, &q, true, now);
  assert_int_equal(r->last.timestamp - first, 31 * VIDEO_STEP);
  rtp_outgoing_stream_select(r->out, f.stream);
  f.timestamp += 2 * VIDEO_STEP; /* frames 31 and 32 were not for us */
  pass_frame(r, &f, true, now + (int64_t)2 * FRAME_US);
  assert_int_equal(r->last.timestamp - first, 33 * VIDEO_STEP);
  fixture_receiver_free(r);
  rtp_incoming_stream_free(q.stream);
  rtp_incoming_stream_free(f.stream);
}

static void audio_switches_at_once_with_a_marker(void **state) {
  (void)state;
  struct fixture_source a = {.stream = fixture_incoming(false, 100, 0, NULL), .ssrc = 100, .seq = 5, .timestamp = 77};
  struct fixture_source b = {
      .stream = fixture_incoming(false, 200, 0, NULL), .ssrc = 200, .seq = 999, .timestamp = 0x90000000};
  struct receiver *r = fixture_receiver(false, NULL);
  struct fixture_packet p;
  int64_t now = 0;
  uint32_t last = 0;
  for (int i = 0; i < 100; i++, now += 20000) {
    struct fixture_source *s = i / 10 % 2 ? &b : &a;
    rtp_outgoing_stream_select(r->out, s->stream);
    assert_null(rtp_outgoing_stream_needs_keyframe(r->out));
    fixture_opus(s, &p);
    assert_int_equal(fixture_pass(r, s, &p, now), RTP_DROP_NONE);
    assert_int_equal(r->last.marker, i % 10 == 0);
    assert_int_equal(r->last.payload_type, 109);
    if (i > 0) assert_int_equal(r->last.timestamp - last, 960);
    last = r->last.timestamp;
    fixture_opus(s == &a ? &b : &a, &p);
    assert_int_equal(fixture_pass(r, s == &a ? &b : &a, &p, now), RTP_DROP_NOT_SELECTED);
  }
  assert_int_equal(fixture_holes(r), 0);
  fixture_receiver_free(r);
  rtp_incoming_stream_free(a.stream);
  rtp_incoming_stream_free(b.stream);
}

static void temporal_layers_come_back_at_a_sync_point(void **state) {
  (void)state;
  struct fixture_source s = source(1000, 0, NULL);
  struct receiver *r = fixture_receiver(true, NULL);
  rtp_outgoing_stream_select(r->out, s.stream);
  rtp_outgoing_stream_set_temporal(r->out, 0);
  int64_t now = 0;
  /* pattern 0 2 1 2; sync only in the first period after a key frame */
  const int only_base[8] = {3, 0, 0, 0, 3, 0, 0, 0};
  for (int i = 0; i < 8; i++)
    assert_int_equal(pass_frame(r, &s, i == 0, now += FRAME_US), only_base[i]);
  rtp_outgoing_stream_set_temporal(r->out, RTP_TEMPORAL_ALL);
  for (int i = 0; i < 4; i++)
    assert_int_equal(pass_frame(r, &s, false, now += FRAME_US), only_base[i]); /* no sync point */
  assert_null(rtp_outgoing_stream_needs_keyframe(r->out));
  for (int i = 0; i < 8; i++)
    assert_int_equal(pass_frame(r, &s, false, now += FRAME_US), only_base[i]);
  assert_ptr_equal(rtp_outgoing_stream_needs_keyframe(r->out), s.stream); /* none will come */
  for (int i = 0; i < 8; i++)
    assert_int_equal(pass_frame(r, &s, i == 0, now += FRAME_US), 3);
  assert_null(rtp_outgoing_stream_needs_keyframe(r->out));
  rtp_outgoing_stream_set_temporal(r->out, 1);
  const int no_top[4] = {3, 0, 3, 0};
  for (int i = 0; i < 4; i++)
    assert_int_equal(pass_frame(r, &s, false, now += FRAME_US), no_top[i]);
  assert_continuous(r);
  fixture_receiver_free(r);
  rtp_incoming_stream_free(s.stream);
}

static void a_source_that_restarts_waits_for_its_keyframe_and_goes_on(void **state) {
  (void)state;
  struct fixture_source s = source(1000, 0, NULL);
  struct receiver *r = fixture_receiver(true, NULL);
  rtp_outgoing_stream_select(r->out, s.stream);
  int64_t now = 0;
  for (int i = 0; i < 5; i++)
    pass_frame(r, &s, i == 0, now += FRAME_US);
  s.seq += 20000;
  s.timestamp = 12345;
  s.picture_id = 77;
  assert_int_equal(pass_frame(r, &s, false, now += FRAME_US), 0);
  assert_ptr_equal(rtp_outgoing_stream_needs_keyframe(r->out), s.stream);
  assert_int_equal(pass_frame(r, &s, true, now += FRAME_US), 3);
  assert_int_equal(pass_frame(r, &s, false, now += FRAME_US), 3);
  assert_continuous(r);
  fixture_receiver_free(r);
  rtp_incoming_stream_free(s.stream);
}

static void a_codec_the_receiver_lacks_is_closed_up(void **state) {
  (void)state;
  struct fixture_source s = source(1000, 0, NULL);
  struct receiver *r = fixture_receiver(true, NULL);
  struct rtp_media_packet m;
  rtp_outgoing_stream_select(r->out, s.stream);
  fixture_vp8_frame(&s, frame, 3, true);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(rtp_incoming_stream_receive(s.stream, &frame[i].packet, NULL, 0, &m), RTP_DROP_NONE);
    if (i == 1) {
      m.format = H264_FORMAT;
      m.alike = 0; /* its receiving stream would have said so */
    }
    assert_int_equal(fixture_forward(r, &m, 0), i == 1 ? RTP_DROP_NO_PAYLOAD_TYPE : RTP_DROP_NONE);
  }
  assert_int_equal(fixture_holes(r), 0);
  fixture_receiver_free(r);
  rtp_incoming_stream_free(s.stream);
}

/* H.264 has no numbers for pictures: what is left out shows in the sequence numbers alone, and those are closed up. */
static void h264_frames_that_nothing_refers_to_are_a_layer(void **state) {
  (void)state;
  struct rtp_incoming_config config = {.ssrc = 1, .video = true, .format_count = 1};
  config.formats[0] = (struct rtp_incoming_format){.payload_type = 96, .format = VP8_FORMAT, .codec = RTP_CODEC_H264};
  struct rtp_incoming_stream *stream = NULL;
  assert_int_equal(rtp_incoming_stream_create(&stream, &config), RTP_OK);
  struct receiver *r = fixture_receiver(true, NULL);
  rtp_outgoing_stream_select(r->out, stream);
  size_t sent[3] = {0};
  uint16_t seq = 100;
  for (unsigned f = 0; f < 90; f++) {
    rtp_outgoing_stream_set_temporal(r->out, f / 30 == 1 ? 0 : RTP_TEMPORAL_ALL);
    const uint8_t head = f == 0 ? 0x65 : f % 2 ? 0x01 : 0x41; /* IDR; every other one with nal_ref_idc 0 */
    for (unsigned i = 0; i < 2; i++) {                        /* two slices a frame */
      struct rtp_media_packet m;
      const uint8_t slice[3] = {head, i == 0 ? 0x88 : 0x40, 0x80};
      memcpy(frame[0].bytes + RTP_HEADER_SIZE, slice, sizeof slice);
      fixture_fill(&frame[0], 1, seq++, f * VIDEO_STEP, 96, sizeof slice, i == 1);
      assert_int_equal(rtp_incoming_stream_receive(stream, &frame[0].packet, NULL, f * FRAME_US, &m), RTP_DROP_NONE);
      sent[f / 30] += fixture_forward(r, &m, f * FRAME_US) == RTP_DROP_NONE;
    }
  }
  assert_int_equal(sent[0], 60);
  assert_int_equal(sent[1], 30);
  assert_int_equal(sent[2], 60);
  assert_int_equal(fixture_holes(r), 0);
  fixture_receiver_free(r);
  rtp_incoming_stream_free(stream);
}

/* ---- packets that are alike ---- */

/* The same wishes to both slots. */
static void wish_at_random(struct rtp_outgoing_stream *const slots[2], const struct fixture_source sources[2],
                           uint64_t *random) {
  const uint32_t what = fixture_random(random) % 100, which = fixture_random(random) % 3;
  for (size_t i = 0; i < 2; i++) {
    if (what == 0) rtp_outgoing_stream_select(slots[i], which < 2 ? sources[which].stream : NULL);
    if (what == 1 || what == 2) rtp_outgoing_stream_set_temporal(slots[i], (uint8_t)which);
    if (what == 3) rtp_outgoing_stream_pause(slots[i], which == 0);
    if (what == 4) rtp_outgoing_stream_set_playout_delay(slots[i], (uint16_t)(100 * which));
  }
}

/* To one slot as it came, to the other as a packet that must be looked at by itself: what comes out is the same. */
static void forward_both_ways(struct rtp_outgoing_stream *const slots[2], struct rtp_media_packet *m, int64_t now) {
  uint8_t headers[2][RTP_OUTGOING_HEADER_MAX] = {{0}}, payloads[2][96];
  struct rtp_forward_result results[2];
  enum rtp_drop_reason reasons[2];
  for (size_t i = 0; i < 2; i++) {
    if (i == 1) {
      reasons[i] = rtp_outgoing_stream_forward(slots[i], m, now, headers[i], &results[i]);
    } else { /* passed and counted apart */
      reasons[i] = rtp_outgoing_stream_pass(slots[i], m, now, headers[i], &results[i]);
      if (reasons[i] == RTP_DROP_NONE)
        rtp_outgoing_stream_count(slots[i], 1, results[i].filler ? 0 : results[i].payload_len, now);
    }
    if (reasons[i] == RTP_DROP_NONE) memcpy(payloads[i], results[i].payload, results[i].payload_len);
    m->alike = 0;
  }
  assert_int_equal(reasons[0], reasons[1]);
  if (reasons[0] != RTP_DROP_NONE) return;
  const struct rtp_forward_result *a = &results[0], *b = &results[1];
  assert_int_equal(a->payload_len, b->payload_len);
  assert_int_equal(a->header_len, b->header_len);
  assert_int_equal(a->seq, b->seq);
  assert_int_equal(a->transport_seq_offset, b->transport_seq_offset);
  assert_int_equal(a->abs_send_time_offset, b->abs_send_time_offset);
  assert_int_equal(a->filler, b->filler);
  assert_int_equal(a->switched, b->switched);
  assert_memory_equal(headers[0], headers[1], a->header_len);
  assert_memory_equal(payloads[0], payloads[1], a->payload_len);
}

static void receive_for_both(struct rtp_outgoing_stream *const slots[2], struct fixture_source *s,
                             struct fixture_packet *p, int64_t now) {
  struct rtp_media_packet m;
  if (rtp_incoming_stream_receive(s->stream, &p->packet, NULL, now, &m) == RTP_DROP_NONE)
    forward_both_ways(slots, &m, now);
}

static void packets_that_are_alike_come_out_as_if_looked_at_by_themselves(void **state) {
  (void)state;
  struct rtp_extension_map map;
  rtp_extension_map_init(&map);
  rtp_extension_map_add(&map, 3, RTP_EXTENSION_TRANSPORT_SEQUENCE);
  rtp_extension_map_add(&map, 2, RTP_EXTENSION_ABS_SEND_TIME);
  rtp_extension_map_add(&map, 5, RTP_EXTENSION_PLAYOUT_DELAY);
  int track = 0;
  struct fixture_source sources[2] = {source(1000, 0, &track), source(2000, 1, &track)};
  struct rtp_outgoing_stream *slots[2] = {fixture_outgoing(true, &map), fixture_outgoing(true, &map)};
  uint64_t random = 7;
  for (int64_t n = 0, now = 1000000; n < 5000; n++, now += FRAME_US) {
    struct fixture_source *s = &sources[n & 1];
    fixture_vp8_frame(s, frame, FRAME_PACKETS, fixture_random(&random) % 8 == 0);
    if (fixture_random(&random) % 8 == 0) frame[1].packet.timestamp += 3; /* a hostile one */
    struct fixture_packet *late = fixture_random(&random) % 10 == 0 ? &frame[1] : NULL;
    for (size_t i = 0; i < FRAME_PACKETS; i++) {
      wish_at_random(slots, sources, &random);
      if (fixture_random(&random) % 20 != 0 && &frame[i] != late) receive_for_both(slots, s, &frame[i], now);
    }
    if (late) receive_for_both(slots, s, late, now);
  }
  struct rtp_outgoing_stats stats[2];
  for (size_t i = 0; i < 2; i++) {
    rtp_outgoing_stream_stats(slots[i], 5000 * FRAME_US, &stats[i]);
    rtp_outgoing_stream_free(slots[i]);
    rtp_incoming_stream_free(sources[i].stream);
  }
  assert_true(stats[0].packets > 1000);
  assert_memory_equal(&stats[0], &stats[1], sizeof stats[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(packets_that_are_alike_come_out_as_if_looked_at_by_themselves),
                                     cmocka_unit_test(the_old_source_flows_until_the_new_ones_keyframe),
                                     cmocka_unit_test(random_switching_is_continuous),
                                     cmocka_unit_test(repaired_loss_leaves_no_holes),
                                     cmocka_unit_test(the_window_grows_with_the_rate),
                                     cmocka_unit_test(late_packets_from_before_the_switch_are_dropped_by_name),
                                     cmocka_unit_test(layers_of_one_camera_are_aligned_by_ntp),
                                     cmocka_unit_test(audio_switches_at_once_with_a_marker),
                                     cmocka_unit_test(temporal_layers_come_back_at_a_sync_point),
                                     cmocka_unit_test(a_source_that_restarts_waits_for_its_keyframe_and_goes_on),
                                     cmocka_unit_test(a_codec_the_receiver_lacks_is_closed_up),
                                     cmocka_unit_test(h264_frames_that_nothing_refers_to_are_a_layer)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
