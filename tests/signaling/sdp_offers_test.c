/* tests/signaling/sdp_offers_test.c: what the parser makes of real offers, section by section.
 *
 * Each section is written as one line: mid kind direction codec/pt[+rtx]{feedback}... ext=ids rids=… ssrcs=n[+rtx].
 * {N P F R T} stand for nack, nack pli, ccm fir, goog-remb, transport-cc. After a new capture, read the differences. */
#include <stdio.h>
#include <stdlib.h>

#include "signaling/sdp_choose.h"
#include "tests/signaling/sdp_build.h"

static struct sdp_offer *load(const char *name) {
  static char text[SDP_MAX_BYTES];
  char path[512];
  snprintf(path, sizeof path, SDP_OFFERS_DIR "/%s.sdp", name);
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  size_t len = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[len] = '\0';
  return offer_of(text);
}

static void describe(const struct sdp_media *media, char *out, size_t cap) {
  static const char letters[SDP_FEEDBACK_COUNT + 1] = "NPFRT";
  size_t n = (size_t)snprintf(out, cap, "%s %s %s", media->mid, sdp_kind_name(media->kind),
                              sdp_direction_name(media->direction));
  for (size_t i = 0; i < media->codec_count; i++) {
    const struct sdp_codec *c = &media->codecs[i];
    n += (size_t)snprintf(out + n, cap - n, " %s/%u", c->name, c->pt);
    if (c->rtx_pt != SDP_NO_PT) n += (size_t)snprintf(out + n, cap - n, "+%d", c->rtx_pt);
    for (int bit = 0; bit < SDP_FEEDBACK_COUNT; bit++) {
      if ((c->feedback >> bit & 1) != 0) out[n++] = letters[bit];
    }
  }
  n += (size_t)snprintf(out + n, cap - n, " ext=");
  for (size_t i = 0; i < media->extension_count; i++) {
    n += (size_t)snprintf(out + n, cap - n, "%s%u", i > 0 ? "," : "", media->extensions[i].id);
  }
  n += (size_t)snprintf(out + n, cap - n, " rids=");
  for (size_t i = 0; i < media->rid_count; i++)
    n += (size_t)snprintf(out + n, cap - n, "%s", media->rids[i]);
  n += (size_t)snprintf(out + n, cap - n, " ssrcs=%zu", media->ssrc_count);
  if (media->ssrc_count > 0 && media->ssrcs[0].rtx_ssrc != 0) snprintf(out + n, cap - n, "+rtx");
}

static void expect_sections(const struct sdp_offer *offer, const char *const *expected, size_t count) {
  char line[2048];
  assert_int_equal(offer->media_count, count);
  for (size_t i = 0; i < count; i++) {
    describe(&offer->media[i], line, sizeof line);
    assert_string_equal(line, expected[i]);
    assert_int_equal(offer->media[i].unusable, SDP_USABLE);
  }
}

/* capture/transform_check.mjs holds the same files to an independent parser. */
static const char *const chromium_sections[] = {
    "0 audio sendonly opus/111T red/63 G722/9 PCMU/0 PCMA/8 CN/13 telephone-event/110 telephone-event/126"
    " ext=1,2,3,4 rids= ssrcs=1",
    "1 video sendonly VP8/96+97NPFRT H264/102+103NPFRT H264/104+107NPFRT H264/108+109NPFRT H264/114+115NP"
    "FRT H264/116+117NPFRT H264/39+40NPFRT AV1/45+46NPFRT VP9/98+99NPFRT VP9/100+101NPFRT red/118+119 ulp"
    "fec/120 ext=14,2,13,3,5,6,7,8,4,10,11,12,9 rids=qhf ssrcs=0",
    "2 video sendonly VP8/96+97NPFRT H264/102+103NPFRT H264/104+107NPFRT H264/108+109NPFRT H264/114+115NP"
    "FRT H264/116+117NPFRT H264/39+40NPFRT AV1/45+46NPFRT VP9/98+99NPFRT VP9/100+101NPFRT red/118+119 ulp"
    "fec/120 ext=14,2,13,3,5,6,7,8,4,10,11,12,9 rids= ssrcs=1+rtx",
    "3 audio recvonly opus/111T red/63 G722/9 PCMU/0 PCMA/8 CN/13 telephone-event/110 telephone-event/126"
    " ext=1,2,3,4 rids= ssrcs=0",
    "4 audio recvonly opus/111T red/63 G722/9 PCMU/0 PCMA/8 CN/13 telephone-event/110 telephone-event/126"
    " ext=1,2,3,4 rids= ssrcs=0",
    "5 video recvonly VP8/96+97NPFRT VP9/98+99NPFRT VP9/100+101NPFRT VP9/35+36NPFRT VP9/37+38NPFRT H264/1"
    "02+103NPFRT H264/104+107NPFRT H264/108+109NPFRT H264/114+115NPFRT H264/116+117NPFRT H264/39+40NPFRT "
    "H264/41+42NPFRT H264/43+44NPFRT AV1/45+46NPFRT AV1/47+48NPFRT red/118+119 ulpfec/120 flexfec-03/49RT"
    " ext=14,2,13,3,5,6,7,8,4,10,11,12,9 rids= ssrcs=0",
    "6 video recvonly VP8/96+97NPFRT VP9/98+99NPFRT VP9/100+101NPFRT VP9/35+36NPFRT VP9/37+38NPFRT H264/1"
    "02+103NPFRT H264/104+107NPFRT H264/108+109NPFRT H264/114+115NPFRT H264/116+117NPFRT H264/39+40NPFRT "
    "H264/41+42NPFRT H264/43+44NPFRT AV1/45+46NPFRT AV1/47+48NPFRT red/118+119 ulpfec/120 flexfec-03/49RT"
    " ext=14,2,13,3,5,6,7,8,4,10,11,12,9 rids= ssrcs=0",
    "7 application sendrecv ext= rids= ssrcs=0",
};

static const char *const chromium_munged_sections[] = {
    "0 audio sendonly opus/111NT red/63 G722/9 PCMU/0 PCMA/8 CN/13 telephone-event/110 telephone-event/12"
    "6 ext=1,2,3,4 rids= ssrcs=1",
    "1 video sendonly VP8/96+97NPFRT H264/102+103NPFRT H264/104+107NPFRT H264/108+109NPFRT H264/114+115NP"
    "FRT H264/116+117NPFRT H264/39+40NPFRT AV1/45+46NPFRT VP9/98+99NPFRT VP9/100+101NPFRT red/118+119 ulp"
    "fec/120 ext=14,2,13,3,5,6,7,8,4,10,11,12,9 rids=qhf ssrcs=0",
    "2 video sendonly VP8/96+97NPFRT H264/102+103NPFRT H264/104+107NPFRT H264/108+109NPFRT H264/114+115NP"
    "FRT H264/116+117NPFRT H264/39+40NPFRT AV1/45+46NPFRT VP9/98+99NPFRT VP9/100+101NPFRT red/118+119 ulp"
    "fec/120 ext=14,2,13,3,5,6,7,8,4,10,11,12,9 rids= ssrcs=1+rtx",
    "3 audio recvonly opus/111NT red/63 G722/9 PCMU/0 PCMA/8 CN/13 telephone-event/110 telephone-event/12"
    "6 ext=1,2,3,4 rids= ssrcs=0",
    "4 video recvonly VP8/96+97NPFRT VP9/98+99NPFRT VP9/100+101NPFRT VP9/35+36NPFRT VP9/37+38NPFRT H264/1"
    "02+103NPFRT H264/104+107NPFRT H264/108+109NPFRT H264/114+115NPFRT H264/116+117NPFRT H264/39+40NPFRT "
    "H264/41+42NPFRT H264/43+44NPFRT AV1/45+46NPFRT AV1/47+48NPFRT red/118+119 ulpfec/120 flexfec-03/49RT"
    " ext=14,2,13,3,5,6,7,8,4,10,11,12,9 rids= ssrcs=0",
    "5 application sendrecv ext= rids= ssrcs=0",
};

static const char *const firefox_sections[] = {
    "0 audio sendonly opus/109T G722/9T PCMU/0T PCMA/8T telephone-event/101 ext=1,2,3,7 rids= ssrcs=1",
    "1 video sendonly VP8/120+124NPFRT VP9/121+125NPFRT AV1/99+100NPFRT ulpfec/123NPFRT red/122+119NPFRT "
    "ext=3,4,5,6,7,8,9,10 rids=qhf ssrcs=3+rtx",
    "2 video sendonly VP8/120+124NPFRT VP9/121+125NPFRT AV1/99+100NPFRT ulpfec/123NPFRT red/122+119NPFRT "
    "ext=3,4,5,6,7,8,9,10 rids= ssrcs=1+rtx",
    "3 audio recvonly opus/109T G722/9T PCMU/0T PCMA/8T telephone-event/101 ext=1,2,3,7 rids= ssrcs=1",
    "4 audio recvonly opus/109T G722/9T PCMU/0T PCMA/8T telephone-event/101 ext=1,2,3,7 rids= ssrcs=1",
    "5 video recvonly VP8/120+124NPFRT VP9/121+125NPFRT AV1/99+100NPFRT ulpfec/123NPFRT red/122+119NPFRT "
    "ext=3,4,5,6,7,8,9,10 rids= ssrcs=1",
    "6 video recvonly VP8/120+124NPFRT VP9/121+125NPFRT AV1/99+100NPFRT ulpfec/123NPFRT red/122+119NPFRT "
    "ext=3,4,5,6,7,8,9,10 rids= ssrcs=1",
    "7 application sendrecv ext= rids= ssrcs=0",
};

static const char *const wrtc_sections[] = {
    "0 audio sendonly opus/111T red/63 ISAC/103 ISAC/104 G722/9 ILBC/102 PCMU/0 PCMA/8 CN/106 CN/105 CN/1"
    "3 telephone-event/110 telephone-event/112 telephone-event/113 telephone-event/126 ext=1,2,3,4 rids= "
    "ssrcs=1",
    "1 video sendonly VP8/96+97NPFRT AV1/39+40NPFRT VP9/98+99NPFRT VP9/100+101NPFRT red/125+124 ulpfec/12"
    "7 ext=14,2,13,3,5,6,7,8,4,10,11 rids=qhf ssrcs=0",
    "2 audio recvonly opus/111T red/63 ISAC/103 ISAC/104 G722/9 ILBC/102 PCMU/0 PCMA/8 CN/106 CN/105 CN/1"
    "3 telephone-event/110 telephone-event/112 telephone-event/113 telephone-event/126 ext=1,2,3,4 rids= "
    "ssrcs=0",
    "3 video recvonly VP8/96+97NPFRT VP9/98+99NPFRT VP9/100+101NPFRT VP9/35+36NPFRT VP9/37+38NPFRT AV1/39"
    "+40NPFRT red/125+124 ulpfec/127 flexfec-03/41RT ext=14,2,13,3,5,6,7,8,4,10,11 rids= ssrcs=0",
    "4 application sendrecv ext= rids= ssrcs=0",
};

static const char *const aiortc_sections[] = {
    "0 audio sendrecv opus/96 PCMU/0 PCMA/8 ext=1,2 rids= ssrcs=1",
    "1 video sendrecv VP8/97+98NPR H264/99+100NPR H264/101+102NPR ext=1,2 rids= ssrcs=1+rtx",
    "2 application sendrecv ext= rids= ssrcs=0",
};

static const char *const webrtcbin_sections[] = {
    "video0 video sendrecv VP8/96PFT ext= rids= ssrcs=1",
    "audio1 audio sendrecv OPUS/97T ext= rids= ssrcs=1",
    "application2 application sendrecv ext= rids= ssrcs=0",
};

#define EXPECT(offer, sections) expect_sections(offer, sections, sizeof(sections) / sizeof((sections)[0]))

static void chromium(void **state) {
  (void)state;
  struct sdp_offer *offer = load("chromium");
  EXPECT(offer, chromium_sections);
  assert_true(offer->extmap_allow_mixed);
  assert_int_equal(strlen(offer->ice_ufrag), 4);
  assert_int_equal(offer->setup, SDP_SETUP_ACTPASS);
  assert_string_equal(offer->media[0].codecs[0].fmtp, "minptime=10;useinbandfec=1");
  assert_string_equal(offer->media[0].codecs[1].fmtp, "111/111");
  assert_string_equal(offer->media[1].extensions[8].uri, sdp_extension_uri(SDP_EXTENSION_MID));
  assert_null(offer->media[3].cname);
  assert_int_equal(offer->sctp.port, 5000);
  assert_int_equal(offer->sctp.max_message_size, 262144);
  sdp_offer_free(offer);
}

static void chromium_munged(void **state) {
  (void)state;
  struct sdp_offer *offer = load("chromium-munged");
  EXPECT(offer, chromium_munged_sections);
  assert_string_equal(offer->media[0].codecs[0].fmtp, "minptime=10;stereo=1;usedtx=1;useinbandfec=1");
  sdp_offer_free(offer);
}

static void firefox(void **state) {
  (void)state;
  struct sdp_offer *offer = load("firefox");
  EXPECT(offer, firefox_sections);
  assert_int_equal(offer->fingerprint_count, 1); /* session level */
  assert_int_equal(offer->media[1].extensions[3].direction, SDP_RECVONLY);
  assert_int_equal(offer->media[1].extensions[5].direction, SDP_SENDONLY);
  assert_int_equal(offer->media[0].msid[0], '{');
  assert_int_equal(offer->media[0].cname[0], '{');
  assert_int_equal(offer->sctp.max_message_size, 1073741823);
  sdp_offer_free(offer);
}

static void wrtc(void **state) {
  (void)state;
  struct sdp_offer *offer = load("wrtc");
  EXPECT(offer, wrtc_sections);
  assert_memory_equal(offer->media[0].msid, "- ", 2);
  sdp_offer_free(offer);
}

static void aiortc(void **state) {
  (void)state;
  struct sdp_offer *offer = load("aiortc");
  EXPECT(offer, aiortc_sections);
  assert_true(offer->sctp.legacy);
  assert_int_equal(offer->sctp.max_message_size, 65536);
  assert_string_equal(offer->media[2].proto, "DTLS/SCTP");
  assert_false(offer->extmap_allow_mixed);
  sdp_offer_free(offer);
}

static void webrtcbin(void **state) {
  (void)state;
  struct sdp_offer *offer = load("webrtcbin");
  EXPECT(offer, webrtcbin_sections);
  assert_int_equal(strlen(offer->ice_ufrag), 32);
  assert_non_null(strchr(offer->media[0].msid, ' '));    /* only said with a=ssrc */
  assert_int_equal(offer->sctp.max_message_size, 65536); /* not said: RFC 8841 */
  sdp_offer_free(offer);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(chromium), cmocka_unit_test(chromium_munged),
                                     cmocka_unit_test(firefox),  cmocka_unit_test(wrtc),
                                     cmocka_unit_test(aiortc),   cmocka_unit_test(webrtcbin)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
