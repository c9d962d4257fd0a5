/* signaling/sdp_choose.c: the negotiation policy: codecs, feedback, extensions, directions. */
#include "signaling/sdp_choose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "signaling/sdp_answer.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const codec_names[] = {"none", "opus", "red", "VP8", "H264", "VP9", "AV1"};

static const char *const extension_uris[SDP_EXTENSION_COUNT] = {
    [SDP_EXTENSION_MID] = "urn:ietf:params:rtp-hdrext:sdes:mid",
    [SDP_EXTENSION_RID] = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    [SDP_EXTENSION_REPAIRED_RID] = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    [SDP_EXTENSION_AUDIO_LEVEL] = "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    [SDP_EXTENSION_TRANSPORT_CC] = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    [SDP_EXTENSION_ABS_SEND_TIME] = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    [SDP_EXTENSION_VIDEO_ORIENTATION] = "urn:3gpp:video-orientation",
    [SDP_EXTENSION_DEPENDENCY_DESCRIPTOR] =
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    [SDP_EXTENSION_ABS_CAPTURE_TIME] = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    [SDP_EXTENSION_PLAYOUT_DELAY] = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
};

/* Parameters that an answer echoes. sprop-* says what the offerer sends and max-fs/max-fr what it can take: not ours to say. */
static const char *const opus_parameters[] = {
    "minptime", "maxptime",          "ptime",           "useinbandfec", "usedtx",
    "stereo",   "maxaveragebitrate", "maxplaybackrate", "cbr",          NULL};
static const char *const h264_parameters[] = {"level-asymmetry-allowed", "packetization-mode", "profile-level-id",
                                              NULL};
static const char *const vp9_parameters[] = {"profile-id", NULL};
static const char *const av1_parameters[] = {"level-idx", "profile", "tier", NULL};

void sdp_policy_default(struct sdp_policy *policy) {
  *policy = (struct sdp_policy){
      .video = {SDP_CODEC_VP8, SDP_CODEC_H264},
      .video_count = 2,
      .red = SDP_RED_OFF,
      .extensions = ((1U << SDP_EXTENSION_COUNT) - 1) & ~(1U << SDP_EXTENSION_ABS_CAPTURE_TIME),
      .max_audio = 32,
      .max_video = 32,
      .data = true,
      .sctp_port = 5000,
      .max_message_size = 65536,
  };
}

int sdp_policy_set_video(struct sdp_policy *policy, const char *list) {
  enum sdp_codec_id video[SDP_VIDEO_CODECS];
  size_t count = 0;
  for (const char *p = list;; p++) {
    size_t len = strcspn(p, ",");
    enum sdp_codec_id id = SDP_CODEC_NONE;
    for (enum sdp_codec_id i = SDP_CODEC_VP8; i <= SDP_CODEC_AV1; i++) {
      if (strlen(codec_names[i]) == len && strncasecmp(codec_names[i], p, len) == 0) id = i;
    }
    for (size_t i = 0; i < count; i++) {
      if (video[i] == id) return -1;
    }
    if (id == SDP_CODEC_NONE || count == SDP_VIDEO_CODECS) return -1;
    video[count++] = id;
    p += len;
    if (*p == '\0') break;
  }
  memcpy(policy->video, video, count * sizeof video[0]);
  policy->video_count = count;
  return 0;
}

static bool is_named(const struct sdp_codec *codec, const char *name, uint32_t clock, uint8_t channels) {
  return strcasecmp(codec->name, name) == 0 && codec->clock == clock && codec->channels == channels;
}

enum sdp_codec_id sdp_codec_identify(enum sdp_kind kind, const struct sdp_codec *codec) {
  if (kind == SDP_AUDIO) {
    if (is_named(codec, "opus", 48000, 2)) return SDP_CODEC_OPUS; /* RFC 7587 §7: always 48000/2 */
    return is_named(codec, "red", 48000, 2) ? SDP_CODEC_RED : SDP_CODEC_NONE;
  }
  if (kind != SDP_VIDEO) return SDP_CODEC_NONE;
  if (is_named(codec, "VP8", 90000, 1)) return SDP_CODEC_VP8;
  if (is_named(codec, "H264", 90000, 1)) return SDP_CODEC_H264;
  if (is_named(codec, "VP9", 90000, 1) && sdp_fmtp_number(codec->fmtp, "profile-id", 0) == 0) return SDP_CODEC_VP9;
  if (is_named(codec, "AV1", 90000, 1) && sdp_fmtp_number(codec->fmtp, "profile", 0) == 0) return SDP_CODEC_AV1;
  return SDP_CODEC_NONE;
}

const char *sdp_codec_id_name(enum sdp_codec_id id) {
  return (size_t)id < COUNT(codec_names) ? codec_names[id] : "none";
}

int sdp_extension_identify(const char *uri) {
  for (int i = 0; i < SDP_EXTENSION_COUNT; i++) {
    if (strcmp(extension_uris[i], uri) == 0) return i;
  }
  return -1;
}

const char *sdp_extension_uri(enum sdp_extension_id id) {
  return (size_t)id < SDP_EXTENSION_COUNT ? extension_uris[id] : "";
}

/* How good an H264 variant is for forwarding: every decoder has constrained baseline, and mode 1 allows the fragmentation that
 * a 1200-byte packet needs. RFC 6184 §8.1: without profile-level-id it is baseline, without packetization-mode mode 0. */
static int rank_h264(const struct sdp_codec *codec) {
  size_t len = 0;
  const char *value = sdp_fmtp_find(codec->fmtp, "profile-level-id", &len);
  char hex[7] = "42000a";
  if (value != NULL && len == 6) memcpy(hex, value, 6);
  unsigned long id = strtoul(hex, NULL, 16);
  unsigned profile = (unsigned)(id >> 16);
  unsigned constraints = (unsigned)(id >> 8) & 0xff;
  int rank = sdp_fmtp_number(codec->fmtp, "packetization-mode", 0) == 1 ? 8 : 0;
  if (profile == 0x42) rank += (constraints & 0x40) != 0 ? 4 : 3; /* constraint_set1_flag: constrained baseline */
  if (profile == 0x4d) rank += (constraints & 0x80) != 0 ? 4 : 2; /* main with constraint_set0_flag: likewise */
  if (profile == 0x64) rank += 1;
  return rank;
}

/* The best offered variant of a codec: for H264 by rank, else the first. */
static const struct sdp_codec *find_best(const struct sdp_media *media, enum sdp_codec_id id) {
  const struct sdp_codec *best = NULL;
  for (size_t i = 0; i < media->codec_count; i++) {
    const struct sdp_codec *codec = &media->codecs[i];
    if (sdp_codec_identify(media->kind, codec) != id) continue;
    if (best == NULL || (id == SDP_CODEC_H264 && rank_h264(codec) > rank_h264(best))) best = codec;
  }
  return best;
}

/* RFC 2198 §5: RED's fmtp lists the payload types inside; all of them must be that Opus. */
static const struct sdp_codec *find_red(const struct sdp_media *media, const struct sdp_codec *opus) {
  const struct sdp_codec *red = find_best(media, SDP_CODEC_RED);
  char block[4];
  if (red == NULL || red->fmtp == NULL) return NULL;
  size_t len = (size_t)snprintf(block, sizeof block, "%u", opus->pt);
  for (const char *p = red->fmtp;; p++) {
    if (strncmp(p, block, len) != 0) return NULL;
    p += len;
    if (*p == '\0') return red;
    if (*p != '/') return NULL;
  }
}

static size_t add(uint8_t *pts, size_t n, const struct sdp_codec *codec, bool with_rtx) {
  if (codec == NULL) return n;
  pts[n++] = codec->pt;
  if (with_rtx && codec->rtx_pt != SDP_NO_PT) pts[n++] = (uint8_t)codec->rtx_pt;
  return n;
}

size_t sdp_choose_codecs(const struct sdp_media *media, const struct sdp_policy *policy, uint8_t pts[SDP_MAX_PTS]) {
  size_t n = 0;
  if (media->kind == SDP_AUDIO) {
    const struct sdp_codec *opus = find_best(media, SDP_CODEC_OPUS);
    const struct sdp_codec *red = opus != NULL && policy->red != SDP_RED_OFF ? find_red(media, opus) : NULL;
    if (policy->red == SDP_RED_PREFER) n = add(pts, n, red, false);
    n = add(pts, n, opus, false); /* RTX for audio: browsers do not offer it, and at 20 ms a packet it comes too late */
    if (policy->red == SDP_RED_ACCEPT) n = add(pts, n, red, false);
    return n;
  }
  for (size_t i = 0; media->kind == SDP_VIDEO && i < policy->video_count; i++) {
    n = add(pts, n, find_best(media, policy->video[i]), true);
  }
  return n;
}

unsigned sdp_choose_feedback(enum sdp_kind kind, const struct sdp_codec *codec) {
  unsigned feedback = codec->feedback;
  if ((feedback & SDP_FEEDBACK_TRANSPORT_CC) != 0) feedback &= ~(unsigned)SDP_FEEDBACK_GOOG_REMB;
  if (kind == SDP_AUDIO) feedback &= SDP_FEEDBACK_NACK | SDP_FEEDBACK_TRANSPORT_CC;
  return sdp_codec_identify(kind, codec) == SDP_CODEC_NONE ? 0 : feedback;
}

static const char *const *parameters_of(enum sdp_codec_id id) {
  switch (id) {
    case SDP_CODEC_OPUS:
      return opus_parameters;
    case SDP_CODEC_H264:
      return h264_parameters;
    case SDP_CODEC_VP9:
      return vp9_parameters;
    case SDP_CODEC_AV1:
      return av1_parameters;
    default:
      return NULL;
  }
}

size_t sdp_choose_fmtp(enum sdp_kind kind, const struct sdp_codec *codec, char out[SDP_MAX_FMTP_BYTES + 1]) {
  enum sdp_codec_id id = sdp_codec_identify(kind, codec);
  const char *const *names = parameters_of(id);
  size_t n = 0;
  out[0] = '\0';
  if (codec->fmtp == NULL) return 0;
  if (id == SDP_CODEC_RED) n = (size_t)snprintf(out, SDP_MAX_FMTP_BYTES + 1, "%s", codec->fmtp);
  for (; names != NULL && *names != NULL; names++) {
    size_t len = 0;
    const char *value = sdp_fmtp_find(codec->fmtp, *names, &len);
    if (value == NULL || len == 0 || n + strlen(*names) + len + 2 > SDP_MAX_FMTP_BYTES) continue;
    n += (size_t)snprintf(out + n, SDP_MAX_FMTP_BYTES + 1 - n, "%s%s=%.*s", n > 0 ? ";" : "", *names, (int)len, value);
  }
  return n;
}

static bool has_extension(const struct sdp_media *media, const struct sdp_policy *policy, enum sdp_extension_id id) {
  if ((policy->extensions & 1U << id) == 0) return false;
  for (size_t i = 0; i < media->extension_count; i++) {
    if (sdp_extension_identify(media->extensions[i].uri) == (int)id) return true;
  }
  return false;
}

size_t sdp_choose_extensions(const struct sdp_media *media, const struct sdp_policy *policy,
                             struct sdp_extension out[SDP_MAX_EXTENSIONS]) {
  uint32_t wanted = policy->extensions;
  size_t n = 0;
  if (has_extension(media, policy, SDP_EXTENSION_TRANSPORT_CC)) wanted &= ~(1U << SDP_EXTENSION_ABS_SEND_TIME);
  if (media->rid_count == 0) wanted &= ~(1U << SDP_EXTENSION_RID | 1U << SDP_EXTENSION_REPAIRED_RID);
  if (media->kind == SDP_VIDEO) wanted &= ~(1U << SDP_EXTENSION_AUDIO_LEVEL);
  for (size_t i = 0; i < media->extension_count; i++) {
    int id = sdp_extension_identify(media->extensions[i].uri);
    if (id < 0 || (wanted & 1U << id) == 0) continue;
    wanted &= ~(1U << id); /* the same extension under two ids: the first is enough */
    out[n++] = media->extensions[i];
  }
  return n;
}

enum sdp_direction sdp_choose_direction(enum sdp_direction offered) {
  return sdp_direction_mirror(offered);
}
