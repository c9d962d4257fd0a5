/* Our offers as the server's own parser understands them, and what is read of an answer. */
#include "bench/load/description.h"

#include "signaling/sdp_choose.h"
#include "tests/bench/check.h"

#define FINGERPRINT "BE:12:DB:6B:96:22:34:71:25:8D:3F:35:19:E8:4E:E2:15:B7:69:3E:75:1A:28:18:3F:DA:FF:A6:C3:56:D9:B0"

static char text[65536];

static struct sdp_offer *parsed(const struct offer_plan *plan) {
  struct sdp_offer *offer = NULL;
  struct sdp_fault fault;
  size_t len = offer_write(plan, text, sizeof text);
  assert_int_equal(len, strlen(text));
  assert_int_equal(sdp_offer_parse(&offer, text, len, &fault), SDP_OK);
  return offer;
}

static struct offer_plan plan_of(unsigned layers, unsigned audio_slots, unsigned video_slots) {
  return (struct offer_plan){.microphone = true,
                             .camera = true,
                             .layers = layers,
                             .audio_slots = audio_slots,
                             .video_slots = video_slots,
                             .audio_ssrc = 11,
                             .video_ssrc = {21, 22, 23},
                             .rtx_ssrc = {31, 32, 33},
                             .ufrag = "abcdefgh",
                             .pwd = "0123456789abcdef0123456789abcdef",
                             .fingerprint = FINGERPRINT};
}

static void a_sender_and_its_slots(void **state) {
  (void)state;
  struct offer_plan plan = plan_of(1, 2, 3);
  struct sdp_offer *offer = parsed(&plan);
  assert_int_equal(offer->media_count, 7);
  assert_true(offer->bundle);
  assert_string_equal(offer->ice_ufrag, "abcdefgh");
  assert_string_equal(offer->fingerprints[0].value, FINGERPRINT);
  assert_int_equal(offer->media[0].direction, SDP_SENDONLY);
  assert_int_equal(offer->media[0].ssrcs[0].ssrc, 11);
  assert_int_equal(offer->media[1].ssrcs[0].ssrc, 21);
  assert_int_equal(offer->media[1].ssrcs[0].rtx_ssrc, 31);
  assert_int_equal(offer->media[1].codecs[0].rtx_pt, LOAD_PT_RTX);
  assert_int_equal(offer_mid_first_slot(&plan), 2);
  for (size_t i = 2; i < 7; i++) {
    assert_int_equal(offer->media[i].direction, SDP_RECVONLY);
    assert_int_equal(offer->media[i].kind, i < 4 ? SDP_AUDIO : SDP_VIDEO);
    assert_int_equal(offer->media[i].unusable, SDP_USABLE);
  }
  sdp_offer_free(offer);
}

static void data_channels_are_the_last_section(void **state) {
  (void)state;
  struct offer_plan plan = plan_of(1, 2, 3);
  plan.data = true;
  struct sdp_offer *offer = parsed(&plan);
  assert_int_equal(offer->media_count, 8);
  assert_int_equal(offer->media[7].kind, SDP_APPLICATION);
  assert_string_equal(offer->media[7].mid, "7");
  assert_int_equal(offer->sctp.port, 5000);
  sdp_offer_free(offer);
  struct answer a;
  assert_null(
      answer_read(&a,
                  "a=ice-ufrag:u\na=ice-pwd:p\na=fingerprint:sha-256 AA\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\n"
                  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=sctp-port:5001\n"));
  assert_int_equal(a.sctp_port, 5001);
  assert_int_equal(a.slot_count, 0);
}

static void simulcast_announces_rids_instead_of_ssrcs(void **state) {
  (void)state;
  for (unsigned layers = 2; layers <= 3; layers++) {
    struct offer_plan plan = plan_of(layers, 1, 1);
    struct sdp_offer *offer = parsed(&plan);
    assert_int_equal(offer->media[1].rid_count, layers);
    assert_string_equal(offer->media[1].rids[0], "q");
    assert_string_equal(offer->media[1].rids[layers - 1], offer_rid(layers - 1));
    assert_int_equal(offer->media[1].ssrc_count, 0);
    sdp_offer_free(offer);
  }
}

static void the_server_accepts_every_section(void **state) {
  (void)state;
  struct offer_plan plan = plan_of(3, 8, 16);
  struct sdp_offer *offer = parsed(&plan);
  struct sdp_policy policy;
  struct sdp_answer *answer;
  sdp_policy_default(&policy);
  assert_int_equal(sdp_choose_answer(&answer, offer, &policy), SDP_OK);
  for (size_t i = 0; i < answer->media_count; i++)
    assert_true(answer->media[i].accepted);
  sdp_answer_free(answer);
  sdp_offer_free(offer);
}

static void no_room_no_offer(void **state) {
  (void)state;
  struct offer_plan plan = plan_of(1, 1, 1);
  size_t len = offer_write(&plan, text, sizeof text);
  assert_int_equal(offer_write(&plan, text, len), 0); /* the NUL does not fit */
  assert_int_equal(offer_write(&plan, text, len + 1), len);
}

static const char answer_text[] =
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-lite\r\na=group:BUNDLE 0 1 2\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=recvonly\r\na=ice-ufrag:srv\r\na=ice-pwd:secret\r\n"
    "a=fingerprint:sha-256 AA:BB\r\na=candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host\r\n"
    "a=candidate:2 1 tcp 1 192.0.2.1 9 typ host\r\na=candidate:x\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:1\r\na=sendonly\r\na=ssrc-group:FID 100 200\r\na=ssrc:100 cname:1\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:2\r\na=sendonly\r\na=ssrc:300 cname:2\r\na=ssrc:301 cname:2\r\n"
    "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:3\r\na=sendonly\r\na=ssrc:400 cname:3\r\n";

static void an_answer_is_read(void **state) {
  (void)state;
  struct answer a;
  assert_null(answer_read(&a, answer_text));
  assert_string_equal(a.ufrag, "srv");
  assert_string_equal(a.pwd, "secret");
  assert_string_equal(a.fingerprint_algorithm, "sha-256");
  assert_string_equal(a.fingerprint, "AA:BB");
  assert_int_equal(a.candidate_count, 1);
  assert_string_equal(a.candidates[0].address, "192.0.2.1");
  assert_int_equal(a.candidates[0].port, 40000);
  assert_int_equal(a.slot_count, 2);
  assert_int_equal(a.slots[0].ssrc, 100);
  assert_int_equal(a.slots[0].rtx_ssrc, 200);
  assert_true(a.slots[0].video);
  assert_int_equal(a.slots[1].mid, 2);
  assert_int_equal(a.slots[1].ssrc, 300);
  assert_int_equal(a.rejected, 1);
}

static void an_offer_is_answered_section_by_section(void **state) {
  (void)state;
  static const char offer[] =
      "v=0\r\na=group:BUNDLE 0 1\r\na=ice-lite\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
      "a=sendonly\r\na=rtpmap:111 opus/48000/2\r\na=extmap:1 urn:x\r\na=setup:actpass\r\n"
      "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=sendonly\r\na=rtpmap:96 VP8/90000\r\n";
  const struct offer_plan plan = {.ufrag = "u", .pwd = "p", .fingerprint = "AA"};
  char answer[2000] = "";
  size_t len = answer_write(&plan, offer, answer, sizeof answer);
  assert_int_equal(len, strlen(answer));
  assert_non_null(strstr(answer, "a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"));
  assert_non_null(strstr(answer, "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"));
  assert_non_null(strstr(answer, "a=mid:1\r\na=rtpmap:96 VP8/90000\r\n"));
  assert_non_null(strstr(answer, "a=fingerprint:sha-256 AA\r\na=setup:active\r\n"));
  assert_null(strstr(answer, "sendonly"));
  assert_null(strstr(answer, "extmap"));
  assert_int_equal(answer_write(&plan, offer, answer, 200), 0);
}

static void what_is_missing_is_named(void **state) {
  (void)state;
  struct answer a;
  assert_non_null(strstr(answer_read(&a, ""), "ICE"));
  assert_non_null(strstr(answer_read(&a, "a=ice-ufrag:a\na=ice-pwd:b\n"), "fingerprint"));
  assert_non_null(strstr(answer_read(&a, "a=ice-ufrag:a\na=ice-pwd:b\na=fingerprint:sha-256 AA"), "candidate"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_sender_and_its_slots),
      cmocka_unit_test(data_channels_are_the_last_section),
      cmocka_unit_test(simulcast_announces_rids_instead_of_ssrcs),
      cmocka_unit_test(the_server_accepts_every_section),
      cmocka_unit_test(no_room_no_offer),
      cmocka_unit_test(an_answer_is_read),
      cmocka_unit_test(an_offer_is_answered_section_by_section),
      cmocka_unit_test(what_is_missing_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
