/* tests/server/worker/negotiation_test.c: offers change m-lines, credentials and keys; what may change does, the rest is refused. */
#include <strings.h>

#include "tests/server/worker/engine_harness.h"

static const struct sdp_answer_media *answered(const struct browser *b, const char *mid) {
  return sdp_answer_find(b->answer, mid);
}

static json_t *renamed(struct browser *b, const char *ufrag) {
  json_t *offer = browser_offer_make(b, "chromium");
  json_object_set_new(json_object_get(offer, "ice"), "ufrag", json_string(ufrag));
  snprintf(b->ufrag, sizeof b->ufrag, "%s", ufrag);
  return offer;
}

static void every_browser_is_answered(void **state) {
  (void)state;
  static const char *const names[] = {"chromium", "firefox", "wrtc", "webrtcbin", "aiortc", "chromium-munged"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    struct harness *h = harness_new();
    struct browser *b = harness_join(h, "doctor");
    browser_offer(b, names[i]);
    size_t slots = 0, accepted = 0;
    for (size_t k = 0; k < b->answer->media_count; k++) {
      const struct sdp_answer_media *media = &b->answer->media[k];
      accepted += media->accepted;
      if (!media->ssrc.ssrc) continue;
      slots++;
      for (size_t j = 0; j < k; j++)
        assert_int_not_equal(b->answer->media[j].ssrc.ssrc, media->ssrc.ssrc);
      assert_int_not_equal(media->ssrc.ssrc, media->ssrc.rtx_ssrc);
    }
    assert_true(accepted > 0);
    assert_int_equal(b->answer->candidate_count, 1);
    assert_string_equal(b->answer->candidates[0].address, "127.0.0.1");
    assert_int_equal(b->answer->candidates[0].port, udp_socket_port(h->socket));
    browser_connect(b);
    if (strcmp(names[i], "chromium") == 0) assert_int_equal(slots, 4);
    harness_free(h);
  }
}

static void a_changed_fingerprint_is_refused(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor"), *b = harness_join(h, "patient");
  browser_offer(a, "chromium");
  browser_connect(a);
  json_t *offer = renamed(a, "restarted");
  json_t *stranger = browser_offer_make(b, "chromium");
  json_object_set(offer, "dtls", json_object_get(stranger, "dtls"));
  assert_string_equal(browser_offer_json(a, offer), "bad_offer");
  /* One known among others is no excuse: any of them would be believed. */
  offer = browser_offer_make(a, "chromium");
  json_array_extend(json_object_get(json_object_get(offer, "dtls"), "fingerprints"),
                    json_object_get(json_object_get(stranger, "dtls"), "fingerprints"));
  assert_string_equal(browser_offer_json(a, offer), "bad_offer");
  json_decref(stranger);
  /* Its own certificate still restarts ICE, and media goes on. */
  assert_string_equal(browser_offer_json(a, renamed(a, "mine")), "");
  browser_check(a, true);
  harness_pump(h);
  assert_int_equal(peer_transport_state(browser_peer(a)->transport), PEER_CONNECTED);
  harness_free(h);
}

static void a_refused_first_offer_leaves_nothing(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor");
  json_t *offer = browser_offer_make(a, "chromium");
  json_object_set_new(json_object_get(offer, "ice"), "pwd", json_string("tooshort"));
  assert_string_equal(browser_offer_json(a, offer), "bad_offer");
  assert_null(browser_peer(a)->transport);
  assert_null(h->engine->ufrags);
  assert_string_equal(browser_offer_json(a, json_object()), "bad_offer");
  browser_offer(a, "chromium");
  browser_connect(a);
  harness_free(h);
}

static void an_ice_restart_has_new_names_and_keeps_the_slots(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor");
  browser_offer(a, "chromium");
  browser_connect(a);
  char ufrag[64];
  snprintf(ufrag, sizeof ufrag, "%s", a->server_ufrag);
  const struct sdp_ssrc ssrc = browser_slot_ssrc(a, "5");
  browser_offer(a, "chromium");
  assert_string_equal(a->server_ufrag, ufrag); /* the same names: no restart */
  assert_string_equal(browser_offer_json(a, renamed(a, "restarted")), "");
  assert_string_not_equal(a->server_ufrag, ufrag);
  assert_int_equal(browser_slot_ssrc(a, "5").ssrc, ssrc.ssrc);
  assert_int_equal(browser_slot_ssrc(a, "5").rtx_ssrc, ssrc.rtx_ssrc);
  browser_check(a, true);
  harness_pump(h);
  assert_ptr_equal(engine_find_ufrag(h->engine, a->server_ufrag, strlen(a->server_ufrag)), browser_peer(a));
  assert_null(engine_find_ufrag(h->engine, ufrag, strlen(ufrag)));
  harness_free(h);
}

static void a_mid_keeps_its_kind(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor");
  browser_offer(a, "chromium");
  json_t *offer = browser_offer_make(a, "chromium");
  json_object_set_new(offer_media(offer, "0"), "mid", json_string("x"));
  json_object_set_new(offer_media(offer, "5"), "mid", json_string("0"));
  assert_string_equal(browser_offer_json(a, offer), "bad_offer");
  harness_free(h);
}

/* A browser that stops a transceiver gives its place in the SDP to the next one, under a new mid: for hours. */
static void stopped_lines_make_room(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor");
  browser_offer(a, "chromium");
  browser_connect(a);
  const size_t sections = browser_peer(a)->section_count;
  for (int i = 0; i < 100; i++) {
    char mid[16];
    snprintf(mid, sizeof mid, "n%d", i);
    json_t *offer = browser_offer_make(a, "chromium");
    json_object_set_new(offer_media(offer, "5"), "mid", json_string(mid));
    assert_string_equal(browser_offer_json(a, offer), "");
    assert_int_equal(browser_peer(a)->section_count, sections);
    assert_non_null(browser_section(a, mid)->slot);
  }
  assert_null(browser_section(a, "5"));
  harness_free(h);
}

static void a_stopped_slot_gets_nothing(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor"), *b = harness_join(h, "patient");
  browser_offer(a, "chromium");
  browser_offer(b, "chromium");
  browser_connect(a);
  browser_connect(b);
  char track[ROOM_ID_BYTES];
  snprintf(track, sizeof track, "%s", browser_publish(a, "0", "microphone"));
  struct source mic = source_audio(a, "0");
  source_send(&mic, false);
  assert_int_equal(b->rtp_count, 1);
  const char *mid = browser_slot_of(b, track);
  assert_string_equal(mid, "3");
  /* One by one: the receiver no longer receives on the line; the line is stopped. */
  json_t *offer = browser_offer_make(b, "chromium");
  json_object_set_new(offer_media(offer, "3"), "direction", json_string("inactive"));
  assert_string_equal(browser_offer_json(b, offer), "");
  assert_string_equal(browser_slot_of(b, track), "4"); /* the room moved it to the other audio slot */
  assert_int_equal(answered(b, "3")->ssrc.ssrc, 0);
  offer = browser_offer_make(b, "chromium");
  json_object_set_new(offer_media(offer, "3"), "direction", json_string("inactive"));
  json_object_set_new(offer_media(offer, "4"), "rejected", json_true());
  assert_string_equal(browser_offer_json(b, offer), "");
  assert_null(browser_slot_of(b, track));
  browser_forget(b);
  source_send(&mic, false);
  assert_int_equal(b->rtp_count, 0);
  /* And back: the paused line on the SSRC it had. */
  browser_offer(b, "chromium");
  assert_string_equal(browser_slot_of(b, track), "3");
  source_send(&mic, false);
  assert_int_equal(b->rtp_count, 1);
  assert_int_equal(b->rtp[0].p.ssrc, browser_slot_ssrc(b, "3").ssrc);
  harness_free(h);
}

static void a_line_that_stops_sending_forgets_its_streams(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor"), *b = harness_join(h, "patient");
  browser_offer(a, "chromium");
  browser_offer(b, "chromium");
  browser_connect(a);
  browser_connect(b);
  browser_publish(a, "1", "camera");
  struct source camera = source_video(a, "1", "q", 320, 180);
  source_send(&camera, true);
  assert_int_equal(browser_peer(a)->incoming_count, 1);
  json_t *offer = browser_offer_make(a, "chromium");
  json_object_set_new(offer_media(offer, "1"), "direction", json_string("inactive"));
  assert_string_equal(browser_offer_json(a, offer), "");
  assert_int_equal(browser_peer(a)->incoming_count, 0);
  assert_null(h->engine->tracks);
  assert_int_equal(browser_event_count(b, "trackUnpublished"), 1);
  source_send(&camera, true);
  assert_int_equal(browser_peer(a)->incoming_count, 0);
  harness_free(h);
}

static void other_payload_types_bind_anew(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor"), *b = harness_join(h, "patient");
  browser_offer(a, "chromium");
  browser_offer(b, "chromium");
  browser_connect(a);
  browser_connect(b);
  browser_publish(a, "0", "microphone");
  struct source mic = source_audio(a, "0");
  source_send(&mic, false);
  json_t *offer = browser_offer_make(a, "chromium");
  size_t i;
  json_t *codec;
  json_array_foreach(json_object_get(offer_media(offer, "0"), "codecs"), i, codec) {
    if (strcasecmp(json_string_value(json_object_get(codec, "name")), "opus") == 0)
      json_object_set_new(codec, "pt", json_integer(77));
  }
  assert_string_equal(browser_offer_json(a, offer), "");
  mic.pt = 77;
  source_send(&mic, false);
  assert_int_equal(b->rtp_count, 2);
  assert_int_equal(b->rtp[1].p.payload_type, browser_pt(b, "3", "opus"));
  harness_free(h);
}

static void layers_beyond_three_are_not_accepted(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor");
  json_t *offer = browser_offer_make(a, "chromium");
  json_object_set_new(offer_media(offer, "1"), "rids", json_pack("[s, s, s, s]", "averylongname", "q", "h", "f"));
  assert_string_equal(browser_offer_json(a, offer), "");
  assert_int_equal(answered(a, "1")->rid_count, 3);
  assert_string_equal(answered(a, "1")->rids[0], "q");
  assert_string_equal(answered(a, "1")->rids[2], "f");
  assert_int_equal(browser_section(a, "1")->rid_count, 3);
  harness_free(h);
}

static void data_channels_come_with_the_first_offer_or_not(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor"), *b = harness_join(h, "patient");
  json_t *offer = browser_offer_make(a, "chromium");
  json_object_del(offer, "sctp");
  json_array_remove(json_object_get(offer, "media"), json_array_size(json_object_get(offer, "media")) - 1);
  assert_string_equal(browser_offer_json(a, offer), "");
  browser_connect(a);
  browser_offer(a, "chromium"); /* the association cannot begin any more: say so */
  assert_false(answered(a, "7")->accepted);
  assert_false(a->answer->sctp.present);
  browser_offer(b, "chromium");
  assert_true(answered(b, "7")->accepted);
  harness_free(h);
}

static void a_slot_has_its_own_lines_extensions(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor"), *b = harness_join(h, "patient");
  json_t *offer = browser_offer_make(b, "chromium");
  json_t *audio = offer_media(offer, "3"), *kept = json_array();
  size_t i;
  json_t *x;
  json_array_foreach(json_object_get(audio, "extensions"), i, x) {
    if (!strstr(json_string_value(json_object_get(x, "uri")), "transport-wide")) json_array_append(kept, x);
  }
  json_object_set_new(audio, "extensions", kept);
  browser_offer(a, "chromium");
  assert_string_equal(browser_offer_json(b, offer), "");
  browser_connect(a);
  browser_connect(b);
  browser_publish(a, "0", "microphone");
  struct source mic = source_audio(a, "0");
  source_send(&mic, false);
  assert_int_equal(b->rtp_count, 1);
  assert_int_equal(b->rtp[0].x.mid.len, 1);
  assert_false(RTP_EXTENSION_HAS(&b->rtp[0].x, TRANSPORT_SEQUENCE));
  harness_free(h);
}

static void without_a_common_codec_there_is_no_answer(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor");
  json_t *offer = browser_offer_make(a, "chromium");
  size_t i;
  json_t *media;
  json_array_foreach(json_object_get(offer, "media"), i, media) {
    json_object_set_new(media, "codecs",
                        json_pack("[{s:i, s:s, s:i, s:[]}]", "pt", 0, "name", "PCMU", "clock", 8000, "feedback"));
  }
  assert_string_equal(browser_offer_json(a, offer), "no_common_codec");
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_browser_is_answered),
      cmocka_unit_test(a_changed_fingerprint_is_refused),
      cmocka_unit_test(a_refused_first_offer_leaves_nothing),
      cmocka_unit_test(an_ice_restart_has_new_names_and_keeps_the_slots),
      cmocka_unit_test(a_mid_keeps_its_kind),
      cmocka_unit_test(stopped_lines_make_room),
      cmocka_unit_test(a_stopped_slot_gets_nothing),
      cmocka_unit_test(a_line_that_stops_sending_forgets_its_streams),
      cmocka_unit_test(other_payload_types_bind_anew),
      cmocka_unit_test(layers_beyond_three_are_not_accepted),
      cmocka_unit_test(data_channels_come_with_the_first_offer_or_not),
      cmocka_unit_test(a_slot_has_its_own_lines_extensions),
      cmocka_unit_test(without_a_common_codec_there_is_no_answer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
