/* See tests/sim/offer.h. */
#include "tests/sim/offer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signaling/sdp_json.h"
#include "tests/sim/wire.h"

struct text {
  char at[8192];
  size_t len;
};

__attribute__((format(printf, 2, 3))) static void line(struct text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  t->len += (size_t)vsnprintf(t->at + t->len, sizeof t->at - t->len, format, args);
  va_end(args);
  t->len += (size_t)snprintf(t->at + t->len, sizeof t->at - t->len, "\r\n");
  if (t->len >= sizeof t->at) abort();
}

static void common(struct text *t, const char *mid, const char *direction) {
  line(t, "c=IN IP4 0.0.0.0");
  line(t, "a=ice-ufrag:simulated");
  line(t, "a=ice-pwd:simulatedsimulatedsimulated");
  line(t,
       "a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:"
       "1D:1E:1F");
  line(t, "a=setup:actpass");
  line(t, "a=mid:%s", mid);
  line(t, "a=%s", direction);
  line(t, "a=rtcp-mux");
  line(t, "a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:mid", SIM_MID_ID);
}

static void towards_receivers(struct text *t) {
  line(t, "a=extmap:%d http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", SIM_TRANSPORT_ID);
  line(t, "a=extmap:%d http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", SIM_SEND_TIME_ID);
}

static void audio(struct text *t, const char *mid, bool sends, bool red) {
  line(t, red ? "m=audio 9 UDP/TLS/RTP/SAVPF %d %d" : "m=audio 9 UDP/TLS/RTP/SAVPF %d", SIM_OPUS, SIM_RED);
  common(t, mid, sends ? "sendonly" : "recvonly");
  line(t, "a=rtpmap:%d opus/48000/2", SIM_OPUS);
  if (red) line(t, "a=rtpmap:%d red/48000/2", SIM_RED);
  if (red) line(t, "a=fmtp:%d %d/%d", SIM_RED, SIM_OPUS, SIM_OPUS);
  if (!sends) line(t, "a=rtcp-fb:%d transport-cc", SIM_OPUS);
  if (!sends) towards_receivers(t);
  if (sends) line(t, "a=ssrc:%u cname:simulated", SIM_AUDIO_SSRC);
}

static void video(struct text *t, const char *mid, bool sends) {
  line(t, "m=video 9 UDP/TLS/RTP/SAVPF %d %d", SIM_VP8, SIM_VP8_RTX);
  common(t, mid, sends ? "sendonly" : "recvonly");
  line(t, "a=rtpmap:%d VP8/90000", SIM_VP8);
  line(t, "a=rtcp-fb:%d ccm fir", SIM_VP8);
  line(t, "a=rtcp-fb:%d nack", SIM_VP8);
  line(t, "a=rtcp-fb:%d nack pli", SIM_VP8);
  if (!sends) line(t, "a=rtcp-fb:%d transport-cc", SIM_VP8);
  line(t, "a=rtpmap:%d rtx/90000", SIM_VP8_RTX);
  line(t, "a=fmtp:%d apt=%d", SIM_VP8_RTX, SIM_VP8);
  if (!sends) {
    towards_receivers(t);
    line(t, "a=extmap:%d http://www.webrtc.org/experiments/rtp-hdrext/playout-delay", SIM_PLAYOUT_ID);
    return;
  }
  line(t, "a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", SIM_RID_ID);
  line(t, "a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", SIM_REPAIRED_RID_ID);
  line(t, "a=rid:q send");
  line(t, "a=rid:h send");
  line(t, "a=rid:f send");
  line(t, "a=simulcast:send q;h;f");
}

json_t *offer_make(bool publishes, int streams, bool red) {
  static struct text t;
  char mid[8], bundle[256] = "a=group:BUNDLE";
  t.len = 0;
  line(&t, "v=0");
  line(&t, "o=- 1 2 IN IP4 127.0.0.1");
  line(&t, "s=-");
  line(&t, "t=0 0");
  if (publishes) strcat(bundle, " " OFFER_MICROPHONE " " OFFER_CAMERA);
  for (int i = 0; i < 2 * streams; i++) {
    offer_slot_mid(mid, i & 1, i / 2);
    strcat(strcat(bundle, " "), mid);
  }
  line(&t, "%s", bundle);
  if (publishes) audio(&t, OFFER_MICROPHONE, true, false);
  if (publishes) video(&t, OFFER_CAMERA, true);
  for (int i = 0; i < streams; i++) {
    offer_slot_mid(mid, false, i);
    audio(&t, mid, false, red);
    offer_slot_mid(mid, true, i);
    video(&t, mid, false);
  }
  struct sdp_offer *offer;
  if (sdp_offer_parse(&offer, t.at, t.len, NULL)) abort();
  json_t *json = sdp_offer_to_json(offer);
  sdp_offer_free(offer);
  return json;
}

void offer_slot_mid(char out[8], bool video, int stream) {
  memcpy(out, (char[]){video ? 'v' : 'a', (char)('0' + stream), '\0'}, 3);
}

int offer_slot(const char *mid) {
  return mid[0] == 'v' || mid[0] == 'a' ? mid[1] - '0' : -1;
}

bool offer_is_video(const char *mid) {
  return mid[0] == 'v' || mid[0] == 'c';
}
