/* bench/load/description.c: see the header. */
#include "bench/load/description.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const rids[LOAD_MAX_LAYERS] = {"q", "h", "f"};

const char *offer_rid(unsigned layer) {
  return rids[layer < LOAD_MAX_LAYERS ? layer : LOAD_MAX_LAYERS - 1];
}

unsigned offer_mid_microphone(const struct offer_plan *plan) {
  (void)plan;
  return 0;
}

unsigned offer_mid_camera(const struct offer_plan *plan) {
  return plan->microphone ? 1 : 0;
}

unsigned offer_mid_first_slot(const struct offer_plan *plan) {
  return (plan->microphone ? 1U : 0U) + (plan->camera ? 1U : 0U);
}

struct text {
  char *at;
  size_t left;
  bool failed;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *t, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int n = vsnprintf(t->at, t->left, format, arguments);
  va_end(arguments);
  if (t->failed || n < 0 || (size_t)n >= t->left) {
    t->failed = true;
    return;
  }
  t->at += n;
  t->left -= (size_t)n;
}

/* What every section of the bundle carries. */
static void say_bundled(struct text *t, const struct offer_plan *plan, unsigned mid) {
  say(t, "c=IN IP4 0.0.0.0\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=ice-options:trickle\r\n", plan->ufrag, plan->pwd);
  say(t, "a=fingerprint:sha-256 %s\r\na=setup:%s\r\na=mid:%u\r\n", plan->fingerprint,
      plan->active ? "active" : "actpass", mid);
}

/* RFC 8841 §4.2, §5, §6. */
static void say_data(struct text *t, const struct offer_plan *plan, unsigned mid) {
  say(t, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n");
  say_bundled(t, plan, mid);
  say(t, "a=sctp-port:5000\r\na=max-message-size:262144\r\n");
}

static void say_transport(struct text *t, const struct offer_plan *plan, unsigned mid, const char *direction) {
  say_bundled(t, plan, mid);
  say(t, "a=rtcp:9 IN IP4 0.0.0.0\r\na=%s\r\na=rtcp-mux\r\na=rtcp-rsize\r\n", direction);
  say(t, "a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:mid\r\n", LOAD_EXT_MID);
  say(t, "a=extmap:%d http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n",
      LOAD_EXT_TRANSPORT_SEQ);
}

static void say_audio(struct text *t, const struct offer_plan *plan, unsigned mid, bool sends) {
  say(t, "m=audio 9 UDP/TLS/RTP/SAVPF %d\r\n", LOAD_PT_OPUS);
  say_transport(t, plan, mid, sends ? "sendonly" : "recvonly");
  say(t, "a=extmap:%d urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n", LOAD_EXT_AUDIO_LEVEL);
  say(t, "a=rtpmap:%d opus/48000/2\r\na=rtcp-fb:%d transport-cc\r\na=fmtp:%d minptime=10;useinbandfec=1\r\n",
      LOAD_PT_OPUS, LOAD_PT_OPUS, LOAD_PT_OPUS);
  if (sends) say(t, "a=msid:load m%u\r\na=ssrc:%u cname:load\r\n", mid, plan->audio_ssrc);
}

static void say_simulcast(struct text *t, unsigned layers) {
  for (unsigned i = 0; i < layers; i++)
    say(t, "a=rid:%s send\r\n", offer_rid(i));
  say(t, "a=simulcast:send ");
  for (unsigned i = 0; i < layers; i++)
    say(t, "%s%s", i ? ";" : "", offer_rid(i));
  say(t, "\r\n");
}

static void say_video(struct text *t, const struct offer_plan *plan, unsigned mid, bool sends) {
  say(t, "m=video 9 UDP/TLS/RTP/SAVPF %d %d\r\n", LOAD_PT_VP8, LOAD_PT_RTX);
  say_transport(t, plan, mid, sends ? "sendonly" : "recvonly");
  if (sends && plan->layers > 1) {
    say(t, "a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n", LOAD_EXT_RID);
    say(t, "a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n", LOAD_EXT_REPAIRED_RID);
  }
  static const char *const feedback[] = {"transport-cc", "ccm fir", "nack", "nack pli"};
  say(t, "a=rtpmap:%d VP8/90000\r\n", LOAD_PT_VP8);
  for (size_t i = 0; i < sizeof feedback / sizeof *feedback; i++)
    say(t, "a=rtcp-fb:%d %s\r\n", LOAD_PT_VP8, feedback[i]);
  say(t, "a=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d\r\n", LOAD_PT_RTX, LOAD_PT_RTX, LOAD_PT_VP8);
  if (!sends) return;
  say(t, "a=msid:load m%u\r\n", mid);
  if (plan->layers > 1) {
    say_simulcast(t, plan->layers);
  } else {
    say(t, "a=ssrc-group:FID %u %u\r\na=ssrc:%u cname:load\r\na=ssrc:%u cname:load\r\n", plan->video_ssrc[0],
        plan->rtx_ssrc[0], plan->video_ssrc[0], plan->rtx_ssrc[0]);
  }
}

// NOLINTNEXTLINE(readability-non-const-parameter): say() writes through the copy in `t`
size_t offer_write(const struct offer_plan *plan, char *out, size_t cap) {
  struct text t = {out, cap, false};
  unsigned count = offer_mid_first_slot(plan) + plan->audio_slots + plan->video_slots + plan->data, mid = 0;
  say(&t, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE");
  for (unsigned i = 0; i < count; i++)
    say(&t, " %u", i);
  say(&t, "\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS *\r\n");
  if (plan->microphone) say_audio(&t, plan, mid++, true);
  if (plan->camera) say_video(&t, plan, mid++, true);
  for (unsigned i = 0; i < plan->audio_slots; i++)
    say_audio(&t, plan, mid++, false);
  for (unsigned i = 0; i < plan->video_slots; i++)
    say_video(&t, plan, mid++, false);
  if (plan->data) say_data(&t, plan, mid);
  return t.failed ? 0 : cap - t.left;
}

/* ---- the answer ---- */

/* Copies the text up to the next blank or line end. */
static void take_word(const char *from, char *to, size_t cap) {
  size_t len = strcspn(from, " \r\n");
  if (len >= cap) len = cap - 1;
  memcpy(to, from, len);
  to[len] = '\0';
}

static const char *after(const char *line, const char *prefix) {
  size_t len = strlen(prefix);
  return strncmp(line, prefix, len) == 0 ? line + len : NULL;
}

/* candidate:FOUNDATION COMPONENT udp PRIORITY ADDRESS PORT typ host */
static void read_candidate(struct answer *out, const char *text) {
  char words[6][46] = {{0}};
  size_t count = 0;
  for (const char *at = text; count < 6; count++) {
    take_word(at, words[count], sizeof words[0]);
    at = strpbrk(at, " \r\n");
    if (!at || *at != ' ') break;
    at++;
  }
  unsigned long port = strtoul(words[5], NULL, 10);
  if (out->candidate_count == LOAD_MAX_CANDIDATES || strcasecmp(words[2], "udp") != 0 || port == 0 || port > 65535)
    return;
  memcpy(out->candidates[out->candidate_count].address, words[4], sizeof words[4]);
  out->candidates[out->candidate_count++].port = (uint16_t)port;
}

struct section {
  bool open, video, sends, rejected;
  unsigned mid;
  uint32_t ssrc, rtx_ssrc;
};

static void close_section(struct answer *out, const struct section *s) {
  if (!s->open) return;
  if (s->rejected) {
    out->rejected++;
  } else if (s->sends && s->ssrc && out->slot_count < LOAD_MAX_SLOTS) {
    out->slots[out->slot_count++] = (struct answer_slot){s->mid, s->ssrc, s->rtx_ssrc, s->video};
  }
}

static void read_section_line(struct section *s, const char *line) {
  const char *value;
  if ((value = after(line, "a=mid:"))) {
    s->mid = (unsigned)strtoul(value, NULL, 10);
  } else if (after(line, "a=sendonly") || after(line, "a=sendrecv")) {
    s->sends = true;
  } else if ((value = after(line, "a=ssrc-group:FID "))) {
    char *next;
    s->ssrc = (uint32_t)strtoul(value, &next, 10);
    s->rtx_ssrc = (uint32_t)strtoul(next, NULL, 10);
  } else if ((value = after(line, "a=ssrc:")) && !s->ssrc) {
    s->ssrc = (uint32_t)strtoul(value, NULL, 10);
  }
}

static void read_line(struct answer *out, struct section *s, const char *line) {
  const char *value;
  if ((value = after(line, "m="))) {
    close_section(out, s);
    *s = (struct section){.open = true, .video = strncmp(value, "video ", 6) == 0};
    const char *port = strchr(value, ' ');
    s->rejected = port && strtoul(port + 1, NULL, 10) == 0;
  } else if ((value = after(line, "a=ice-ufrag:"))) {
    take_word(value, out->ufrag, sizeof out->ufrag);
  } else if ((value = after(line, "a=ice-pwd:"))) {
    take_word(value, out->pwd, sizeof out->pwd);
  } else if ((value = after(line, "a=fingerprint:"))) {
    take_word(value, out->fingerprint_algorithm, sizeof out->fingerprint_algorithm);
    const char *space = strchr(value, ' ');
    if (space) take_word(space + 1, out->fingerprint, sizeof out->fingerprint);
  } else if ((value = after(line, "a=sctp-port:"))) {
    out->sctp_port = (uint16_t)strtoul(value, NULL, 10);
  } else if ((value = after(line, "a=candidate:"))) {
    read_candidate(out, value);
  } else {
    read_section_line(s, line);
  }
}

const char *answer_read(struct answer *out, const char *sdp) {
  struct section section = {0};
  memset(out, 0, sizeof *out);
  for (const char *line = sdp; line && *line;) {
    read_line(out, &section, line);
    line = strchr(line, '\n');
    if (line) line++;
  }
  close_section(out, &section);
  if (!*out->ufrag || !*out->pwd) return "the answer has no ICE credentials";
  if (!*out->fingerprint) return "the answer has no fingerprint";
  if (!out->candidate_count) return "the answer has no UDP candidate";
  return NULL;
}

/* ---- our answer ---- */

/* Lines of the offer that say what is sent, and hold for the answer as well. */
static bool is_format_line(const char *line) {
  return after(line, "a=rtpmap:") || after(line, "a=fmtp:") || after(line, "a=rtcp-fb:") || after(line, "a=rtcp-mux");
}

// NOLINTNEXTLINE(readability-non-const-parameter): say() writes through the copy in `t`
size_t answer_write(const struct offer_plan *plan, const char *offer, char *out, size_t cap) {
  struct text t = {out, cap, false};
  bool in_section = false;
  say(&t, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n");
  for (const char *line = offer; line && *line;) {
    int len = (int)strcspn(line, "\r\n");
    if (after(line, "m=")) {
      in_section = true;
      say(&t, "%.*s\r\nc=IN IP4 0.0.0.0\r\na=recvonly\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", len, line, plan->ufrag,
          plan->pwd);
      say(&t, "a=fingerprint:sha-256 %s\r\na=setup:active\r\n", plan->fingerprint);
    } else if (after(line, "a=group:BUNDLE") || after(line, "a=mid:") || (in_section && is_format_line(line))) {
      say(&t, "%.*s\r\n", len, line);
    }
    line = strchr(line, '\n');
    if (line) line++;
  }
  return t.failed ? 0 : cap - t.left;
}
