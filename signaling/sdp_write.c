/* signaling/sdp_write.c: the answer as text (RFC 8829 §5.3), section by section in the offer's order. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "signaling/sdp_answer.h"
#include "signaling/sdp_choose.h"

struct writer {
  char *out;
  size_t cap;
  size_t len; /* of what was wanted; more than cap - 1 when it did not fit */
};

__attribute__((format(printf, 2, 3))) static void put(struct writer *w, const char *format, ...) {
  va_list args;
  va_start(args, format);
  size_t room = w->len < w->cap ? w->cap - w->len : 0;
  int n = vsnprintf(room > 0 ? w->out + w->len : NULL, room, format, args);
  va_end(args);
  w->len = n < 0 ? w->cap : w->len + (size_t)n;
}

static const struct sdp_answer_media *find_accepted(const struct sdp_answer *answer, const char *mid) {
  for (size_t i = 0; mid[0] != '\0' && i < answer->media_count; i++) {
    const struct sdp_answer_media *m = &answer->media[i];
    if (m->accepted && strcmp(m->mid, mid) == 0) return m;
  }
  return NULL;
}

static void put_session(struct writer *w, const struct sdp_answer *answer, const struct sdp_offer *offer) {
  put(w, "v=0\r\no=- %llu %llu IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", (unsigned long long)answer->origin_id,
      (unsigned long long)answer->origin_version);
  if (offer->bundle) {
    put(w, "a=group:BUNDLE");
    for (size_t i = 0; i < offer->media_count; i++) {
      if (find_accepted(answer, offer->media[i].mid) != NULL) put(w, " %s", offer->media[i].mid);
    }
    put(w, "\r\n");
  }
  if (offer->extmap_allow_mixed) put(w, "a=extmap-allow-mixed\r\n");
  put(w, "a=msid-semantic: WMS *\r\na=ice-lite\r\na=ice-options:ice2\r\n");
}

/* RFC 8829 §5.3.1: a rejected section keeps its m= line with port 0; its one format only fills the grammar. */
static void put_rejected(struct writer *w, const struct sdp_media *offered) {
  put(w, "m=%s 0 %s %s\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n", offered->type, offered->proto, offered->fmt);
  if (offered->mid[0] != '\0') put(w, "a=mid:%s\r\n", offered->mid);
}

static bool is_ipv6(const char *address) {
  return strchr(address, ':') != NULL;
}

/* RFC 8839 §4.2.1: the default destination; all sections of a bundle share it (RFC 8843 §7.3). */
static void put_destination(struct writer *w, const struct sdp_answer *answer) {
  const char *address = answer->candidate_count > 0 ? answer->candidates[0].address : "0.0.0.0";
  put(w, "\r\nc=IN %s %s\r\n", is_ipv6(address) ? "IP6" : "IP4", address);
}

/* Credentials in every section, because stacks differ in what they inherit within a bundle; candidates only in the first,
 * where RFC 8843 §7.1.1 wants them. */
static void put_transport(struct writer *w, const struct sdp_answer *answer, bool first) {
  put(w, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", answer->ice_ufrag, answer->ice_pwd);
  put(w, "a=fingerprint:%s %s\r\na=setup:passive\r\n", answer->fingerprint.algorithm, answer->fingerprint.value);
  for (size_t i = 0; first && i < answer->candidate_count; i++) {
    const struct sdp_candidate *c = &answer->candidates[i];
    put(w, "a=candidate:%s 1 udp %u %s %u typ host\r\n", c->foundation, c->priority, c->address, c->port);
  }
  if (first) put(w, "a=end-of-candidates\r\n");
}

/* RFC 8285 §7: a direction that was offered is turned around. */
static void put_extension(struct writer *w, const struct sdp_extension *extension, const struct sdp_media *offered) {
  enum sdp_direction direction = SDP_SENDRECV;
  for (size_t i = 0; i < offered->extension_count; i++) {
    if (offered->extensions[i].id == extension->id) direction = sdp_direction_mirror(offered->extensions[i].direction);
  }
  put(w, "a=extmap:%u", extension->id);
  if (direction != SDP_SENDRECV) put(w, "/%s", sdp_direction_name(direction));
  put(w, " %s\r\n", extension->uri);
}

static void put_codec(struct writer *w, const struct sdp_media *offered, uint8_t pt) {
  char fmtp[SDP_MAX_FMTP_BYTES + 1];
  bool rtx = false;
  const struct sdp_codec *codec = sdp_offer_codec(offered, pt, &rtx);
  if (rtx) {
    put(w, "a=rtpmap:%u rtx/%u\r\na=fmtp:%u apt=%u\r\n", pt, codec->clock, pt, codec->pt);
    return;
  }
  put(w, "a=rtpmap:%u %s/%u", pt, codec->name, codec->clock);
  if (codec->channels > 1) put(w, "/%u", codec->channels);
  put(w, "\r\n");
  if (sdp_choose_fmtp(offered->kind, codec, fmtp) > 0) put(w, "a=fmtp:%u %s\r\n", pt, fmtp);
  unsigned feedback = sdp_choose_feedback(offered->kind, codec);
  for (unsigned bit = 1; bit < 1U << SDP_FEEDBACK_COUNT; bit <<= 1) {
    if ((feedback & bit) != 0) put(w, "a=rtcp-fb:%u %s\r\n", pt, sdp_feedback_name((enum sdp_feedback)bit));
  }
}

/* RFC 8853 §5.3.2: the answer turns the offered send layers around. */
static void put_layers(struct writer *w, const struct sdp_answer_media *m) {
  for (size_t i = 0; i < m->rid_count; i++)
    put(w, "a=rid:%s recv\r\n", m->rids[i]);
  for (size_t i = 0; i < m->rid_count; i++)
    put(w, "%s%s", i == 0 ? "a=simulcast:recv " : ";", m->rids[i]);
  if (m->rid_count > 0) put(w, "\r\n");
}

/* What flows on a slot. The track is named after the slot's mid. The stream is common to the n-th slot for sound and the n-th for
 * pictures: browsers play what is of one stream in sync (RFC 8830 §2, RFC 3550 §6.4.1), and the room gives one person a pair. */
static void put_slot(struct writer *w, const struct sdp_answer_media *m, unsigned place) {
  const char *cname = m->cname != NULL ? m->cname : m->mid;
  if (m->ssrc.ssrc == 0) return;
  put(w, "a=msid:slots%u %s\r\n", place, m->mid);
  if (m->ssrc.rtx_ssrc != 0) put(w, "a=ssrc-group:FID %u %u\r\n", m->ssrc.ssrc, m->ssrc.rtx_ssrc);
  put(w, "a=ssrc:%u cname:%s\r\n", m->ssrc.ssrc, cname);
  if (m->ssrc.rtx_ssrc != 0) put(w, "a=ssrc:%u cname:%s\r\n", m->ssrc.rtx_ssrc, cname);
}

static void put_rtp(struct writer *w, const struct sdp_answer *answer, const struct sdp_answer_media *m,
                    const struct sdp_media *offered, bool first, unsigned place) {
  put(w, "m=%s %u %s", offered->type, answer->candidate_count > 0 ? answer->candidates[0].port : 9, offered->proto);
  for (size_t i = 0; i < m->pt_count; i++)
    put(w, " %u", m->pts[i]);
  put_destination(w, answer);
  put(w, "a=mid:%s\r\na=%s\r\n", m->mid, sdp_direction_name(m->direction));
  put_transport(w, answer, first);
  put(w, "a=rtcp-mux\r\n");
  if (offered->rtcp_rsize) put(w, "a=rtcp-rsize\r\n");
  for (size_t i = 0; i < m->extension_count; i++)
    put_extension(w, &m->extensions[i], offered);
  for (size_t i = 0; i < m->pt_count; i++)
    put_codec(w, offered, m->pts[i]);
  put_layers(w, m);
  if ((m->direction & SDP_SENDONLY) != 0) put_slot(w, m, place);
}

static void put_data(struct writer *w, const struct sdp_answer *answer, const struct sdp_media *offered, bool legacy,
                     bool first) {
  const struct sdp_sctp *sctp = &answer->sctp;
  put(w, "m=%s %u %s ", offered->type, answer->candidate_count > 0 ? answer->candidates[0].port : 9, offered->proto);
  if (legacy) put(w, "%u", sctp->port);
  if (!legacy) put(w, "webrtc-datachannel");
  put_destination(w, answer);
  put(w, "a=mid:%s\r\n", offered->mid);
  put_transport(w, answer, first);
  if (legacy) put(w, "a=sctpmap:%u webrtc-datachannel 65535\r\n", sctp->port);
  if (!legacy) put(w, "a=sctp-port:%u\r\n", sctp->port);
  put(w, "a=max-message-size:%u\r\n", sctp->max_message_size);
}

int sdp_answer_write(const struct sdp_answer *answer, const struct sdp_offer *offer, char *out, size_t cap, size_t *len,
                     const char **fault_mid) {
  const char *ignored = NULL;
  struct writer w = {.cap = cap};
  w.out = out;
  if (fault_mid == NULL) fault_mid = &ignored;
  *fault_mid = NULL;
  int error = sdp_answer_check(answer, offer, fault_mid);
  if (error != SDP_OK) return error;
  put_session(&w, answer, offer);
  bool first = true;
  unsigned slots[2] = {0}; /* of sound, of pictures, so far */
  for (size_t i = 0; i < offer->media_count; i++) {
    const struct sdp_media *offered = &offer->media[i];
    const struct sdp_answer_media *m = find_accepted(answer, offered->mid);
    if (offered->type == NULL) return SDP_ERROR_ANSWER;
    if (m == NULL) put_rejected(&w, offered);
    if (m != NULL && offered->kind == SDP_APPLICATION) put_data(&w, answer, offered, offer->sctp.legacy, first);
    unsigned *place = &slots[offered->kind == SDP_VIDEO];
    if (m != NULL && offered->kind != SDP_APPLICATION) put_rtp(&w, answer, m, offered, first, *place);
    *place += m != NULL && m->ssrc.ssrc != 0;
    if (m != NULL) first = false;
  }
  if (w.len >= cap) return SDP_ERROR_TOO_LARGE;
  *len = w.len;
  return SDP_OK;
}
